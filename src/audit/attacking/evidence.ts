import type { Ball, Family } from "#attacks";
import { Random } from "#core";
import {
  type CompiledModel,
  chanceOf,
  type Limit,
  type Samples,
  whyNoGradient,
} from "#model";
import { type FloatTensor, sizeOf } from "#onnx";
import { isFree } from "#tables";
import { UNDEFENDED } from "../counting.ts";
import { decisions, type ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { samplesThatAre } from "../results/index.ts";
import {
  type AttackProbes,
  type Attempt,
  courseOfDraws,
  drawsOf,
  type Evidence,
  isRandom,
  PROBED,
  partOf,
  probeAttack,
  probeSearch,
  type Surrogate,
  wrongAtMost,
} from "../trust/index.ts";
import { progressOf } from "../workplace.ts";
import {
  type Bench,
  ballFor,
  drawsFor,
  guessworkBehind,
  openFor,
  probesOf,
  type Subject,
  samplesOf,
} from "./bench.ts";
import type { BareCell } from "./cell.ts";
import { controlOf } from "./control.ts";
import type { Craft } from "./craft.ts";

/**
 * What the trust checks look at of a cell that was scored: what is left standing is
 * tried again by other means.
 */
export async function gather(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  made: Craft & { readonly examples: Samples },
  { outcomes, noGradient }: BareCell,
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
    await opened.answers(samplesOf(data), drawsFor(bench, "clean")),
    data.targets,
  );
  const [low, high] = scored.model.contract.bounds;
  const n = data.y.length;
  const usesGradient = chosen.unit.access === "gradient" && adaptive;
  const probe =
    usesGradient && made.noGradient === null
      ? await scored.lossGradient(
          data.x,
          data.y,
          { targets: data.targets },
          drawsFor(bench, "clean"),
        )
      : null;
  const seen = probe ? decisions(scored.model, probe, data.targets) : clean;
  const zero = probe ? rowsWhere(probe.gradient, isZero) : 0;
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
    outcomes,
    ...extentOf(ball, samplesOf(data), made.examples),
    guesswork: await guessworkBehind(opened, bench),
    notes: made.notes,
    noGradient: made.noGradient,
    zeroGradientShare: probe ? zero / n : null,
    cleanMismatch: seen.filter((p, i) => p !== clean[i]).length,
    model,
    draws: drawsOf(chosen),
    searches: made.searched,
    named: planned.probed,
    probes: await probeCell(
      planned,
      ready,
      scored,
      isRandom(model),
      bench,
      ball as Ball,
      made,
      noGradient ?? null,
      outcomes,
    ),
  };
}

/** What an attack is by the parts of it that ran. */
const runAs = (
  { chosen: { unit } }: PlannedCell,
  { noGradient, searched }: Craft,
): Pick<Evidence, "access" | "family"> =>
  noGradient !== null && searched ? { access: "score", family: "query" } : unit;

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
 * Models whose examples are replayed: the candidate without its defence, the public
 * base, and another candidate that is given as a file, where they have a gradient.
 */
async function surrogatesOf(
  { defense }: PlannedCell,
  ready: ReadyModel,
  bench: Bench,
): Promise<Surrogate[]> {
  const { models, peer } = bench;
  const base = await models.base();
  const found: Surrogate[] = [];
  for (const { title, one } of [
    {
      title: "the candidate without its defence",
      one: defense === UNDEFENDED ? null : ready,
    },
    { title: "the public base", one: base?.hash === ready.hash ? null : base },
    {
      title: `the candidate ${peer?.id}`,
      one: peer && (await models.candidate(peer.id)),
    },
  ])
    if (one && whyNoGradient(one.model) === null)
      found.push({ title, model: (await openFor(one, [], bench)).model });
  return found;
}

/**
 * Tries to break what a white-box attack left standing, or a search of a model without
 * a gradient, where its number counts and nothing limits it.
 */
async function probeCell(
  planned: PlannedCell,
  ready: ReadyModel,
  model: CompiledModel,
  drawsAtRandom: boolean,
  bench: Bench,
  ball: Ball,
  made: Craft & { examples: Samples },
  noGradient: string | null,
  outcomes: string,
): Promise<AttackProbes | null> {
  const { id, chosen, probed, adaptive, norm, queries } = planned;
  const { data, seed } = bench;
  const progress = progressOf(bench, id);
  const { unit, params } = chosen;
  if (unit.kind === "text" || norm === "edits") return null;
  const { access, family } = runAs(planned, made);
  const examples = made.examples as FloatTensor;
  const iterates = family === "iterative" || family === "minimum-norm";
  const climbs = access === "gradient" && iterates && made.noGradient === null;
  const searches = family === "query" && noGradient !== null;
  if (!probed || !adaptive || !(climbs || searches)) return null;
  if (queries !== null || norm === "none") return null;
  // What one draw of the model got right by luck does not stand.
  const wrong = await wrongAtMost(
    model,
    examples,
    data,
    new Random(seed).fork(`standing ${id}`),
  );
  const standing = samplesThatAre(outcomes, "robust").filter((i) => !wrong[i]);
  if (standing.length === 0) return null;
  const whole: Attempt = {
    model,
    chosen: { unit, params },
    ball,
    x: data.x,
    y: data.y,
    targets: data.targets,
    examples,
    peaks: made.peaks,
    draws: drawsOf(chosen),
    drawsAtRandom,
    surrogates: await surrogatesOf(planned, ready, bench),
    random: new Random(seed).fork(`probes ${id}`),
    // The attack itself is done.
    onProgress: () => progress(1),
  };
  const few = partOf(whole, standing.slice(0, PROBED));
  const seen = { standing: standing.length, rising: made.rising };
  if (searches)
    return {
      ...(await probeSearch(few)),
      ...seen,
      course: null,
      control: null,
    };
  const right = samplesThatAre(outcomes, "robust", "broken");
  const found = await probeAttack(
    few,
    (made.queries.gradient + made.queries.forward) / data.y.length,
  );
  return {
    ...found,
    course: await courseOfDraws(partOf(whole, right)),
    control: await controlOf(planned, ready, whole, bench),
    ...seen,
  };
}
