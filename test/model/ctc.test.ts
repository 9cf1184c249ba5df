import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  bestConstant,
  classesSeen,
  compile,
  gradientErrors,
  type LoadModelOptions,
  type Model,
  meaningOf,
  modelOf,
  replaceHead,
  type Task,
  toFile,
} from "#model";
import {
  decodeModel,
  emptyGraph,
  encodeModel,
  floats,
  type Graph,
  GraphBuilder,
  int,
} from "#onnx";
import { draw, linearModel } from "../reference.ts";

const [CLASSES, STEPS, MOST] = [3, 5, 3];
const WIDTH = CLASSES * STEPS;
const task: Task = { kind: "ctc", blank: 0, most: MOST, shape: [STEPS] };

/** f(x) = x, so that outputs can be chosen freely. */
const model: Model = {
  ...linearModel(
    Array.from({ length: WIDTH }, (_, i) =>
      Array.from({ length: WIDTH }, (_, k) => Number(i === k)),
    ),
    Array.from({ length: WIDTH }, () => 0),
  ),
  classes: ["<blank>", "a", "b"],
  task,
};
const meaning = meaningOf(model);

/** Every way through so many steps. */
const ways = (steps: number): number[][] =>
  steps === 0
    ? [[]]
    : ways(steps - 1).flatMap((way) => [0, 1, 2].map((k) => [...way, k]));

/** What a way says, said plainly. */
const read = (way: readonly number[]) =>
  way.filter((k, t) => k !== way[t - 1] && k !== 0);

const isLabel = (way: readonly number[], label: readonly number[]) =>
  read(way).join() === label.join();

const rowOf = (frames: number, label: readonly number[]) => [
  frames,
  ...Array.from({ length: MOST }, (_, i) => label[i] ?? -1),
];

/** Logits, how many steps count, and a label that they can say. */
const drawn = fc.array(
  fc.record({
    row: fc.array(fc.integer({ min: -3, max: 3 }), {
      minLength: WIDTH,
      maxLength: WIDTH,
    }),
    way: fc.array(fc.integer({ min: 0, max: 2 }), {
      minLength: STEPS,
      maxLength: STEPS,
    }),
    frames: fc.integer({ min: 3, max: STEPS }),
  }),
  { minLength: 1, maxLength: 4 },
);

test("is judged by all ways through the steps, in a graph as outside", async () => {
  const compiled = await compile(model, onnxruntime);
  await fc.assert(
    fc.asyncProperty(drawn, async (samples) => {
      const all = samples.map(({ row, way, frames }) => {
        const label = read(way.slice(0, frames)).slice(0, MOST);
        const score = (one: readonly number[]) =>
          one.reduce((sum, k, t) => sum + row[k * STEPS + t]!, 0);
        const through = ways(frames);
        const best = (right: boolean) =>
          Math.max(
            ...through
              .filter((one) => isLabel(one, label) === right)
              .map(score),
          );
        const said = Array.from({ length: frames }, (_, t) => {
          const logits = [0, 1, 2].map((k) => row[k * STEPS + t]!);
          return logits.indexOf(Math.max(...logits));
        });
        const wanted = rowOf(frames, label);
        return {
          row,
          wanted,
          gap: best(false) - best(true),
          isWrong: !isLabel(said, label),
        };
      });
      const x = floats(
        [all.length, WIDTH],
        all.flatMap((s) => s.row),
      );
      const targets = floats(
        [all.length, 1 + MOST],
        all.flatMap((s) => s.wanted),
      );
      const seen = classesSeen(model, x, targets);
      expect(Array.from(seen, (k) => k !== 0)).toEqual(
        all.map((s) => s.isWrong),
      );
      const { loss } = await compiled.lossGradient(
        x,
        all.map(() => 0),
        { loss: "margin", targets },
      );
      const view = meaning.view(x, targets).data;
      all.forEach(({ gap }, i) => {
        expect(loss[i]).toBeCloseTo(gap, 4);
        expect(view[2 * i + 1]).toBeCloseTo(gap, 4);
      });
    }),
    { numRuns: 60 },
  );
  await compiled.release();
});

