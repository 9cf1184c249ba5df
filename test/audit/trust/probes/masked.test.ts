import { expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { choiceOf, Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import { floats, GraphBuilder } from "#onnx";
import { byOtherMeans } from "../../../../src/audit/trust/probes/by-other-means.ts";
import { gradientAtExamples } from "../../../../src/audit/trust/probes/gradient-at-examples.ts";
import { gradientOverSteps } from "../../../../src/audit/trust/probes/gradient-over-steps.ts";
import type { Attempt } from "../../../../src/audit/trust/probes/probe.ts";
import { linearModel } from "../../../reference.ts";

// A linear model of which every sample falls within the budget, and the same behind
// something that hides it from gradients.

const N = 12;
const plain = linearModel(
  [
    [3, 3],
    [-3, -3],
  ],
  [-3, 3],
);

/** Of the plain model with other logits. */
function behind(add: (b: GraphBuilder, z: string) => string): Model {
  const b = new GraphBuilder(plain.graph, "behind/");
  const logits = add(b, plain.logits);
  return { ...plain, graph: b.build([logits]), logits };
}

const waves = behind((b, z) => b.add(z, b.op("Sin", [b.mul(z, 100)])));

/** The label, and one of the columns beside it, whatever it is. */
const labels = behind((b, z) => {
  const most = b.op("ReduceMax", [z, b.ints([1])]);
  const label = b.mask(b.op("GreaterOrEqual", [z, most]), z);
  return b.add(
    b.mul(label, 10),
    b.mul(plain.input, b.constant(floats([1, 2], [-1, 1]))),
  );
});

async function attemptOn(model: Model): Promise<Attempt> {
  const random = new Random(1);
  const x = floats(
    [N, 2],
    Array.from({ length: 2 * N }, () => 0.54 + 0.03 * random.uniform()),
  );
  return {
    model: await compile(model, onnxruntime),
    chosen: choiceOf(attacks).parse({ id: "pgd", relStepSize: 0.1 }),
    ball: ballOf("linf", 0.1, [0, 1]),
    x,
    y: new Int32Array(N),
    examples: x,
    peaks: Array.from({ length: N }, () => null),
    draws: 1,
    drawsAtRandom: false,
    surrogates: [
      { title: "the public base", model: await compile(plain, onnxruntime) },
    ],
    random: new Random(3),
    onProgress() {},
  };
}

test("waves that shatter the gradient are slopes nearby, and not over a step of the attack", async () => {
  const [straight, shattered] = [
    await attemptOn(plain),
    await attemptOn(waves),
  ];
  const [kept, lost] = [
    await gradientOverSteps(straight),
    await gradientOverSteps(shattered),
  ];
  expect(kept?.size).toBe(0.1);
  expect(Math.abs((kept?.kept ?? 0) - 1)).toBeLessThan(0.1);
  expect(lost?.kept).toBeLessThan(0.1);
  for (const one of [straight, shattered])
    expect(await gradientAtExamples(one)).toBeLessThan(0.1);
});

test("where scores say nothing of the label, labels alone and examples of the public base still do", async () => {
  const found = await byOtherMeans(await attemptOn(labels), 40);
  expect(found?.smoothed?.broken).toBeLessThan(N);
  expect(found?.labels).toMatchObject({ tried: N, broken: N });
  expect(found?.labels?.queries).toBeLessThan(1500);
  expect(found?.replays).toMatchObject([
    { through: "the public base", tried: N, broken: N },
  ]);
  const alone = { ...(await attemptOn(labels)), surrogates: [] };
  expect((await byOtherMeans(alone, 40))?.replays).toEqual([]);
});
