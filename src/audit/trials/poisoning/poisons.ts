import type {
  Poison,
  Poisoning,
  PoisoningInput,
  TargetedPoisoning,
} from "#attacks";
import type { Random } from "#core";
import type { Dataset } from "#data";
import { argmaxRows, logitsOf, type Model, openFeatures } from "#model";
import { type FloatTensor, floats, rows, sizeOf, takeRows } from "#onnx";
import { canBeShown, picture } from "../../gallery/index.ts";
import type { Finding, Trial } from "../../results/index.ts";
import { clusteredFinding, shareFinding, type TrialInput } from "../trial.ts";
import type { Retuned } from "../victim.ts";

type Of<U> = TrialInput<U, { budgets: number[] }>;

/** All that a poisoner works with, but what is different for each poison. */
type Attacker = Pick<
  PoisoningInput<Record<string, unknown>>,
  "train" | "params" | "engine" | "bounds" | "features" | "surrogate"
>;

/** What the attacker holds. Features are opened when he first looks at them. */
export function openAttacker({
  victim,
  engine,
  params,
  ...input
}: Of<Poisoning | TargetedPoisoning>): Attacker & {
  release(): Promise<void>;
} {
  const { base, cut } = victim;
  const { train } = victim.data;
  if (!base) throw new Error("a tuned candidate has a base; the plan says so");
  const opened = new Map<string, ReturnType<typeof openFeatures>>();
  const surrogate = () => input.surrogate({ seed: "attacker" });
  return {
    train,
    params,
    engine,
    bounds: victim.model.contract.bounds,
    surrogate,
    features(of) {
      const ready =
        opened.get(of) ??
        (of === "base"
          ? openFeatures(base, engine, cut)
          : surrogate().then((model) => openFeatures(model, engine)));
      opened.set(of, ready);
      return ready;
    },
    async release() {
      // What could not be opened was refused when it was asked for.
      for (const ready of await Promise.allSettled(opened.values()))
        if (ready.status === "fulfilled") await ready.value.release();
    },
  };
}

/** Budgets as counts of samples, each once, from the least. */
export function countsOf(
  budgets: readonly number[],
  samples: number,
): number[] {
  const counts = budgets.map((b) =>
    Math.min(samples, Math.max(1, Math.round(b < 1 ? b * samples : b))),
  );
  return [...new Set(counts)].sort((a, b) => a - b);
}

/**
 * Makes a poison, or takes it from the store.
 *
 * @param train what it is part of
 */
export async function keptPoison(
  once: TrialInput<unknown>["once"],
  name: string,
  train: Dataset,
  make: () => Promise<Poison>,
): Promise<Poison> {
  const size = sizeOf(train.x.dims.slice(1));
  const width = size + 2;
  // A row, a label and an input in each line: float32 holds whole numbers
  // exactly up to 2^24.
  const { data, dims } = await once(name, async () => {
    const made = await make();
    const lines = floats(
      [made.rows.length, width],
      new Float32Array(made.rows.length * width),
    );
    made.rows.forEach((row, i) => {
      lines.data.set([row, made.y[i]!], i * width);
      const { data } = rows(made.x, i, i + 1) as FloatTensor;
      lines.data.set(data, i * width + 2);
    });
    return lines;
  });
  const n = dims[0] ?? 0;
  const at = (i: number, k: number) => data[i * width + k]!;
  const x = new Float32Array(n * size);
  for (let i = 0; i < n; i++)
    x.set(data.subarray(i * width + 2, (i + 1) * width), i * size);
  return {
    rows: Array.from({ length: n }, (_, i) => at(i, 0)),
    y: Int32Array.from({ length: n }, (_, i) => at(i, 1)),
    x: floats([n, ...train.x.dims.slice(1)], x),
  };
}

