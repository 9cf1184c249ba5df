import { AssayError } from "#core";
import { BATCH, GraphBuilder, type Tensor } from "#onnx";
import type { Model } from "./model.ts";

/**
 * A text model as a function of what is added to the embeddings of one text:
 * an ordinary model of floats [N, length, width] around 0, which can be
 * differentiated and attacked as any other (Miyato et al. 2017,
 * arXiv:1605.07725).
 *
 * @param ids tokens of one text [1, length], in the type of the model's input
 * @param radius bounds of what is added to each number
 * @throws MODEL_INPUT when the model is not one of text
 */
export function atEmbedding(model: Model, ids: Tensor, radius: number): Model {
  const { graph, embedding } = model;
  const whole = new GraphBuilder(graph);
  const table = embedding ? whole.dims(embedding) : undefined;
  const [length, width] = [ids.dims[1] ?? 0, table?.at(-1)];
  if (!embedding || typeof width !== "number") {
    throw new AssayError(
      "MODEL_INPUT",
      `input "${model.input}" is not looked up in a table of embeddings`,
      "This is for text models, whose input is token ids.",
    );
  }
  const at = graph.nodes.findIndex((n) => n.outputs.includes(embedding));
  const b = new GraphBuilder(
    { ...graph, inputs: [], valueInfo: [], nodes: [] },
    "embedding/",
  );
  const added = b.input({
    name: "assay.added",
    type: "float32",
    dims: [BATCH, length, width],
  });
  const batch = b.slice(b.shapeOf(added), [0], [1], [0]);
  const shape = b.concat([batch, b.ints([length])], 0);
  b.rename(b.expand(b.constant(ids), shape), model.input);
  for (const node of graph.nodes.slice(0, at + 1)) b.append(node);
  const moved = b.add(embedding, added);
  for (const node of graph.nodes.slice(at + 1)) {
    const inputs = node.inputs.map((n) => (n === embedding ? moved : n));
    b.append({ ...node, inputs });
  }
  const { embedding: _, ...rest } = model;
  return {
    ...rest,
    graph: b.build(),
    input: added,
    contract: { shape: [length, width], bounds: [-radius, radius] },
  };
}
