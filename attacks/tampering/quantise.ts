import { z } from "zod";
import { evaluate, type Model } from "#model";
import { floats, int, type Node, type Tensor } from "#onnx";
import { erosion } from "../taxonomies.ts";
import { matrices, toBytes } from "./eight-bit.ts";
import {
  defineTampering,
  tamperingParams,
  withChangedWeights,
} from "./tampering.ts";

/**
 * Conversion to eight bits as ONNX Runtime's static quantisation does it by
 * default (QDQ form): weights as signed bytes with a scale for each tensor; what
 * comes out of each layer as unsigned bytes between the least and the greatest
 * value that clean samples gave. The input stays as it is, where ONNX Runtime rounds
 * that too: images come in bytes already. Rounding is passed straight through
 * by gradients, as in a file that was quantised before.
 */
export const int8 = defineTampering({
  id: "int8",
  title: "Conversion to eight bits",
  summary:
    "Converts the released model to eight bits, as ONNX Runtime's static quantisation does, and measures what is left of accuracy, agreement and robustness.",
  caution:
    "One scheme of many: per-channel scales, other calibration and four bits give other numbers. Robustness anew is by one attack straight through the rounding; a full audit of the converted file says more.",
  reference: "Jacob et al. 2018, arXiv:1712.05877",
  taxonomy: erosion,
  threat: "converts the released model to eight bits for deployment",
  unit: "bits",
  params: z.strictObject({ ...tamperingParams }),
  levels: () => [8],
  async tamper({ model, data, engine }) {
    const names = rounded(model);
    const seen = await evaluate(model, engine, data.x, () => names);
    const ranges = new Map(
      names.map((name, i) => [name, rangeOf(seen[i]!.data)]),
    );
    const bytes = new Map(
      matrices(model).map(([n, t]) => [n, toBytes(t.data)]),
    );
    const small = withChangedWeights(model, (weight, name) => {
      const known = bytes.get(name);
      if (known)
        for (let i = 0; i < weight.length; i++)
          weight[i] = known.scale * known.bytes[i]!;
    });
    const constants = new Map<string, Tensor>(small.graph.constants);
    return insertAfter(small, constants, names, (from, to) => {
      const { scale, zero } = ranges.get(to) as Range;
      const [s, z] = [`${to}/scale`, `${to}/zero`];
      constants.set(s, floats([], [scale]));
      constants.set(z, {
        type: "uint8",
        dims: [],
        data: Uint8Array.of(zero),
      });
      return [
        node("QuantizeLinear", [from, s, z], `${to}/bytes`),
        node("DequantizeLinear", [`${to}/bytes`, s, z], to),
      ];
    });
  },
});

/**
 * Conversion to half precision: weights, and what comes out of each layer, are rounded
 * to 16-bit floats. Sums are taken in single precision, as accelerators do.
 */
export const float16 = defineTampering({
  id: "float16",
  title: "Conversion to half precision",
  summary:
    "Rounds weights, and what comes out of each layer, to half precision, and measures what is left of accuracy, agreement and robustness.",
  caution:
    "Sums are taken in single precision; hardware that adds in half precision loses more. No change of accuracy is no proof for inputs beyond those that were tried.",
  reference: "Micikevicius et al. 2018, arXiv:1710.03740",
  taxonomy: erosion,
  threat: "converts the released model to half precision for deployment",
  unit: "bits",
  params: z.strictObject({ ...tamperingParams }),
  levels: () => [16],
  async tamper({ model }) {
    const half = withChangedWeights(model, (weight) => {
      for (let i = 0; i < weight.length; i++) weight[i] = toHalf(weight[i]!);
    });
    const constants = new Map<string, Tensor>(half.graph.constants);
    // ONNX numbers float as 1 and float16 as 10.
    return insertAfter(half, constants, rounded(model), (from, to) => [
      node("Cast", [from], `${to}/half`, { to: int(10) }),
      node("Cast", [`${to}/half`], to, { to: int(1) }),
    ]);
  },
});

const node = (
  op: string,
  inputs: string[],
  output: string,
  attributes: Node["attributes"] = {},
): Node => ({
  name: "",
  domain: "",
  op,
  inputs,
  outputs: [output],
  attributes,
});

/**
 * The values that are rounded: what comes out of the nodes that multiply by weights.
 */
function rounded(model: Model): string[] {
  const weights = new Set(matrices(model).map(([name]) => name));
  return model.graph.nodes
    .filter((n) => n.inputs.some((i) => weights.has(i)))
    .flatMap((n) => n.outputs.slice(0, 1));
}

/** Puts nodes behind values, whose readers then read what the nodes make. */
function insertAfter(
  model: Model,
  constants: Map<string, Tensor>,
  values: readonly string[],
  make: (from: string, to: string) => Node[],
): Model {
  const chosen = new Set(values);
  const nodes = model.graph.nodes.flatMap((n) => {
    const [first = ""] = n.outputs;
    if (!chosen.has(first)) return [n];
    const exact = `${first}/exact`;
    return [
      { ...n, outputs: [exact, ...n.outputs.slice(1)] },
      ...make(exact, first),
    ];
  });
  return { ...model, graph: { ...model.graph, nodes, constants } };
}

interface Range {
  readonly scale: number;
  readonly zero: number;
}

/** Unsigned bytes over the values seen, 0 among them. */
function rangeOf(values: Float32Array): Range {
  let [low, high] = [0, 0];
  for (const v of values) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  const scale = high > low ? (high - low) / 255 : 1;
  return { scale, zero: Math.round(-low / scale) };
}

/**
 * The nearest 16-bit float; beyond its range infinity (IEEE 754, round half to even).
 */
export function toHalf(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(value))));
  const step = 2 ** (exponent - 10);
  const scaled = value / step;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  const near = (floor + (up ? 1 : 0)) * step;
  return Math.abs(near) > 65504 ? Math.sign(value) * Infinity : near;
}
