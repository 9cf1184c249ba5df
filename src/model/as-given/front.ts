import { onnxruntime } from "#engine";
import {
  BATCH,
  emptyGraph,
  type FloatTensor,
  type Graph,
  int,
  typeCodes,
  type ValueInfo,
} from "#onnx";
import { bindInput } from "../bind.ts";
import { fillOthers, statedOf } from "../inputs.ts";
import { asFed } from "../integers.ts";
import type { LoadModelOptions } from "../load.ts";
import type { Model } from "../model.ts";
import { contractIn } from "../saved.ts";

/** What stands in front of a file: from raw samples to each of its inputs. */
export interface Front {
  /** Floats for each input, by its name. */
  run(x: FloatTensor): Promise<Map<string, FloatTensor>>;
  release(): Promise<void>;
}

/**
 * Preprocessing and the values of the other inputs, as `loadModel` puts them before a
 * file, but apart from it: its own opset may have other operators.
 *
 * @param model as `loadModel` opened the file
 */
export async function frontOf(
  file: Graph,
  path: string,
  options: LoadModelOptions,
  { embedding, input }: Model,
): Promise<Front> {
  const fedAs = (i: number) => `as-given/fed-${i}`;
  const inputs = file.inputs.map((one): ValueInfo => {
    const [batch, ...shape] = one.dims ?? [];
    const isFixed = one.name === input && typeof batch === "number";
    return {
      ...one,
      type: /float/.test(one.type) ? "float32" : one.type,
      dims: isFixed ? [BATCH, ...shape] : one.dims,
    };
  });
  const nothing: Graph = {
    ...emptyGraph("what stands in front"),
    metadata: file.metadata,
    inputs,
    nodes: inputs.map(({ name }, i) => ({
      op: "Cast",
      domain: "",
      name: "",
      inputs: [name],
      outputs: [fedAs(i)],
      attributes: { to: int(typeCodes.float32) },
    })),
    outputs: inputs.map((_, i) => ({ name: fedAs(i), type: "float32" })),
  };
  const saved = contractIn(file.metadata, path);
  const stated = statedOf(options, saved?.input);
  const units = saved ? undefined : options.units;
  const chosen = inputs.find((i) => i.name === input)!;
  const graph = embedding
    ? fillOthers(nothing, chosen, stated, path)
    : bindInput(nothing, { ...stated, name: input }, path, { units }).graph;
  const session = await onnxruntime.load(graph);
  return {
    release: () => session.release(),
    async run(x) {
      const fed = await session.run({ [input]: asFed(x, graph, input) });
      return new Map(
        inputs.map((one, i) => [one.name, fed[fedAs(i)] as FloatTensor]),
      );
    },
  };
}
