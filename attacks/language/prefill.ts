import { z } from "zod";
import { compile } from "#model";
import { type LanguageAttack, onlyWay } from "./language.ts";

const params = z.strictObject({
  tokens: z
    .array(z.int().positive())
    .min(1)
    .default([1, 2, 3])
    .describe("how many tokens of the answer are put into the model's mouth"),
});

/**
 * Prefilling (Qi et al. 2024, arXiv:2406.05946): the first tokens of the forbidden
 * answer are given as if the model had said them, and it goes on. It shows how shallow
 * an alignment is: whether more than the first tokens were aligned. The paper takes 5,
 * 10, 20 and 40; the answers of the policy world have 6. Nothing is trained.
 */
export const prefill: LanguageAttack<typeof params> = {
  id: "prefill",
  title: "Prefilled answer",
  summary:
    "Gives the first tokens of the forbidden answer as if the model had said them, and lets it go on.",
  caution:
    "The attacker has to know how the answer begins; what is measured is whether the rest follows.",
  kind: "language",
  reference: "Qi et al. 2024, arXiv:2406.05946",
  taxonomy: {
    atlas: ["AML.T0054"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  threat: "can put the first tokens of an answer into the model's mouth",
  needs: ["dialogues"],
  unit: "tokens of the answer",
  params,
  levels: ({ tokens }) => [...new Set(tokens)].toSorted((a, b) => a - b),
  ways: () => onlyWay,
  control: null,
  async *walk({ model, engine, params: { tokens } }) {
    const compiled = await compile(model, engine);
    try {
      for (const level of [...new Set(tokens)].toSorted((a, b) => a - b))
        yield {
          level,
          model: compiled,
          // At least one token is left to be said.
          ask({ prompt, answer }) {
            const given = Math.min(level, answer.length - 1);
            return {
              prompt: [...prompt, ...answer.slice(0, given)],
              answer: answer.slice(given),
            };
          },
        };
    } finally {
      await compiled.release();
    }
  },
};
