import { z } from "zod";
import { AssayError } from "#core";
import { type FloatTensor, type GraphBuilder, ints } from "#onnx";
import type { LayerSpec } from "./topology.ts";

/** What a layer's importer sees. Values are laid out as Keras does, channels last. */
export interface LayerContext {
  readonly b: GraphBuilder;
  readonly layer: LayerSpec;
  readonly inputs: readonly string[];
  /** The first input. */
  readonly x: string;
  readonly views: Views;
  /** A weight of the layer by its own name. Throws MODEL_INVALID when it is missing. */
  weight(name: string): FloatTensor;
}

/** Adds the nodes of one layer and returns its output. */
export type Importer = (c: LayerContext) => string;
export type ImporterTable = Readonly<Record<string, Importer>>;

/** The error of a layer, or a form of one, that cannot be imported. */
export const unsupported = (layer: LayerSpec, what: string) =>
  new AssayError(
    "MODEL_LAYER",
    `layer "${layer.name}" (${layer.className}) cannot be imported: ${what}`,
    "Export the model to ONNX with tf2onnx, and audit that.",
  );

/**
 * The configuration of a layer, as far as it is used. Throws MODEL_LAYER for values
 * that are not as expected.
 */
export function configOf<S extends z.ZodObject>(
  c: LayerContext,
  schema: S,
): z.output<S> {
  const parsed = schema.safeParse(c.layer.config);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unsupported(
    c.layer,
    `its ${issue?.path.join(".") || "configuration"} is not as expected (${issue?.message})`,
  );
}

/** One number, or one for each axis. */
export const sizes = (rank: number) =>
  z.union([
    z.int().transform((n) => new Array<number>(rank).fill(n)),
    z.array(z.int()).length(rank),
  ]);

/** Only data with its channels last is read. */
export const channelsLast = z
  .enum(["channels_last", "channelsLast"])
  .nullish()
  .describe("where channels are");

/**
 * Images are kept as ONNX wants them, channels first, from one layer to the
 * next; Keras's own layout is made when something asks for it.
 */
export class Views {
  readonly #b: GraphBuilder;
  readonly #firsts = new Map<string, string>();

  constructor(b: GraphBuilder) {
    this.#b = b;
  }

  /** A value with its channels first. */
  first(x: string): string {
    const known = this.#firsts.get(x);
    if (known) return known;
    const rank = this.#b.rankedDims(x).length;
    const middle = Array.from({ length: rank - 2 }, (_, i) => i + 1);
    const made = this.#b.op("Transpose", [x], {
      perm: ints([0, rank - 1, ...middle]),
    });
    this.#firsts.set(x, made);
    return made;
  }

  /** A value with its channels first, as Keras sees it. */
  last(y: string): string {
    const rank = this.#b.rankedDims(y).length;
    const middle = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    const made = this.#b.op("Transpose", [y], {
      perm: ints([0, ...middle, 1]),
    });
    this.#firsts.set(made, y);
    return made;
  }

  /** What does the same to every element, in whichever layout the values are. */
  each(xs: readonly string[], f: (xs: readonly string[]) => string): string {
    return xs.every((x) => this.#firsts.has(x)) && this.#sameRanks(xs)
      ? this.last(f(xs.map((x) => this.first(x))))
      : f(xs);
  }

  #sameRanks(xs: readonly string[]): boolean {
    return new Set(xs.map((x) => this.#b.rankedDims(x).length)).size === 1;
  }
}
