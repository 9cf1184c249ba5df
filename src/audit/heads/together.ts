import { type Attack, attackOn, ballOf, type Norm } from "#attacks";
import { type Chosen, Random } from "#core";
import type { Dataset } from "#data";
import type { Beside } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import {
  type Bench,
  drawsFor,
  extentOf,
  isZero,
  type Opened,
  rowsWhere,
} from "../attacking/index.ts";
import type { Scored } from "../judging/index.ts";
import { decisions, type ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import {
  type Fate,
  fatesOf,
  outcomesOf,
  samplesThatAre,
} from "../results/index.ts";
import {
  type AttackProbes,
  type Attempt,
  courseOfDraws,
  drawsOf,
  isRandom,
  PROBED,
  partOf,
  peaksOf,
  probeAttack,
  stillRising,
} from "../trust/index.ts";
import { progressOf } from "../workplace.ts";

/** A head with the samples that all heads have, in one order for all. */
export interface Head {
  readonly ready: ReadyModel;
  readonly opened: Opened;
  /** The place of each of these samples among those of its task. */
  readonly places: readonly number[];
  readonly data: Dataset;
  /**
   * Why it has no gradient, null where it has one: without, it is judged and
   * nothing follows it.
   */
  readonly noGradient: string | null;
  /** Whether it is right about each sample of its task without an attack. */
  readonly right: readonly boolean[];
  /** Of the cell in which the same attack is made on this head alone. */
  readonly evidence: Scored["evidence"];
}

/** An attack on several heads at once. */
export interface Together {
  readonly planned: PlannedCell;
  readonly heads: readonly Head[];
  /**
   * Outcomes of each head on the shared samples: whether it says what it should
   * under the attack.
   */
  readonly stood: readonly string[];
  /** Of the heads as one: a sample is robust while any of them says what it should. */
  readonly evidence: Scored["evidence"];
}

/**
 * Attacks heads with the sum of their losses, and gathers what the trust checks look
 * at, as of a cell.
 *
 * @param trunk what tells these heads from those of other candidates
 * @param heads the first has a gradient, and one is right about a shared sample
 */
export async function attackTogether(
  planned: PlannedCell,
  trunk: string,
  heads: readonly Head[],
  bench: Bench,
): Promise<Together> {
  const { attack, adaptive, norm, eps, defense } = planned;
  const { unit } = planned.chosen as Chosen<Attack>;
  const [first] = heads as [Head];
  const { bounds } = first.opened.model.model.contract;
  const { whole, zeroGradientShare, rising, notes, searched, spent } =
    await attackAll(planned, heads, bench);
  const stood: string[] = [];
  for (const head of heads)
    stood.push(await answersOf(head, whole.examples, bench));
  const right = rightOnes(heads);
  const each = stood.map(fatesOf);
  const outcomes = outcomesOf(
    first.places.map((_, i): Fate => {
      if (!right.includes(i)) return "wrong";
      return each.some((head) => head[i] === "robust") ? "robust" : "broken";
    }),
  );
  const seen = heads.map((h) => h.evidence);
  return {
    planned,
    heads,
    stood,
    evidence: {
      candidate: trunk,
      defense,
      attack,
      access: unit.access,
      adaptive,
      norm,
      eps,
      family: unit.family,
      boundsWidth: bounds[1] - bounds[0],
      constrained: first.evidence.constrained,
      // That any head is right by guessing.
      chance: 1 - seen.reduce((wrong, e) => wrong * (1 - e.chance), 1),
      outcomes,
      ...extentOf(whole.ball, whole.x, whole.examples),
      notes,
      noGradient: null,
      zeroGradientShare,
      cleanMismatch: seen.reduce((sum, e) => sum + e.cleanMismatch, 0),
      model: oddestOf(seen.map((e) => e.model)),
      draws: whole.draws,
      searches: searched,
      named: true,
      probes: await probe(planned, whole, outcomes, { rising, spent }),
    },
  };
}

/** The shared samples that at least one head is right about without an attack. */
export const rightOnes = (heads: readonly Head[]): number[] =>
  (heads[0]?.places ?? []).flatMap((_, i) =>
    heads.some((h) => h.right[h.places[i]!]) ? [i] : [],
  );

/** What was seen of several heads, at its worst. */
function oddestOf(
  models: readonly Scored["evidence"]["model"][],
): Scored["evidence"]["model"] {
  const most = (key: "changed" | "apart") =>
    Math.max(...models.map((m) => m[key]));
  const known = models.flatMap((m) => m.sensitivity ?? []);
  return {
    probabilities: models.some((m) => m.probabilities),
    changed: most("changed"),
    apart: most("apart"),
    sensitivity: known.length > 0 ? Math.max(...known) : null,
  };
}

/** Makes the examples. A sample that no head is right about stays as it is. */
async function attackAll(
  planned: PlannedCell,
  heads: readonly Head[],
  bench: Bench,
) {
  const { seed } = bench;
  const { norm, eps, queries, attack, threatModel } = planned;
  const chosen = planned.chosen as Chosen<Attack>;
  const [{ data, places, opened }] = heads as [Head];
  const [own, ...beside] = heads.map(besideOf) as [Beside, ...Beside[]];
  const progress = progressOf(bench, `${attack}@${threatModel} on all heads`);
  const { bounds } = opened.model.model.contract;
  const ball = ballOf(norm as Norm, eps, bounds, data.table);
  const { y, targets } = own;
  const samples = { x: takeRows(data.x, places), y, targets, beside };
  const some = rightOnes(heads);
  const notes: string[] = [];
  let searched = false;
  const begin = () =>
    attackOn(
      opened.model,
      samples,
      chosen,
      { ball, queries: queries ?? undefined },
      {
        rows: some,
        random: new Random(seed).fork(
          `attack ${chosen.unit.id} ${norm} ${eps}`,
        ),
        draws: new Random(seed).fork(`draws of all heads under ${planned.id}`),
        onNote: (text) => notes.push(text),
        onPart({ access }) {
          searched ||= access !== "gradient";
        },
        onProgress: progress,
      },
    );
  const { target, run } = begin();
  const examples = await run();
  const peaks = peaksOf(target.losses);
  const { gradient } = await begin().target.lossGradient(
    takeRows(samples.x, some),
    [...some.keys()],
  );
  const spent = target.queries.gradient + target.queries.forward;
  const whole: Attempt = {
    ...samples,
    model: opened.model,
    chosen,
    ball,
    examples,
    peaks: places.map((_, i) => peaks[some.indexOf(i)] ?? null),
    draws: drawsOf(chosen),
    drawsAtRandom: heads.some((h) => isRandom(h.evidence.model)),
    random: new Random(seed).fork(`probes of all heads under ${planned.id}`),
    onProgress: () => progress(1),
  };
  return {
    whole,
    zeroGradientShare: rowsWhere(gradient, isZero) / some.length,
    rising: stillRising(target.losses.filter((_, i) => !target.brokenAt[i])),
    notes,
    searched,
    spent: spent / some.length,
  };
}

/** A head with what it should say of the shared samples. */
function besideOf({ opened, data, places, noGradient }: Head): Beside {
  return {
    model: opened.model,
    y: Int32Array.from(places, (place) => data.y[place]!),
    targets: data.targets && takeRows(data.targets, places),
    isBlind: noGradient !== null,
  };
}

/** Which samples a head is right about under the attack. */
async function answersOf(
  { opened, data, places }: Head,
  examples: FloatTensor,
  bench: Bench,
): Promise<string> {
  const draws = drawsFor({ ...bench, data }, "attacked");
  const answers = await opened.answers(
    examples,
    places.map((place) => draws[place]!),
  );
  const targets = data.targets && takeRows(data.targets, places);
  const said = decisions(opened.model.model, answers, targets);
  return outcomesOf(
    places.map((at, i) => (said[i] === data.y[at] ? "robust" : "broken")),
  );
}

/** Tries to break what is left standing, as of a cell. */
async function probe(
  { queries, chosen: { unit } }: PlannedCell,
  attempt: Attempt,
  outcomes: string,
  { rising, spent }: { rising: number | null; spent: number },
): Promise<AttackProbes | null> {
  const standing = samplesThatAre(outcomes, "robust");
  if (unit.family !== "iterative" || queries !== null) return null;
  if (standing.length === 0) return null;
  const right = samplesThatAre(outcomes, "robust", "broken");
  const few = partOf(attempt, standing.slice(0, PROBED));
  return {
    ...(await probeAttack(few, spent)),
    course: await courseOfDraws(partOf(attempt, right)),
    control: null,
    standing: standing.length,
    rising,
  };
}
