import { UsageError } from "#core";
import { checkOrder } from "#defenses";
import { isNamed, isTrained, MAIN, type Suite } from "../suite/index.ts";
import { checkKind, isOnlyMeasured } from "./kinds.ts";
import { checkNeeds } from "./needs.ts";
import { within } from "./within.ts";

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
  const candidates = Object.values(suite.candidates).flatMap(
    ({ id, replica, trunk }) => [
      id,
      ...(replica ? [replica.of] : []),
      ...(trunk ? [trunk.of] : []),
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
  for (const { trunk, task } of Object.values(suite.candidates))
    if (trunk && !tasks.includes(task))
      refuse(`candidates.${trunk.of}.tasks`, task, tasks);
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
  const { attacks: onInputs, trials } = suite;
  for (const [name, chosen] of Object.entries(onInputs))
    within(file, `attacks.${name}`, () => checkNeeds(chosen, { suite }));
  for (const [name, { attack }] of Object.entries(trials))
    within(file, `trials.${name}`, () => checkNeeds(attack, { suite }));
  checkBase(suite, file);
}

/** Refuses candidates that come from a base, where there is none. */
function checkBase({ base, candidates }: Suite, file: string): void {
  const from = Object.values(candidates).find(({ kind }) => kind !== "given");
  if (from && !base)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: candidate "${from.id}" is ${from.kind === "base" ? "the base as it is" : "fine-tuned from a base"}, the suite names none`,
      "Add base: { model: base.onnx }, or base: { pretrain: ... }.",
    );
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
  const tuned = Object.values(candidates).filter(isTrained);
  const stranger = trajectory.candidates?.find(
    (name) => !tuned.some((candidate) => isNamed([name], candidate)),
  );
  if (stranger !== undefined)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: trajectory.candidates names "${stranger}", which is no candidate that is fine-tuned or adapted`,
      `Choose one of: ${tuned.map(({ id }) => id).join(", ")}.`,
    );
}

/**
 * Refuses attacks on all heads at once that do not follow a gradient, or that there
 * are no heads for.
 */
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
  if (!Object.values(candidates).some(({ trunk }) => trunk))
    throw invalid(
      "is for candidates of several tasks, the suite has none",
      "Give a candidate tasks, or leave allHeads out.",
    );
}
