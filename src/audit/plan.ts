import type { AnyAttack } from "#attacks";
import { type Chosen, UsageError } from "#core";
import { checkOrder, type Reactive } from "#defenses";
import { checkBases } from "./bases.ts";
import type { Norm, Results } from "./results.ts";
import type { Suite } from "./suite.ts";
import { isNamed, MAIN } from "./tasks.ts";
import { checkKind, isOnlyMeasured } from "./text.ts";

/** One cell before it is computed. */
export interface PlannedCell {
  readonly id: string;
  readonly candidate: string;
  readonly defense: string;
  readonly parts: readonly Chosen<Reactive>[];
  readonly attack: string;
  readonly chosen: Chosen<AnyAttack>;
  readonly threatModel: string;
  readonly norm: Norm;
  readonly eps: number;
  /** Most queries of each sample; null for no limit. */
  readonly queries: number | null;
  readonly adaptive: boolean;
  /** Whether what is left standing is tried again by other means: not along a sweep. */
  readonly probed: boolean;
}

/** A budget with its name. */
export type Budget = Results["threatModels"][number];

/** Every budget of a suite: its threat models, then those of the sweep that are not among them. */
export function budgetsOf(suite: Suite): Budget[] {
  const named = Object.entries(suite.threatModels).map(
    ([id, { norm, eps = 0, steps, restarts, queries }]) => ({
      id,
      norm,
      eps,
      steps: steps ?? null,
      restarts: restarts ?? null,
      queries: queries ?? null,
    }),
  );
  const { norm, eps = [] } = suite.sweep ?? {};
  const extra = [...eps]
    .sort((a, b) => a - b)
    .filter((e) => !named.some((t) => t.norm === norm && t.eps === e))
    .map((e) => ({
      id: `${norm}-${Number(e.toPrecision(6))}`,
      norm: norm as Norm,
      eps: e,
      steps: null,
      restarts: null,
      queries: null,
    }));
  return [...named, ...extra];
}

/**
 * The cells of a suite in the order in which they are computed: for each
 * candidate and defence every attack under every threat model, then the sweep.
 * Where there is a defence, attacks on the target come twice: replayed from
 * the undefended candidate (as-is), and made against the defence (adaptive).
 */
export function planCells(suite: Suite): PlannedCell[] {
  const budgets = budgetsOf(suite);
  const named = budgets.slice(0, Object.keys(suite.threatModels).length);
  const swept = budgets.filter(
    (b) => b.norm === suite.sweep?.norm && suite.sweep.eps.includes(b.eps),
  );
  const defenses: [string, readonly Chosen<Reactive>[]][] = [
    ["none", []],
    ...Object.entries(suite.defenses),
  ];
  const cells = new Map<string, PlannedCell>();
  for (const candidate of Object.keys(suite.candidates)) {
    for (const [defense, parts] of defenses) {
      const add = (attack: string, budget: Budget) => {
        const chosen = within(
          budget,
          suite.attacks[attack] as Chosen<AnyAttack>,
        );
        const norms: readonly Norm[] = chosen.unit.norms;
        if (!norms.includes(budget.norm)) return;
        const replayed = defense !== "none" && usesTarget(chosen.unit);
        for (const adaptive of replayed ? [false, true] : [true]) {
          const id = `${candidate}/${defense}/${attack}${adaptive ? "" : "+as-is"}@${budget.id}`;
          cells.set(id, {
            id,
            candidate,
            defense,
            parts,
            attack,
            chosen,
            threatModel: budget.id,
            norm: budget.norm,
            eps: budget.eps,
            queries: budget.queries,
            adaptive,
            probed: named.includes(budget),
          });
        }
      };
      for (const budget of named) {
        for (const attack of Object.keys(suite.attacks)) add(attack, budget);
      }
      if (suite.sweep?.defenses.includes(defense)) {
        for (const budget of swept) add(suite.sweep.attack, budget);
      }
    }
  }
  return [...cells.values()];
}

/** An attack with no more steps and restarts than the threat model grants. */
function within(budget: Budget, { unit, params }: Chosen<AnyAttack>) {
  const limited: Record<string, unknown> = { ...params };
  for (const key of ["steps", "restarts"] as const) {
    const [most, asked] = [budget[key], limited[key]];
    if (most === null || asked === undefined) continue;
    // Null is what the attack was published with.
    limited[key] = asked === null ? most : Math.min(most, asked as number);
  }
  return { unit, params: limited };
}

/** Attacks that look at the model they attack; the others are the same with and without a defence. */
export const usesTarget = (attack: AnyAttack) =>
  attack.family !== "control" &&
  attack.family !== "corruption" &&
  attack.access !== "base" &&
  attack.access !== "none";

