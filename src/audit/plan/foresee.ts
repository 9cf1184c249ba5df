import { type AnyAttack, surrogateOf, type TrialAttack } from "#attacks";
import { AssayError, type Chosen, nearest, UsageError } from "#core";
import type { Reactive, Repair } from "#defenses";
import { cutOff, type Model } from "#model";
import {
  checkAsItIs,
  givenCandidate,
  jointTuning,
  type Known,
  outlineOf,
  planTuning,
  recipeOf,
  requireHeadFor,
  withNewHead,
} from "../models/index.ts";
import { BASE, plainParams } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { needsUnrelated } from "./bases.ts";
import { planCells } from "./cells.ts";
import { planTrials } from "./trials.ts";

/**
 * Refuses what data and models show to be impossible before anything is trained: files
 * that do not fit, strategies that a base does not allow, places to cut that are not
 * there, classes that the task does not have, more poisons than samples, and trials and
 * repairs that are made for other samples or models.
 *
 * @throws UsageError that says where in the suite, and what opening the models throws
 */
export function foresee(known: Known): void {
  const { suite, file } = known.loaded;
  const within = <T>(key: string, check: () => T): T => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      const Kind = error instanceof UsageError ? UsageError : AssayError;
      const { code, message, hint } = error;
      const place = message.startsWith(file) ? "" : `${file}: ${key}: `;
      throw new Kind(code, `${place}${message}`, hint, { cause: error });
    }
  };
  const attacks = Object.entries(suite.attacks);
  const trials = Object.entries(suite.trials).map(
    ([name, { attack }]) => [name, attack] as const,
  );
  const base = outlineOf("base", known);
  const unrelated = [...attacks, ...trials].some(([, a]) => needsUnrelated(a))
    ? outlineOf("unrelated", known)
    : null;
  const outlines = new Map(
    Object.keys(suite.candidates).map((id) => [
      id,
      within(`candidates.${id}`, () => candidateOutline(id, known, base)),
    ]),
  );
  for (const [kind, units] of Object.entries({ attacks, trials }))
    for (const [name, chosen] of units)
      for (const [key, cut] of named(chosen.params, ["cut", "secondCut"]))
        for (const model of modelsOf(chosen, base, unrelated))
          within(`${kind}.${name}.${key}`, () => cutOff(model, cut));
  for (const { candidate, defense, parts, attack, chosen } of planCells(
    suite,
  )) {
    const model = outlines.get(candidate) as Model;
    const check = ({ unit }: Chosen<AnyAttack> | Chosen<Reactive>) =>
      checkSamples(unit.id, "takes" in unit ? unit.takes : undefined, model);
    within(`attacks.${attack}`, () => check(chosen));
    within(`defenses.${defense}`, () => parts.forEach(check));
  }
  for (const { candidate, repair, parts, trial, chosen } of planTrials(suite)) {
    const model = outlines.get(candidate) as Model;
    const { member } = suite.candidates[candidate]!;
    const { train } = judgedOn(known.data, member).target;
    within(`trials.${trial}`, () => {
      const { unit, params } = chosen;
      checkSamples(unit.id, unit.takes?.(params as never), model);
      checkClasses(chosen, train.classes);
      checkBudgets(chosen, train.y.length);
    });
    within(`repairs.${repair}`, () => {
      for (const part of parts) {
        checkClasses(part, train.classes);
        part.unit.check?.(model);
      }
    });
  }
}

/** A candidate as far as it is known before it is trained. */
function candidateOutline(id: string, known: Known, base: Model | null): Model {
  const { suite, file } = known.loaded;
  const spec = suite.candidates[id]!;
  if (spec.model !== undefined && spec.model !== BASE)
    return givenCandidate(id, known, spec.model).model;
  if (!base) throw new Error("the plan says that there is a base");
  if (spec.model === BASE) checkAsItIs(id, known, base);
  if (!spec.strategy) {
    requireHeadFor(id, base, file, known.data.target.train);
    return base;
  }
  const tuning = spec.member
    ? jointTuning(id, known, base)
    : withNewHead(recipeOf(id, known, base));
  planTuning(tuning);
  return tuning.headed;
}

/** Strings that stand under these names in parameters, or in those of a unit that they choose, with their path. */
function named(
  params: Record<string, unknown>,
  names: readonly string[],
): [path: string, value: string][] {
  return Object.entries(plainParams(params)).flatMap(([key, value]) => {
    if (typeof value === "string" && names.includes(key)) return [[key, value]];
    if (typeof value !== "object" || value === null) return [];
    return named(value as Record<string, unknown>, names).map(
      ([path, found]): [string, string] => [`${key}.${path}`, found],
    );
  });
}

/** The models at which an attack takes features. */
function modelsOf(
  { unit, params }: Chosen<AnyAttack> | Chosen<TrialAttack>,
  base: Model | null,
  unrelated: Model | null,
): Model[] {
  const through =
    "access" in unit && surrogateOf({ unit, params }) === "unrelated"
      ? [unrelated]
      : "access" in unit || !unit.needsUnrelated
        ? [base]
        : [base, unrelated];
  return through.filter((model) => model !== null);
}

function checkSamples(
  id: string,
  takes: "images" | "numbers" | undefined,
  { contract, embedding }: Model,
): void {
  const isNumbers = embedding === undefined;
  const isImages = isNumbers && contract.shape.length === 3;
  if (takes === undefined || (takes === "images" ? isImages : isNumbers))
    return;
  throw new UsageError(
    "SAMPLES",
    `${id} works on ${takes}, the samples are ${isNumbers ? "rows" : "texts"}`,
    "Leave it out.",
  );
}

function checkClasses(
  { params }: Chosen<TrialAttack> | Chosen<Repair>,
  classes: readonly string[],
): void {
  for (const [key, name] of named(params, ["target", "from", "to", "class"])) {
    if (classes.includes(name)) continue;
    const meant = nearest(name, [...classes]);
    throw new UsageError(
      "CLASS_UNKNOWN",
      `${key} is "${name}", which is no class of the task`,
      `${meant === undefined ? "" : `Did you mean "${meant}"? `}Its classes are ${classes.join(", ")}.`,
    );
  }
}

function checkBudgets({ unit, params }: Chosen<TrialAttack>, samples: number) {
  if (!/poisoning|backdoor/.test(unit.kind)) return;
  const { budgets = [] } = params as { budgets?: readonly number[] };
  const most = Math.max(...budgets);
  if (most <= samples) return;
  throw new UsageError(
    "BUDGET_TOO_LARGE",
    `budgets has ${most} poisons, the fine-tuning set ${samples} samples`,
    "Lower it; a number below 1 is a share of the set.",
  );
}
