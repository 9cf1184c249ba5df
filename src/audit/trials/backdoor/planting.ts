import type { Backdoor, Planted } from "#attacks";
import { type Chosen, UsageError } from "#core";
import { type Dataset, labelOf } from "#data";
import type { Scene } from "../trial.ts";

/** The label of the class that a backdoor leads to. @throws DATA_CLASS_UNKNOWN, BACKDOOR_TASK */
export function targetOf(name: string | undefined, data: Dataset): number {
  if (data.targets)
    throw new UsageError(
      "BACKDOOR_TASK",
      "a backdoor leads to a class, and the outputs of the candidates are labels or values",
      "Leave this trial out.",
    );
  return name === undefined ? 0 : labelOf(name, data);
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
