import type { Spoken } from "#data";
import type { Engine } from "#engine";
import {
  asFed,
  loadGradient,
  logitsAt,
  type Model,
  type Residual,
} from "#model";
import {
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  prune,
  type Tensor,
} from "#onnx";
import { type LanguageInput, rowsOf } from "./language.ts";

/** The name of a direction that was taken out, [width, 1]. */
export const DIRECTION = "assay.direction";

const REMOVED = "assay.removed";
const ADDED = "assay.added";
const PLACES = "assay.places";
const WANTED = "assay.wanted";

/**
 * A model that cannot say anything along a direction of its residual stream:
 * h <- h - r r^T h at what each block reads, and at what attention and perceptrons add
 * (Arditi et al. 2024, arXiv:2406.11717). What comes of it is what folding the
 * direction out of embeddings and of the weights behind which something is added gives.
 *
 * @param direction r, of length 1 [width]
 */
export function withoutDirection(
  model: Model,
  stream: Residual,
  direction: Float32Array,
): Model {
  const b = GraphBuilder.rewriting(model.graph, "direction/");
  const r = b.constant(floats([direction.length, 1], direction), DIRECTION);
  rewrite(b, model, stream, (value) => along(b, value, r, "take"));
  return { ...model, graph: b.build() };
}

/** What a value has along a direction, taken from it, in parts of 1 by row. */
function along(
  b: GraphBuilder,
  value: string,
  r: string,
  share: string,
): string {
  const has = b.matmul(value, r);
  const part = share === "take" ? has : b.mul(has, share);
  return b.sub(value, b.mul(part, b.reshape(r, [-1])));
}

/** Adds the nodes of a model; values of its stream are changed as they are made. */
function rewrite(
  b: GraphBuilder,
  { graph }: Model,
  { blocks, writes }: Residual,
  change: (value: string, block: number) => string,
): void {
  const chosen = new Set([...blocks, ...writes]);
  const changed = new Map<string, string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => changed.get(name) ?? name);
    b.append({ ...node, inputs });
    for (const value of node.outputs)
      if (chosen.has(value))
        changed.set(value, change(value, blocks.indexOf(value)));
  }
}

/** Prompts and answers, and what is done to the stream where they are read. */
export interface Steering {
  readonly said: readonly Spoken[];
  /** [width]; of length 1 where something is taken out. */
  readonly direction: Float32Array;
  /** Of each, whether the direction is taken out of the stream. */
  readonly removed: readonly boolean[];
  /** Of each, how much of it is added to what that block reads. */
  readonly added?: { readonly block: number; readonly by: readonly number[] };
  /** Whether the first token of each answer alone is looked at. */
  readonly isFirst?: boolean;
}

/** A model whose stream is steered as it is asked. */
export interface Steered {
  /** log p of every token at each token of the answers, one behind the other. */
  ask(steering: Steering): Promise<Float32Array[]>;
  /**
   * The sum over the same places of -sum_v wanted_v log p_v, and its gradient with
   * respect to the direction.
   *
   * @param wanted of each place, a number for every token
   */
  slope(
    steering: Steering,
    wanted: readonly Float32Array[],
  ): Promise<{ readonly loss: number; readonly gradient: Float32Array }>;
  release(): Promise<void>;
}

/** Opens a model of which directions are taken out, or to which they are added. */
export async function openSteered(
  stream: Residual,
  input: Pick<LanguageInput<unknown>, "model" | "data" | "engine">,
): Promise<Steered> {
  const { model, engine } = input;
  const { graph, logs, loss } = steered(model, stream);
  const forward = await engine.load(
    prune({
      ...graph,
      inputs: graph.inputs.filter(({ name }) => name !== WANTED),
      outputs: graph.outputs.filter(({ name }) => name === logs),
    }),
  );
  let backward: ReturnType<typeof openBackward> | undefined;
  const openBackward = (from: Engine) =>
    loadGradient(from, graph, {
      of: loss,
      wrt: [DIRECTION],
      straightThrough: model.straightThrough,
    });
  const feed = (steering: Steering) => feeds(steering, stream, input);
  return {
    async ask(steering) {
      const { [logs]: found } = await forward.run(feed(steering));
      return rowsIn(found as FloatTensor);
    },
    async slope(steering, wanted) {
      backward ??= openBackward(engine);
      const { session, gradients } = await backward;
      const [width = 0] = wanted.map(({ length }) => length);
      const all = new Float32Array(wanted.length * width);
      for (const [i, row] of wanted.entries()) all.set(row, i * width);
      const out = await session.run({
        ...feed(steering),
        [WANTED]: floats([wanted.length, width], all),
      });
      const gradient = out[gradients.get(DIRECTION) as string] as FloatTensor;
      return {
        loss: (out[loss] as FloatTensor).data[0]!,
        gradient: gradient.data,
      };
    },
    async release() {
      await forward.release();
      await (await backward)?.session.release();
    },
  };
}

const rowsIn = ({ data, dims: [n = 0, width = 0] }: FloatTensor) =>
  Array.from({ length: n }, (_, i) => data.slice(i * width, (i + 1) * width));

/** The graph that is asked, and differentiated. */
function steered(model: Model, stream: Residual) {
  const b = GraphBuilder.rewriting(model.graph, "direction/");
  const floatsOf = (name: string, dims: readonly (string | number)[]) =>
    b.input({ name, type: "float32", dims });
  const classes = model.classes.length;
  const r = floatsOf(DIRECTION, [stream.width, 1]);
  const removed = floatsOf(REMOVED, ["batch", 1, 1]);
  const added = floatsOf(ADDED, ["batch", stream.blocks.length, 1]);
  const wanted = floatsOf(WANTED, ["places", classes]);
  const places = b.input({ name: PLACES, type: "int64", dims: ["places"] });
  rewrite(b, model, stream, (value, block) => {
    const left = along(b, value, r, removed);
    if (block < 0) return left;
    const by = b.slice(added, [block], [block + 1], [1]);
    return b.add(left, b.mul(by, b.reshape(r, [-1])));
  });
  const logits = logitsAt(b, model, places);
  const logs = b.op("LogSoftmax", [logits], { axis: int(-1) });
  const loss = b.neg(b.reduceSum(b.mul(wanted, logs)));
  return { graph: b.build([logs, loss]), logs, loss };
}

function feeds(
  { said, direction, removed, added, isFirst = false }: Steering,
  { blocks }: Residual,
  { model, data }: Pick<LanguageInput<unknown>, "model" | "data">,
): Record<string, Tensor> {
  const { x } = rowsOf(data, said);
  const length = x.dims[1] as number;
  const places = said.flatMap(({ prompt, answer }, i) =>
    (isFirst ? answer.slice(0, 1) : answer).map(
      (_, t) => i * length + prompt.length - 1 + t,
    ),
  );
  const n = said.length;
  const by = new Float32Array(n * blocks.length);
  for (const [i, how] of (added?.by ?? []).entries())
    by[i * blocks.length + (added?.block ?? 0)] = how;
  return {
    [model.input]: asFed(x, model.graph, model.input),
    [DIRECTION]: floats([direction.length, 1], direction),
    [REMOVED]: floats([n, 1, 1], Float32Array.from(removed, Number)),
    [ADDED]: floats([n, blocks.length, 1], by),
    [PLACES]: {
      type: "int64",
      dims: [places.length],
      data: BigInt64Array.from(places, BigInt),
    },
  };
}
