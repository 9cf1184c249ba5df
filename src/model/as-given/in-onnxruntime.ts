import { onnxruntime } from "#engine";
import {
  type DataType,
  type FloatTensor,
  type Graph,
  int,
  type Node,
  prune,
  typeCodes,
  widened,
} from "#onnx";
import { notCompared, type Shipped } from "./shipped.ts";

/**
 * A file's own graph in onnxruntime, taking floats, which it casts to its own types.
 *
 * @param output the value that is judged
 * @throws NOT_COMPARED, ENGINE_LOAD
 */
export async function inOnnxruntime(
  file: Graph,
  output: string,
): Promise<Shipped> {
  const raw = (i: number) => `as-given/raw-${i}`;
  const own = file.outputs.find((o) => o.name === output);
  const graph = prune({
    ...file,
    inputs: file.inputs.map((input, i) => ({
      ...input,
      name: raw(i),
      type: "float32",
    })),
    nodes: [
      ...file.inputs.map(({ name, type }, i) => taken(raw(i), name, type)),
      ...file.nodes,
    ],
    outputs: [own ?? { name: output, type: "float32" }],
  });
  if (!file.nodes.some((n) => n.outputs.includes(output)))
    throw notCompared(
      "its scores are no value of the file's own graph",
      "Export the model with its scores as output.",
    );
  const session = await onnxruntime.load(graph);
  return {
    by: "onnxruntime",
    release: () => session.release(),
    async run(fed) {
      const feeds = file.inputs.map(({ name }, i) => [raw(i), fed.get(name)!]);
      const seen = await session.run(Object.fromEntries(feeds));
      return widened(seen[output]!) as FloatTensor;
    },
  };
}

/** Identity is in every opset; Cast names its type otherwise before 6. */
const taken = (from: string, to: string, type: DataType): Node => ({
  op: type === "float32" ? "Identity" : "Cast",
  domain: "",
  name: to,
  inputs: [from],
  outputs: [to],
  attributes: type === "float32" ? {} : { to: int(typeCodes[type]) },
});
