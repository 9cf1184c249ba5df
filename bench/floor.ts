import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, labelTensor, layerGroups } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  filled,
  floats,
  GraphBuilder,
} from "#onnx";
import { architectures, optimizers } from "#tuning";
import { stepGraph } from "../src/tuning/step-graph.ts";

// How long a forward pass, an attack step and a training step take, against
// the floor: their multiplications at the rate of a large matrix product,
// measured in the same run. Usage: npm run bench

const REPEATS = 30;

/** Median milliseconds of a step, after a warm-up. */
async function median(step: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 5; i++) await step();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await step();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[REPEATS / 2] as number;
}

/** Multiply-adds a second of a 1024 x 1024 product. */
async function peakRate(): Promise<number> {
  const n = 1024;
  const b = new GraphBuilder(emptyGraph("peak"));
  const x = b.input({ name: "x", type: "float32", dims: [n, n] });
  const session = await onnxruntime.load(
    b.build([b.matmul(x, b.constant(filled("float32", [n, n], 0.5)))]),
  );
  const feed = { x: filled("float32", [n, n], 1) };
  const milliseconds = await median(() => session.run(feed));
  return n ** 3 / (milliseconds / 1000);
}

/** Multiply-adds of one forward pass of small-cnn. */
function multiplyAdds(side: number): number {
  const half = side / 2;
  return (
    side * side * 16 * 9 +
    half * half * 32 * 16 * 9 +
    (side / 4) ** 2 * 32 * 64 +
    64 * 10
  );
}

const peak = await peakRate();
const rows: string[][] = [
  ["model", "batch", "step", "ms", "floor ms", "times the floor"],
];
for (const [side, batch] of [
  [8, 32],
  [8, 256],
  [28, 32],
  [28, 256],
] as const) {
  const random = new Random(1);
  const architecture = architectures[0] as (typeof architectures)[number];
  const model = architecture.build(
    [1, side, side],
    Array.from({ length: 10 }, (_, i) => String(i)),
    random,
  );
  const x = floats(
    [batch, 1, side, side],
    Float32Array.from({ length: batch * side * side }, () => random.uniform()),
  );
  const y = Array.from({ length: batch }, (_, i) => i % 10);
  const compiled = await compile(model, onnxruntime);
  const optimizer = optimizers.find(
    (o) => o.id === "adamw",
  ) as (typeof optimizers)[number];
  const params = optimizer.params.parse({});
  const names = layerGroups(model.graph).flatMap((g) => g.parameters);
  const step = stepGraph(
    model,
    new Map(names.map((n) => [n, 1])),
    { unit: optimizer, params },
    { clipNorm: null, batchNorm: "frozen" },
  );
  const session = await onnxruntime.load(step.graph);
  const weights = Object.fromEntries(
    names.map((n) => [n, model.graph.constants.get(n) as FloatTensor]),
  );
  const state = Object.fromEntries(
    [...step.weights].flatMap(([n, w]) =>
      w.state.map((s) => [
        s,
        filled("float32", (weights[n] as FloatTensor).dims, 0),
      ]),
    ),
  );
  const scalars = Object.fromEntries(
    optimizer
      .scalars(1, params)
      .map((v, i) => [step.scalars[i] as string, filled("float32", [], v)]),
  );
  const feeds = {
    [model.input]: x,
    [step.labels]: labelTensor(y),
    [step.rate]: filled("float32", [], 1e-3),
    ...scalars,
    ...weights,
    ...state,
  };
  // Backward through the input or the weights costs one more forward each.
  const kinds: [string, number, () => Promise<unknown>][] = [
    ["forward", 1, () => compiled.logits(x)],
    ["attack (forward + input gradient)", 2, () => compiled.lossGradient(x, y)],
    ["training (forward + backward + AdamW)", 3, () => session.run(feeds)],
  ];
  for (const [name, times, run] of kinds) {
    const ms = await median(run);
    const floor = (1000 * times * batch * multiplyAdds(side)) / peak;
    rows.push([
      `small-cnn ${side}x${side}`,
      String(batch),
      name,
      ms.toFixed(2),
      floor.toFixed(2),
      (ms / floor).toFixed(1),
    ]);
  }
}
const widths = (rows[0] as string[]).map((_, i) =>
  Math.max(...rows.map((r) => (r[i] as string).length)),
);
console.log(
  `${onnxruntime.title}, Node ${process.version}, ${(peak / 1e9).toFixed(1)} G multiply-adds a second at best\n`,
);
for (const row of rows)
  console.log(
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd(),
  );
