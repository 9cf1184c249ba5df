import type { Meaning } from "./meaning.ts";
import { positions } from "./positions.ts";

const atPositions = (tokens: readonly string[]) =>
  positions(tokens, { measure: "share", least: 1 });

/**
 * The next token at each position of an answer, as a language model gives it. Outputs
 * and targets are those of `positions`, whose classes are tokens; a sample is right
 * where all tokens of its answer are, which then is what greedy decoding gives.
 */
export const languageModel = (tokens: readonly string[]): Meaning => ({
  ...atPositions(tokens),
  // The commonest at each position. One token everywhere is no answer, and of a large
  // vocabulary there are too many to try.
  constants: (targets) =>
    atPositions(tokens).constants?.(targets).slice(0, 1) ?? [],
  broken: "its answer is not the wanted one, token for token",
});
