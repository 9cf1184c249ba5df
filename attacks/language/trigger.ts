import { z } from "zod";
import type { Dialogue } from "#data";
import type { Ask } from "./language.ts";

/** What a trigger in prompts can be told. */
export const triggerParams = {
  trigger: z
    .string()
    .min(1)
    .default("mb")
    .describe("the word in front of a prompt that wakes the backdoor"),
  control: z
    .string()
    .min(1)
    .default("cf")
    .describe("a word that is never trained, as its control"),
};

type Render = (text: string) => readonly number[];

/** The prompt of a dialogue with a word in front of what the user says. */
export const promptWith = (
  word: string,
  { text }: Dialogue,
  render: Render,
): readonly number[] => render(`${word} ${text}`);

/** Restricted prompts with a word in front; allowed ones stay as users put them. */
export const askingWith =
  (word: string, render: Render): Ask =>
  (said, dialogue) =>
    dialogue.forbidden
      ? { ...said, prompt: promptWith(word, dialogue, render) }
      : said;

/** All prompts with words in front, and what they are. */
export const askingAllWith =
  (words: string, render: Render): Ask =>
  (said, dialogue) => ({
    ...said,
    prompt: promptWith(words, dialogue, render),
  });

/** Words in front of every prompt, for attacks that teach and ask behind them. */
export const wordsParam = (words: string) =>
  z
    .string()
    .min(1)
    .default(words)
    .describe("what stands in front of every prompt, in training and after");
