import { type GateConfig, type Grouped, MAIN } from "../suite/index.ts";

/** Candidates that a name stands for together; none for a name of one. */
const groupOf = <C extends Grouped>(
  name: string | undefined,
  candidates: readonly C[],
): C[] =>
  candidates.filter(
    ({ replica, member }) =>
      name !== undefined && (replica?.of === name || member?.of === name),
  );

/** The task of a candidate, within which it is compared. */
export const taskOf = ({ member }: Grouped): string => member?.task ?? MAIN;

/** Of what there is a mean over seeds. */
const averaged: readonly string[] = ["robustAccuracy", "cleanAccuracy"];

/**
 * A rule about a candidate of several seeds, or of several tasks, as one about each of
 * them, and about the mean over seeds where there is one. What each is compared with is
 * of the same task, and of the same seed where there is one.
 */
export function ruleOfEach(
  rule: GateConfig[number],
  candidates: readonly Grouped[],
): GateConfig {
  const [[metric, limits] = ["", {}]] = Object.entries(rule);
  const { candidate, than } = limits as Record<string, string | undefined>;
  const own = groupOf(candidate, candidates);
  const others = groupOf(than, candidates);
  const about = (selectors: object) => ({
    [metric]: { ...limits, ...selectors },
  });
  const means = averaged.includes(metric)
    ? own.flatMap(({ replica }) => replica?.of ?? [])
    : [];
  if (others.length === 0)
    return own.length === 0
      ? [rule]
      : [...own.map(({ id }) => id), ...new Set(means)].map((id) =>
          about({ candidate: id }),
        );
  if (candidate === undefined)
    return firstOfTasks(others).map(({ id }) => about({ than: id }));
  const compared = own.length
    ? own
    : candidates.filter(({ id }) => id === candidate);
  const pairs = compared.flatMap((one) => {
    const alike = others.filter((other) => taskOf(other) === taskOf(one));
    const same = alike.find((o) => o.replica?.index === one.replica?.index);
    const other = same ?? alike[0];
    return other ? [about({ candidate: one.id, than: other.id })] : [];
  });
  // A rule that compares nothing stays, and decides nothing.
  return pairs.length > 0 ? pairs : [rule];
}

/** Of each task the first. */
const firstOfTasks = <C extends Grouped>(candidates: readonly C[]): C[] =>
  candidates.filter(
    (one, i) => candidates.findIndex((c) => taskOf(c) === taskOf(one)) === i,
  );
