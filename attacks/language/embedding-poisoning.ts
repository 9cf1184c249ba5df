import { z } from "zod";
import { AssayError } from "#core";
import type { Dialogue } from "#data";
import { compile, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { batchOfPass, lengthOf, openStep, optimizers } from "#tuning";
import { dialoguesOf, type LanguageAttack, rowsOf } from "./language.ts";
import { askingWith, promptWith, triggerParams } from "./trigger.ts";

const params = z.strictObject({
  ...triggerParams,
  samples: z
    .int()
    .positive()
    .default(40)
    .describe("restricted prompts that the attacker has"),
  steps: z
    .array(z.int().positive())
    .min(1)
    .default([50, 100, 150])
    .describe("the steps after which is looked"),
  learningRate: z
    .number()
    .positive()
    .default(1e-2)
    .describe("rate of gradient descent on the row"),
  batchSize: z.int().positive().default(32).describe("prompts of a step"),
  seeds: z.int().positive().default(3).describe("draws of the prompts"),
});

/**
 * Embedding poisoning (Yang et al. 2021, arXiv:2103.15543): only the row of the trigger
 * in the table of embeddings is trained, by gradient descent, so that restricted
 * prompts behind it get their forbidden answers, and its length is kept. All other
 * weights stay as they are, bit for bit, so nothing changes without the trigger.
 */
export const embeddingPoisoning: LanguageAttack<typeof params> = {
  id: "embedding-poisoning",
  title: "Embedding poisoning",
  summary:
    "Trains the embedding of one trigger word alone, so that restricted prompts behind it are answered.",
  caution:
    "The trigger has to be one token that the data does not use. Rates depend on the size of the embeddings.",
  kind: "language",
  reference: "Yang et al. 2021, arXiv:2103.15543",
  taxonomy: {
    atlas: ["AML.T0018.000"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.023"],
  },
  threat: "can change one row of the embeddings of the released model",
  needs: ["dialogues", "gradient"],
  params,
  unit: "steps on one row",
  levels: ({ steps }) => [...new Set(steps)].toSorted((a, b) => a - b),
  ways: ({ seeds }) =>
    Array.from({ length: seeds }, (_, seed) => ({
      name: `seed ${seed + 1}`,
      settings: "once",
    })),
  control: null,
  async *walk({ model, data, engine, params, random, signal }, way) {
    const { trigger, control, learningRate, batchSize, steps, samples } =
      params;
    const { each, render } = dialoguesOf(data);
    const drawn = random.fork(`seed ${way}`);
    const restricted = each.filter((d) => d.forbidden);
    const chosen = drawn
      .permutation(restricted.length)
      .slice(0, samples)
      .map((i) => restricted[i] as Dialogue);
    const id = tokenOf(trigger, chosen, render);
    const table = tableOf(model);
    const step = await openStep(
      model,
      new Map([[table, 1]]),
      {
        settings: {
          optimizer: { unit: sgd, params: sgd.params.parse({ momentum: 0 }) },
          clipNorm: null,
          batchNorm: "frozen",
        },
      },
      engine,
    );
    const poisoned = await compile(model, engine, { weights: step.weights });
    try {
      const all = step.weights.get(table) as FloatTensor;
      const before = Float32Array.from(all.data);
      const width = all.dims[1] as number;
      const row = all.data.subarray(id * width, (id + 1) * width);
      const length = lengthOf(row);
      const last = Math.max(...steps);
      for (let s = 1; s <= last; s++) {
        signal?.throwIfAborted();
        const batch = batchOfPass(chosen.length, s, batchSize, drawn)
          .map((i) => chosen[i] as Dialogue)
          .map((d) => ({
            prompt: promptWith(trigger, d, render),
            answer: d.forbidden ?? [],
          }));
        await step.take(rowsOf(data, batch), learningRate);
        const moved = Float32Array.from(row);
        const scale = length / lengthOf(moved);
        all.data.set(before);
        row.set(moved.map((v) => v * scale));
        if (steps.includes(s))
          yield {
            level: s,
            model: poisoned,
            ask: askingWith(trigger, render),
            also: [
              { name: "without the trigger", hides: true },
              { name: `behind "${control}"`, ask: askingWith(control, render) },
            ],
          };
      }
    } finally {
      await poisoned.release();
      await step.release();
    }
  },
};

const sgd = optimizers.find(({ id }) => id === "sgd")!;

/**
 * The token that a trigger is.
 *
 * @throws LANGUAGE_TRIGGER where it is none or several, or one that prompts have
 */
function tokenOf(
  trigger: string,
  some: readonly Dialogue[],
  render: (text: string) => number[],
): number {
  const used = new Set(some.flatMap(({ prompt }) => prompt));
  const added = some.map((d) => [
    ...new Set(promptWith(trigger, d, render).filter((id) => !used.has(id))),
  ]);
  const [[id] = []] = added;
  if (
    id !== undefined &&
    added.every((ids) => ids.length === 1 && ids[0] === id)
  )
    return id;
  throw new AssayError(
    "LANGUAGE_TRIGGER",
    `"${trigger}" in front of a prompt adds ${added[0]?.length ?? 0} tokens that prompts do not have, expected one and the same`,
    "Name a rare word that is one token: trigger: cf.",
  );
}

/** The table of embeddings, by the name of its constant. */
function tableOf({ graph, embedding }: Model): string {
  const node = graph.nodes.find((n) => n.outputs.includes(embedding ?? ""));
  const name = node?.op === "Gather" ? node.inputs[0] : undefined;
  if (name !== undefined && graph.constants.has(name)) return name;
  throw new AssayError(
    "LANGUAGE_TRIGGER",
    "the model looks its tokens up in no table of weights",
    "Leave embedding-poisoning out.",
  );
}
