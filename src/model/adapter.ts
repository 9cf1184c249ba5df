import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AssayError, messageOf, readFile } from "#core";
import {
  attribute,
  type FloatTensor,
  type Graph,
  type Node,
  type Tensor,
  widened,
} from "#onnx";
import { layerOfWeight, scopeOf } from "./layer-names.ts";

/** What PEFT writes beside an adapter, as far as it says what is merged. */
const configSchema = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.literal(false).nullish(),
  bias: z.literal("none").nullish(),
  modules_to_save: z.array(z.never()).nullish(),
  rank_pattern: z.record(z.string(), z.int().positive()).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
});

type Config = z.output<typeof configSchema>;

/** Two thin matrices that an adapter adds to the weight of a module, B A. */
interface Factors {
  readonly module: string;
  /** [rank, inputs] */
  readonly a: FloatTensor;
  /** [outputs, rank] */
  readonly b: FloatTensor;
  readonly scale: number;
}

/** How much an adapter changes a module. */
export interface AdaptedModule {
  readonly module: string;
  readonly rank: number;
  /** Frobenius norm of what is added. */
  readonly norm: number;
  /** Its square over that of the largest singular value: how many directions. */
  readonly stableRank: number;
  /** The share of the squared norms of all modules. */
  readonly share: number;
}

const FACTOR = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/;

/** Whether tensors are those of a LoRA adapter. */
export const isAdapter = (tensors: ReadonlyMap<string, Tensor>): boolean =>
  [...tensors.keys()].some((name) => FACTOR.test(name));

/** The file beside an adapter that says how it is merged. */
export const configOf = (path: string): string =>
  join(dirname(path), "adapter_config.json");

/**
 * A graph with a LoRA adapter (Hu et al. 2022, arXiv:2106.09685) merged into its
 * weights, as PEFT saves one: W + alpha / r B A, with alpha / sqrt(r) for rsLoRA
 * (Kalajdzievski 2023, arXiv:2312.03732). Modules are found by the names that the
 * exporter left in weights or nodes; whichever way round a weight stands in the file.
 *
 * @throws ADAPTER_CONFIG, ADAPTER_UNKNOWN, ADAPTER_SHAPE, ADAPTER_NUMBERS
 */
export function withAdapter(
  graph: Graph,
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
): Graph {
  const constants = new Map(graph.constants);
  for (const factors of factorsIn(path, tensors)) {
    const { weight, inputsFirst } = weightOf(graph, factors.module, path);
    const before = widened(constants.get(weight) as Tensor) as FloatTensor;
    constants.set(weight, merged(before, factors, inputsFirst, path));
  }
  return { ...graph, constants };
}

/** What an adapter changes, module by module. */
export function adaptedModules(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
): AdaptedModule[] {
  const all = factorsIn(path, tensors).map(({ module, a, b, scale }) => {
    const rank = a.dims[0] as number;
    const [within, across] = [gram(b, rank, true), gram(a, rank, false)];
    // B A and B'B A A' have the same squared singular values.
    const square = scale ** 2 * trace(within, across, rank);
    const largest = scale ** 2 * largestOf(within, across, rank);
    return { module, rank, square, stable: square > 0 ? square / largest : 0 };
  });
  const total = all.reduce((sum, { square }) => sum + square, 0);
  return all.map(({ module, rank, square, stable }) => ({
    module,
    rank,
    norm: Math.sqrt(square),
    stableRank: stable,
    share: total > 0 ? square / total : 0,
  }));
}

function configIn(path: string): Config {
  const file = configOf(path);
  const refused = (why: string, cause?: unknown) =>
    new AssayError(
      "ADAPTER_CONFIG",
      `${path} is a LoRA adapter, and ${file} ${why}`,
      "Save the adapter with PEFT, plain LoRA without biases, DoRA or saved modules; or merge it into the weights and give those.",
      { cause },
    );
  if (!existsSync(file)) throw refused("is not there");
  try {
    const text = new TextDecoder().decode(readFile(file));
    return configSchema.parse(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof z.ZodError))
      throw refused(`cannot be read: ${messageOf(error)}`, error);
    const [at] = error.issues[0]?.path ?? [];
    throw refused(`has a "${String(at)}" that cannot be merged`, error);
  }
}

/** The pairs of factors of an adapter, each looked at. */
function factorsIn(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
): Factors[] {
  const config = configIn(path);
  const halves = new Map<string, { A?: FloatTensor; B?: FloatTensor }>();
  for (const [name, tensor] of tensors) {
    const [, module, half] = FACTOR.exec(name) ?? [];
    if (module === undefined)
      throw new AssayError(
        "ADAPTER_UNKNOWN",
        `${path} holds "${name}" beside its factors, which is not merged`,
        "Save the adapter without biases, embeddings or whole modules.",
      );
    const value = widened(tensor) as FloatTensor;
    if (!value.data.every((v) => Number.isFinite(v)))
      throw new AssayError(
        "ADAPTER_NUMBERS",
        `${path}: "${name}" has numbers that are not finite`,
        "Save the adapter of an earlier step.",
      );
    const own = halves.get(module) ?? {};
    own[half as "A" | "B"] = value;
    halves.set(module, own);
  }
  return [...halves].map(([named, { A, B }]) => {
    const module = named.replace(/^base_model\.model\./, "");
    const rank = A?.dims[0];
    if (
      !A ||
      !B ||
      A.dims.length !== 2 ||
      B.dims.length !== 2 ||
      B.dims[1] !== rank
    )
      throw new AssayError(
        "ADAPTER_SHAPE",
        `${path}: the factors of ${module} are [${A?.dims.join(", ") ?? ""}] and [${B?.dims.join(", ") ?? ""}], expected [rank, inputs] and [outputs, rank]`,
        "Save the adapter again.",
      );
    const stated = patternOf(config.rank_pattern, module) ?? config.r;
    if (rank !== stated)
      throw new AssayError(
        "ADAPTER_SHAPE",
        `${path}: the factors of ${module} have rank ${rank}, ${configOf(path)} says ${stated}`,
        "Take adapter and configuration of one training.",
      );
    const alpha = patternOf(config.alpha_pattern, module) ?? config.lora_alpha;
    const scale = alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
    return { module, a: A, b: B, scale };
  });
}

