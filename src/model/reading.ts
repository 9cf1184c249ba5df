import type { Graph, ValueInfo } from "#onnx";
import { contractSchema } from "./contract.ts";
import { chooseInput, fillingOf } from "./inputs.ts";
import type { LoadModelOptions } from "./load.ts";
import type { Model } from "./model.ts";

/** How a file was read as a classifier: what was assumed where it says nothing. */
export interface Reading {
  /** The input that attacks change. */
  readonly attacked: string;
  /** What the other inputs get: a number, "mask" (1 except at padding) or "positions". */
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
    /** What they are of the file's output. */
    readonly from:
      | "output"
      | "softmax"
      | "sigmoid"
      | "probabilities"
      | "one logit";
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
  model: Model,
  whole: Graph,
  file: string,
  options: LoadModelOptions,
): Reading {
  const isOurs = whole.metadata.has("assay.model");
  const stated = contractSchema.parse(options.input ?? {});
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
    logits: logitsOf(model, whole),
  };
}

const scaleOf = ({ type }: ValueInfo, stated: number | undefined) =>
  stated ?? (type === "uint8" ? 255 : 1);

/** A model that takes channels last has a Transpose among what was put in front of it. */
const layoutOf = ({ graph }: Model) =>
  graph.nodes.some(
    (n) =>
      n.op === "Transpose" &&
      n.outputs.some((o) => o.startsWith("preprocessing/")),
  )
    ? "NHWC"
    : "NCHW";

function logitsOf({ graph, logits }: Model, whole: Graph): Reading["logits"] {
  const into = (op: string) =>
    whole.nodes.some((n) => n.op === op && n.inputs[0] === logits);
  const maker = graph.nodes.find((n) => n.outputs.includes(logits))?.op;
  const isMade = logits.startsWith("output/");
  const from =
    isMade && maker === "Concat"
      ? "one logit"
      : isMade && (maker === "Log" || maker === "Sub")
        ? "probabilities"
        : into("Softmax")
          ? "softmax"
          : into("Sigmoid")
            ? "sigmoid"
            : "output";
  const [scores] = whole.outputs.filter((o) => o.type === "float32");
  return {
    value: logits,
    from,
    unused: whole.outputs
      .map((o) => o.name)
      .filter((name) => name !== scores?.name),
  };
}
