import {
  BATCH,
  type DataType,
  type Dim,
  fixed,
  type Graph,
  GraphBuilder,
  int,
  type Node,
  prune,
  readNames,
  sizeOf,
  type Tensor,
} from "#onnx";
import type { Model } from "./model.ts";
import { layerOps } from "./weights.ts";

/** A value that crosses from what is frozen to what is trained. */
export interface Crossing {
  readonly name: string;
  readonly type: DataType;
  /** Of one sample. */
  readonly dims: readonly number[];
}

/** A model in two parts, of which only the second is trained. */
export interface Divided {
  /** From the input of the model to what crosses, one output each. */
  readonly body: Graph;
  readonly crossings: readonly Crossing[];
  /** Numbers that cross for each sample, and the shape in which `rest` takes them. */
  readonly width: number;
  readonly shape: readonly number[];
  /**
   * The rest, as a model of them: [N, ...dims] of the only one, or all side by side
   * [N, width]. Its constants have the names that they had.
   */
  readonly rest: Model;
}

/** The input of `rest`, where several values cross. */
const PACKED = "frozen/packed";

/** Whether a node takes long: it multiplies, and does not only look up. */
const isHeavy = ({ op, domain }: Node) =>
  domain !== "" || (layerOps.has(op) && op !== "Gather");

/** What gives other numbers whenever it is asked. */
const drawing: ReadonlySet<string> = new Set(
  "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split(
    " ",
  ),
);

/** Whether a node draws at random: of a Dropout it depends on its third input. */
const isRandom = ({ op, inputs }: Node, graph: Graph) =>
  drawing.has(op) ||
  (op === "Dropout" && !!inputs[2] && !isFalse(graph.constants.get(inputs[2])));

const isFalse = (t: Tensor | undefined) =>
  t?.type === "bool" && t.data[0] === 0;

/** What can be kept as float32 without a loss; integers up to 2^24. */
const keepable: ReadonlySet<DataType> = new Set([
  "float32",
  "int64",
  "int32",
  "bool",
]);

/**
 * Divides a model where everything that is trained lies behind: what the first part
 * makes of a sample stays the same while the second learns. The cut begins right before
 * the first operators that read a trained weight. From there it moves back over
 * operators without weights, as long as fewer numbers cross, and over what has no row
 * for each sample.
 *
 * @param trained names of the weights that change
 * @returns undefined where no layer is before the cut, where the model draws at random
 *   there, or where a part that gradients pass over unchanged lies across
 */
export function divide(
  model: Model,
  trained: Iterable<string>,
): Divided | undefined {
  const graph = prune({
    ...model.graph,
    outputs: model.graph.outputs.filter((o) => o.name === model.logits),
  });
  if (model.noise?.length || graph.nodes.some(isEncoded)) return undefined;
  const changing = new Set(trained);
  const cut = new Cut(graph, model.input, changing);
  cut.settle();
  const values = [...cut.crossing];
  const crossings = values.map((name) => cut.crossingOf(name));
  if (values.length === 0 || !crossings.every((c) => c !== undefined))
    return undefined;
  const body = bodyOf(graph, values);
  if (!body.nodes.some(isHeavy) || body.nodes.some((n) => isRandom(n, body)))
    return undefined;
  const rest = restOf(graph, cut, crossings);
  const names = new Set([
    rest.input,
    ...rest.graph.nodes.flatMap((n) => n.outputs),
  ]);
  const { straightThrough, embedding: _tokens, ...kept } = model;
  const across = straightThrough.filter(
    (s) => names.has(s.input) !== names.has(s.output),
  );
  // A crossing value may be where such a part ends.
  if (across.some((s) => !values.includes(s.output))) return undefined;
  const width = crossings.reduce((sum, c) => sum + sizeOf(c.dims), 0);
  return {
    body,
    crossings,
    width,
    shape: alone(crossings)?.dims ?? [width],
    rest: {
      ...kept,
      ...rest,
      straightThrough: straightThrough.filter(
        (s) => names.has(s.input) && names.has(s.output),
      ),
    },
  };
}

/** Whether a node has a body that stays encoded, and so may read anything. */
const isEncoded = ({ attributes }: Node) =>
  Object.values(attributes).some((a) => a.kind === "opaque");

/** Where what is trained begins. */
class Cut {
  /** Values that the second part reads of the first. */
  readonly crossing = new Set<string>();
  readonly #behind = new Set<Node>();
  readonly #b: GraphBuilder;
  readonly #batch: Dim;
  readonly #makers = new Map<string, Node>();
  /** Values that are computed from the input. */
  readonly #moving: Set<string>;

