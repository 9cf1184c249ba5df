import type { Family } from "#attacks";
import { chanceOf, type Limit, type Samples } from "#model";
import { type FloatTensor, sizeOf } from "#onnx";
import { isFree } from "#tables";
import { UNDEFENDED } from "../counting.ts";
import { decisions, type ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { samplesThatAre } from "../results/index.ts";
import {
  type AttackProbes,
  courseOfDraws,
  drawsOf,
  type Evidence,
  partOf,
  probeAttack,
  probeSearch,
  type Surrogate,
} from "../trust/index.ts";
import { leftStanding, runAs } from "./attempt.ts";
import {
  type Bench,
  ballFor,
  type Opened,
  openFor,
  type Subject,
} from "./bench.ts";
import type { BareCell } from "./cell.ts";
import { controlOf } from "./control.ts";
import type { Craft } from "./craft.ts";
import type { CleanSlopes } from "./known.ts";
import {
  cleanAnswers,
  drawsFor,
  guessworkBehind,
  keptOf,
  knownOf,
  probesOf,
  samplesOf,
} from "./seen.ts";
import { asSurrogate, titleOf } from "./surrogate.ts";

/**
 * What the trust checks look at of a cell that was scored: what is left standing is
 * tried again by other means.
 */
export async function gather(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  made: Craft & { readonly examples: Samples },
  cell: BareCell,
): Promise<Omit<Evidence, "faults">> {
  const { chosen, candidate, defense, attack, adaptive, norm, eps } = planned;
  const { access, family } = runAs(planned, made);
  const { data } = bench;
  const ready = await subject.open();
  const opened = await openFor(ready, planned.parts, bench);
  const { model: scored } = opened;
  const ball = ballFor(planned, opened, data);
  const clean = decisions(
    scored.model,
    await cleanAnswers(opened, bench),
    data.targets,
  );
  const [low, high] = scored.model.contract.bounds;
  const n = data.y.length;
  const usesGradient = chosen.unit.access === "gradient" && adaptive;
  const slopes =
    usesGradient && made.noGradient === null
      ? await cleanSlopes(opened, bench)
      : null;
  const seen = slopes?.seen ?? [...clean];
  const model = await probesOf(opened, bench);
  return {
    candidate,
    defense,
    attack,
    access,
    adaptive,
    norm,
    eps,
    family: family satisfies Family,
    boundsWidth: high - low,
    constrained: data.table !== undefined && !isFree(data.table),
    chance: chanceOf(scored.model, data.targets),
    outcomes: cell.outcomes,
    ...extentOf(ball, samplesOf(data), made.examples),
    guesswork: await guessworkBehind(opened, bench),
    notes: made.notes,
    noGradient: made.noGradient,
    zeroGradientShare: slopes && slopes.zero / n,
    cleanMismatch: seen.filter((p, i) => p !== clean[i]).length,
    model,
    draws: drawsOf(chosen),
    searches: made.searched,
    named: planned.probed,
    probes: await probeCell(planned, ready, opened, bench, made, cell),
  };
}

/** What gradients at the attacked samples as they are tell, for all cells at once. */
async function cleanSlopes(opened: Opened, bench: Bench): Promise<CleanSlopes> {
  const known = knownOf(opened, bench);
  known.slopes ??= await keptOf("slopes", opened, bench, async () => {
    const { x, y, targets } = bench.data;
    const { model } = opened;
    const draws = drawsFor(bench, "clean");
    const found = await model.lossGradient(x, y, { targets }, draws);
    return {
      seen: [...decisions(model.model, found, targets)],
      zero: rowsWhere(found.gradient, isZero),
    };
  });
  return known.slopes;
}

/** Whether a gradient says nothing. */
export const isZero = (row: Float32Array): boolean =>
  row.every((g) => g === 0 || !Number.isFinite(g));

/** How many rows are such ones. */
export const rowsWhere = (
  { data, dims }: FloatTensor,
  test: (row: Float32Array) => boolean,
): number => {
  const width = sizeOf(dims.slice(1));
  return Array.from({ length: dims[0] ?? 0 }, (_, i) =>
    data.subarray(i * width, (i + 1) * width),
  ).filter(test).length;
};

/** How far examples went, and what is wrong with their numbers. */
export function extentOf(
  { bounds, ...ball }: Limit<Samples>,
  clean: Samples,
  examples: Samples,
): Pick<Evidence, "maxDistance" | "outOfBounds" | "nonFinite"> {
  const maxDistance = Array.from(ball.distance(clean, examples)).reduce(
    (a, b) => Math.max(a, b),
    0,
  );
  if (!bounds || !("data" in examples))
    return { maxDistance, outOfBounds: 0, nonFinite: 0 };
  // What is clipped to a bound has it as float32 rounds it.
  const [least, most] = bounds.map(Math.fround) as [number, number];
  const rowsWith = (odd: (v: number) => boolean) =>
    rowsWhere(examples, (row) => row.some(odd));
  return {
    maxDistance,
    outOfBounds: rowsWith((v) => v < least || v > most),
    nonFinite: rowsWith((v) => !Number.isFinite(v)),
  };
}

/**
 * Models whose examples are replayed and that are there without a training of
 * another candidate: the candidate without its defence, the public base, and another
 * candidate that is given as a file.
 */
async function surrogatesOf(
  { defense }: PlannedCell,
  ready: ReadyModel,
  bench: Bench,
): Promise<Surrogate[]> {
  const { models, peers } = bench;
  const base = await models.base();
  const found: Surrogate[] = [];
  if (defense !== UNDEFENDED)
    found.push(
      await asSurrogate("the candidate without its defence", ready, bench),
    );
  if (base && base.hash !== ready.hash)
    found.push(await asSurrogate("the public base", base, bench));
  if (peers.given) {
    const { id } = peers.given;
    const given = await models.candidate(id);
    found.push(await asSurrogate(titleOf(peers.given), given, bench));
  }
  return found;
}

/** Tries to break what an attack left standing. */
async function probeCell(
  planned: PlannedCell,
  ready: ReadyModel,
  opened: Opened,
  bench: Bench,
  made: Craft & { readonly examples: Samples },
  cell: BareCell,
): Promise<AttackProbes | null> {
  const standing = await leftStanding(planned, opened, bench, made, cell);
  if (!standing) return null;
  const { whole, count, searches } = standing;
  const seen = { standing: count, rising: made.rising };
  if (searches)
    return {
      ...(await probeSearch(standing.few)),
      ...seen,
      course: null,
      control: null,
    };
  const surrogates = await surrogatesOf(planned, ready, bench);
  const right = samplesThatAre(cell.outcomes, "robust", "broken");
  const found = await probeAttack(
    { ...standing.few, surrogates },
    (made.queries.gradient + made.queries.forward) / bench.data.y.length,
  );
  return {
    ...found,
    course: await courseOfDraws(partOf(whole, right)),
    control: await controlOf(planned, ready, whole, bench),
    ...seen,
  };
}
