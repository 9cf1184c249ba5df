import { percent } from "#core";
import type { DecisionResult, Results } from "#results";
import { budget, interval, plain, unbroken, whole } from "../../format.ts";

/**
 * What was attacked until its rules of the gate were decided (`decide: true`): what was
 * found, on how many samples, and beside which limits. Null where nothing was.
 */
export function decidedView(results: Results) {
  const { decisions = [] } = results;
  if (decisions.length === 0) return null;
  const attacked = decisions.reduce((sum, one) => sum + one.attacked, 0);
  const all = decisions.reduce((sum, one) => sum + one.of, 0);
  return {
    rows: decisions.map((one) => rowOf(one, results)),
    early: whole(decisions.filter(({ attacked, of }) => attacked < of).length),
    of: whole(decisions.length),
    attacked: whole(attacked),
    all: whole(all),
    cells: whole(decisions.reduce((sum, { cells }) => sum + cells.length, 0)),
  };
}

function rowOf(one: DecisionResult, { threatModels }: Results) {
  const threat = threatModels.find(({ id }) => id === one.threatModel);
  return {
    candidate: plain(one.candidate),
    defense: plain(one.defense),
    threat: plain(one.threatModel),
    budget: threat ? budget(threat) : "",
    limits: one.limits.map((limit) => percent(limit)).join(", "),
    samples: `${whole(one.attacked)} of ${whole(one.of)}`,
    robust: percent(one.robustAccuracy.value),
    robustInterval: interval(one.robustAccuracy),
    clean: percent(one.cleanAccuracy.value),
    cleanInterval: interval(one.cleanAccuracy),
    reason: unbroken(one.reason),
    trusted: one.trusted,
    evaluated: one.evaluated,
    cells: one.cells.map((cell) => ({
      id: plain(cell.id),
      value: percent(cell.robustAccuracy.value),
      interval: interval(cell.robustAccuracy),
      trusted: cell.trusted,
      reproduce: plain(cell.reproduce),
    })),
  };
}
