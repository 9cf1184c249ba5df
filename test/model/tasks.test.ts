import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ballOf } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  accuracyOf,
  chanceOf,
  classesSeen,
  compile,
  gradientErrors,
  grantAccess,
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
  GraphBuilder,
  int,
} from "#onnx";
import { linearModel } from "../reference.ts";

/** f(x) = x, so that outputs can be chosen freely. */
const identity = (width: number, task?: Task): Model => ({
  ...linearModel(
    Array.from({ length: width }, (_, i) =>
      Array.from({ length: width }, (_, k) => Number(i === k)),
    ),
    Array.from({ length: width }, () => 0),
  ),
  ...(task ? { task } : {}),
});

const WIDTH = 3;
const tasks: [string, Task][] = [
  ["any label", { kind: "multi-label", flips: 1 }],
  ["two labels", { kind: "multi-label", flips: 2 }],
  ["named labels", { kind: "multi-label", flips: 1, labels: ["c2", "c0"] }],
  ["values", { kind: "regression", tolerance: 0.5 }],
];

/** Whether a row is wrong, said plainly. */
function isWrong(task: Task, row: number[], wanted: number[]): boolean {
  if (task.kind === "regression")
    return row.some((v, k) => Math.abs(v - wanted[k]!) > 0.5);
  if (task.kind !== "multi-label") throw new Error("not tried here");
  const names = task.labels ?? ["c0", "c1", "c2"];
  const wrong = row.filter(
    (z, k) => names.includes(`c${k}`) && z > 0 !== (wanted[k] === 1),
  );
  return wrong.length >= task.flips;
}

/** Rows of outputs and of labels, none on a boundary. */
const drawn = fc.array(
  fc.tuple(
    fc.array(fc.integer({ min: -9, max: 9 }), {
      minLength: WIDTH,
      maxLength: WIDTH,
    }),
    fc.array(fc.constantFrom(0, 1), { minLength: WIDTH, maxLength: WIDTH }),
  ),
  { minLength: 1, maxLength: 5 },
);

describe.each(tasks)("%s", (_name, task) => {
  const model = identity(WIDTH, task);
  const meaning = meaningOf(model);

  test("is judged as the words say, and in a graph as outside", async () => {
    const compiled = await compile(model, onnxruntime);
    await fc.assert(
      fc.asyncProperty(drawn, async (rows) => {
        const values = rows.map(([row]) => row.map((v) => v / 4 + 0.1));
        const wanted = rows.map(([, labels]) => labels);
        const x = floats([rows.length, WIDTH], values.flat());
        const targets = floats([rows.length, WIDTH], wanted.flat());
        const seen = classesSeen(model, x, targets);
        expect(Array.from(seen, (k) => k !== 0)).toEqual(
          values.map((row, i) => isWrong(task, row, wanted[i] as number[])),
        );
        const { loss } = await compiled.lossGradient(
          x,
          rows.map(() => 0),
          { loss: "margin", targets },
        );
        const { data, dims } = meaning.view(x, targets);
        const [, classes = 0] = dims;
        expect(classes).toBe(meaning.classes);
        loss.forEach((margin, i) => {
          const row = data.subarray(i * classes, (i + 1) * classes);
          expect(row[0]).toBe(0);
          expect(margin).toBeCloseTo(Math.max(...row.slice(1)), 4);
        });
      }),
      { numRuns: 30 },
    );
    await compiled.release();
  });

  test("has a loss whose gradient agrees with differences", async () => {
    const compiled = await compile(model, onnxruntime);
    const random = new Random(1);
    for (let i = 0; i < 5; i++) {
      const x = floats(
        [1, WIDTH],
        [0, 1, 2].map(() => random.normal()),
      );
      const targets = Float32Array.from([i % 2, 1, 0]);
      const truth = { label: 0, targets };
      const { loss } = await compiled.lossGradient(x, [0], {
        targets: floats([1, WIDTH], targets),
      });
      expect(loss[0]).toBeCloseTo(meaning.lossOf(x.data, truth), 5);
      const [error] = await gradientErrors(compiled, x, [truth], [random]);
      if (error !== "zero") expect(error).toBeLessThan(0.01);
    }
    await compiled.release();
  });

  test("an output that is no number is wrong", () => {
    const targets = floats([1, WIDTH], [1, 0, 1]);
    const bad = floats([1, WIDTH], [Number.NaN, Number.NaN, Number.NaN]);
    expect(classesSeen(model, bad, targets)[0]).not.toBe(0);
  });

  test("needs its targets", async () => {
    const compiled = await compile(model, onnxruntime);
    const x = floats([1, WIDTH], [1, 2, 3]);
    await expect(compiled.lossGradient(x, [0])).rejects.toMatchObject({
      code: "TARGETS_MISSING",
    });
    expect(() => classesSeen(model, x)).toThrow(/has not been given/);
    await compiled.release();
  });

  test("goes with the model's file", () => {
    const read = modelOf(
      decodeModel(encodeModel(toFile(model)), "saved.onnx"),
      "saved.onnx",
    );
    expect(read.task).toEqual(task);
  });
});