test("has a loss of all alignments, whose gradient agrees with differences", async () => {
  const compiled = await compile(model, onnxruntime);
  const random = new Random(1);
  const labels = [[1], [1, 1], [2, 1, 2], [1, 2], []];
  for (const [i, label] of labels.entries()) {
    const frames = 5 - (i % 2);
    const x = draw(i, [1, WIDTH]);
    const targets = Float32Array.from(rowOf(frames, label));
    const truth = { label: 0, targets };
    const { loss } = await compiled.lossGradient(x, [0], {
      targets: floats([1, 1 + MOST], targets),
    });
    const share = ways(frames)
      .filter((way) => isLabel(way, label))
      .map((way) =>
        way.reduce((product, k, t) => {
          const at = [0, 1, 2].map((c) => Math.exp(x.data[c * STEPS + t]!));
          return (product * at[k]!) / at.reduce((sum, v) => sum + v, 0);
        }, 1),
      )
      .reduce((sum, v) => sum + v, 0);
    const expected = -Math.log(share) / Math.max(1, label.length);
    expect(loss[0]).toBeCloseTo(expected, 5);
    expect(meaning.lossOf(x.data, truth)).toBeCloseTo(expected, 6);
    const [error] = await gradientErrors(compiled, x, [truth], [random]);
    expect(error).toBeLessThan(0.01);
  }
  await compiled.release();
});

test("what is said, and how well", () => {
  const targets = floats(
    [3, 1 + MOST],
    [rowOf(0, [1, 1, 2]), rowOf(0, [2]), rowOf(0, [])].flat(),
  );
  const row = (i: number) =>
    meaning.saying(targets.data.subarray(4 * i, 4 * i + 4));
  expect([0, 1, 2].map((i) => meaning.answer(row(i)))).toEqual([
    "aab",
    "b",
    "nothing",
  ]);
  const outputs = (rows: readonly Float32Array[]) =>
    floats(
      [3, WIDTH],
      rows.flatMap((r) => [...r]),
    );
  const right = outputs([0, 1, 2].map(row));
  expect([...classesSeen(model, right, targets)]).toEqual([0, 0, 0]);
  expect(meaning.measures(right, targets)[0]?.value).toBe(0);
  // "b" for "aab" takes two edits, "aab" for "b" two, and "b" for nothing one, of four.
  const wrong = outputs([row(1), row(0), row(1)]);
  expect(meaning.measures(wrong, targets)).toEqual([
    { name: "character error rate", value: 5 / 4 },
  ]);
  expect([...classesSeen(model, wrong, targets)].every((k) => k !== 0)).toBe(
    true,
  );
  const bad = floats([3, WIDTH], new Float32Array(3 * WIDTH).fill(Number.NaN));
  expect([...classesSeen(model, bad, targets)].every((k) => k !== 0)).toBe(
    true,
  );
  expect(meaning.confidence(new Float32Array(WIDTH))).toBeCloseTo(1 / 3 ** 5);
});

