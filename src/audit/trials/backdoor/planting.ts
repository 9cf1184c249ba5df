import type { Backdoor, Planted } from "#attacks";
import type { Chosen } from "#core";
import { type Dataset, labelOf } from "#data";
import type { TrialInput } from "../trial.ts";

/** The label of the class that a backdoor leads to. @throws DATA_CLASS_UNKNOWN */
export const targetOf = (name: string | undefined, data: Dataset): number =>
  name === undefined ? 0 : labelOf(name, data);

/** What the attacker leaves in the data of a trial's victim, or in its base. */
export const plant = (
  {
    victim,
    random,
    engine,
    signal,
    surrogate,
    once,
  }: TrialInput<unknown, unknown>,
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
