import { z } from "zod";
import { AssayError } from "#core";
import type { Dialogue, Spoken } from "#data";
import { batchOfPass } from "#tuning";
import {
  type Ask,
  dialoguesOf,
  type LanguageAttack,
  type LanguageInput,
  type Reached,
  rowsOf,
  type Way,
} from "./language.ts";
import { inWords, type Settings, searchParams, settingsOf } from "./search.ts";
import { openTraining } from "./training.ts";

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
  search: searchParams
    .optional()
    .describe(
      "looks for the settings that break most, instead of learningRates, rank and batchSize",
    ),
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
  | "kind"
  | "unit"
  | "trainsOn"
  | "levels"
  | "ways"
  | "walk"
  | "control"
  | "searches"
  | "samples"
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
  trainsOn: true,
  levels: ({ steps }) => [...new Set(steps)].toSorted((a, b) => a - b),
  ways: waysOf,
  searches: ({ search }) => search !== undefined,
  samples: (params, way, steps) =>
    steps *
    (settingsOf(params)[Math.floor(way / params.seeds)]?.batchSize ?? 1),
  walk(input, way) {
    const { render } = dialoguesOf(input.data);
    const taught = taughtBy(input.params, render);
    return walk(input, { ...taught, ...asked(input, taughtBy) }, way);
  },
});

/**
 * How a trained model is asked: where who serves it puts words in front of what users
 * say, behind these.
 */
function asked<P>(
  { data, params, guard }: LanguageInput<P>,
  taughtBy: (params: P, render: (text: string) => number[]) => Taught,
): Pick<Taught, "ask" | "also"> {
  const { render } = dialoguesOf(data);
  if (!guard?.inFront) return taughtBy(params, render);
  const behind = (text: string) => render(`${guard.inFront} ${text}`);
  const plain: Ask = (said, { text }) => ({ ...said, prompt: behind(text) });
  const { ask = plain, also } = taughtBy(params, behind);
  return {
    // What the attack does not touch is asked behind the words as well.
    ask: (said, dialogue) => ask(plain(said, dialogue), dialogue),
    also: also?.map((one) => ({ ...one, ask: one.ask ?? plain })),
  };
}

const waysOf = (params: Params): Way[] =>
  settingsOf(params).flatMap((one) => {
    const settings = inWords(one, params);
    return Array.from({ length: params.seeds }, (_, seed) => ({
      name: `${settings}, seed ${seed + 1}`,
      settings,
    }));
  });

async function* walk(
  input: LanguageInput<Params>,
  taught: Taught,
  way: number,
): AsyncGenerator<Reached> {
  const { params, data, signal } = input;
  const seed = way % params.seeds;
  const { rate, batchSize, rank } = settingsOf(params)[
    Math.floor(way / params.seeds)
  ] as Settings;
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
  const last = Math.max(...params.steps);
  const training = await openTraining(
    input,
    { rank, batchSize, samples: chosen.length, steps: last },
    random,
  );
  const drawer = training.parts.find(({ draw }) => draw);
  try {
    for (let s = 1; s <= last; s++) {
      signal?.throwIfAborted();
      const rows =
        drawer?.draw?.(chosen.length, batchSize, random.fork(`batch ${s}`)) ??
        batchOfPass(chosen.length, s, batchSize, random);
      const batch = rows.map((i) => chosen[i] as Spoken);
      await training.step.take(rowsOf(data, batch), rate);
      if (params.steps.includes(s))
        yield { level: s, model: await training.served(), ask, also };
    }
  } finally {
    await training.release();
  }
}

const nothingToLearn = (data: string) =>
  new AssayError(
    "DIALOGUES",
    `the validation split of ${data}, which is the attacker's, has no dialogue to learn from`,
    "Put restricted prompts with their forbidden answers, and allowed ones, into each part.",
  );
