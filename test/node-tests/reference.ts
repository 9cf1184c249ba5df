import {
  attribute,
  type Graph,
  type Node,
  sizeOf,
  type Tensor,
  windowOf,
} from "#onnx";

/** A value in double precision, or whole numbers. */
interface Value {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

type Kernel = (inputs: readonly (Value | undefined)[], node: Node) => Value;

const number = (node: Node, name: string, fallback: number) =>
  attribute(node, name, "float", fallback);

const unary =
  (f: (x: number, node: Node) => number): Kernel =>
  ([x], node) => {
    const { dims, data } = x as Value;
    return { dims, data: data.map((v) => f(v, node)) };
  };

/** The error function to double precision, by its series and its continued fraction. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  const rest = Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI));
  return Math.sign(x) * (1 - rest);
}

/** All positions of a shape, the last axis fastest. */
function* positions(dims: readonly number[]): Generator<number[]> {
  const at = dims.map(() => 0);
  const count = sizeOf(dims);
  for (let i = 0; i < count; i++) {
    yield [...at];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at[axis] = at[axis]! + 1;
      if (at[axis]! < dims[axis]!) break;
      at[axis] = 0;
    }
  }
}

/** The place of a position in row-major data; -1 outside. */
function placeOf(position: readonly number[], dims: readonly number[]): number {
  let place = 0;
  for (let axis = 0; axis < dims.length; axis++) {
    const [p, d] = [position[axis]!, dims[axis]!];
    if (p < 0 || p >= d) return -1;
    place = place * d + p;
  }
  return place;
}

const conv: Kernel = ([x, w, bias], node) => {
  const [image, weight] = [x as Value, w as Value];
  const [batch = 1, , ...spatial] = image.dims;
  const [out = 1, perGroup = 1, ...kernel] = weight.dims;
  const window = windowOf(node, spatial, kernel);
  const groups = attribute(node, "group", "int", 1);
  const size = spatial.map((length, i) => {
    const reach = ((kernel[i] ?? 1) - 1) * (window.dilations[i] ?? 1) + 1;
    const padded =
      length + (window.padsBegin[i] ?? 0) + (window.padsEnd[i] ?? 0);
    return Math.floor((padded - reach) / (window.strides[i] ?? 1)) + 1;
  });
  const dims = [batch, out, ...size];
  const data = new Float64Array(sizeOf(dims));
  let i = 0;
  for (const [n = 0, m = 0, ...at] of positions(dims)) {
    let sum = bias ? bias.data[m]! : 0;
    const group = Math.floor(m / (out / groups));
    for (const [c = 0, ...tap] of positions([perGroup, ...kernel])) {
      const where = at.map(
        (o, a) =>
          o * (window.strides[a] ?? 1) -
          (window.padsBegin[a] ?? 0) +
          tap[a]! * (window.dilations[a] ?? 1),
      );
      const from = placeOf([n, group * perGroup + c, ...where], image.dims);
      if (from < 0) continue;
      const by = placeOf([m, c, ...tap], weight.dims);
      sum += image.data[from]! * weight.data[by]!;
    }
    data[i++] = sum;
  }
  return { dims, data };
};

const globalAverage: Kernel = ([x]) => {
  const { dims, data } = x as Value;
  const [n = 1, c = 1, ...spatial] = dims;
  const size = sizeOf(spatial);
  const mean = new Float64Array(n * c);
  for (let i = 0; i < data.length; i++) {
    const at = Math.floor(i / size);
    mean[at] = mean[at]! + data[i]! / size;
  }
  return { dims: [n, c, ...spatial.map(() => 1)], data: mean };
};

const instanceNorm: Kernel = ([x, scale, shift], node) => {
  const { dims, data } = x as Value;
  const channels = dims[1] ?? 1;
  const size = sizeOf(dims.slice(2));
  const epsilon = number(node, "epsilon", 1e-5);
  const result = new Float64Array(data.length);
  for (let from = 0; from < data.length; from += size) {
    const part = data.subarray(from, from + size);
    const mean = part.reduce((s, v) => s + v, 0) / size;
    const variance = part.reduce((s, v) => s + (v - mean) ** 2, 0) / size;
    const c = (from / size) % channels;
    for (let i = 0; i < size; i++) {
      const unit = (part[i]! - mean) / Math.sqrt(variance + epsilon);
      result[from + i] =
        unit * (scale?.data[c] as number) + (shift?.data[c] as number);
    }
  }
  return { dims, data: result };
};

const gelu = (x: number, node: Node) =>
  attribute(node, "approximate", "string", "none") === "tanh"
    ? 0.5 *
      x *
      (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : 0.5 * x * (1 + erf(x / Math.SQRT2));

const softplus = (x: number) =>
  x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));

/** Float operators that onnxruntime has no kernels for in double precision. */
const kernels: Readonly<Record<string, Kernel>> = {
  Conv: conv,
  GlobalAveragePool: globalAverage,
  InstanceNormalization: instanceNorm,
  Erf: unary(erf),
  Gelu: unary(gelu),
  Mish: unary((x) => x * Math.tanh(softplus(x))),
  Softplus: unary(softplus),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Elu: unary((x, n) => (x > 0 ? x : number(n, "alpha", 1) * (Math.exp(x) - 1))),
  Celu: unary((x, n) => {
    const a = number(n, "alpha", 1);
    return Math.max(0, x) + Math.min(0, a * (Math.exp(x / a) - 1));
  }),
  Selu: unary((x, n) => {
    const a = number(n, "alpha", 1.6732632423543772);
    const g = number(n, "gamma", 1.0507009873554805);
    return g * (x > 0 ? x : a * (Math.exp(x) - 1));
  }),
  LeakyRelu: unary((x, n) => (x < 0 ? number(n, "alpha", 0.01) * x : x)),
  ThresholdedRelu: unary((x, n) => (x > number(n, "alpha", 1) ? x : 0)),
  HardSigmoid: unary((x, n) =>
    Math.max(
      0,
      Math.min(1, number(n, "alpha", 0.2) * x + number(n, "beta", 0.5)),
    ),
  ),
  HardSwish: unary((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  Tan: unary(Math.tan),
  Asin: unary(Math.asin),
  Acos: unary(Math.acos),
  Atan: unary(Math.atan),
  Sinh: unary(Math.sinh),
  Cosh: unary(Math.cosh),
  Asinh: unary(Math.asinh),
  Acosh: unary(Math.acosh),
  Atanh: unary(Math.atanh),
};

export const supports = (node: Node) =>
  node.domain === "" && Object.hasOwn(kernels, node.op);

/** Runs a graph of supported operators in double precision. */
export function evaluate(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const values = new Map<string, Value>();
  for (const [name, t] of [...graph.constants, ...Object.entries(feeds)]) {
    values.set(name, {
      dims: t.dims,
      data: Float64Array.from(t.data as Float32Array, Number),
    });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => values.get(name));
    const kernel = kernels[node.op]!;
    values.set(node.outputs[0]!, kernel(inputs, node));
  }
  return Object.fromEntries(
    graph.outputs.map(({ name }) => [
      name,
      { type: "float64", ...(values.get(name) as Value) },
    ]),
  );
}