/** The class that a model gives to each sample. */
export async function classesOf(
  model: Model,
  x: FloatTensor,
  { engine }: Pick<TrialInput<unknown>, "engine">,
): Promise<Int32Array> {
  return argmaxRows(await logitsOf(model, x, engine));
}

/**
 * What the filters of a repair did to poisoned sets, and to the clean one: none where
 * there are no filters.
 *
 * @param found what was filtered of each poisoned set, and its poison
 */
export function filterFindings(
  clean: Pick<Retuned, "filtered">,
  found: readonly (Pick<Retuned, "filtered"> & { poison: Poison })[],
  { samples, at }: { samples: number; at: string },
): Finding[] {
  if (!clean.filtered) return [];
  const caught = found.map(({ filtered, poison }) => {
    const poisonous = new Set(poison.rows);
    const left = [...(filtered ?? [])];
    const successes = left.filter((row) => poisonous.has(row)).length;
    return { successes, n: poisonous.size, lost: left.length - successes };
  });
  const poisons = caught.reduce((sum, { n }) => sum + n, 0);
  const lost = caught.reduce((sum, one) => sum + one.lost, 0);
  return [
    clusteredFinding(
      {
        id: "filter-recall",
        title: "Poisons that the filter left out or relabelled",
        role: "detail",
        attacker: "down",
        at,
      },
      caught,
    ),
    {
      ...shareFinding(
        {
          id: "filter-lost",
          title: "Clean samples that it left out or relabelled",
          role: "cost",
          attacker: null,
          at,
        },
        lost,
        found.length * samples - poisons,
      ),
      // Several poisonings count the same clean samples again, which are no
      // more than one set.
      ...(found.length > 1 ? { low: null, high: null } : {}),
    },
    shareFinding(
      {
        id: "filter-lost",
        title: "Clean samples that it left out or relabelled",
        role: "control",
        attacker: null,
        at: "no poison",
      },
      clean.filtered.size,
      samples,
    ),
  ];
}

/**
 * The same changes with the numbers of each shuffled: as large, and not
 * what was optimised.
 */
export function shuffled(
  { rows: own, x, y }: Poison,
  train: Dataset,
  [low, high]: readonly [number, number],
  random: Random,
): Poison {
  const clean = takeRows(train.x, own);
  const size = sizeOf(x.dims.slice(1));
  const out = clean.data.slice();
  for (let i = 0; i < own.length; i++)
    random.permutation(size).forEach((from, k) => {
      const at = i * size + k;
      const change = x.data[i * size + from]! - clean.data[i * size + from]!;
      out[at] = Math.min(high, Math.max(low, out[at]! + change));
    });
  return { rows: own, x: floats(x.dims, out), y };
}

/** The largest change of a number of an input. */
export function largestChange(
  { rows: own, x }: Poison,
  train: Dataset,
): number {
  const clean = takeRows(train.x, own);
  return x.data.reduce(
    (most, v, k) => Math.max(most, Math.abs(v - clean.data[k]!)),
    0,
  );
}

/** Poisons that are shown beside what they were made of. */
const SHOWN = 3;

/**
 * The target, and a few poisons each behind what it was made of; none where
 * samples are no images.
 */
export function poisonPictures(
  poison: Poison,
  train: Dataset,
  {
    x,
    caption,
    bounds: [low, high],
  }: {
    x: FloatTensor;
    caption: string;
    bounds: readonly [number, number];
  },
): Trial["pictures"] {
  if (!canBeShown(train.x)) return [];
  const unit = (v: number) => (v - low) / (high - low);
  const clean = takeRows(train.x, poison.rows);
  return [
    { caption, picture: picture(x, 0, unit) },
    ...poison.rows.slice(0, SHOWN).flatMap((row, i) => [
      { caption: `Sample ${row}`, picture: picture(clean, i, unit) },
      {
        caption: `The same as poison, labelled ${train.classes[poison.y[i]!]}`,
        picture: picture(poison.x, i, unit),
      },
    ]),
  ];
}
