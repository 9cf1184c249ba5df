import { countedPlaces, pickPlaces } from "#autodiff";
import type { Engine, LoadOptions, Session } from "#engine";
import {
  concatRows,
  type FloatTensor,
  type Graph,
  GraphBuilder,
  int,
  type Tensor,
} from "#onnx";
import { type Model, outputsOf } from "./model.ts";

/** What a language model says of answers, given what stands before each token. */
export interface NextTokens {
  /** log p of each token of the answers, one answer behind the other. */
  readonly logs: Float32Array;
  /** The likeliest token in the place of each; the first of several. */
  readonly likeliest: readonly number[];
  /** log p of every token as the first of each answer [N, tokens]. */
  readonly first: FloatTensor;
}

/** The next tokens where answers have them [N, length], as targets; -1 elsewhere. */
export const ANSWERS = "assay.answers";

/** A language model that is ready to be asked for next tokens. */
export interface Asked {
  readonly session: Session;
  /** What its runs say. */
  read(parts: readonly Readonly<Record<string, Tensor>>[]): NextTokens;
}

/**
 * The logits of a language model at some of its places alone, [places, tokens].
 *
 * @param places which of those of all samples, int64 [K]
 */
export function logitsAt(
  b: GraphBuilder,
  model: Model,
  places: string,
): string {
  const classes = model.classes.length;
  const length = outputsOf(model) / classes;
  return pickPlaces(b, model.logits, classes, length)(places);
}

/**
 * A language model that looks at answers alone: its head is not run at other places.
 *
 * @param graph that of the model, whose weights may be inputs
 */
export async function openNextTokens(
  model: Model,
  graph: Graph,
  engine: Engine,
  options: LoadOptions,
): Promise<Asked> {
  const b = new GraphBuilder(graph, "tokens/");
  const classes = model.classes.length;
  const length = outputsOf(model) / classes;
  const targets = b.input({
    name: ANSWERS,
    type: "float32",
    dims: ["batch", length],
  });
  const pick = pickPlaces(b, model.logits, classes, length);
  const { counted, places, wanted } = countedPlaces(b, targets, length);
  const logits = pick(places);
  const logsAt = (value: string) =>
    b.op("LogSoftmax", [value], { axis: int(-1) });
  const logs = b.op(
    "GatherElements",
    [logsAt(logits), b.unsqueeze(wanted, [1])],
    { axis: int(1) },
  );
  const largest = (value: string) =>
    b.op("ArgMax", [value], { axis: int(1), keepdims: int(0) });
  const likeliest = largest(logits);
  const begins = largest(counted);
  const zero = b.scalar(0, "int64");
  const rows = b.op("Range", [
    zero,
    b.squeeze(b.shapeOf(begins), [0]),
    b.scalar(1, "int64"),
  ]);
  const starts = b.add(b.mul(rows, b.scalar(length, "int64")), begins);
  const first = logsAt(pick(starts));
  const session = await engine.load(b.build([logs, likeliest, first]), options);
  return {
    session,
    read: (parts) => ({
      logs: concatRows(parts.map((p) => p[logs] as FloatTensor)).data,
      likeliest: parts.flatMap((p) =>
        Array.from(p[likeliest]?.data as BigInt64Array, Number),
      ),
      first: concatRows(parts.map((p) => p[first] as FloatTensor)),
    }),
  };
}
