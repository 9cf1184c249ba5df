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
  layerGroups,
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
  ints,
} from "#onnx";
import { draw, linearModel } from "../reference.ts";

const [CLASSES, POSITIONS] = [3, 5];
const WIDTH = CLASSES * POSITIONS;

/** f(x) = x, so that outputs can be chosen freely. */
const identity = (task: Task): Model => ({
  ...linearModel(
    Array.from({ length: WIDTH }, (_, i) =>
      Array.from({ length: WIDTH }, (_, k) => Number(i === k)),
    ),
    Array.from({ length: WIDTH }, () => 0),
  ),
  classes: ["a", "b", "c"],
  task,
});

const tasks: Task[] = [
  { kind: "positions", measure: "share", least: 1 },
  { kind: "positions", measure: "share", least: 0.6 },
  { kind: "positions", measure: "iou", least: 0.5 },
  { kind: "positions", measure: "iou", least: 0.9 },
];

/** Whether a row is wrong, said plainly. */
function isWrong(
  { measure, least }: Extract<Task, { kind: "positions" }>,
  row: readonly number[],
  wanted: readonly number[],
): boolean {
  const counted = wanted.flatMap((y, p) => {
    const logits = [0, 1, 2].map((k) => row[k * POSITIONS + p]!);
    return y < 0 ? [] : [{ y, said: logits.indexOf(Math.max(...logits)) }];
  });
  if (measure === "share")
    return (
      counted.filter((c) => c.y === c.said).length / counted.length < least
    );
  const ious = [0, 1, 2].flatMap((k) => {
    const both = counted.filter((c) => c.y === k && c.said === k).length;
    const either = counted.filter((c) => c.y === k || c.said === k).length;
    return either > 0 ? [both / either] : [];
  });
  return ious.reduce((sum, v) => sum + v, 0) / ious.length < least;
}

/** Rows of outputs, with ties, and of classes, some of which do not count. */
const drawn = fc.array(
  fc.tuple(
    fc.array(fc.integer({ min: -3, max: 3 }), {
      minLength: WIDTH,
      maxLength: WIDTH,
    }),
    fc
      .array(fc.integer({ min: -1, max: CLASSES - 1 }), {
        minLength: POSITIONS,
        maxLength: POSITIONS,
      })
      .filter((row) => row.some((y) => y >= 0)),
  ),
  { minLength: 1, maxLength: 5 },
);

describe.each(tasks)("%j", (task) => {
  const model = identity(task);
  const meaning = meaningOf(model);
  const plain = task as Extract<Task, { kind: "positions" }>;

  test("is judged as the words say, and in a graph as outside", async () => {
    const compiled = await compile(model, onnxruntime);
    await fc.assert(
      fc.asyncProperty(drawn, async (rows) => {
        const values = rows.map(([row]) => row);
        const wanted = rows.map(([, classes]) => classes);
        const x = floats([rows.length, WIDTH], values.flat());
        const targets = floats([rows.length, POSITIONS], wanted.flat());
        const seen = classesSeen(model, x, targets);
        expect(Array.from(seen, (k) => k !== 0)).toEqual(
          values.map((row, i) => isWrong(plain, row, wanted[i]!)),
        );
        const { loss } = await compiled.lossGradient(
          x,
          rows.map(() => 0),
          { loss: "margin", targets },
        );
        const { data } = meaning.view(x, targets);
        loss.forEach((margin, i) => {
          expect(data[2 * i]).toBe(0);
          expect(margin).toBeCloseTo(data[2 * i + 1]!, 4);
        });
      }),
      { numRuns: 60 },
    );
    await compiled.release();
  });

  test("has a loss whose gradient agrees with differences", async () => {
    const compiled = await compile(model, onnxruntime);
    const random = new Random(1);
    for (let i = 0; i < 5; i++) {
      const x = draw(i, [1, WIDTH]);
      const targets = Float32Array.from([i % 3, -1, 0, 2, 1]);
      const truth = { label: 0, targets };
      const { loss } = await compiled.lossGradient(x, [0], {
        targets: floats([1, POSITIONS], targets),
      });
      expect(loss[0]).toBeCloseTo(meaning.lossOf(x.data, truth), 5);
      const [error] = await gradientErrors(compiled, x, [truth], [random]);
      expect(error).toBeLessThan(0.01);
    }
    await compiled.release();
  });

  test("a position that does not count moves nothing", async () => {
    const compiled = await compile(model, onnxruntime);
    const targets = floats([1, POSITIONS], [0, -1, 0, 2, 1]);
    const { gradient } = await compiled.lossGradient(draw(3, [1, WIDTH]), [0], {
      targets,
    });
    await compiled.release();
    for (const k of [0, 1, 2]) {
      expect(gradient.data[k * POSITIONS + 1]).toBe(0);
      expect(gradient.data[k * POSITIONS]).not.toBe(0);
    }
  });

  test("an output that is no number is wrong", () => {
    const targets = floats([1, POSITIONS], [1, 0, 1, 2, 2]);
    const bad = floats([1, WIDTH], new Float32Array(WIDTH).fill(Number.NaN));
    expect(classesSeen(model, bad, targets)[0]).not.toBe(0);
  });

  test("needs its targets", async () => {
    const compiled = await compile(model, onnxruntime);
    const x = draw(1, [1, WIDTH]);
    await expect(compiled.lossGradient(x, [0])).rejects.toMatchObject({
      code: "TARGETS_MISSING",
    });
    expect(() => classesSeen(model, x)).toThrow(/has not been given/);
    await compiled.release();
  });

  test("goes with the model's file", () => {
    const whole = { ...model, task: { ...plain, shape: [POSITIONS] } };
    const read = modelOf(
      decodeModel(encodeModel(toFile(whole)), "saved.onnx"),
      "saved.onnx",
    );
    expect(read.task).toEqual(whole.task);
    expect(read.classes).toEqual(["a", "b", "c"]);
  });
});

