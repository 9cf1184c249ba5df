import { canonicalJson } from "#core";
import type { Cell, Results } from "../results/index.ts";
import type { Pairing } from "./pairing.ts";

/**
 * Why the numbers of a candidate are not of the same task in two runs, as half a
 * sentence; null where they are.
 */
export function otherTask(
  candidate: string,
  old: Results,
  now: Results,
): string | null {
  const [before, after] = [old, now].map((one) => meaningOf(candidate, one));
  if (!before || !after) return null;
  if (!isSame(before.classes, after.classes)) return "the classes differ";
  if (before.broken !== after.broken)
    return "the runs differ in when a sample is wrong";
  return null;
}

function meaningOf(candidate: string, run: Results) {
  const found = run.candidates.find(({ id }) => id === candidate);
  return (
    found && {
      classes: [...(found.member?.classes ?? run.classes)].sort(),
      broken: found.member?.broken ?? run.task?.broken ?? null,
    }
  );
}

/** Why two cells of one name are not of the same attack; null where they are. */
export function otherAttack(
  old: Cell,
  now: Cell,
  runs: { readonly old: Results; readonly new: Results },
  pairing: Pairing,
): string | null {
  const budget = changed(old.threatModel, now.threatModel);
  if (budget) return `the threat model differs: ${budget}`;
  const [before, after] = [runs.old, runs.new].map(({ attacks }) =>
    attacks.find(({ id }) => id === old.attack),
  );
  if (!before || !after) return "one run does not say what the attack is";
  if (before.title !== after.title)
    return `the attack differs: ${before.title}, now ${after.title}`;
  const params = changed(before.params, after.params);
  if (params) return `the attack differs: ${params}`;
  const { pairs } = pairing;
  const isWhole = [pairing.old, pairing.new].every((n) => n === pairs.length);
  if (after.family === "universal" && !isWhole)
    return "one perturbation is made for all samples, and the samples differ";
  return null;
}

/** The first value that differs between two plain objects, in words. */
function changed(old: object, now: object): string | null {
  const [before, after] = [old, now].map((one) => new Map(Object.entries(one)));
  const keys = new Set([...before!.keys(), ...after!.keys()]);
  for (const key of keys) {
    const [one, other] = [before!.get(key), after!.get(key)];
    if (!isSame(one, other)) return `${key} ${said(one)}, now ${said(other)}`;
  }
  return null;
}

const isSame = (one: unknown, other: unknown): boolean =>
  said(one) === said(other);

const said = (value: unknown): string =>
  value === undefined ? "not stated" : canonicalJson(value);
