import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, openModel } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  sizeOf,
} from "#onnx";

const random = new Random("weights");
const drawn = (dims: readonly number[]): FloatTensor =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random.normal() * 0.5),
  );

/**
 * A graph for batches of n, with six numbers as a sample in front of what `body` adds,
 * and a linear layer behind.
 */
function exported(
  n: number,
  shape: readonly number[],
  body: (b: GraphBuilder, x: string, n: number) => string,
): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: [n, ...shape] });
  const made = body(b, x, n);
  const width = b.dims(made)?.at(-1) as number;
  return b.build([
    b.op("Gemm", [made, b.constant(drawn([width, 3]))], {}, "logits"),
  ]);
}

const reshape = (b: GraphBuilder, x: string, to: number[], allowzero = 1) =>
  b.op("Reshape", [x, b.constant(int64s(to))], { allowzero: int(allowzero) });

const bodies: Record<
  string,
  {
    shape: number[];
    body: (b: GraphBuilder, x: string, n: number) => string;
  }
> = {
  "flatten of the dynamo exporter": {
    shape: [2, 3, 4],
    body: (b, x, n) => reshape(b, x, [n, 24]),
  },
  "a view with an open size": {
    shape: [2, 3, 4],
    body: (b, x, n) => reshape(b, x, [n, -1], 0),
  },
  "the batch told by the open size": {
    shape: [2, 3, 4],
    body: (b, x) => reshape(b, x, [-1, 24]),
  },
  "heads that are joined with the batch": {
    shape: [4, 6],
    body(b, x, n) {
      const heads = b.transpose(reshape(b, x, [n, 4, 2, 3]), [0, 2, 1, 3]);
      const joined = reshape(b, heads, [n * 2, 4, 3]);
      const mixed = b.matmul(joined, b.transpose(joined, [0, 2, 1]));
      const values = b.matmul(b.op("Softmax", [mixed]), joined);
      const apart = b.transpose(reshape(b, values, [n, 2, 4, 3]), [0, 2, 1, 3]);
      return reshape(b, apart, [n, 24]);
    },
  },
  "heads behind time, as MultiheadAttention of PyTorch has them": {
    shape: [5, 4],
    body(b, x, n) {
      const first = b.transpose(x, [1, 0, 2]);
      const heads = b.transpose(reshape(b, first, [5, n * 2, 2]), [1, 0, 2]);
      const mixed = b.matmul(heads, b.transpose(heads, [0, 2, 1]));
      const values = b.matmul(b.op("Softmax", [mixed]), heads);
      const rows = reshape(b, b.transpose(values, [1, 0, 2]), [5 * n, 4]);
      const mapped = b.matmul(rows, b.constant(drawn([4, 4])));
      const back = reshape(b, mapped, [5, n, 4]);
      return b.op("ReduceMean", [back, b.ints([0])], { keepdims: int(0) });
    },
  },
  "time in front of the batch": {
    shape: [5, 4],
    body(b, x, n) {
      const first = b.transpose(x, [1, 0, 2]);
      const rows = reshape(b, first, [5 * n, 4]);
      const mapped = b.matmul(rows, b.constant(drawn([4, 2])));
      const back = reshape(b, mapped, [5, n, 2]);
      return reshape(b, b.transpose(back, [1, 0, 2]), [n, 10]);
    },
  },
  "a class token in front of the tokens": {
    shape: [4, 6],
    body(b, x, n) {
      const token = b.expand(b.constant(drawn([1, 1, 6])), b.ints([n, 1, 6]));
      const all = b.add(b.concat([token, x], 1), b.constant(drawn([1, 5, 6])));
      const mixed = b.matmul(all, b.transpose(all, [0, 2, 1]));
      return b.op(
        "Gather",
        [b.matmul(mixed, all), b.constant(int64s([0], []))],
        {
          axis: int(1),
        },
      );
    },
  },
  "a class token that was folded": {
    shape: [4, 6],
    body(b, x, n) {
      const { data } = drawn([1, 1, 6]);
      const all = Array.from({ length: n }, () => [...data]).flat();
      const token = b.constant(floats([n, 1, 6], all));
      return reshape(b, b.concat([token, x], 1), [n, 30]);
    },
  },
  "initial states of a recurrent layer": {
    shape: [5, 4],
    body(b, x, n) {
      const state = b.constant(floats([1, n, 2], new Float32Array(2 * n)));
      const [, last = ""] = b.many(
        "LSTM",
        [
          b.transpose(x, [1, 0, 2]),
          b.constant(drawn([1, 8, 4])),
          b.constant(drawn([1, 8, 2])),
          b.constant(drawn([1, 16])),
          "",
          state,
          state,
        ],
        { hidden_size: int(2) },
        3,
      );
      return reshape(b, last, [n, 2]);
    },
  },
  "a view of maps by flat places (as_strided)": {
    shape: [4, 3, 2],
    body(b, x, n) {
      const flat = reshape(b, x, [-1], 0);
      // Channels are last, and every other pixel is left out.
      const places = Array.from({ length: n * 12 }, (_, i) => {
        const [sample, at] = [Math.floor(i / 12), i % 12];
        return 24 * sample + 6 * (at % 4) + 2 * Math.floor(at / 4);
      });
      const view = b.op("Gather", [flat, b.constant(int64s(places, [n, 12]))]);
      return reshape(b, view, [n, 12]);
    },
  },
  "pixels at places that are the same in each sample": {
    shape: [1, 4, 4],
    body(b, x, n) {
      const one = drawn([1, 2, 3, 2]).data;
      const grid = floats(
        [n, 2, 3, 2],
        Array.from({ length: n }, () => [...one]).flat(),
      );
      const seen = b.op("GridSample", [x, b.constant(grid)]);
      return reshape(b, seen, [n, 6]);
    },
  },
  "constants and slices as large as the batch": {
    shape: [4],
    body(b, x, n) {
      const zeros = b.zeros(b.ints([n, 4]), x);
      const whole = b.slice(x, [0], [n], [0]);
      return b.add(b.op("Expand", [whole, b.ints([n, 4])]), zeros);
    },
  },
};

