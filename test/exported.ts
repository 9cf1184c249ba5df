import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { type Gradient, gradient } from "#autodiff";
import { packagePath } from "#core";
import {
  type Graph,
  GraphBuilder,
  normalise,
  prune,
  readModel,
  type Tensor,
  toFloat32,
} from "#onnx";
import { embeddingOf } from "../src/model/integers.ts";

export interface Encoded {
  readonly type: "float32" | "int64" | "int32" | "uint8";
  readonly dims: number[];
  readonly data: string;
}

/**
 * What a framework recorded beside the model that it exported (see
 * test/fixtures/exported/README.md).
 */
interface Recorded {
  readonly about: string;
  readonly inputs: Record<string, Encoded>;
  readonly output: Encoded;
  readonly cotangent: Encoded;
  /** By value, "embedding" for the embedded tokens. */
  readonly gradients: Record<string, Encoded>;
  /** By the name of the constant. */
  readonly weights: Record<string, Encoded>;
  /** Of the output, where eight bits round it. */
  readonly tolerance?: number;
}

type Tensors = Readonly<Record<string, Tensor>>;

/** An exported model with the numbers of the framework that it comes from. */
export interface Exported {
  readonly file: string;
  readonly inputs: Tensors;
  readonly output: Tensor;
  readonly cotangent: Tensor;
  readonly gradients: Tensors;
  readonly weights: Tensors;
  readonly tolerance: number | undefined;
}

const folder = packagePath("test/fixtures/exported");

/** Names of all exported models. */
export const exportedNames = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

export function readExported(name: string): Exported {
  const recorded = JSON.parse(
    readFileSync(`${folder}/${name}.json`, "utf8"),
  ) as Recorded;
  const all = (values: Record<string, Encoded>) =>
    Object.fromEntries(Object.entries(values).map(([k, v]) => [k, decode(v)]));
  return {
    file: `${folder}/${name}.onnx`,
    inputs: all(recorded.inputs),
    output: decode(recorded.output),
    cotangent: decode(recorded.cotangent),
    gradients: all(recorded.gradients),
    weights: all(recorded.weights),
    tolerance: recorded.tolerance,
  };
}

const arrays = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

export function decode({ type, dims, data }: Encoded): Tensor {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return { type, dims, data: new arrays[type](bytes.buffer) } as Tensor;
}

/** The graph that computes all that was recorded, and by what names. */
export interface Differentiated extends Gradient {
  readonly output: string;
  /** The value that each recorded place is called in the graph. */
  readonly places: ReadonlyMap<string, string>;
}

/** The model with its gradients, of an input "cotangent" in the shape of the output. */
export function differentiate(model: Exported): Differentiated {
  const { graph, request, ...names } = toDifferentiate(model);
  return { ...gradient(graph, request), ...names };
}

/** The model with an input "cotangent", and which gradients were recorded. */
export function toDifferentiate(model: Exported) {
  const source = toFloat32(readModel(model.file));
  const graph = normalise(bound(normalise(source), model.inputs));
  // scikit-learn models hide their scores in a ZipMap.
  const output =
    graph.outputs.find((o) => o.type === "float32")?.name ??
    graph.nodes.find((n) => n.op === "ZipMap")?.inputs[0] ??
    "";
  const [first = ""] = Object.keys(model.inputs);
  const places = new Map(
    Object.keys(model.gradients).map((place) => [
      place,
      place === "embedding" ? (embeddingOf(graph, first) ?? "") : place,
    ]),
  );
  const b = new GraphBuilder(
    prune({ ...graph, outputs: [{ name: output, type: "float32" }] }),
  );
  const { type, dims } = model.cotangent;
  b.input({ name: "cotangent", type, dims: ["batch", ...dims.slice(1)] });
  const request = {
    of: output,
    wrt: [...places.values(), ...Object.keys(model.weights)],
    seed: "cotangent",
  };
  return { graph: b.build([output]), request, output, places };
}

/**
 * The graph with the sizes of the recorded inputs instead of open ones,
 * except for the batch.
 */
function bound(graph: Graph, inputs: Tensors): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map((i) => ({
      ...i,
      dims: inputs[i.name]!.dims.map((d, axis) =>
        axis === 0 && typeof i.dims?.[0] !== "number" ? "batch" : d,
      ),
    })),
  };
}

/** The largest difference as a share of the largest number. */
export function relative(seen: Tensor | undefined, wanted: Tensor): number {
  expect(seen?.dims).toEqual(wanted.dims);
  const [a, b] = [seen?.data as Float32Array, wanted.data as Float32Array];
  const largest = b.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-12);
  return (
    b.reduce((most, v, i) => Math.max(most, Math.abs(v - a[i]!)), 0) / largest
  );
}