test("guessing: the label that is most frequent", () => {
  const targets = floats(
    [4, 1 + MOST],
    [rowOf(0, [1]), rowOf(3, [2, 1]), rowOf(0, [2, 1]), rowOf(0, [2])].flat(),
  );
  expect(bestConstant(model, new Int32Array(4), targets)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test("goes with the model's file", () => {
  const read = modelOf(
    decodeModel(encodeModel(toFile(model)), "saved.onnx"),
    "saved.onnx",
  );
  expect(read.task).toEqual(task);
  expect(read.classes).toEqual(model.classes);
});

/** A series of 5 steps of 4 numbers, a linear layer on each, and what follows it. */
function series(
  classes: number,
  end: (b: GraphBuilder, scores: string) => string,
): Graph {
  const b = new GraphBuilder(emptyGraph("series"));
  b.input({ name: "x", type: "float32", dims: ["batch", 5, 4] });
  const w = b.constant(draw(1, [4, classes]), "w");
  const bias = b.constant(draw(2, [classes]), "bias");
  return b.build([end(b, b.add(b.matmul("x", w), bias))]);
}

const logSoftmax = (b: GraphBuilder, v: string) =>
  b.op("LogSoftmax", [v], { axis: int(-1) });

describe("as files have it", () => {
  const x = draw(5, [2, 5, 4], 0.2);
  const open = async (graph: Graph, options: LoadModelOptions = {}) => {
    const opened = modelOf(graph, "net.onnx", {
      task: { kind: "ctc" },
      ...options,
    });
    const compiled = await compile(opened, onnxruntime);
    const { data, dims } = await compiled.logits(x);
    await compiled.release();
    return { model: opened, data, dims };
  };
  const names = ["<blank>", "a", "b"];

  test.each([
    ["steps after the batch", series(3, (_b, v) => v), {}],
    ["behind a LogSoftmax", series(3, logSoftmax), {}],
    [
      "steps before the batch",
      series(3, (b, v) => b.transpose(logSoftmax(b, v), [1, 0, 2])),
      {},
    ],
    [
      "classes before the steps",
      series(3, (b, v) => b.transpose(v, [0, 2, 1])),
      { classes: names },
    ],
  ] as [string, Graph, LoadModelOptions][])(
    "%s: the same logits",
    async (_name, graph, options) => {
      const plain = await open(series(3, (_b, v) => v));
      const { data, dims, model } = await open(graph, options);
      expect(dims).toEqual([2, 15]);
      expect(data).toEqual(plain.data);
      expect(model.task).toMatchObject({ shape: [5] });
    },
  );

  test("a blank that is last comes first", async () => {
    const plain = await open(series(3, (_b, v) => v));
    const { data } = await open(
      series(3, (_b, v) => v),
      { task: { kind: "ctc", blank: 2 } },
    );
    expect(data.subarray(0, 5)).toEqual(plain.data.subarray(10, 15));
    expect(data.subarray(5, 15)).toEqual(plain.data.subarray(0, 10));
  });

  test.each([
    [
      "no blank",
      { task: { kind: "ctc", blank: 3 } },
      /no output 3 to be the blank/,
    ],
    [
      "some of its classes",
      { outputs: [0, 1], classes: ["<blank>", "a"] },
      /hangs on all of its classes/,
    ],
    [
      "fewer than it has",
      { classes: ["<blank>", "a"] },
      /2 classes may lie along either end, or along none/,
    ],
  ] as [string, LoadModelOptions, RegExp][])(
    "%s: refused",
    (_name, options, message) => {
      const at = () =>
        modelOf(
          series(3, (_b, v) => v),
          "net.onnx",
          { task: { kind: "ctc" }, ...options },
        );
      expect(at).toThrow(message);
    },
  );

  test("a new head, for other classes", async () => {
    const { model } = await open(
      series(3, (b, v) => b.transpose(logSoftmax(b, v), [1, 0, 2])),
      { task: { kind: "ctc", blank: 2 } },
    );
    const more = ["<blank>", "a", "b", "c"];
    const to: Task = { kind: "ctc", blank: 0, most: 2 };
    const headed = replaceHead(model, more, new Random(1), undefined, to);
    expect(headed.task).toMatchObject({ blank: 0, most: 2, shape: [5] });
    const compiled = await compile(headed, onnxruntime);
    expect((await compiled.logits(x)).dims).toEqual([2, 20]);
    await compiled.release();
    expect(() =>
      replaceHead(model, more, new Random(1), undefined, {
        kind: "positions",
        measure: "share",
        least: 1,
      }),
    ).toThrow(/the base answers by ctc, and the task is positions/);
  });
});