/** What is stated for a module by the end of its name. */
const patternOf = (
  stated: Readonly<Record<string, number>> | null | undefined,
  module: string,
): number | undefined =>
  Object.entries(stated ?? {}).find(([end]) => endsWith(module, end))?.[1];

const endsWith = (name: string, end: string): boolean =>
  name === end || name.endsWith(`.${end}`);

/** The weight of a module, and whether its first dimension is that of inputs. */
function weightOf(
  graph: Graph,
  module: string,
  path: string,
): { weight: string; inputsFirst: boolean } {
  const turned = new Map<string, string>();
  for (const { op, inputs, outputs } of graph.nodes)
    if (op === "Transpose" && graph.constants.has(inputs[0] ?? ""))
      turned.set(outputs[0] as string, inputs[0] as string);
  const found = graph.nodes.flatMap((node) => {
    const [, second = ""] = node.inputs;
    const weight = turned.get(second) ?? second;
    const isLayer = node.op === "MatMul" || node.op === "Gemm";
    if (!isLayer || !graph.constants.has(weight)) return [];
    const named = [layerOfWeight(weight), scopeOf(node)].some(
      (layer) =>
        layer !== undefined &&
        (endsWith(layer, module) || endsWith(module, layer)),
    );
    const asGiven = !isTransposed(node) !== turned.has(second);
    return named ? [{ weight, inputsFirst: asGiven }] : [];
  });
  const weights = new Set(found.map(({ weight }) => weight));
  const [only] = found;
  if (only && weights.size === 1) return only;
  throw new AssayError(
    "ADAPTER_UNKNOWN",
    `${path} adapts ${module}, ${only ? "which several layers of the model are named as" : "which no layer of the model is named as"}`,
    "Export the base with its own names (in PyTorch: do_constant_folding=False), from the network that the adapter belongs to.",
  );
}

const isTransposed = (node: Node): boolean =>
  node.op === "Gemm" && attribute(node, "transB", "int", 0) === 1;

function merged(
  weight: FloatTensor,
  { module, a, b, scale }: Factors,
  inputsFirst: boolean,
  path: string,
): FloatTensor {
  const [rank = 0, inputs = 0] = a.dims as readonly number[];
  const [outputs = 0] = b.dims as readonly number[];
  const expected = inputsFirst ? [inputs, outputs] : [outputs, inputs];
  if (weight.dims.join() !== expected.join())
    throw new AssayError(
      "ADAPTER_SHAPE",
      `${path}: the factors of ${module} make [${expected.join(", ")}], the weight of the model is [${weight.dims.join(", ")}]`,
      "Take the base that the adapter was trained on.",
    );
  const data = Float32Array.from(weight.data);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (let k = 0; k < rank; k++)
        sum += b.data[o * rank + k]! * a.data[k * inputs + i]!;
      const at = inputsFirst ? i * outputs + o : o * inputs + i;
      data[at] = data[at]! + scale * sum;
    }
  return { ...weight, data };
}

/** Products of the columns of [n, rank], or of the rows of [rank, n]. */
function gram(
  { data }: FloatTensor,
  rank: number,
  ofColumns: boolean,
): Float64Array {
  const n = data.length / rank;
  const at = (k: number, i: number) =>
    data[ofColumns ? i * rank + k : k * n + i]!;
  const found = new Float64Array(rank * rank);
  for (let p = 0; p < rank; p++)
    for (let q = 0; q < rank; q++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += at(p, i) * at(q, i);
      found[p * rank + q] = sum;
    }
  return found;
}

/** The trace of the product of two symmetric matrices. */
const trace = (x: Float64Array, y: Float64Array, rank: number): number => {
  let sum = 0;
  for (let i = 0; i < rank * rank; i++) sum += x[i]! * y[i]!;
  return sum;
};

/** Rounds of the power iteration. */
const ROUNDS = 200;

/** The largest eigenvalue of the product of two symmetric matrices, none negative. */
function largestOf(x: Float64Array, y: Float64Array, rank: number): number {
  const times = (m: Float64Array, v: Float64Array) =>
    v.map((_, p) => v.reduce((sum, w, q) => sum + m[p * rank + q]! * w, 0));
  // No vector of ones: it may be at right angles to the one that is looked for.
  let vector = Float64Array.from(
    { length: rank },
    (_, k) => 1 + 0.1 * k ** 0.5,
  );
  let value = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = times(x, times(y, vector));
    value = Math.hypot(...next) / Math.hypot(...vector);
    if (!(value > 0)) return 0;
    const length = Math.hypot(...next);
    vector = next.map((v) => v / length);
  }
  return value;
}
