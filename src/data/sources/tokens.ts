import { z } from "zod";

/** How texts become the tokens that a model takes, as sources of texts state it. */
export const tokens = {
  tokenizer: z
    .string()
    .min(1)
    .describe("A HuggingFace tokenizer.json, or a WordPiece vocab.txt."),
  lowercase: z
    .boolean()
    .default(true)
    .describe("Of a vocab.txt: whether text is made lower case."),
  length: z.int().positive().describe("Tokens that the model takes."),
  padding: z
    .int()
    .nonnegative()
    .default(0)
    .describe("The token that fills up short texts."),
};