test("more samples than a batch holds", async () => {
  const compiled = await compile(identity(tasks[0]!), onnxruntime);
  for (const n of [0, 300]) {
    const x = draw(4, [n, WIDTH]);
    const { dims, data } = await compiled.logits(x);
    expect(dims).toEqual([n, WIDTH]);
    expect(data).toEqual(x.data);
  }
  await compiled.release();
});

test("what is said, and how well", () => {
  const meaning = meaningOf(identity(tasks[2]!));
  const targets = floats([2, POSITIONS], [0, 0, 1, 2, -1, 1, 1, 1, 1, 1]);
  const rows = [0, 1].map((i) =>
    meaning.saying(targets.data.subarray(5 * i, 5 * i + 5)),
  );
  expect(meaning.answer(rows[0]!)).toBe("a a b c");
  // The second row says a where b is right once.
  rows[1]![0] = 2;
  const outputs = floats(
    [2, WIDTH],
    [...rows[0]!, ...rows[1]!].map((v) => v || 0),
  );
  const [share, each, all] = meaning.measures(outputs, targets);
  expect(share?.each).toEqual([1, 0.8]);
  expect(share?.value).toBeCloseTo(0.9);
  // Of the second sample a has 0 of 1 and b 4 of 5.
  expect(each?.value).toBeCloseTo((1 + 0.4) / 2);
  // Together a has 2 of 3, b 5 of 6 and c 1 of 1.
  expect(all?.value).toBeCloseTo((2 / 3 + 5 / 6 + 1) / 3);
});

test("guessing: the best mask for all", () => {
  const model = identity({ kind: "positions", measure: "share", least: 0.8 });
  const targets = floats(
    [3, POSITIONS],
    [0, 0, 0, 1, 1, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2],
  );
  const right = bestConstant(model, new Int32Array(3), targets);
  expect(right).toEqual([true, true, false]);
});

/** A convolution of one pixel on images [1, 4, 6], and what follows it. */
function pixelNet(
  outputs: number,
  end: (b: GraphBuilder, maps: string) => string,
): Graph {
  const b = new GraphBuilder(emptyGraph("pixels"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, 4, 6] });
  const w = b.constant(draw(1, [outputs, 1, 1, 1]), "w");
  const bias = b.constant(draw(2, [outputs]), "bias");
  const maps = b.op("Conv", ["x", w, bias], { kernel_shape: ints([1, 1]) });
  return b.build([end(b, maps)]);
}
const task = { kind: "positions", least: 0.9 } as const;
const softmax = (b: GraphBuilder, v: string, axis: number) =>
  b.op("Softmax", [v], { axis: int(axis) });
const last = (b: GraphBuilder, v: string) => b.transpose(v, [0, 2, 3, 1]);