test("guessing: one over the classes, or the commonest answer", () => {
  expect(chanceOf(identity(4))).toBe(0.25);
  const labels = identity(2, { kind: "multi-label", flips: 1 });
  const sets = [1, 0, 1, 0, 0, 1, 1, 1];
  expect(chanceOf(labels, floats([4, 2], sets))).toBe(0.5);
  const values = identity(1, { kind: "regression", tolerance: 1 });
  expect(chanceOf(values, floats([4, 1], [0, 0.9, 1.8, 5]))).toBe(0.75);
});

test("outputs are right by what they say, and accuracy is by targets", async () => {
  const x = floats([2, 2], [0.75, 0.25, 0.5, 1]);
  const y = new Int32Array(2);
  for (const [task, wrong] of [
    [{ kind: "multi-label", flips: 1 }, [1, 1, 1, 0]],
    [{ kind: "regression", tolerance: 0.1 }, [0.7, 0.3, 0.5, 0.8]],
  ] as [Task, number[]][]) {
    const model = identity(2, task);
    const said = meaningOf(model).said(x.data) as Float32Array;
    const right = { x, y, targets: floats([2, 2], said) };
    expect(await accuracyOf(model, right, onnxruntime)).toBe(1);
    const half = { x, y, targets: floats([2, 2], wrong) };
    expect(await accuracyOf(model, half, onnxruntime)).toBe(0.5);
  }
  expect(meaningOf(identity(2)).said(x.data)).toBeNull();
});

test("how far outputs are from targets", () => {
  const values = meaningOf(identity(1, { kind: "regression", tolerance: 1 }));
  const outputs = floats([2, 1], [1, 2]);
  const [mae, rmse] = values.measures(outputs, floats([2, 1], [0, 5]));
  expect(mae?.value).toBeCloseTo(2);
  expect(rmse?.value).toBeCloseTo(Math.sqrt(5));
  const labels = meaningOf(identity(2, { kind: "multi-label", flips: 1 }));
  const [hamming] = labels.measures(
    floats([2, 2], [1, -1, 1, -1]),
    floats([2, 2], [1, 0, 0, 0]),
  );
  expect(hamming?.value).toBe(0.75);
});

test.each([
  [{ kind: "multi-label", flips: 4 }, /flips is 4, and 3 labels count/],
  [{ kind: "multi-label", flips: 1, labels: ["c9"] }, /names "c9"/],
] as [Task, RegExp][])("%j is refused", (task, message) => {
  expect(() => meaningOf(identity(3, task))).toThrow(message);
});

/** A network whose last operators are chosen. */
function ending(outputs: number, end: (b: GraphBuilder, z: string) => string) {
  const b = new GraphBuilder(emptyGraph("net"));
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  const w = b.constant(
    floats(
      [outputs, 2],
      Float32Array.from({ length: 2 * outputs }, (_, i) => i - 1),
    ),
    "w",
  );
  const z = b.op("Gemm", ["x", w], { transB: int(1) });
  return b.build([end(b, z)]);
}

const x = floats([2, 2], [0.2, 0.7, 0.9, 0.1]);
/** What the single output of `ending` is before any ending. */
const z = [-0.2, -0.9];

