import { UsageError } from "#core";
import { type Dataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import {
  classesSeen,
  compile,
  isOurs,
  type Model,
  type RawUnits,
} from "#model";
import type { Table } from "#tables";
import { mcnemar } from "../statistics/index.ts";
import { evenly, type Parts } from "../tasks/index.ts";

/** How the columns of a table reach a model that was given, and how that is known. */
export interface Told {
  /** As they are, or scaled to [0, 1]. */
  readonly units: "raw" | "unit";
  readonly why: string;
}

/** Rows of each part that both readings are tried on. */
const MOST = 2000;

/** How sure the better reading has to be (exact McNemar test). */
const SURE = 0.05;

/**
 * Opens a model in the units that it takes: those that the data states, or those in
 * which it is right on more of the training and validation rows. The rows that are
 * attacked have no say.
 *
 * @param open reads the file, with what scaled rows stand for where it
 *   takes raw columns
 * @param named the file, in messages
 * @throws UsageError DATA_UNITS when both readings do about as well, or its
 *   classes are others
 */
export async function openInUnits(
  open: (units?: RawUnits) => Promise<Model>,
  { train, validation }: Parts,
  named: string,
): Promise<{ model: Model; raw?: RawUnits; told?: Told }> {
  const scaled = await open();
  const raw = train.table && rawUnits(train.table);
  if (!raw || isOurs(scaled)) return { model: scaled };
  const stated = train.table?.units;
  const why = "as the suite states in data.units";
  if (stated === "unit") return { model: scaled, told: { units: stated, why } };
  const plain = await open(raw);
  if (stated === "raw")
    return { model: plain, raw, told: { units: stated, why } };
  if (scaled.classes.join("\n") !== train.classes.join("\n"))
    throw untold(named, "it has other classes than the data");
  const rows = [train, validation];
  const right = async (model: Model) =>
    (await Promise.all(rows.map((part) => rightOn(model, part)))).flat();
  const [ofPlain, ofScaled] = [await right(plain), await right(scaled)];
  const count = (test: (i: number) => boolean | undefined) =>
    ofPlain.filter((_, i) => test(i)).length;
  const [as, to] = [count((i) => ofPlain[i]), count((i) => ofScaled[i])];
  const seen = `it is right on ${as} of ${ofPlain.length} training and validation rows with columns as they are, and on ${to} with columns scaled to [0, 1]`;
  const apart = mcnemar(
    count((i) => ofPlain[i] && !ofScaled[i]),
    count((i) => !ofPlain[i] && ofScaled[i]),
  );
  if (as === to || apart >= SURE) throw untold(named, seen);
  return as > to
    ? { model: plain, raw, told: { units: "raw", why: seen } }
    : { model: scaled, told: { units: "unit", why: seen } };
}

const untold = (named: string, why: string) =>
  new UsageError(
    "DATA_UNITS",
    `what ${named} takes cannot be told: ${why}`,
    "State data.units: raw for models that were trained on the columns as they are, or unit for columns scaled to [0, 1].",
  );

/**
 * What the numbers of scaled rows stand for; undefined where they stand for themselves.
 */
function rawUnits({ features, columns }: Table): RawUnits | undefined {
  if (features.every(({ low, span }) => low === 0 && span === 1))
    return undefined;
  return {
    low: features.map((f) => f.low),
    span: features.map((f) => f.span),
    whole: columns.flatMap(({ kind, width }) =>
      Array<boolean>(width).fill(kind === "integer"),
    ),
  };
}

/** Which of some rows of a part a model is right on. */
async function rightOn(model: Model, part: Dataset): Promise<boolean[]> {
  const few = takeSamples(part, evenly(part, MOST));
  const compiled = await compile(model, onnxruntime);
  try {
    const seen = classesSeen(model, await compiled.logits(few.x), few.targets);
    return Array.from(seen, (k, i) => k === few.y[i]);
  } finally {
    await compiled.release();
  }
}