describe("a class at each pixel", () => {
  const image = draw(5, [2, 1, 4, 6], 0.2);
  const open = async (graph: Graph, options: LoadModelOptions = {}) => {
    const model = modelOf(graph, "net.onnx", { task, ...options });
    const compiled = await compile(model, onnxruntime);
    const { data, dims } = await compiled.logits(image);
    await compiled.release();
    return { model, data, dims };
  };

  test.each([
    ["first", pixelNet(3, (_b, v) => v)],
    ["first, behind a Softmax", pixelNet(3, (b, v) => softmax(b, v, 1))],
    ["last", pixelNet(3, last)],
    [
      "last, behind a Softmax",
      pixelNet(3, (b, v) => softmax(b, last(b, v), -1)),
    ],
    [
      "turned behind a Softmax",
      pixelNet(3, (b, v) => last(b, softmax(b, v, 1))),
    ],
    ["of a row of pixels", pixelNet(3, (b, v) => b.reshape(v, [-1, 3, 24]))],
  ])("%s: the same logits", async (name, graph) => {
    const options = name.startsWith("of a row")
      ? { classes: ["a", "b", "c"] }
      : {};
    const { model, data, dims } = await open(graph, options);
    expect(dims).toEqual([2, 72]);
    expect(model.classes).toHaveLength(3);
    const plain = await open(pixelNet(3, (_b, v) => v));
    expect(data).toEqual(plain.data);
  });

  test("of one output are two classes", async () => {
    const { model, data, dims } = await open(
      pixelNet(1, (b, v) => b.sigmoid(v)),
    );
    expect(dims).toEqual([2, 48]);
    expect(model.classes).toHaveLength(2);
    expect(data[0]).toBe(-data[24]!);
    const headed = replaceHead(
      model,
      ["a", "b", "c"],
      new Random(1),
      undefined,
      {
        ...task,
        measure: "share",
      },
    );
    expect(headed.classes).toHaveLength(3);
  });

  test.each([
    [
      "along either end",
      pixelNet(6, (_b, v) => v),
      { classes: ["1", "2", "3", "4", "5", "6"] },
      undefined,
    ],
    [
      "labels that hold by themselves",
      pixelNet(3, (b, v) => b.sigmoid(v)),
      {},
      /labels that hold by themselves at each position/,
    ],
    [
      "too few",
      pixelNet(3, (_b, v) => v),
      { classes: ["a", "b"] },
      /2 classes may lie along either end, or along none/,
    ],
    [
      "time before the batch",
      pixelNet(3, (b, v) => b.transpose(b.reshape(v, [-1, 3, 24]), [2, 0, 1])),
      {},
      /its batch is not first, as of sequences without an alignment \(CTC\)/,
    ],
    [
      "one that is not stated",
      pixelNet(3, (_b, v) => v),
      { task: undefined },
      /an answer at each pixel .* expected/,
    ],
  ] as [string, Graph, LoadModelOptions, RegExp | undefined][])(
    "%s",
    (_name, graph, options, message) => {
      const at = () => modelOf(graph, "net.onnx", { task, ...options });
      if (message) expect(at).toThrow(message);
      // Of two ends with six, that beside the positions of the input has the classes.
      else expect(at().task).toMatchObject({ axis: "first", shape: [4, 6] });
    },
  );

  test("some of its classes, in another order", async () => {
    const { data } = await open(pixelNet(3, (_b, v) => v));
    const some = await open(
      pixelNet(3, (_b, v) => v),
      {
        outputs: [2, 0],
        classes: ["c", "a"],
      },
    );
    expect(some.data.subarray(0, 24)).toEqual(data.subarray(48, 72));
    expect(some.data.subarray(24, 48)).toEqual(data.subarray(0, 24));
  });

  test.each([
    ["a convolution", pixelNet(3, (_b, v) => v)],
    [
      "and a Resize behind it",
      pixelNet(3, (b, v) => {
        const scales = b.constant(floats([4], [1, 1, 2, 2]));
        return b.op("Resize", [v, "", scales], {
          mode: { kind: "string", value: "linear" },
        });
      }),
    ],
    [
      "and a Softmax that is turned",
      pixelNet(3, (b, v) => last(b, softmax(b, v, 1))),
    ],
    [
      "a linear layer on channels last",
      pixelNet(2, (b, v) => {
        const w = b.constant(draw(3, [2, 3]), "linear");
        const bias = b.constant(draw(4, [3]), "linear.bias");
        return b.add(b.matmul(last(b, v), w), bias);
      }),
    ],
  ])("a new head: %s", async (_name, graph) => {
    const model = modelOf(graph, "net.onnx", {
      task,
      classes: ["a", "b", "c"],
    });
    const names = ["a", "b", "c", "d"];
    const headed = replaceHead(model, names, new Random(1), undefined, {
      ...task,
      measure: "iou",
    });
    expect(headed.task).toMatchObject({ measure: "iou" });
    const compiled = await compile(headed, onnxruntime);
    const { dims } = await compiled.logits(image);
    const shape = (headed.task as { shape?: number[] }).shape ?? [];
    expect(dims).toEqual([2, 4 * shape.reduce((p, d) => p * d, 1)]);
    await compiled.release();
    expect(layerGroups(headed.graph).at(-1)).toMatchObject({ name: "head" });
  });

  test("no head behind a cut, or on a classifier", () => {
    const model = modelOf(
      pixelNet(3, (_b, v) => v),
      "net.onnx",
      { task },
    );
    const to = { ...task, measure: "share" } as const;
    expect(() =>
      replaceHead(model, ["a", "b"], new Random(1), "w", to),
    ).toThrow(/would answer for a sample as a whole/);
    expect(() => replaceHead(model, ["a", "b"], new Random(1))).toThrow(
      /answers at each position, and the task is one of whole samples/,
    );
    expect(() =>
      replaceHead(
        linearModel([[1], [2]], [0, 0]),
        ["a", "b"],
        new Random(1),
        undefined,
        to,
      ),
    ).toThrow(/answers for a sample as a whole/);
  });
});
