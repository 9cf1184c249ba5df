import type { Backdoor, Planted } from "#attacks";
import { type Chosen, nearest, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Scene } from "./trial.ts";

/** @throws CLASS_UNKNOWN, BACKDOOR_TASK */
export function targetOf(
  name: string | undefined,
  { classes, targets }: Dataset,
) {
  if (targets)
    throw new UsageError(
      "BACKDOOR_TASK",
      "a backdoor leads to a class, and the outputs of the candidates are labels or values",
      "Leave this trial out.",
    );
  const at = name === undefined ? 0 : classes.indexOf(name);
  if (at >= 0) return at;
  const close = nearest(name as string, [...classes]);
  throw new UsageError(
    "CLASS_UNKNOWN",
    `the backdoor is to lead to class "${name}", which the candidates do not have`,
    `${close ? `Did you mean "${close}"? ` : ""}Name one of ${classes.join(", ")}.`,
  );
}

/** What the attacker leaves in the data of a trial's victim, or in its base. */
export const plant = (
  { victim, random, engine, signal, surrogate, once }: Scene<unknown, unknown>,
  { unit, params }: Chosen<Backdoor>,
  count: number,
  target: number,
): Promise<Planted> =>
  unit.plant({
    train: victim.data.train,
    count,
    target,
    base: victim.base,
    source: victim.source,
    params,
    random: random.fork("planting"),
    engine,
    signal,
    surrogate: () => surrogate({ seed: "attacker" }),
    once: (name, make) => once(`${count} ${name}`, make),
  });
