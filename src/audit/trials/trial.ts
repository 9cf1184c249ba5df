import type { TrialAttack } from "#attacks";
import type { Random } from "#core";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { Finding, Rate, Trial } from "../results/index.ts";
import {
  clusteredInterval,
  crossedInterval,
  pairsOf,
  rate,
  tango,
} from "../statistics/index.ts";
import type { Parts } from "../tasks/index.ts";
import type { Each, PlannedPart } from "./parts.ts";
import type { Changes, Victim } from "./victim.ts";

/** What a trial found, before it is put into the results document. */
export type Outcome = Pick<
  Trial,
  "findings" | "charts" | "pictures" | "transcripts" | "notes" | "checks"
>;

/** What a protocol works with. */
export interface TrialInput<U, P = Record<string, unknown>> {
  readonly unit: U;
  readonly params: P;
  /** The candidate behind the repair of the trial. */
  readonly victim: Victim;
  /**
   * A model that does not descend from the base, where the attack has
   * it as its control.
   */
  readonly unrelated: Model | null;
  /**
   * Fine-tunes as the victim does, but without its repair: what an
   * attacker can do at home.
   */
  surrogate(changes: Changes): Promise<Model>;
  /**
   * What the attacker makes before the victim moves. It is kept, and the same
   * whatever the repair.
   */
  once(name: string, make: () => Promise<FloatTensor>): Promise<FloatTensor>;
  /** For what can be computed side by side; see `Protocol.stages`. */
  readonly each: Each;
  /** For everything that the attacker draws; the same whatever the repair. */
  readonly random: Random;
  readonly engine: Engine;
  readonly signal?: AbortSignal;
  /**
   * Called with the share of the work that is done; throws when the run is interrupted.
   */
  readonly onProgress: (share: number) => void;
}

/** What is known of a trial before anything is computed. */
export interface PlannedProtocol<U, P> {
  readonly unit: U;
  readonly params: P;
  /** What the candidate is tuned and judged on. */
  readonly data: Parts;
  readonly hasBase: boolean;
}

/**
 * How attacks of one kind are tried and measured: which budgets, how often, what
 * counts as success, and against which controls.
 */
export interface Protocol<
  U extends TrialAttack = TrialAttack,
  P = Record<string, unknown>,
> {
  readonly kind: U["kind"];
  /**
   * The names of what `run` gives to `each`, before anything is computed: a list for
   * each call, in their order. There may be more than come to be. None when left out.
   */
  stages?(planned: PlannedProtocol<U, P>): readonly (readonly PlannedPart[])[];
  run(input: TrialInput<U, P>): Promise<Outcome>;
}

type Words = Pick<Finding, "id" | "title" | "role" | "attacker"> & {
  readonly at?: string;
};

/** A share of `n` with its interval; without a value where `n` is 0. */
export const shareFinding = (words: Words, k: number, n: number): Finding =>
  rateFinding(words, n > 0 ? rate(k, n) : null);

/** The same of a rate that is there. */
export const rateFinding = (
  { at, ...words }: Words,
  found: Rate | null,
): Finding => ({
  ...words,
  at: at ?? null,
  unit: "share",
  value: found?.value ?? null,
  low: found?.low ?? null,
  high: found?.high ?? null,
  n: found?.n ?? 0,
});

/** A number that is no share. */
export const numberFinding = (
  { at, ...words }: Words,
  value: number | null,
  {
    low = null,
    high = null,
    n = null,
  }: Partial<Pick<Finding, "low" | "high" | "n">> = {},
): Finding => ({
  ...words,
  at: at ?? null,
  unit: "number",
  value,
  low,
  high,
  n,
});

/**
 * By how much more samples the first of two judges says yes, a share with the
 * paired interval.
 */
export function pairedFinding(
  words: Words,
  first: readonly boolean[],
  second: readonly boolean[],
): Finding {
  const pairs = pairsOf(first, second);
  const n = first.length;
  return numberFinding(words, (pairs.onlyFirst - pairs.onlySecond) / n, {
    ...tango(pairs),
    n,
  });
}

/**
 * The share that trainings reach on average, each of samples of its own. Its interval
 * is over trainings; that of one training is over its samples alone.
 *
 * @param trainings of each how many of its samples are so; such without samples say
 *   nothing
 */
export function clusteredFinding(
  words: Words,
  trainings: readonly { readonly successes: number; readonly n: number }[],
): Finding {
  const some = trainings.filter(({ n }) => n > 0);
  const total = (of: "successes" | "n") =>
    some.reduce((sum, one) => sum + one[of], 0);
  const n = total("n");
  if (some.length < 2) return shareFinding(words, total("successes"), n);
  const shares = some.map((one) => one.successes / one.n);
  const value = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return rateFinding(words, { value, ...clusteredInterval(some), n });
}

/** Of each training, which of the same samples are so. */
type Trainings = readonly (readonly boolean[])[];

/**
 * The share that trainings reach on average, with its interval where there are several.
 */
export const crossedFinding = (words: Words, rows: Trainings): Finding =>
  numberFinding(words, meanShare(rows), {
    ...(rows.length > 1 ? crossedInterval(rows) : {}),
    n: rows.length,
  });

/**
 * By how much less trainings reach on average than one that was there before: what they
 * lose less what they gain. The intervals of both are added as Newcombe's are (1998,
 * method 10).
 */
export function crossedLoss(
  words: Words,
  before: readonly boolean[],
  rows: Trainings,
): Finding {
  const n = rows.length;
  const lost = rows.map((row) => row.map((now, i) => !now && before[i]!));
  const gained = rows.map((row) => row.map((now, i) => now && !before[i]));
  const [loss, gain] = [meanShare(lost), meanShare(gained)];
  const value = loss - gain;
  if (n < 2) return numberFinding(words, value, { n });
  const [ofLoss, ofGain] = [crossedInterval(lost), crossedInterval(gained)];
  return numberFinding(words, value, {
    low: value - Math.hypot(loss - ofLoss.low, ofGain.high - gain),
    high: value + Math.hypot(ofLoss.high - loss, gain - ofGain.low),
    n,
  });
}

function meanShare(rows: Trainings): number {
  const all = rows.flat();
  return all.filter(Boolean).length / all.length;
}