  constructor(graph: Graph, input: string, trained: ReadonlySet<string>) {
    this.#b = new GraphBuilder(graph);
    this.#batch = this.#b.dims(input)?.[0] ?? null;
    this.#moving = new Set(graph.inputs.map((i) => i.name));
    const changing = new Set(trained);
    for (const node of graph.nodes) {
      const reads = readNames(node);
      for (const name of node.outputs) this.#makers.set(name, node);
      const marks = [
        ...(reads.some((r) => this.#moving.has(r)) ? [this.#moving] : []),
        ...(reads.some((r) => changing.has(r)) ? [changing] : []),
      ];
      for (const set of marks) for (const o of node.outputs) set.add(o);
      if (marks.includes(changing)) this.#behind.add(node);
    }
    for (const node of this.#behind)
      for (const name of this.#moved(node))
        if (!changing.has(name)) this.crossing.add(name);
  }

  /** Moves the cut back to where it is best. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const name of this.crossing) {
        const maker = this.#makers.get(name);
        if (!maker || !(this.#mustMove(name) || this.#mayMove(maker))) continue;
        this.#moveBehind(maker);
        moved = true;
      }
    }
  }

  /** What crosses as a value, where it has a row of known shape for each sample. */
  crossingOf(name: string): Crossing | undefined {
    const type = this.#b.type(name);
    const [first, ...others] = this.#b.dims(name) ?? [];
    const dims = fixed(others);
    const isRow = typeof first === "string" && first === this.#batch;
    return isRow && dims && keepable.has(type)
      ? { name, type, dims }
      : undefined;
  }

  /** The sizes of what a Shape reads, where only the batch is open. */
  sizesOf(node: Node): readonly number[] | undefined {
    if (node.op !== "Shape" || Object.keys(node.attributes).length > 0)
      return undefined;
    const [first, ...others] = this.#b.dims(node.inputs[0] ?? "") ?? [];
    return typeof first === "string" && first === this.#batch
      ? fixed(others)
      : undefined;
  }

  /** Whether the second part has a node: it is behind, or computed from constants. */
  isKept = (node: Node): boolean =>
    this.#behind.has(node) || !readNames(node).some((r) => this.#moving.has(r));

  /** Whether the second part does not have a value. */
  isGone(name: string): boolean {
    const maker = this.#makers.get(name);
    return !this.crossing.has(name) && !(maker && this.isKept(maker));
  }

  /** What a node reads that is computed from the input, but for sizes. */
  #moved(node: Node): string[] {
    if (this.sizesOf(node)) return [];
    return readNames(node).filter((name) => this.#moving.has(name));
  }

  #mustMove = (name: string) => this.crossingOf(name) === undefined;

  /** Whether fewer numbers cross before an operator that costs little. */
  #mayMove(maker: Node): boolean {
    if (isHeavy(maker)) return false;
    const sizes = (names: readonly string[]) =>
      names.reduce((sum, name) => {
        const dims = this.crossingOf(name)?.dims;
        return sum + (dims ? sizeOf(dims) : Number.POSITIVE_INFINITY);
      }, 0);
    const gone = maker.outputs.filter((name) => this.crossing.has(name));
    return sizes(this.#added(maker)) < sizes(gone);
  }

  #added = (node: Node) =>
    [...new Set(this.#moved(node))].filter((name) => this.isGone(name));

  #moveBehind(node: Node): void {
    for (const name of this.#added(node)) this.crossing.add(name);
    this.#behind.add(node);
    for (const name of node.outputs) this.crossing.delete(name);
  }
}

function bodyOf(graph: Graph, values: readonly string[]): Graph {
  const b = new GraphBuilder(graph, "frozen/");
  const inputs = new Set(graph.inputs.map((i) => i.name));
  const outputs = values.map((name) =>
    inputs.has(name) ? b.op("Identity", [name]) : name,
  );
  return prune(b.build(outputs));
}

/** The second part, and what puts together what crosses. */
function restOf(
  graph: Graph,
  cut: Cut,
  crossings: readonly Crossing[],
): Pick<Model, "graph" | "input"> {
  const b = new GraphBuilder(
    { ...graph, inputs: [], nodes: [], valueInfo: [] },
    "frozen/",
  );
  const input = unpacked(b, crossings);
  for (const node of graph.nodes.filter((n) => cut.isKept(n))) {
    const sizes = cut.sizesOf(node);
    if (sizes && cut.isGone(node.inputs[0]!)) {
      const rows = b.slice(b.shapeOf(input), [0], [1], [0]);
      const shape = b.op("Concat", [rows, b.ints(sizes)], { axis: int(0) });
      b.rename(shape, node.outputs[0]!);
    } else b.append(node);
  }
  const outputs = graph.outputs.map(({ name, type }) => ({ name, type }));
  return { input, graph: prune({ ...b.build(), outputs }) };
}

/** The only value that crosses, where it can be fed as it is. */
const alone = (crossings: readonly Crossing[]) =>
  crossings.length === 1 && crossings[0]?.type === "float32"
    ? crossings[0]
    : undefined;

/** Declares the input, and gives what crosses its names. */
function unpacked(b: GraphBuilder, crossings: readonly Crossing[]): string {
  const float = "float32" as const;
  const only = alone(crossings);
  if (only) return b.input({ ...only, dims: [BATCH, ...only.dims] });
  const sizes = crossings.map((c) => sizeOf(c.dims));
  const width = sizes.reduce((sum, size) => sum + size, 0);
  const packed = b.input({ name: PACKED, type: float, dims: [BATCH, width] });
  const pieces =
    crossings.length === 1
      ? [packed]
      : b.many(
          "Split",
          [packed, b.ints(sizes)],
          { axis: int(1) },
          crossings.length,
        );
  for (const [i, { name, type, dims }] of crossings.entries()) {
    const shaped = b.op("Reshape", [pieces[i]!, b.ints([-1, ...dims])]);
    b.rename(type === float ? shaped : b.cast(shaped, type), name);
  }
  return packed;
}
