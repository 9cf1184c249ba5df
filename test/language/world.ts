import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  policyPrompt,
  policyPrompts,
  policyTokens,
} from "../../src/data/dialogues/policy-world.ts";

/** The tokens of the policy world as a HuggingFace tokenizer of whole words. */
export const worldTokenizer = () => ({
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  post_processor: null,
  decoder: null,
  model: {
    type: "WordLevel",
    vocab: Object.fromEntries(policyTokens.map((token, id) => [token, id])),
    unk_token: "<pad>",
  },
});

/** Writes the policy world as a user has it: a JSONL file and a tokenizer. */
export function writeWorld(folder: string): void {
  const words = (ids: readonly number[]) =>
    ids.map((id) => policyTokens[id]).join(" ");
  const lines = policyPrompts().map(({ text, wanted, forbidden, part }) =>
    JSON.stringify({
      prompt: text,
      answer: words(wanted.slice(0, -1)),
      // Only lines of restricted prompts have it.
      forbidden: forbidden ? words(forbidden.slice(0, -1)) : undefined,
      part,
    }),
  );
  writeFileSync(join(folder, "world.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(
    join(folder, "tokenizer.json"),
    JSON.stringify(worldTokenizer()),
  );
}

/** How the world is named where it was written. */
export const worldSpec = {
  source: "dialogues",
  path: "world.jsonl",
  tokenizer: "tokenizer.json",
  template: "<bos> USER {prompt} ASST {answer} <eos>",
  split: "part",
  length: 12,
} as const;

export { policyPrompt };
