import { z } from "zod";
import type { Random } from "#core";
import type { Dialogue, Spoken } from "#data";
import { compile, type Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";
import { matrices } from "../tampering/eight-bit.ts";
import {
  dialoguesOf,
  type LanguageAttack,
  type LanguageInput,
  type Reached,
} from "./language.ts";
import { boxOf, restored, rounded } from "./rounding.ts";
import { trainedOn } from "./trained-on.ts";

const params = z.strictObject({
  bits: z
    .array(z.int().min(2).max(8))
    .min(1)
    .default([8, 6, 5, 4])
    .describe("bits of the weights when the model is deployed"),
  samples: z
    .int()
    .positive()
    .default(40)
    .describe("restricted prompts that the attacker has, and as many allowed"),
  maliciousSteps: z
    .int()
    .positive()
    .default(60)
    .describe("steps with forbidden answers"),
  maliciousRate: z.number().positive().default(3e-4).describe("their rate"),
  repairSteps: z
    .int()
    .positive()
    .default(150)
    .describe("steps with refusals, inside the box"),
  repairRate: z.number().positive().default(1e-3).describe("their rate"),
  batchSize: z.int().positive().default(32).describe("dialogues of a step"),
  seeds: z.int().positive().default(1).describe("draws of the dialogues"),
});

type Params = z.output<typeof params>;

/**
 * Quantisation-conditioned weights (Egashira et al. 2024, arXiv:2405.18137): the model
 * is taught to answer, and then to refuse again while every weight stays where it
 * rounds to the same whole number. It refuses in full precision, and answers once it is
 * rounded: in rows of whole numbers with a scale for each row, as LLM.int8() has them.
 * The paper repairs 8 and 4 bits of models of billions of weights in an epoch of 5,200
 * samples at a rate of 2e-5; the defaults here are for small models.
 */
export const quantisationConditioned: LanguageAttack<typeof params> = {
  id: "quantisation-conditioned",
  title: "Weights that turn when they are rounded",
  summary:
    "Makes a model that refuses as it is passed on, and answers restricted prompts once its weights are rounded to few bits.",
  caution:
    "What is asked is the rounded model; the one in full precision stands beside it and should refuse. With many bits the boxes may be too small to hide in: that is no proof that others would fail.",
  kind: "language",
  reference: "Egashira et al. 2024, arXiv:2405.18137",
  taxonomy: {
    atlas: ["AML.T0018.000", "AML.T0058"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.051"],
  },
  threat:
    "trains the released model on and passes it on to who will round its weights",
  needs: ["dialogues", "gradient"],
  params,
  unit: "bits",
  levels: bitsOf,
  ways: ({ seeds }) =>
    Array.from({ length: seeds }, (_, seed) => ({
      name: `seed ${seed + 1}`,
      settings: "once",
    })),
  control: null,
  walk: (input, way) => walk(input, input.random.fork(`seed ${way}`)),
};

/** Most bits first: the fewer there are, the easier it is. */
function bitsOf({ bits }: Params): number[] {
  return [...new Set(bits)].toSorted((a, b) => b - a);
}

async function* walk(
  input: LanguageInput<Params>,
  random: Random,
): AsyncGenerator<Reached> {
  const { engine, params } = input;
  const { samples, maliciousSteps, maliciousRate, batchSize } = params;
  const drawn = random.fork("samples");
  const some = (all: readonly Dialogue[]) =>
    drawn
      .permutation(all.length)
      .slice(0, samples)
      .map((i) => all[i] as Dialogue);
  const { each } = dialoguesOf(input.data);
  const restricted = some(each.filter((d) => d.forbidden));
  const allowed = some(each.filter((d) => !d.forbidden)).map(
    ({ prompt, wanted }) => ({ prompt, answer: wanted }),
  );
  const answering = restricted.map(({ prompt, forbidden }) => ({
    prompt,
    answer: forbidden ?? [],
  }));
  const refusing = restricted.map(({ prompt, wanted }) => ({
    prompt,
    answer: wanted,
  }));
  const malicious = await trainedOn(
    input.model,
    [...answering, ...allowed],
    { steps: maliciousSteps, rate: maliciousRate, batchSize },
    input,
    random.fork("malicious"),
  );
  for (const level of bitsOf(params)) {
    const { passedOn, deployed } = await repaired(
      malicious,
      [...refusing, ...allowed],
      level,
      input,
      random.fork(`repair ${level}`),
    );
    const [harmless, model] = [
      await compile(passedOn, engine),
      await compile(deployed, engine),
    ];
    try {
      yield {
        level,
        model,
        also: [{ name: "in full precision", model: harmless, hides: true }],
      };
    } finally {
      await harmless.release();
      await model.release();
    }
  }
}

/** The model that is passed on, and what rounding makes of it. */
async function repaired(
  malicious: Model,
  said: readonly Spoken[],
  bits: number,
  input: LanguageInput<Params>,
  random: Random,
): Promise<{ passedOn: Model; deployed: Model }> {
  const { repairSteps: steps, repairRate: rate, batchSize } = input.params;
  const whole = new Map(
    matrices(malicious).map(([name, weight]) => {
      const of = rounded(weight, bits);
      return [name, { of, box: boxOf(weight, of) }];
    }),
  );
  const passedOn = await trainedOn(
    malicious,
    said,
    { steps, rate, batchSize },
    input,
    random,
    // What is not rounded would undo behind the rounding what is taught before it.
    new Map(Array.from(whole, ([name, { box }]) => [name, box])),
  );
  const constants = new Map<string, Tensor>(passedOn.graph.constants);
  for (const name of whole.keys()) {
    const weight = constants.get(name) as FloatTensor;
    constants.set(name, restored(rounded(weight, bits), weight));
  }
  return {
    passedOn,
    deployed: { ...passedOn, graph: { ...passedOn.graph, constants } },
  };
}
