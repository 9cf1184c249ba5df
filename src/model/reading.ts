import type { Graph, ValueInfo } from "#onnx";
import { chooseInput, fillingOf, statedOf } from "./inputs.ts";
import type { AsRead, LoadModelOptions } from "./load.ts";
import type { Model } from "./model.ts";
import type { Source } from "./outputs/found.ts";

/** How a file was read as a classifier: what was assumed where it says nothing. */
export interface Reading {
  /** The input that attacks change. */
  readonly attacked: string;
  /**
   * What the other inputs get: a number, "mask" (1 except at padding) or "positions".
   */
  readonly others: Readonly<Record<string, number | "mask" | "positions">>;
  /** The token that masks hide. */
  readonly padding: number;
  /** Shape of one sample as attacks see it: images have their channels first. */
  readonly shape: readonly number[];
  /** Where images have their channels in the file; null for what is no image. */
  readonly layout: "NCHW" | "NHWC" | null;
  readonly bounds: readonly [number, number];
  /** Whether the bounds were stated, by the caller or in the file. */
  readonly boundsKnown: boolean;
  /** What raw values are multiplied by before the model gets them. */
  readonly scale: number;
  /** The batch size that the file was exported for; null where it is open. */
  readonly fixedBatch: number | null;
  /** Where gradients are taken. */
  readonly point: "input" | "embeddings";
  readonly logits: {
    readonly value: string;
    /** The output of the file that they are made of. */
    readonly output: string;
    /** Why that one, as half a sentence. */
    readonly why: string;
    /** What they are of it. */
    readonly from: Source["from"];
    /** Whether two scores were swapped, since the file's own label says so. */
    readonly reversed: boolean;
    /** Outputs of the file that are not used. */
    readonly unused: readonly string[];
  };
}

/**
 * Tells how `modelOf` read a file.
 *
 * @param whole the normalised graph of the file
 */
export function readingOf(
  { model, source }: AsRead,
  whole: Graph,
  file: string,
  options: LoadModelOptions,
): Reading {
  const isOurs = whole.metadata.has("assay.model");
  const stated = statedOf(options);
  const chosen = chooseInput(whole, stated, file);
  const rest = whole.inputs.filter((i) => i.name !== chosen.name);
  const { shape, bounds } = model.contract;
  const batch = chosen.dims?.[0];
  return {
    attacked: chosen.name,
    others: Object.fromEntries(
      rest.map((other) => [other.name, fillingOf(other, stated, file)]),
    ),
    padding: stated.padding,
    shape,
    layout: shape.length === 3 ? layoutOf(model) : null,
    bounds,
    boundsKnown: isOurs || options.input?.bounds !== undefined,
    scale: scaleOf(chosen, stated.scale),
    fixedBatch: typeof batch === "number" ? batch : null,
    point: model.embedding ? "embeddings" : "input",
    logits: logitsOf(model, source, whole, options),
  };
}

const scaleOf = ({ type }: ValueInfo, stated: number | undefined) =>
  stated ?? (type === "uint8" ? 255 : 1);

/**
 * A model that takes channels last has a Transpose among what was put in front of it.
 */
const layoutOf = ({ graph }: Model) =>
  graph.nodes.some(
    (n) =>
      n.op === "Transpose" &&
      n.outputs.some((o) => o.startsWith("preprocessing/")),
  )
    ? "NHWC"
    : "NCHW";

function logitsOf(
  { logits }: Model,
  source: Source | undefined,
  whole: Graph,
  { head }: LoadModelOptions,
): Reading["logits"] {
  const output = source?.output.name ?? logits;
  return {
    value: logits,
    output,
    why:
      head === undefined ? (source?.why ?? "Assay wrote it") : "it was named",
    from: source?.from ?? "output",
    reversed: source?.reversed ?? false,
    unused: whole.outputs.map((o) => o.name).filter((name) => name !== output),
  };
}
