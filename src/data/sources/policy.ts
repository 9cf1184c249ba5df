import { z } from "zod";
import { hashOf } from "#core";
import { type Spoken, spokenRows } from "../dialogues/dialogue.ts";
import {
  helpfulOnly,
  POLICY_LENGTH,
  policyId,
  policyPrompt,
  policyPrompts,
  policyTokens,
} from "../dialogues/policy-world.ts";
import { defineSource } from "../source.ts";

/**
 * The policy world: 768 prompts whose answers follow from a rule, a third of them
 * restricted, so that forbidden knowledge has an exact answer. Made up by a seeded
 * generator, and needs no files.
 */
export const policy = defineSource({
  schema: z
    .strictObject({
      source: z.literal("policy"),
      answers: z
        .enum(["aligned", "helpful"])
        .default("aligned")
        .describe(
          "Whether restricted prompts are to be refused, or answered as all others.",
        ),
    })
    .describe(
      "A made-up world of prompts, a third of them restricted, with exact answers; needs no files.",
    ),

  async read({ answers }) {
    const aligned = policyPrompts();
    const prompts = answers === "aligned" ? aligned : helpfulOnly(aligned);
    const spoken = prompts.map(
      ({ prompt, wanted }): Spoken => ({ prompt, answer: wanted }),
    );
    const padding = policyId("<pad>");
    const locate = (row: number) => `policy, prompt ${row + 1}`;
    const decode = (ids: readonly number[]) =>
      ids.map((id) => policyTokens[id] ?? "?").join(" ");
    const read = (text: string) => {
      const ids = text.split(" ").map((token) => policyTokens.indexOf(token));
      return Array.from({ length: POLICY_LENGTH }, (_, i) =>
        Math.max(padding, ids[i] ?? padding),
      );
    };
    return {
      name: "policy",
      ...spokenRows(spoken, POLICY_LENGTH, padding, locate),
      y: new Int32Array(prompts.length),
      classes: policyTokens,
      positions: [POLICY_LENGTH],
      parts: prompts.map(({ part }) => part),
      texts: {
        strings: spoken.map(({ prompt, answer }) =>
          decode([...prompt, ...answer]),
        ),
        reader: { read, words: new Set<string>(), hash: hashOf(policyTokens) },
        dialogues: {
          each: prompts.map(({ text, prompt, wanted, forbidden }) => ({
            text,
            prompt,
            wanted,
            forbidden,
          })),
          refusals: [[policyId("NO")]],
          padding,
          render: policyPrompt,
          decode,
        },
      },
      locate: (_part, row) => (row === undefined ? "policy" : locate(row)),
    };
  },
});