describe("a single output", () => {
  test.each([
    ["a Sigmoid", ending(1, (b, z) => b.sigmoid(z)), {}],
    [
      "a Sigmoid without its dimension",
      ending(1, (b, z) => b.squeeze(b.sigmoid(z), [1])),
      {},
    ],
    ["a logit, two names", ending(1, (_b, z) => z), { classes: ["no", "yes"] }],
    [
      "a logit without its dimension, stated",
      ending(1, (b, z) => b.squeeze(z, [1])),
      { task: { kind: "binary" } as const },
    ],
  ])("%s: two classes", async (_what, graph, options) => {
    const model = modelOf(graph, "net.onnx", options);
    expect(model.task).toBeUndefined();
    expect(model.classes).toHaveLength(2);
    const compiled = await compile(model, onnxruntime);
    const { data } = await compiled.logits(x);
    await compiled.release();
    z.forEach((logit, i) => {
      expect(data[2 * i]).toBeCloseTo(-logit / 2);
      expect(data[2 * i + 1]).toBeCloseTo(logit / 2);
    });
    const headed = replaceHead(model, ["a", "b", "c"], new Random(1));
    expect(headed.classes).toEqual(["a", "b", "c"]);
  });

  test.each([
    ["a column", ending(1, (_b, z) => z)],
    ["no column", ending(1, (b, z) => b.squeeze(z, [1]))],
    ["behind a Sigmoid", ending(1, (b, z) => b.sigmoid(z))],
  ])("a value, %s", async (_what, graph) => {
    const task = { kind: "regression", tolerance: 0.1 } as const;
    const model = modelOf(graph, "net.onnx", { task, classes: ["price"] });
    const compiled = await compile(model, onnxruntime);
    const outputs = await compiled.logits(x);
    await compiled.release();
    expect(outputs.dims).toEqual([2, 1]);
    const isShare = graph.nodes.some((n) => n.op === "Sigmoid");
    expect(outputs.data[0]).toBeCloseTo(
      isShare ? 1 / (1 + Math.exp(0.2)) : -0.2,
    );
  });

  test("that may be either is asked about", () => {
    expect(() =>
      modelOf(
        ending(1, (_b, z) => z),
        "net.onnx",
      ),
    ).toThrow(/may be the logit of two classes, or a value/);
  });
});

describe("several outputs", () => {
  const sigmoids = ending(3, (b, z) => b.sigmoid(z));

  test("behind a Sigmoid are labels, unless classes are stated", async () => {
    const labels = modelOf(sigmoids, "net.onnx");
    expect(labels.task).toEqual({ kind: "multi-label", flips: 1 });
    const classes = modelOf(sigmoids, "net.onnx", {
      task: { kind: "classes" },
    });
    expect(classes.task).toBeUndefined();
    for (const model of [labels, classes])
      expect(model.graph.nodes.map((n) => n.op)).toEqual(["Gemm"]);
  });

  test.each([
    [
      "one of two classes",
      sigmoids,
      { kind: "binary" },
      /a binary model has one/,
    ],
    [
      "labels of a Softmax",
      ending(3, (b, z) => b.op("Softmax", [z], { axis: int(-1) })),
      { kind: "multi-label" },
      /ends in a Softmax/,
    ],
  ] as const)("are not %s", (_what, graph, task, message) => {
    expect(() => modelOf(graph, "net.onnx", { task })).toThrow(message);
  });

  test("of one class are refused", () => {
    expect(() =>
      modelOf(
        ending(1, (b, z) => b.op("Softmax", [z], { axis: int(-1) })),
        "net.onnx",
        { task: { kind: "classes" } },
      ),
    ).toThrow(/has one class, whatever the input/);
  });
});

test("a surrogate of the same task is led away from the targets as well", async () => {
  const task: Task = { kind: "regression", tolerance: 1 };
  const compiled = await compile(identity(2, task), onnxruntime);
  const x = floats([1, 2], [0.5, 0.5]);
  const target = grantAccess(compiled, {
    access: "base",
    x,
    y: Int32Array.from([0]),
    targets: floats([1, 2], [0.4, 0.5]),
    limit: ballOf("linf", 0.1, [0, 1]),
    base: compiled,
  });
  const { gradient } = await target.base.lossGradient(x, [0]);
  await compiled.release();
  expect(gradient.data[0]).toBeCloseTo(0.1);
  expect(gradient.data[1]).toBeCloseTo(0);
});
