import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  type Attributes,
  emptyGraph,
  expand,
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  ints,
  normalise,
  sizeOf,
  string,
  type Tensor,
  tensor,
} from "#onnx";
import { runs } from "../../runs.ts";

type Byte = "int8" | "uint8";

/** Draws what a quantised node needs. */
class Draw {
  readonly #random: Random;
  constructor(seed: number) {
    this.#random = new Random(seed);
  }
  below(n: number): number {
    return Math.floor(this.#random.uniform() * n);
  }
  bytes(type: Byte, dims: readonly number[]): Tensor {
    const low = type === "int8" ? -128 : 0;
    const values = Array.from(
      { length: sizeOf(dims) },
      () => low + this.below(256),
    );
    return type === "int8"
      ? tensor("int8", dims, Int8Array.from(values))
      : tensor("uint8", dims, Uint8Array.from(values));
  }
  /** A zero point near the middle. */
  zero(type: Byte, dims: readonly number[] = []): Tensor {
    const middle = type === "int8" ? 0 : 128;
    const values = Array.from(
      { length: sizeOf(dims) },
      () => middle - 20 + this.below(40),
    );
    return type === "int8"
      ? tensor("int8", dims, Int8Array.from(values))
      : tensor("uint8", dims, Uint8Array.from(values));
  }
  /**
   * 7-bit weights, whose products fit the 16-bit sums of processors without
   * 8-bit instructions.
   */
  weights(type: Byte, dims: readonly number[]): Tensor {
    const low = type === "int8" ? -64 : 64;
    const values = Array.from(
      { length: sizeOf(dims) },
      () => low + this.below(128),
    );
    return type === "int8"
      ? tensor("int8", dims, Int8Array.from(values))
      : tensor("uint8", dims, Uint8Array.from(values));
  }
  scale(around: number, dims: readonly number[] = []): FloatTensor {
    return floats(
      dims,
      Array.from(
        { length: sizeOf(dims) },
        () => around * (0.8 + 0.4 * this.#random.uniform()),
      ),
    );
  }
  int32(dims: readonly number[], size: number): Tensor {
    return tensor(
      "int32",
      dims,
      Int32Array.from(
        { length: sizeOf(dims) },
        () => this.below(2 * size) - size,
      ),
    );
  }
}

interface Case {
  readonly op: string;
  /** "" for the standard ones. */
  readonly domain?: string;
  /** The first is the input of the graph, the others are constants. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes?: Attributes;
}

function graphOf({
  op,
  domain = "com.microsoft",
  inputs,
  attributes = {},
}: Case) {
  const b = new GraphBuilder({
    ...emptyGraph("quantised"),
    opsets: new Map([
      ["", 18],
      ["com.microsoft", 1],
    ]),
  });
  const feeds: Record<string, Tensor> = {};
  const names = inputs.map((value, i) => {
    if (value === undefined) return "";
    const changes =
      ["int8", "uint8"].includes(value.type) && sizeOf(value.dims) > 1;
    if (i > 0 && !changes) return b.constant(value);
    const name = `x${i}`;
    feeds[name] = value;
    return b.input({ name, type: value.type, dims: value.dims });
  });
  while (names.at(-1) === "") names.pop();
  b.append({ name: op, op, domain, inputs: names, outputs: ["y"], attributes });
  const outputs = [{ name: "y", type: resultOf(op, inputs) }];
  return { graph: { ...b.build(["y"]), outputs }, feeds };
}

/** The type of the result: that of its zero point, where there is one. */
function resultOf(op: string, inputs: Case["inputs"]): Tensor["type"] {
  const places: Record<string, number> = {
    QuantizeLinear: 2,
    QLinearConcat: 2,
    QLinearWhere: 1,
    QGemm: 8,
    QLinearConv: 7,
    QLinearMatMul: 7,
  };
  return /ToFloat|DynamicQuantize|Dequantize|Attention/.test(op)
    ? "float32"
    : (inputs[places[op] ?? 0]?.type ?? "float32");
}

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>) {
  const session = await onnxruntime.load(graph);
  try {
    return (await session.run(feeds)).y as Tensor;
  } finally {
    await session.release();
  }
}

/**
 * The integers may differ by one where a result is halfway between two,
 * and in few places.
 */
async function expectSame(subject: Case): Promise<void> {
  const { graph, feeds } = graphOf(subject);
  const expanded = expand(graph, () => true);
  const left = ({ op, domain }: { op: string; domain: string }) =>
    op === subject.op && domain === (subject.domain ?? "com.microsoft");
  expect(expanded.nodes.some(left)).toBe(false);
  const wanted = await run(graph, feeds);
  const seen = await run(expanded, feeds);
  expect(seen.type).toBe(wanted.type);
  expect(seen.dims).toEqual(wanted.dims);
  const distances = Array.from(seen.data as Int8Array, (v, i) =>
    Math.abs(Number(v) - Number(wanted.data[i])),
  );
  if (wanted.type === "float32") {
    const size = Math.max(
      1,
      ...Array.from(wanted.data as Float32Array, Math.abs),
    );
    expect(Math.max(...distances) / size).toBeLessThan(1e-5);
    return;
  }
  expect(Math.max(...distances)).toBeLessThanOrEqual(1);
  const off = distances.filter((d) => d > 0).length;
  expect(off).toBeLessThanOrEqual(1 + 0.1 * distances.length);
}

const seeds = fc.nat(1e6);
const size = fc.integer({ min: 1, max: 4 });
const bit = fc.boolean();
const byte = fc.constantFrom<Byte>("int8", "uint8");

/** For each operator, subjects by fast-check. */
const subjects: Record<string, fc.Arbitrary<Case>> = {
  QLinearConv: fc
    .record({
      s: seeds,
      x: byte,
      w: byte,
      groups: fc.constantFrom(1, 2),
      perChannel: bit,
      bias: bit,
      stride: fc.integer({ min: 1, max: 2 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      pad: fc.constantFrom(undefined, "SAME_UPPER", "VALID"),
      border: fc.nat(2),
    })
    .map((c): Case => {
      const d = new Draw(c.s);
      const channels = c.perChannel ? [4] : [];
      const w = c.x === "int8" ? "int8" : c.w;
      return {
        op: "QLinearConv",
        domain: "",
        inputs: [
          d.bytes(c.x, [2, 4, 6, 5]),
          d.scale(0.02),
          d.zero(c.x),
          d.weights(w, [4, 4 / c.groups, 3, 2]),
          d.scale(0.01, channels),
          // Zero points of filters are the same.
          w === "int8"
            ? tensor("int8", channels, new Int8Array(c.perChannel ? 4 : 1))
            : tensor(
                "uint8",
                channels,
                new Uint8Array(c.perChannel ? 4 : 1).fill(128),
              ),
          d.scale(0.1),
          d.zero(c.x),
          ...(c.bias ? [d.int32([4], 5000)] : []),
        ],
        attributes: {
          group: int(c.groups),
          strides: ints([c.stride, c.stride]),
          ...(c.pad
            ? { auto_pad: string(c.pad) }
            : {
                pads: ints([c.border, 0, 1, c.border]),
                dilations: ints([c.dilation, 1]),
              }),
        },
      };
    }),
  QLinearMatMul: fc
    .record({
      s: seeds,
      type: byte,
      lead: fc.array(size, { maxLength: 2 }),
      m: size,
      k: size,
      n: size,
      columns: bit,
    })
    .map(({ s, type, lead, m, k, n, columns }): Case => {
      const d = new Draw(s);
      const perColumn = columns ? [n] : [];
      return {
        op: "QLinearMatMul",
        domain: "",
        inputs: [
          d.bytes(type, [...lead, m, k]),
          d.scale(0.02),
          d.zero(type),
          d.weights(type, [k, n]),
          d.scale(0.01, perColumn),
          d.zero(type, perColumn),
          d.scale(0.05),
          d.zero(type),
        ],
      };
    }),
  ...Object.fromEntries(
    ["QLinearAdd", "QLinearMul"].map((op) => [
      op,
      fc
        .record({
          s: seeds,
          type: byte,
          shapes: fc.constantFrom(
            [
              [3, 4],
              [3, 4],
            ],
            [[2, 3, 4], [4]],
            [
              [3, 1],
              [2, 1, 4],
            ],
            [[5], []],
          ),
        })
        .map(({ s, type, shapes }): Case => {
          const d = new Draw(s);
          const zero = () => d.zero(type);
          return {
            op,
            inputs: [
              d.bytes(type, shapes[0] as readonly number[]),
              d.scale(0.02),
              zero(),
              d.bytes(type, shapes[1] as readonly number[]),
              d.scale(0.03),
              zero(),
              d.scale(0.05),
              zero(),
            ],
          };
        }),
    ]),
  ),
  ...Object.fromEntries(
    ["QLinearSigmoid", "QLinearLeakyRelu"].map((op) => [
      op,
      fc.record({ s: seeds, type: byte }).map(({ s, type }): Case => {
        const d = new Draw(s);
        return {
          op,
          inputs: [
            d.bytes(type, [3, 20]),
            d.scale(0.05),
            d.zero(type),
            d.scale(op === "QLinearSigmoid" ? 0.01 : 0.04),
            d.zero(type),
          ],
          attributes: op === "QLinearSigmoid" ? {} : { alpha: float(0.2) },
        };
      }),
    ]),
  ),
  QLinearSoftmax: fc
    .record({
      s: seeds,
      type: byte,
      axis: fc.integer({ min: -3, max: 2 }),
      opset: fc.constantFrom(12, 13),
    })
    .map(({ s, type, axis, opset }): Case => {
      const d = new Draw(s);
      return {
        op: "QLinearSoftmax",
        inputs: [
          d.bytes(type, [2, 3, 4]),
          d.scale(0.02),
          d.zero(type),
          floats([], [1 / 256]),
          type === "int8"
            ? tensor("int8", [], Int8Array.of(-128))
            : tensor("uint8", [], Uint8Array.of(0)),
        ],
        attributes: { axis: int(axis), opset: int(opset) },
      };
    }),
  QLinearAveragePool: fc
    .record({
      s: seeds,
      type: byte,
      last: bit,
      pad: fc.nat(1),
      ceil: bit,
      count: bit,
      stride: fc.integer({ min: 1, max: 2 }),
    })
    .map(({ s, type, last, pad, ceil, count, stride }): Case => {
      const d = new Draw(s);
      return {
        op: "QLinearAveragePool",
        inputs: [
          d.bytes(type, last ? [2, 6, 5, 3] : [2, 3, 6, 5]),
          d.scale(0.02),
          d.zero(type),
          d.scale(0.015),
          d.zero(type),
        ],
        attributes: {
          kernel_shape: ints([3, 2]),
          strides: ints([stride, stride]),
          pads: ints([pad, 0, pad, pad]),
          ceil_mode: int(+ceil),
          count_include_pad: int(+count),
          channels_last: int(+last),
        },
      };
    }),
  QLinearGlobalAveragePool: fc
    .record({ s: seeds, type: byte, last: bit })
    .map(({ s, type, last }): Case => {
      const d = new Draw(s);
      return {
        op: "QLinearGlobalAveragePool",
        inputs: [
          d.bytes(type, last ? [2, 6, 5, 3] : [2, 3, 6, 5]),
          d.scale(0.02),
          d.zero(type),
          d.scale(0.005),
          d.zero(type),
        ],
        attributes: { channels_last: int(+last) },
      };
    }),
  QLinearConcat: fc
    .record({ s: seeds, type: byte, axis: fc.constantFrom(0, 1, -1) })
    .map(({ s, type, axis }): Case => {
      const d = new Draw(s);
      return {
        op: "QLinearConcat",
        inputs: [
          d.scale(0.03),
          d.zero(type),
          ...[0, 1].flatMap(() => [
            d.bytes(type, [2, 3]),
            d.scale(0.02),
            d.zero(type),
          ]),
        ],
        attributes: { axis: int(axis) },
      };
    }),
  QLinearWhere: fc.record({ s: seeds, type: byte }).map(({ s, type }): Case => {
    const d = new Draw(s);
    return {
      op: "QLinearWhere",
      inputs: [
        tensor(
          "bool",
          [2, 3],
          Uint8Array.from({ length: 6 }, () => d.below(2)),
        ),
        d.bytes(type, [2, 3]),
        d.scale(0.02),
        d.zero(type),
        d.bytes(type, [3]),
        d.scale(0.03),
        d.zero(type),
        d.scale(0.03),
        d.zero(type),
      ],
    };
  }),
  QGemm: fc
    .record({
      s: seeds,
      a: byte,
      b: byte,
      ta: bit,
      tb: bit,
      alpha: fc.constantFrom(1, 0.5),
      columns: bit,
      bias: fc.constantFrom("none", "row", "full", "scalar"),
      out: bit,
    })
    .map(({ s, a, b: wanted, ta, tb, alpha, columns, bias, out }): Case => {
      const d = new Draw(s);
      const [m, k, n] = [3, 4, 5];
      const b = a === "int8" ? "int8" : wanted;
      const perColumn = columns ? [n] : [];
      const c = { none: undefined, row: [n], full: [m, n], scalar: [1] }[bias];
      return {
        op: "QGemm",
        inputs: [
          d.bytes(a, ta ? [k, m] : [m, k]),
          d.scale(0.02),
          d.zero(a),
          d.weights(b, tb ? [n, k] : [k, n]),
          d.scale(0.01, perColumn),
          d.zero(b, perColumn),
          c && d.int32(c, 3000),
          ...(out ? [d.scale(0.05), d.zero(a)] : []),
        ],
        attributes: {
          transA: int(+ta),
          transB: int(+tb),
          alpha: float(alpha),
        },
      };
    }),
  MatMulIntegerToFloat: fc
    .record({ s: seeds, a: byte, b: byte, columns: bit, bias: bit, zeros: bit })
    .map(({ s, a, b: wanted, columns, bias, zeros }): Case => {
      const d = new Draw(s);
      const b = a === "int8" ? "int8" : wanted;
      const perColumn = columns ? [5] : [];
      return {
        op: "MatMulIntegerToFloat",
        inputs: [
          d.bytes(a, [2, 3, 4]),
          d.weights(b, [4, 5]),
          d.scale(0.02),
          d.scale(0.01, perColumn),
          zeros ? d.zero(a) : undefined,
          zeros ? d.zero(b, perColumn) : undefined,
          bias ? d.scale(1, [5]) : undefined,
        ],
      };
    }),
  DynamicQuantizeMatMul: fc
    .record({ s: seeds, type: byte, columns: bit, bias: bit, zeros: bit })
    .map(({ s, type, columns, bias, zeros }): Case => {
      const d = new Draw(s);
      const random = new Random(s);
      const perColumn = columns ? [5] : [];
      return {
        op: "DynamicQuantizeMatMul",
        inputs: [
          floats(
            [3, 4],
            Array.from({ length: 12 }, () => random.normal()),
          ),
          d.weights(type, [4, 5]),
          d.scale(0.01, perColumn),
          zeros ? d.zero(type, perColumn) : undefined,
          bias ? d.scale(1, [5]) : undefined,
        ],
      };
    }),
  QAttention: fc
    .record({
      s: seeds,
      type: byte,
      causal: bit,
      mask: bit,
      columns: bit,
      zeros: bit,
    })
    .map(({ s, type, causal, mask, columns, zeros }): Case => {
      const d = new Draw(s);
      const [batch, length, width] = [2, 3, 4];
      const perColumn = columns ? [3 * width] : [];
      return {
        op: "QAttention",
        inputs: [
          d.bytes("uint8", [batch, length, width]),
          d.weights(type, [width, 3 * width]),
          d.scale(0.5, [3 * width]),
          d.scale(0.02),
          d.scale(0.01, perColumn),
          mask
            ? tensor(
                "int32",
                [batch, length],
                Int32Array.of(1, 1, 1, 1, d.below(2), 0),
              )
            : undefined,
          zeros ? d.zero("uint8") : undefined,
          // One for all columns, also where these have scales of their own.
          zeros ? d.zero(type) : undefined,
        ],
        attributes: { num_heads: int(2), unidirectional: int(+causal) },
      };
    }),
  QuantizeLinear: fc
    .record({ s: seeds, type: byte, axis: fc.constantFrom(undefined, 0, 1) })
    .map(({ s, type, axis }): Case => {
      const d = new Draw(s);
      const random = new Random(s);
      const dims = axis === undefined ? [] : [[3, 4][axis]!];
      return {
        op: "QuantizeLinear",
        inputs: [
          floats(
            [3, 4],
            Array.from({ length: 12 }, () => random.normal()),
          ),
          d.scale(0.02, dims),
          d.zero(type, dims),
        ],
        attributes: axis === undefined ? {} : { axis: int(axis) },
      };
    }),
  DequantizeLinear: fc
    .record({ s: seeds, type: byte, axis: fc.constantFrom(undefined, 0, 1) })
    .map(({ s, type, axis }): Case => {
      const d = new Draw(s);
      const dims = axis === undefined ? [] : [[3, 4][axis]!];
      return {
        op: "DequantizeLinear",
        inputs: [
          d.bytes(type, [3, 4]),
          d.scale(0.02, dims),
          d.zero(type, dims),
        ],
        attributes: axis === undefined ? {} : { axis: int(axis) },
      };
    }),
};

describe("quantised operators give what onnxruntime's own give", () => {
  test.each(Object.entries(subjects))("%s", async (_op, arbitrary) => {
    await fc.assert(fc.asyncProperty(arbitrary, expectSame), runs(25));
  });
});

describe("gradients pass through an int8 network", () => {
  const d = new Draw(5);
  const filters = d.weights("int8", [3, 2, 3, 3]);
  const bias = d.int32([3], 300);
  const matrix = d.weights("uint8", [3, 4]);
  const floatsOf = (t: Tensor, scale: number, zero = 0) =>
    floats(
      t.dims,
      Array.from(t.data as Int8Array, (v) => (v - zero) * scale),
    );

  /**
   * Convolution, a skip connection, pooling and a dense layer, on bytes as
   * onnxruntime's quantiser writes them.
   */
  function quantisedNetwork() {
    const b = new GraphBuilder({
      ...emptyGraph("int8"),
      opsets: new Map([
        ["", 18],
        ["com.microsoft", 1],
      ]),
    });
    b.input({ name: "x", type: "float32", dims: ["n", 2, 5, 5] });
    const zero = b.constant(tensor("uint8", [], Uint8Array.of(128)));
    const none = b.constant(tensor("int8", [], Int8Array.of(0)));
    const fine = b.scalar(0.02);
    const coarse = b.scalar(0.05);
    const x = b.op("QuantizeLinear", ["x", fine, zero]);
    const w = b.constant(filters);
    const conv = b.op(
      "QLinearConv",
      [x, fine, zero, w, b.scalar(0.01), none, coarse, zero, b.constant(bias)],
      { pads: ints([1, 1, 1, 1]) },
    );
    const contrib = (
      op: string,
      inputs: string[],
      output: string,
      attributes: Attributes = {},
    ) => {
      b.append({
        name: op,
        op,
        domain: "com.microsoft",
        inputs,
        outputs: [output],
        attributes,
      });
      return output;
    };
    const sigmoid = contrib(
      "QLinearSigmoid",
      [conv, coarse, zero, b.scalar(0.01), zero],
      "sigmoid",
    );
    const sum = contrib(
      "QLinearAdd",
      [conv, coarse, zero, sigmoid, b.scalar(0.01), zero, coarse, zero],
      "sum",
    );
    const mean = contrib(
      "QLinearGlobalAveragePool",
      [sum, coarse, zero, fine, zero],
      "mean",
    );
    const flat = b.op("Reshape", [mean, b.ints([-1, 3])]);
    const y = b.op("QLinearMatMul", [
      flat,
      fine,
      zero,
      b.constant(matrix),
      b.scalar(0.02),
      zero,
      coarse,
      zero,
    ]);
    const out = b.op("DequantizeLinear", [y, coarse, zero], {}, "y");
    return normalise(b.build([out]));
  }

  function floatNetwork() {
    const b = new GraphBuilder(emptyGraph("float"));
    b.input({ name: "x", type: "float32", dims: ["n", 2, 5, 5] });
    const conv = b.op(
      "Conv",
      [
        "x",
        b.constant(floatsOf(filters, 0.01)),
        b.constant(floatsOf(bias, 0.0002)),
      ],
      { pads: ints([1, 1, 1, 1]) },
    );
    const sum = b.add(conv, b.sigmoid(conv));
    const mean = b.op("GlobalAveragePool", [sum]);
    const flat = b.op("Reshape", [mean, b.ints([-1, 3])]);
    const y = b.matmul(flat, b.constant(floatsOf(matrix, 0.02, 128)));
    b.rename(y, "y");
    return b.build(["y"]);
  }

  async function slope(graph: Graph, x: FloatTensor) {
    const b = new GraphBuilder(graph);
    b.input({ name: "weights", type: "float32", dims: ["n", 4] });
    const result = gradient(b.build(), {
      of: "y",
      wrt: ["x"],
      seed: "weights",
    });
    const session = await onnxruntime.load(result.graph);
    const out = await session.run({
      x,
      weights: floats([2, 4], [1, -2, 3, 0.5, -1, 2, 0.3, 1]),
    });
    await session.release();
    return {
      y: [...(out.y as FloatTensor).data],
      g: [...(out[result.gradients.get("x") as string] as FloatTensor).data],
    };
  }

  test("close to those of the float network that it stands for", async () => {
    const random = new Random(6);
    const x = floats(
      [2, 2, 5, 5],
      Array.from({ length: 100 }, () => 0.5 * random.normal()),
    );
    const bytes = await slope(quantisedNetwork(), x);
    const plain = await slope(floatNetwork(), x);
    const norm = (v: readonly number[]) =>
      Math.sqrt(v.reduce((sum, e) => sum + e * e, 0));
    const difference = (p: readonly number[], q: readonly number[]) =>
      norm(p.map((v, i) => v - q[i]!)) / norm(q);
    expect(difference(bytes.y, plain.y)).toBeLessThan(0.2);
    // The sigmoid is differentiated at rounded values.
    expect(difference(bytes.g, plain.g)).toBeLessThan(0.02);
  });

  test("and none where a layer saturates", async () => {
    const x = floats([2, 2, 5, 5], new Array(100).fill(1000));
    const { g } = await slope(quantisedNetwork(), x);
    expect(Math.max(...g.map(Math.abs))).toBe(0);
  });

  test("a layout of scales that QuantizeLinear does not have is refused by name", () => {
    const b = new GraphBuilder(emptyGraph("rows"));
    b.input({ name: "x", type: "float32", dims: [2, 3, 4] });
    const zero = b.constant(tensor("uint8", [], Uint8Array.of(128)));
    const rows = b.constant(floats([2, 3, 1], [1, 2, 3, 4, 5, 6]));
    const zeros = b.constant(tensor("uint8", [2, 3, 1], new Uint8Array(6)));
    const q = b.op("QuantizeLinear", ["x", b.scalar(1), zero]);
    const product = b.op(
      "QLinearMatMul",
      [
        q,
        rows,
        zeros,
        b.constant(d.weights("uint8", [4, 5])),
        b.scalar(1),
        zero,
        b.scalar(1),
        zero,
      ],
      {},
      "rows",
    );
    const y = b.op("DequantizeLinear", [product, b.scalar(1), zero]);
    expect(() => gradient(b.build([y]), { of: y, wrt: ["x"] })).toThrow(
      expect.objectContaining({
        code: "GRADIENT_UNSUPPORTED",
        message: expect.stringMatching(/QLinearMatMul "rows".*layout/),
      }),
    );
  });
});
