import { Random } from "#core";
import {
  emptyGraph,
  float,
  floats,
  GraphBuilder,
  int,
  int64s,
  ints,
  sizeOf,
} from "#onnx";

/**
 * Adds layers as exporters write them, with random weights of a size that keeps
 * activations alive.
 */
export class Net {
  readonly b: GraphBuilder;
  readonly #random = new Random(1);
  #layers = 0;

  constructor(name: string) {
    this.b = new GraphBuilder(emptyGraph(name));
  }

  weight(name: string, dims: readonly number[], scale: number): string {
    const values = Float32Array.from(
      { length: sizeOf(dims) },
      () => scale * this.#random.normal(),
    );
    return this.b.constant(floats(dims, values), name);
  }

  conv(
    x: string,
    from: number,
    to: number,
    kernel: number,
    { stride = 1, pad = 0, groups = 1 } = {},
  ): string {
    const name = this.#next("conv");
    const inputs = (from / groups) * kernel ** 2;
    const w = this.weight(
      `${name}.weight`,
      [to, from / groups, kernel, kernel],
      Math.sqrt(2 / inputs),
    );
    return this.b.op("Conv", [x, w, this.weight(`${name}.bias`, [to], 0.1)], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
      group: int(groups),
    });
  }

  /** Batch normalisation with frozen statistics. */
  norm(x: string, channels: number): string {
    const name = this.#next("norm");
    const part = (suffix: string, value: number) =>
      this.b.constant(
        floats([channels], new Float32Array(channels).fill(value)),
        `${name}.${suffix}`,
      );
    return this.b.op("BatchNormalization", [
      x,
      part("weight", 1),
      part("bias", 0),
      part("running_mean", 0),
      part("running_var", 1),
    ]);
  }

  /** A linear layer on the last axis: Gemm of rows, MatMul and Add of anything else. */
  linear(x: string, from: number, to: number): string {
    const name = this.#next("linear");
    const bias = this.weight(`${name}.bias`, [to], 0.02);
    const scale = 1 / Math.sqrt(from);
    if (this.b.rankedDims(x).length === 2) {
      const w = this.weight(`${name}.weight`, [to, from], scale);
      return this.b.op("Gemm", [x, w, bias], { transB: int(1) });
    }
    const w = this.weight(`${name}.weight`, [from, to], scale);
    return this.b.add(this.b.matmul(x, w), bias);
  }

  layerNorm(x: string, width: number): string {
    const name = this.#next("layernorm");
    const part = (suffix: string, value: number) =>
      this.b.constant(
        floats([width], new Float32Array(width).fill(value)),
        `${name}.${suffix}`,
      );
    return this.b.op(
      "LayerNormalization",
      [x, part("weight", 1), part("bias", 0)],
      { axis: int(-1), epsilon: float(1e-5) },
    );
  }

  relu = (x: string) => this.b.op("Relu", [x]);

  gelu(x: string): string {
    const { b } = this;
    const cdf = b.add(b.op("Erf", [b.div(x, Math.SQRT2)]), 1);
    return b.mul(b.mul(x, cdf), 0.5);
  }

  /** Self-attention of `heads` heads over [batch, length, width]. */
  attention(x: string, width: number, heads: number): string {
    const { b } = this;
    const split = (v: string) =>
      b.transpose(b.reshape(v, [0, 0, heads, width / heads]), [0, 2, 1, 3]);
    const q = split(this.linear(x, width, width));
    const k = split(this.linear(x, width, width));
    const v = split(this.linear(x, width, width));
    const scores = b.mul(
      b.matmul(q, b.transpose(k, [0, 1, 3, 2])),
      1 / Math.sqrt(width / heads),
    );
    const shares = b.op("Softmax", [scores], { axis: int(-1) });
    const mixed = b.transpose(b.matmul(shares, v), [0, 2, 1, 3]);
    return this.linear(b.reshape(mixed, [0, 0, width]), width, width);
  }

  /** A transformer layer, normalised before (ViT) or after (BERT) each half. */
  transformer(x: string, width: number, heads: number, first: boolean): string {
    const { b } = this;
    const feed = (v: string) =>
      this.linear(
        this.gelu(this.linear(v, width, 4 * width)),
        4 * width,
        width,
      );
    if (first) {
      const y = b.add(
        x,
        this.attention(this.layerNorm(x, width), width, heads),
      );
      return b.add(y, feed(this.layerNorm(y, width)));
    }
    const y = this.layerNorm(b.add(x, this.attention(x, width, heads)), width);
    return this.layerNorm(b.add(y, feed(y)), width);
  }

  globalAverage = (x: string) =>
    this.b.op("Flatten", [this.b.op("GlobalAveragePool", [x])]);

  /** The position `at` of a sequence [batch, length, width]. */
  pick = (x: string, at: number) =>
    this.b.op("Gather", [x, this.b.constant(int64s([at], []))], {
      axis: int(1),
    });

  #next(kind: string): string {
    this.#layers++;
    return `${String(this.#layers).padStart(3, "0")}.${kind}`;
  }
}
