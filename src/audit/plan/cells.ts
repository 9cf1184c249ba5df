import type { AnyAttack } from "#attacks";
import { type Chosen, UsageError } from "#core";
import type { Reactive } from "#defenses";
import type { Norm, Results } from "../results/index.ts";
import type { Suite } from "../suite/index.ts";

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
  /** Whether it is one that is computed again on the source domain. */
  readonly isOnSource?: boolean;
}

/** A budget with its name. */
export type Budget = Results["threatModels"][number];

/**
 * Every budget of a suite: its threat models, then those of the sweep that
 * are not among them.
 */
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

/** The most cells of a suite: at a second each, three days. */
const MOST = 2 ** 18;

/**
 * The cells of a suite in the order in which they are computed: for each
 * candidate and defence every attack under every threat model, then the sweep.
 * Where there is a defence, attacks on the target come twice: replayed from
 * the undefended candidate (as-is), and made against the defence (adaptive).
 *
 * @throws SUITE_INVALID for more of them than anybody computes
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
  const attacks = Object.keys(suite.attacks);
  const candidates = Object.keys(suite.candidates);
  const count =
    candidates.length * defenses.length * named.length * attacks.length;
  if (count > MOST)
    throw new UsageError(
      "SUITE_INVALID",
      `the suite has ${count} cells (${candidates.length} candidates, ${defenses.length} defences with none, ${named.length} threat models, ${attacks.length} attacks), expected at most ${MOST}`,
      "Leave some out, or write several suites.",
    );
  const cells = new Map<string, PlannedCell>();
  for (const candidate of candidates) {
    for (const [defense, parts] of defenses) {
      const add = (attack: string, budget: Budget) => {
        const chosen = within(budget, suite.attacks[attack]!);
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
        for (const attack of attacks) add(attack, budget);
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

/**
 * Attacks that look at the model they attack. The others are the same with and
 * without a defence.
 */
export const usesTarget = (attack: AnyAttack) =>
  attack.family !== "control" &&
  attack.family !== "corruption" &&
  attack.access !== "base" &&
  attack.access !== "none";