/** Refuses names in a suite that refer to nothing. */
export function checkReferences(suite: Suite, file: string): void {
  const refuse = (key: string, name: string, known: readonly string[]) => {
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: ${key} names "${name}", which the suite does not define`,
      known.length > 0
        ? `Choose one of: ${known.join(", ")}.`
        : "There is none to choose from: define it first.",
    );
  };
  const attacks = Object.keys(suite.attacks);
  const defenses = ["none", ...Object.keys(suite.defenses)];
  if (suite.sweep && !attacks.includes(suite.sweep.attack))
    refuse("sweep.attack", suite.sweep.attack, attacks);
  for (const name of suite.sweep?.defenses ?? []) {
    if (!defenses.includes(name)) refuse("sweep.defenses", name, defenses);
  }
  const candidates = Object.entries(suite.candidates).flatMap(
    ([name, { replica, member }]) => [
      name,
      ...(replica ? [replica.of] : []),
      ...(member ? [member.of] : []),
    ],
  );
  checkTrajectory(suite, file, refuse);
  checkAllHeads(suite, file, refuse);
  if (suite.attackSource && !suite.sourceData && suite.shift.length === 0)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: attackSource needs a source domain, the suite has none`,
      "State sourceData, or a shift of the data.",
    );
  for (const name of suite.certify?.candidates ?? []) {
    if (!candidates.includes(name))
      refuse("certify.candidates", name, [...new Set(candidates)]);
  }
  const tasks = [MAIN, ...Object.keys(suite.tasks)];
  for (const [name, candidate] of Object.entries(suite.candidates)) {
    const stranger = candidate.tasks?.find((task) => !tasks.includes(task));
    if (stranger !== undefined)
      refuse(
        `candidates.${candidate.member?.of ?? name}.tasks`,
        stranger,
        tasks,
      );
  }
  for (const [name, trial] of Object.entries(suite.trials)) {
    for (const one of trial.candidates ?? [])
      if (!candidates.includes(one))
        refuse(`trials.${name}.candidates`, one, [...new Set(candidates)]);
    const repairs = ["none", ...Object.keys(suite.repairs)];
    for (const one of trial.repairs ?? [])
      if (!repairs.includes(one))
        refuse(`trials.${name}.repairs`, one, repairs);
  }
  for (const parts of Object.values(suite.defenses)) checkOrder(parts);
  if (MAIN in suite.tasks) {
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: tasks.${MAIN} is the task of the suite's own data and always there`,
      "Choose another name.",
    );
  }
  checkKind(suite, file);
  for (const key of ["defenses", "repairs"] as const) {
    if (!("none" in suite[key])) continue;
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: ${key}.none is the candidate as it is and always there`,
      "Choose another name.",
    );
  }
  for (const [kind, map] of Object.entries({
    candidates: suite.candidates,
    // Trials alone are an audit too.
    ...(isOnlyMeasured(suite) || Object.keys(suite.trials).length > 0
      ? {}
      : { threatModels: suite.threatModels, attacks: suite.attacks }),
  })) {
    if (Object.keys(map).length === 0) {
      throw new UsageError(
        "SUITE_INVALID",
        `${file}: ${kind} is empty`,
        `Name at least one under ${kind}.`,
      );
    }
  }
  checkBases(suite, file);
}

/** Refuses a trajectory of what the suite does not attack or does not tune. */
function checkTrajectory(
  { trajectory, attacks, threatModels, candidates }: Suite,
  file: string,
  refuse: (key: string, name: string, known: readonly string[]) => void,
): void {
  if (!trajectory) return;
  const { attack, threatModel } = trajectory;
  if (!attacks[attack])
    refuse("trajectory.attack", attack, Object.keys(attacks));
  const { norm } = threatModels[threatModel] ?? {};
  if (!norm)
    refuse("trajectory.threatModel", threatModel, Object.keys(threatModels));
  const norms: readonly (string | undefined)[] =
    attacks[attack]?.unit.norms ?? [];
  if (!norms.includes(norm))
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: trajectory.attack "${attack}" is made for ${norms.join(", ")}, not for ${norm} of "${threatModel}"`,
      "Name another attack or threat model.",
    );
  const tuned = Object.entries(candidates).filter(
    ([, c]) => c.model === undefined,
  );
  const stranger = trajectory.candidates?.find(
    (name) => !tuned.some(([id, spec]) => isNamed([name], id, spec)),
  );
  if (stranger !== undefined)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: trajectory.candidates names "${stranger}", which is no candidate that is fine-tuned or adapted`,
      `Choose one of: ${tuned.map(([id]) => id).join(", ")}.`,
    );
}

/** Refuses attacks on all heads at once that do not follow a gradient, or that there are no heads for. */
function checkAllHeads(
  { allHeads, attacks, candidates }: Suite,
  file: string,
  refuse: (key: string, name: string, known: readonly string[]) => void,
): void {
  if (allHeads.length === 0) return;
  const invalid = (what: string, hint: string) =>
    new UsageError("SUITE_INVALID", `${file}: allHeads ${what}`, hint);
  for (const name of allHeads) {
    const unit = attacks[name]?.unit;
    if (!unit) refuse("allHeads", name, Object.keys(attacks));
    const follows =
      unit?.family === "single-step" || unit?.family === "iterative";
    if (unit?.access !== "gradient" || !follows)
      throw invalid(
        `names "${name}", which does not raise a loss step by step`,
        "Name attacks such as fgsm or pgd.",
      );
  }
  if (!Object.values(candidates).some((c) => c.member))
    throw invalid(
      "is for candidates of several tasks, the suite has none",
      "Give a candidate tasks, or leave allHeads out.",
    );
}
