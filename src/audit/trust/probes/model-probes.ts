import type { Random } from "#core";
import type { Dataset } from "#data";
import { argmaxRows, type CompiledModel, type Model, meaningOf } from "#model";
import { type FloatTensor, rows } from "#onnx";

/** What can be seen of a model behind its defence without any attack. */
export interface ModelProbes {
  /** Whether what it gives as logits are probabilities. */
  probabilities: boolean;
  /**
   * Samples that are classified otherwise when they are asked again, of those tried.
   */
  changed: number;
  /**
   * How far the normalised logits of a sample are apart when it is
   * asked again, at most.
   */
  apart: number;
  /**
   * Mean relative change of the margin between the true class and the others under
   * small noise, capped at 1; null for token ids, which have none.
   */
  sensitivity: number | null;
}

/**
 * Passes that are compared (AutoAttack's check, Croce and Hein 2020, arXiv:2003.01690).
 */
const PASSES = 5;

const SAMPLES = 32;

/** Pintor et al. 2022, arXiv:2106.09947, indicator 2. */
const NOISE = { samples: 10, draws: 100, radius: 8 / 255 };

/** What attacks see of the first samples, moved. */
type Look = (at: FloatTensor, draws: readonly Random[]) => Promise<FloatTensor>;

export async function probeModel(
  model: CompiledModel,
  { x, y, targets }: Dataset,
  random: Random,
): Promise<ModelProbes> {
  const { view } = meaningOf(model.model);
  const few = rows(x, 0, Math.min(SAMPLES, y.length)) as FloatTensor;
  const draws = (purpose: string) => {
    const stream = random.fork(purpose);
    return Array.from({ length: few.dims[0] ?? 0 }, (_, i) => stream.fork(i));
  };
  const look: Look = async (at, streams) =>
    view(
      await model.logits(at, streams),
      targets && (rows(targets, 0, at.dims[0] ?? 0) as FloatTensor),
    );
  const first = await look(few, draws("first"));
  let changed = 0;
  let apart = 0;
  for (let pass = 1; pass < PASSES; pass++) {
    const again = await look(few, draws(`pass ${pass}`));
    const [a, b] = [argmaxRows(first), argmaxRows(again)];
    changed = Math.max(changed, a.filter((p, i) => p !== b[i]).length);
    apart = Math.max(apart, farthest(first, again));
  }
  return {
    probabilities: areProbabilities(first),
    changed,
    apart,
    sensitivity: model.model.embedding
      ? null
      : await sensitivityOf(look, model.model, { x, y }, random),
  };
}

/** The largest Euclidean distance between rows of unit length. */
function farthest(a: FloatTensor, b: FloatTensor): number {
  const classes = a.dims[1] ?? 1;
  const unit = ({ data }: FloatTensor, i: number) => {
    const row = Array.from(data.subarray(i * classes, (i + 1) * classes));
    const length = Math.hypot(...row) || 1;
    return row.map((v) => v / length);
  };
  return Math.max(
    0,
    ...Array.from({ length: a.dims[0] ?? 0 }, (_, i) => {
      const other = unit(b, i);
      return Math.hypot(...unit(a, i).map((v, k) => v - other[k]!));
    }),
  );
}

function areProbabilities({ data, dims }: FloatTensor): boolean {
  const classes = dims[1] ?? 1;
  if (!data.every((v) => v >= -1e-5 && v <= 1 + 1e-5)) return false;
  for (let i = 0; i < (dims[0] ?? 0); i++) {
    const row = data.subarray(i * classes, (i + 1) * classes);
    if (Math.abs(row.reduce((sum, v) => sum + v, 0) - 1) > 1e-5) return false;
  }
  return true;
}

async function sensitivityOf(
  look: Look,
  { contract }: Model,
  { x, y }: Pick<Dataset, "x" | "y">,
  random: Random,
): Promise<number> {
  const n = Math.min(NOISE.samples, y.length);
  const draws = Array.from({ length: n }, (_, i) => random.fork(`draws ${i}`));
  const [low, high] = contract.bounds;
  const few = rows(x, 0, n) as FloatTensor;
  // The margin, not the loss: relative changes of a loss near 0 say nothing.
  const margins = async (data: Float32Array) => {
    const logits = await look({ ...few, data }, draws);
    const classes = logits.dims[1] ?? 1;
    return Array.from({ length: n }, (_, i) => {
      const row = logits.data.subarray(i * classes, (i + 1) * classes);
      const others = row.filter((_, k) => k !== y[i]);
      return row[y[i]!]! - Math.max(...others);
    });
  };
  const before = await margins(few.data);
  let total = 0;
  for (let draw = 0; draw < NOISE.draws; draw++) {
    const noisy = few.data.map((v) => {
      const moved = v + (random.uniform() - 0.5) * NOISE.radius * (high - low);
      return Math.min(high, Math.max(low, moved));
    });
    const after = await margins(noisy);
    after.forEach((margin, i) => {
      const was = before[i]!;
      total += Math.min(
        1,
        Math.abs(margin - was) / Math.max(Math.abs(was), 1e-12),
      );
    });
  }
  return total / (n * NOISE.draws);
}
