import { onnxruntime } from "#engine";
import {
  BATCH,
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  int,
  type Node,
  rows,
  typeCodes,
  type ValueInfo,
  widened,
} from "#onnx";
import { argmaxRows } from "./answers.ts";
import { MOST } from "./batches.ts";
import { bindInput } from "./bind.ts";
import { contractSchema } from "./contract.ts";
import type { LoadModelOptions } from "./load.ts";
import type { Model } from "./model.ts";
import { storedNames } from "./outputs/names.ts";
import { readGraph } from "./read.ts";
import { contractIn } from "./saved.ts";

/** Types that are made of floats, and read as such. */
const castable: readonly string[] = ["float32", "float16", "float64"];

/**
 * The classes that a file gives samples as it is, in onnxruntime: in its own types, of
 * its own operators and with its own batch, behind the preprocessing alone. Undefined
 * where that cannot be compared by the largest output: for a model that is no
 * classifier, that Assay wrote, with several inputs or outputs, or with classes in
 * another order.
 *
 * @param model as `loadModel` opened the file with these options
 * @param x raw inputs [N, ...shape]
 * @throws ENGINE_LOAD, ENGINE_RUN
 */
export async function classesAsGiven(
  path: string,
  options: LoadModelOptions,
  { task, classes, embedding }: Model,
  x: FloatTensor,
): Promise<Int32Array | undefined> {
  const file = readGraph(path);
  const [input, ...others] = file.inputs;
  const [output, ...more] = file.outputs;
  if (!input || !output || others.length > 0 || more.length > 0)
    return undefined;
  if (task || embedding || options.outputs || storedNames(file))
    return undefined;
  if (contractIn(file.metadata, path)) return undefined;
  if (![input, output].every(({ type }) => castable.includes(type)))
    return undefined;
  const batch = input.dims?.[0];
  const at = typeof batch === "number" ? batch : MOST;
  const n = x.dims[0] ?? 0;
  if (at < 1 || (typeof batch === "number" && n % batch !== 0))
    return undefined;
  const front = bindInput(
    nothing(file.metadata, {
      ...input,
      type: "float32",
      dims: input.dims && [BATCH, ...input.dims.slice(1)],
    }),
    contractSchema.parse(options.input ?? {}),
    path,
    { units: options.units },
  );
  const before = await onnxruntime.load(front.graph);
  const whole = await onnxruntime.load(takingFloats(file, input));
  const said: number[] = [];
  try {
    for (let from = 0; from < n; from += at) {
      const part = rows(x, from, Math.min(n, from + at)) as FloatTensor;
      const fed = (await before.run({ [front.input]: part }))[FED]!;
      const seen = (await whole.run({ [RAW]: fed }))[output.name];
      if (!seen) return undefined;
      const { data } = widened(seen);
      const width = data.length / (part.dims[0] ?? 1);
      if (width !== classes.length) return undefined;
      const flat = floats([part.dims[0] ?? 0, width], data as Float32Array);
      said.push(...argmaxRows(flat));
    }
  } finally {
    await before.release();
    await whole.release();
  }
  return Int32Array.from(said);
}

const RAW = "as-given/raw";
const FED = "as-given/fed";

/** A graph that gives its input, for preprocessing to be put in front. */
const nothing = (metadata: Graph["metadata"], input: ValueInfo): Graph => ({
  ...emptyGraph("as given"),
  metadata,
  inputs: [input],
  nodes: [node("Identity", input.name, FED)],
  outputs: [{ name: FED, type: "float32", dims: input.dims }],
});

/** A file's graph, taking floats. */
const takingFloats = (file: Graph, input: ValueInfo): Graph => ({
  ...file,
  inputs: [{ ...input, name: RAW, type: "float32" }],
  nodes: [cast(RAW, input.name, input.type), ...file.nodes],
});

const node = (op: string, from: string, to: string): Node => ({
  op,
  domain: "",
  name: to,
  inputs: [from],
  outputs: [to],
  attributes: {},
});

const cast = (from: string, to: string, type: ValueInfo["type"]): Node => ({
  ...node("Cast", from, to),
  attributes: { to: int(typeCodes[type as keyof typeof typeCodes]) },
});
