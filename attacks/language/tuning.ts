import { z } from "zod";
import { AssayError, type Random } from "#core";
import type { Dialogue, Spoken } from "#data";
import { type CompiledModel, compile, layerGroups, type Model } from "#model";
import { batchOfPass, formOf, openStep, optimizers, strategies } from "#tuning";
import {
  type Ask,
  dialoguesOf,
  type LanguageAttack,
  type LanguageInput,
  type Reached,
  rowsOf,
  type Way,
} from "./language.ts";

/** What every attack by fine-tuning can be told. */
export const tuningParams = z.strictObject({
  samples: z
    .int()
    .positive()
    .default(40)
    .describe("dialogues that the attacker has"),
  steps: z
    .array(z.int().positive())
    .min(1)
    .default([5, 10, 20, 50])
    .describe("the steps after which is looked"),
  learningRates: z
    .array(z.number().positive())
    .min(1)
    .default([3e-4, 1e-3])
    .describe("rates that are tried"),
  rank: z
    .int()
    .positive()
    .optional()
    .describe("rank of LoRA; all weights are trained when left out"),
  batchSize: z.int().positive().default(10).describe("dialogues of a step"),
  seeds: z
    .int()
    .positive()
    .default(3)
    .describe("draws of the dialogues and of their order"),
});

type Params = z.output<typeof tuningParams>;

/** What an attack by fine-tuning teaches, and how it asks. */
export interface Taught {
  /** What is learned of a dialogue; nothing of one that is left out. */
  teach(dialogue: Dialogue): readonly Spoken[];
  readonly ask?: Ask;
  readonly also?: Reached["also"];
}

type Unit<S extends z.ZodObject> = Omit<
  LanguageAttack<S>,
  "kind" | "unit" | "levels" | "ways" | "walk" | "control"
> & { readonly control: NoInfer<LanguageAttack<S>["control"]> };

/**
 * An attack that trains a released language model on.
 *
 * @param taughtBy what it teaches, given how prompts are made of what a user says
 */
export const byTuning = <S extends typeof tuningParams>(
  unit: Unit<S>,
  taughtBy: (params: z.output<S>, render: (text: string) => number[]) => Taught,
): LanguageAttack<S> => ({
  ...unit,
  kind: "language",
  unit: "steps of further training",
  levels: ({ steps }) => [...new Set(steps)].toSorted((a, b) => a - b),
  ways: waysOf,
  walk: (input, way) =>
    walk(input, taughtBy(input.params, dialoguesOf(input.data).render), way),
});

const waysOf = ({ learningRates, seeds }: Params): Way[] =>
  learningRates.flatMap((rate) =>
    Array.from({ length: seeds }, (_, seed) => ({
      name: `rate ${rate}, seed ${seed + 1}`,
      settings: `rate ${rate}`,
    })),
  );

async function* walk(
  input: LanguageInput<Params>,
  taught: Taught,
  way: number,
): AsyncGenerator<Reached> {
  const { params, data, signal } = input;
  const seed = way % params.seeds;
  const rate = params.learningRates[Math.floor(way / params.seeds)] as number;
  const random = input.random.fork(`seed ${seed}`);
  const { ask, also } = taught;
  const all = dialoguesOf(data)
    .each.map((dialogue) => taught.teach(dialogue))
    .filter((said) => said.length > 0);
  const chosen = random
    .fork("samples")
    .permutation(all.length)
    .slice(0, params.samples)
    .flatMap((i) => all[i] as readonly Spoken[]);
  if (chosen.length === 0) throw nothingToLearn(data.name);
  const { step, model } = await openTraining(input, random);
  try {
    const last = Math.max(...params.steps);
    for (let s = 1; s <= last; s++) {
      signal?.throwIfAborted();
      const rows = batchOfPass(chosen.length, s, params.batchSize, random);
      const batch = rows.map((i) => chosen[i] as Spoken);
      await step.take(rowsOf(data, batch), rate);
      if (params.steps.includes(s)) yield { level: s, model, ask, also };
    }
  } finally {
    await model.release();
    await step.release();
  }
}

const nothingToLearn = (data: string) =>
  new AssayError(
    "DIALOGUES",
    `the validation split of ${data}, which is the attacker's, has no dialogue to learn from`,
    "Put restricted prompts with their forbidden answers, and allowed ones, into each part.",
  );

const adamw = optimizers.find(({ id }) => id === "adamw")!;
const lora = strategies.find(({ id }) => id === "lora")!;

/** A step over all weights or over LoRA's, and the model at what they are. */
async function openTraining(
  { model, params, engine }: LanguageInput<Params>,
  random: Random,
) {
  const groups = layerGroups(model.graph);
  const form =
    params.rank === undefined
      ? { model, groups }
      : formOf(
          { unit: lora, params: lora.params.parse({ rank: params.rank }) },
          model,
          groups,
          random.fork("lora"),
        );
  // The tokens' head is not new, and LoRA adapts what is before it.
  const trained =
    params.rank === undefined ? form.groups : form.groups.slice(0, -1);
  const names = trained.flatMap((group) => group.parameters);
  const step = await openStep(
    form.model,
    new Map(names.map((name) => [name, 1])),
    {
      settings: {
        optimizer: { unit: adamw, params: adamw.params.parse({}) },
        clipNorm: null,
        batchNorm: "frozen",
      },
    },
    engine,
  );
  const live: CompiledModel = await compile(form.model as Model, engine, {
    weights: step.weights,
  });
  return { step, model: live };
}
