import { type AnyAttack, surrogateOf, type TrialAttack } from "#attacks";
import { type Chosen, UsageError } from "#core";
import { BASE, type Suite } from "../suite/index.ts";

/** Whether an attack, on inputs or on a fine-tuning, needs a model that does not descend from the base. */
export const needsUnrelated = ({
  unit,
  params,
}: Chosen<AnyAttack> | Chosen<TrialAttack>): boolean =>
  "access" in unit
    ? surrogateOf({ unit, params }) === "unrelated"
    : unit.needsUnrelated === true;

/** Refuses what needs a base, or a model that does not descend from it, where there is none. */
export function checkBases(suite: Suite, file: string): void {
  const refuse = (message: string, hint: string) => {
    throw new UsageError("SUITE_INVALID", `${file}: ${message}`, hint);
  };
  const trials = Object.entries(suite.trials).map(
    ([name, { attack }]) => [name, attack] as const,
  );
  const attacks = Object.entries(suite.attacks);
  const through = [
    ...attacks.filter(([, a]) => a.unit.access === "base"),
    ...trials.filter(([, a]) => a.unit.needsUnrelated),
  ][0];
  if (through && !suite.base)
    refuse(
      `attack "${through[0]}" goes through the base, the suite names none`,
      "Add base, or remove the attack.",
    );
  const compared = trials.find(
    ([, { unit }]) => "needsReference" in unit && unit.needsReference,
  );
  if (compared && !suite.base)
    refuse(
      `trial "${compared[0]}" compares candidates with their base, the suite names none`,
      "Add base, or use difficulty-calibration.",
    );
  const taught = trials.find(
    ([, { unit }]) =>
      ("trains" in unit && unit.trains) ||
      ("place" in unit && unit.place === "base"),
  );
  if (taught && !suite.base?.pretrain)
    refuse(
      `trial "${taught[0]}" needs the data that the base was trained on, and the suite has none`,
      "Let the suite train the base (base.pretrain), or leave the trial out.",
    );
  const control = [...attacks, ...trials].find(([, a]) => needsUnrelated(a));
  if (control && !suite.unrelated && !suite.base?.pretrain)
    refuse(
      `attack "${control[0]}" goes through a model that does not descend from the base, and there is none`,
      "Add unrelated: { model: other.onnx }, a model of about the base's accuracy on its task, or pre-train the base.",
    );
  const tuned = Object.entries(suite.candidates).find(
    ([, c]) => c.strategy || c.model === BASE,
  );
  if (tuned && !suite.base)
    refuse(
      `candidate "${tuned[0]}" is ${tuned[1].model ? "the base as it is" : "fine-tuned from a base"}, the suite names none`,
      "Add base: { model: base.onnx }, or base: { pretrain: ... }.",
    );
}
