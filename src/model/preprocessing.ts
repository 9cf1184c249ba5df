import type { StraightThrough } from "#autodiff";
import { AssayError } from "#core";
import {
  BATCH,
  floats,
  type Graph,
  type GraphBuilder,
  prepend,
  type ValueInfo,
} from "#onnx";

/**
 * What the numbers of scaled rows stand for: `low + span * x`, made whole
 * where the column is.
 */
export interface RawUnits {
  readonly low: readonly number[];
  readonly span: readonly number[];
  readonly whole: readonly boolean[];
}

interface Preprocessing {
  /** Of rows that the model takes as they are; undefined where it takes them scaled. */
  readonly units: RawUnits | undefined;
  readonly scale: number;
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
  readonly layout: "NCHW" | "NHWC";
  /** Whether the model takes whole numbers only. */
  readonly rounds: boolean;
}

/**
 * Puts scaling, rounding, normalisation and layout in front, so that the graph takes
 * raw NCHW input within its bounds.
 */
export function withPreprocessing(
  graph: Graph,
  raw: ValueInfo,
  shape: readonly number[],
  { units, scale, mean, std, layout, rounds }: Preprocessing,
): { graph: Graph; straightThrough: StraightThrough[] } {
  const plain =
    !units && scale === 1 && isAll(mean, 0) && isAll(std, 1) && !rounds;
  if (plain && layout === "NCHW") return { graph, straightThrough: [] };
  const outer = { ...raw, dims: [BATCH, ...shape] };
  const straightThrough: StraightThrough[] = [];
  const { graph: wrapped } = prepend(
    { ...graph, inputs: [outer] },
    raw.name,
    "preprocessing/",
    (b, x) => {
      const own = units ? unscaled(b, x, units, straightThrough) : x;
      const scaled = scale === 1 ? own : b.mul(own, scale);
      const whole = rounds ? b.op("Round", [scaled]) : scaled;
      if (rounds) straightThrough.push({ input: scaled, output: whole });
      const centred = isAll(mean, 0)
        ? whole
        : b.sub(whole, channels(b, mean, shape));
      const unit = isAll(std, 1)
        ? centred
        : b.div(centred, channels(b, std, shape));
      return layout === "NHWC" ? b.transpose(unit, [0, 2, 3, 1]) : unit;
    },
  );
  return { graph: wrapped, straightThrough };
}

/** Whole columns are rounded, since a tree may split at a value: 2.9999998 is not 3. */
function unscaled(
  b: GraphBuilder,
  x: string,
  { low, span, whole }: RawUnits,
  straightThrough: StraightThrough[],
): string {
  const row = (values: readonly number[]) =>
    b.constant(floats([1, values.length], values));
  const raw = b.add(b.mul(x, row(span)), row(low));
  if (!whole.includes(true)) return raw;
  const isWhole = b.cast(row(whole.map(Number)), "bool");
  const output = b.op("Where", [isWhole, b.op("Round", [raw]), raw]);
  straightThrough.push({ input: raw, output });
  return output;
}

const isAll = (value: number | readonly number[], expected: number) =>
  [value].flat().every((v) => v === expected);

function channels(
  b: GraphBuilder,
  value: number | readonly number[],
  shape: readonly number[],
): string {
  const values = [value].flat();
  if (values.length !== 1 && values.length !== shape[0]) {
    throw new AssayError(
      "MODEL_INPUT",
      `input.mean or input.std has ${values.length} values, the model has ${shape[0]} channels`,
      "Give one number, or one for each channel.",
    );
  }
  return b.constant(
    floats([1, values.length, ...shape.slice(1).map(() => 1)], values),
  );
}