const cases = Object.entries(bodies).flatMap(([what, given]) =>
  [1, 2, 3].map((n) => ({ what, n, ...given })),
);

test.each(cases)(
  "$what, exported for batches of $n, is opened for any",
  async ({ n, shape, body }) => {
    const graph = exported(n, shape, body);
    const asItIs = await onnxruntime.load(graph);
    const model = await openModel(graph, "net.onnx", { classes: [..."abc"] });
    const opened = await compile(model, onnxruntime);
    const { data } = drawn([6, ...shape]);
    const seen = (await opened.logits(floats([6, ...shape], data))).data;
    const size = n * sizeOf(shape);
    for (let at = 0; at < 6; at += n) {
      const from = (at / n) * size;
      const x = floats([n, ...shape], data.slice(from, from + size));
      const wanted = (await asItIs.run({ x })).logits?.data as Float32Array;
      wanted.forEach((z, k) => {
        expect(seen[3 * at + k]).toBeCloseTo(z, 4);
      });
    }
    await asItIs.release();
    await opened.release();
  },
);

test("a model whose samples depend on each other is refused by name", async () => {
  const graph = exported(2, [4], (b, x) =>
    b.sub(x, b.op("ReduceMean", [x, b.ints([0])])),
  );
  await expect(
    openModel(graph, "net.onnx", { classes: [..."abc"] }),
  ).rejects.toThrow(
    "net.onnx was exported for batches of 2 and cannot be opened for others: a sample has other logits alone than beside another",
  );
});

test("a model that only runs at its own batch is refused with what fails", async () => {
  const graph = exported(3, [4], (b, x) => {
    const own = b.constant(drawn([3, 4]));
    return b.mul(x, own);
  });
  await expect(
    openModel(graph, "net.onnx", { classes: [..."abc"] }),
  ).rejects.toThrow(/cannot be opened for others: onnxruntime failed/);
});
