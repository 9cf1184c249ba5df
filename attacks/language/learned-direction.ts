import { z } from "zod";
import type { Random } from "#core";
import type { Dialogue, Spoken } from "#data";
import { compile, type Residual, residualOf } from "#model";
import { floats } from "#onnx";
import { batchOfPass, lengthOf } from "#tuning";
import { adamFrom, adamStep } from "../evasion/adam.ts";
import type { LanguageAttack } from "./language.ts";
import {
  candidatesOf,
  chosenOf,
  type Sides,
  sidesOf,
} from "./mean-difference.ts";
import { randomDirection } from "./refusal-direction.ts";
import {
  DIRECTION,
  openSteered,
  type Steered,
  type Steering,
  withoutDirection,
} from "./steering.ts";

const weight = (of: string) =>
  z.number().nonnegative().describe(`weight of ${of} in the loss`);

const params = z.strictObject({
  samples: z
    .int()
    .min(2)
    .default(160)
    .describe("restricted prompts that the attacker has, and as many allowed"),
  steps: z
    .array(z.int().positive())
    .min(1)
    .default([50, 100, 150])
    .describe("the steps of Adam after which is looked"),
  learningRate: z.number().positive().default(0.05).describe("rate of Adam"),
  batchSize: z
    .int()
    .positive()
    .default(16)
    .describe("prompts of each kind in a step"),
  answering: weight("answers to restricted prompts without it").default(1),
  refusing: weight("refusals of allowed prompts with it").default(0.2),
  keeping: weight("what allowed prompts keep without it").default(1),
  seeds: z.int().positive().default(3).describe("draws of the direction"),
});

type Params = z.output<typeof params>;

const levelsOf = ({ steps }: Params) =>
  [...new Set(steps)].toSorted((a, b) => a - b);

/** The control: random directions, as many as there are draws. */
const control: LanguageAttack<typeof params>["control"] = {
  ...randomDirection,
  levels: () => [1],
  ways: ({ seeds }) => waysOf(seeds),
  control: null,
  walk: (input, way) =>
    randomDirection.walk({ ...input, params: { samples: 2 } }, way),
};

const waysOf = (seeds: number) =>
  Array.from({ length: seeds }, (_, seed) => ({
    name: `seed ${seed + 1}`,
    settings: "once",
  }));

/**
 * The refusal direction, learned by gradient (RDO, Wollschläger et al. 2025,
 * arXiv:2502.17420): from a random start, the direction without which restricted
 * prompts get their forbidden answers, which brings refusals about where it is added to
 * allowed prompts, and without which allowed prompts are answered as before. It is
 * added at the block that the difference of means chooses, as long as that difference
 * is. The model stays as it is; only the direction is learned.
 */
export const learnedDirection: LanguageAttack<typeof params> = {
  id: "learned-direction",
  title: "Refusal direction, learned by gradient",
  summary:
    "Learns one direction of the stream without which the model answers restricted prompts and keeps its other answers, and takes it out.",
  caution:
    "Forbidden answers are learned from, and only the direction carries them over to other prompts; that one direction is not enough does not show that several are not.",
  kind: "language",
  reference: "Wollschläger et al. 2025, arXiv:2502.17420",
  taxonomy: {
    atlas: ["AML.T0018.000", "AML.T0054"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.026"],
  },
  threat:
    "has the released weights and a few prompts of both kinds with answers",
  needs: ["dialogues", "gradient"],
  params,
  unit: "steps on the direction",
  levels: levelsOf,
  ways: ({ seeds }) => waysOf(seeds),
  control,
  async *walk(input, way) {
    const { model, engine, params, signal } = input;
    const random = input.random.fork(`seed ${way}`);
    const stream = residualOf(model);
    const sides = sidesOf(input, params.samples, random.fork("samples"));
    const steered = await openSteered(stream, input);
    const start = new Float32Array(stream.width);
    random.fork("direction").normals(start);
    let adam = adamFrom(unit(start));
    const shown = floats([stream.width, 1], adam.value.slice());
    const compiled = await compile(
      withoutDirection(model, stream, adam.value),
      engine,
      { weights: new Map([[DIRECTION, shown]]) },
    );
    try {
      const means = await candidatesOf(stream, steered, sides, input);
      const { block, strength } = chosenOf(means);
      const levels = levelsOf(params);
      for (let s = 1; s <= Math.max(...levels); s++) {
        signal?.throwIfAborted();
        const batch = await batchOf(
          { sides, step: s, block, strength },
          { steered, stream, params, random: random.fork("batches") },
        );
        const { gradient } = await steered.slope(
          { ...batch.steering, direction: adam.value },
          batch.wanted,
        );
        adam = adamStep(adam, gradient, params.learningRate);
        adam.value.set(unit(adam.value));
        shown.data.set(adam.value);
        if (levels.includes(s)) yield { level: s, model: compiled };
      }
    } finally {
      await compiled.release();
      await steered.release();
    }
  },
};

function unit(direction: Float32Array): Float32Array {
  const length = lengthOf(direction);
  return direction.map((v) => v / length);
}

/**
 * The prompts of a step, and what is wanted of them: answers to restricted ones and
 * what the model says itself to allowed ones, both without the direction, and refusals
 * of allowed ones with it.
 */
async function batchOf(
  {
    sides: { restricted, allowed },
    step,
    block,
    strength,
  }: { sides: Sides; step: number; block: number; strength: number },
  {
    steered,
    stream,
    params,
    random,
  }: { steered: Steered; stream: Residual; params: Params; random: Random },
): Promise<{
  steering: Omit<Steering, "direction">;
  wanted: Float32Array[];
}> {
  const { batchSize, answering, refusing, keeping } = params;
  const some = (all: readonly Dialogue[], name: string) =>
    batchOfPass(all.length, step, batchSize, random.fork(name)).map(
      (i) => all[i] as Dialogue,
    );
  const [bad, good] = [some(restricted, "bad"), some(allowed, "good")];
  const answers = bad.map(
    ({ prompt, forbidden }): Spoken => ({ prompt, answer: forbidden ?? [] }),
  );
  const kept = good.map(
    ({ prompt, wanted }): Spoken => ({ prompt, answer: wanted }),
  );
  const refused = good.map(
    ({ prompt }, i): Spoken => ({
      prompt,
      answer: bad[i % bad.length]!.wanted,
    }),
  );
  const itself = await steered.ask({
    said: kept,
    direction: new Float32Array(stream.width),
    removed: kept.map(() => false),
  });
  const tokens = itself[0]?.length ?? 0;
  const certain = (said: readonly Spoken[], by: number) => {
    const count = said.reduce((sum, { answer }) => sum + answer.length, 0);
    return said.flatMap(({ answer }) =>
      answer.map((token) => {
        const row = new Float32Array(tokens);
        row[token] = by / count;
        return row;
      }),
    );
  };
  const said = [...answers, ...kept, ...refused];
  const from = answers.length + kept.length;
  return {
    steering: {
      said,
      removed: said.map((_, i) => i < from),
      added: { block, by: said.map((_, i) => (i < from ? 0 : strength)) },
    },
    wanted: [
      ...certain(answers, answering),
      // Up to what does not depend on the direction, that is KL(itself || without).
      ...itself.map((logs) =>
        logs.map((log) => (keeping / itself.length) * Math.exp(log)),
      ),
      ...certain(refused, refusing),
    ],
  };
}
