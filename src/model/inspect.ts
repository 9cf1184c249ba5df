import { rules, withoutGradient } from "#autodiff";
import { AssayError, Random } from "#core";
import type { Engine } from "#engine";
import {
  type FloatTensor,
  floats,
  type Graph,
  int64s,
  normalise,
  readModel,
  sizeOf,
  tensor,
  type ValueInfo,
} from "#onnx";
import { compile } from "./compiled.ts";
import { atEmbedding } from "./embedding.ts";
import { type LayerGroup, layerGroups } from "./layers.ts";
import { type LoadModelOptions, type Model, modelOf } from "./model.ts";

/** What can be said of a model file. */
export interface Inspection {
  readonly file: string;
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly classes: readonly string[] | null;
  readonly bounds: readonly [number, number] | null;
  /** From input to output; the last is the head. */
  readonly groups: readonly LayerGroup[];
  /** Numbers in all constants. */
  readonly parameters: number;
  readonly operators: Readonly<Record<string, number>>;
  readonly gradient: {
    readonly supported: boolean;
    /** Operators without a gradient rule. */
    readonly unsupported: readonly string[];
    /** Against finite differences; null when no gradient could be computed. */
    readonly selfCheck: { readonly maxRelativeError: number } | null;
  };
  /** Why the model cannot be audited as it is; null when it can. */
  readonly problem: { readonly message: string; readonly hint: string } | null;
}

/** Reads a model and tries its gradient. Throws what `readModel` throws; other obstacles are told in `problem`. */
export async function inspectModel(
  path: string,
  engine: Engine,
  options: LoadModelOptions = {},
): Promise<Inspection> {
  const file = readModel(path);
  const graph = normalise(file);
  const operators: Record<string, number> = {};
  for (const { op, domain } of graph.nodes) {
    const name = domain ? `${domain}.${op}` : op;
    operators[name] = (operators[name] ?? 0) + 1;
  }
  const unsupported = Object.keys(operators)
    .filter((op) => !rules[op] && !withoutGradient.has(op))
    .sort();
  let model: Model | null = null;
  let problem: Inspection["problem"] = null;
  let maxRelativeError: number | null = null;
  try {
    model = modelOf(file, path, options);
    maxRelativeError = await checkGradient(
      model.embedding ? aroundRandomText(model) : model,
      engine,
    );
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    problem = { message: error.message, hint: error.hint };
  }
  return {
    file: path,
    producer: file.producer,
    opset: file.opsets.get("") ?? 0,
    inputs: file.inputs,
    outputs: file.outputs,
    classes: model?.classes ?? null,
    bounds: model?.contract.bounds ?? null,
    groups: layerGroups(model?.graph ?? graph),
    parameters: countParameters(graph),
    operators,
    gradient: {
      supported: maxRelativeError !== null,
      unsupported,
      selfCheck: maxRelativeError === null ? null : { maxRelativeError },
    },
    problem,
  };
}

const countParameters = (graph: Graph) =>
  [...graph.constants.values()]
    .filter((t) => t.type.startsWith("float"))
    .reduce((sum, t) => sum + sizeOf(t.dims), 0);

/** Directions in which the gradient is compared with differences of the loss. */
const DIRECTIONS = 8;
/** A text model around the embeddings of a text of random tokens. */
function aroundRandomText(model: Model): Model {
  const random = new Random("random text");
  const { graph, contract, input } = model;
  const lookup = graph.nodes.find((n) =>
    n.outputs.includes(model.embedding as string),
  );
  const table = graph.constants.get(lookup?.inputs[0] ?? "") as FloatTensor;
  const length = contract.shape[0] ?? 1;
  // Token 0 fills up short texts; a text of others is all seen.
  const ids = Array.from(
    { length },
    () => 1 + random.below(Math.max(1, (table.dims[0] ?? 2) - 1)),
  );
  const whole =
    graph.inputs.find((i) => i.name === input)?.type === "int32"
      ? tensor("int32", [1, length], Int32Array.from(ids))
      : int64s(ids, [1, length]);
  const largest = table.data.reduce(
    (most, v) => Math.max(most, Math.abs(v)),
    0,
  );
  return atEmbedding(model, whole, largest);
}

/** Steps as shares of the input range; the best counts, since both kinks and rounding spoil some. */
const STEPS = [1e-1, 3e-2, 1e-2, 3e-3, 1e-3];

/** The largest relative error of the input gradient against central finite differences at random points. */
async function checkGradient(model: Model, engine: Engine): Promise<number> {
  const { shape, bounds } = model.contract;
  const [low, high] = bounds;
  const random = new Random("gradient self-check");
  const width = sizeOf(shape);
  const point = (make: (i: number) => number): FloatTensor =>
    floats(
      [1, ...shape],
      Float32Array.from({ length: width }, (_, i) => make(i)),
    );
  const compiled = await compile(model, engine);
  let worst = 0;
  try {
    for (let d = 0; d < DIRECTIONS; d++) {
      const x = point(
        () => low + (high - low) * (0.2 + 0.6 * random.uniform()),
      );
      const label = [random.below(model.classes.length)];
      const { gradient } = await compiled.lossGradient(x, label);
      // Along a part of the gradient itself: the derivative is a sum of squares, far from rounding.
      const along = Float32Array.from(gradient.data, (g) =>
        random.uniform() < 0.5 ? g : 0,
      );
      const length = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
      if (length === 0) continue;
      const expected = along.reduce(
        (sum, v, i) => sum + (v / length) * (gradient.data[i] as number),
        0,
      );
      let best = Number.POSITIVE_INFINITY;
      for (const step of STEPS) {
        const size = (step * (high - low)) / length;
        const at = async (sign: number) =>
          (
            await compiled.lossGradient(
              point(
                (i) =>
                  (x.data[i] as number) + sign * size * (along[i] as number),
              ),
              label,
            )
          ).loss[0] as number;
        const slope =
          ((await at(1)) - (await at(-1))) / (2 * step * (high - low));
        best = Math.min(
          best,
          Math.abs(slope - expected) / Math.max(Math.abs(expected), 1e-12),
        );
      }
      worst = Math.max(worst, best);
    }
  } finally {
    await compiled.release();
  }
  return worst;
}
