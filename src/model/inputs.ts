import type { z } from "zod";
import { AssayError, nearest } from "#core";
import {
  type DataType,
  type Dim,
  filled,
  type Graph,
  GraphBuilder,
  int64s,
  shapeText,
  type ValueInfo,
} from "#onnx";
import { contractSchema } from "./contract.ts";

/** What a suite says of a model's input, and what follows from the model's task. */
export interface Stated extends z.output<typeof contractSchema> {
  /**
   * Whether nothing in front of padding can see it, so that no mask is needed. A mask
   * would hide more: the token that fills up may be one of prompts too.
   */
  readonly causal: boolean;
}

/**
 * What is stated of the input of a model, with every default filled in.
 *
 * @param saved the contract in a file that Assay wrote
 */
export const statedOf = (
  options: {
    readonly input?: z.input<typeof contractSchema>;
    readonly task?: { readonly kind: string };
  },
  saved?: z.input<typeof contractSchema>,
): Stated => ({
  ...contractSchema.parse(options.input ?? saved ?? {}),
  causal: options.task?.kind === "lm",
});

/**
 * The input that attacks change: the one that the suite names, the only one
 * there is, or the token ids of a text model among masks and types.
 *
 * @throws MODEL_INPUT
 */
export function chooseInput(
  graph: Graph,
  { name }: Pick<Stated, "name">,
  file: string,
): ValueInfo {
  const names = graph.inputs.map((i) => i.name);
  if (name !== undefined) {
    const found = graph.inputs.find((i) => i.name === name);
    if (found) return found;
    const close = nearest(name, names);
    throw new AssayError(
      "MODEL_INPUT",
      `${file} has no input "${name}" (it has ${names.join(", ")})`,
      close ? `Did you mean "${close}"?` : "Name one of them as input.name.",
    );
  }
  const [only, ...others] = graph.inputs;
  if (only && others.length === 0) return only;
  const ids = graph.inputs.find((i) =>
    /^(input_?)?ids$|tokens?$/i.test(i.name),
  );
  if (ids) return ids;
  throw new AssayError(
    "MODEL_INPUT",
    `${file} has ${names.length} inputs (${names.join(", ") || "none"}); which of them is attacked is not known`,
    "Name it in the suite, and what the others get: input: { name: image, others: { flag: 0 } }.",
  );
}

/**
 * The graph with the chosen input as its only one: the others are computed
 * from it, as the suite states or as text models use them.
 *
 * @throws MODEL_INPUT for an input that nothing is known of
 */
export function fillOthers(
  graph: Graph,
  input: ValueInfo,
  stated: Stated,
  file: string,
): Graph {
  const others = graph.inputs.filter((i) => i.name !== input.name);
  if (others.length === 0) return graph;
  const b = new GraphBuilder(
    { ...graph, inputs: [ofLength(input, stated)], nodes: [], valueInfo: [] },
    "inputs/",
  );
  for (const other of others) {
    const what = fillingOf(other, stated, file);
    b.rename(filling(b, input, other, what, stated.padding, file), other.name);
  }
  for (const node of graph.nodes) b.append(node);
  return b.build();
}

/** Token ids with the length that is stated for an open one. */
function ofLength(input: ValueInfo, { shape }: Stated): ValueInfo {
  const [batch = null, length, ...more] = input.dims ?? [];
  const isOpen = length !== undefined && typeof length !== "number";
  const [stated, ...others] = shape ?? [];
  return isOpen && stated && more.length === 0 && others.length === 0
    ? { ...input, dims: [batch, stated] }
    : input;
}

/**
 * What an input that is not attacked gets: a number, 1 where there is no padding, or
 * places. Throws MODEL_INPUT.
 */
export const fillingOf = (other: ValueInfo, stated: Stated, file: string) =>
  stated.others.get(other.name) ?? usual(other, stated.causal, file);

/** What text models give their further inputs when nothing is stated. */
function usual(
  other: ValueInfo,
  causal: boolean,
  file: string,
): number | "mask" | "positions" {
  if (/mask/i.test(other.name)) return causal ? 1 : "mask";
  if (/type|segment/i.test(other.name)) return 0;
  if (/position/i.test(other.name)) return "positions";
  throw new AssayError(
    "MODEL_INPUT",
    `${file}: what input "${other.name}" gets is not known`,
    /past|cache/i.test(other.name)
      ? "Export the decoder without its cache (use_cache=False)."
      : `State it in the suite: input: { others: { ${other.name}: 0 } }.`,
  );
}

function filling(
  b: GraphBuilder,
  input: ValueInfo,
  other: ValueInfo,
  what: number | "mask" | "positions",
  padding: number,
  file: string,
): string {
  if (what === "mask") {
    const real = b.op("Not", [b.equal(input.name, padding)]);
    return b.cast(real, other.type);
  }
  const shape = shapeLike(b, input, other, file);
  if (what === "positions") {
    const length = b.dims(input.name)?.[1];
    if (typeof length !== "number") throw openDimension(other, file);
    const places = Array.from({ length }, (_, i) => i);
    return b.cast(b.expand(b.constant(int64s(places)), shape), other.type);
  }
  return b.expand(b.constant(filledAs(other.type, what)), shape);
}

const filledAs = (type: DataType, value: number) => filled(type, [], value);

/**
 * The shape of another input: fixed sizes as they are, that of the batch where it lies,
 * named ones as in the chosen input. What is [batch, length] too may have a name of
 * its own for the length.
 */
function shapeLike(
  b: GraphBuilder,
  input: ValueInfo,
  other: ValueInfo,
  file: string,
): string {
  const shape = b.shapeOf(input.name);
  const dims = other.dims ?? input.dims ?? [];
  const batch = batchOf(dims, input);
  if (dims.length === 0) return b.ints([]);
  const isAlike = batch === 0 && dims.length === 2 && input.dims?.length === 2;
  return b.concat(
    dims.map((dim, i) => {
      const named = input.dims?.indexOf(dim) ?? -1;
      const same = named < 0 && isAlike ? i : named;
      const at = i === batch ? 0 : typeof dim === "string" ? same : -1;
      if (at >= 0) return b.slice(shape, [at], [at + 1], [0]);
      if (typeof dim === "number") return b.ints([dim]);
      throw openDimension(other, file);
    }),
    0,
  );
}

/**
 * The axis of another input along which the batch lies: the one of its name, or the
 * first that is open; -1 where all sizes are fixed. Initial states have it behind the
 * layers.
 */
function batchOf(dims: readonly Dim[], input: ValueInfo): number {
  const [batch] = input.dims ?? [];
  const named = typeof batch === "string" ? dims.indexOf(batch) : -1;
  return named >= 0 ? named : dims.findIndex((d) => typeof d !== "number");
}

const openDimension = ({ name, dims }: ValueInfo, file: string) =>
  new AssayError(
    "MODEL_INPUT",
    `${file}: the shape ${shapeText(dims)} of input "${name}" is not known`,
    "Export the model with fixed sizes for it.",
  );
