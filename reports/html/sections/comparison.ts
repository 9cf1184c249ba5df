import { percent } from "#core";
import type { Results } from "#results";
import { withoutAttacks } from "../../failures.ts";
import {
  budget,
  cleanBehind,
  interval,
  madeBy,
  mainThreats,
  plain,
  points,
  pValue,
  whole,
} from "../../format.ts";

/**
 * One row for each candidate and defence: what it is, how good clean, how
 * robust at worst.
 */
export function comparisonView(results: Results) {
  const threats = mainThreats(results);
  const rows = results.candidates.flatMap((c) =>
    results.defenses.flatMap((d) => {
      const cases = threats.map((t) =>
        results.worstCases.find(
          (w) =>
            w.candidate === c.id &&
            w.defense === d.id &&
            w.threatModel === t.id,
        ),
      );
      if (threats.length > 0 && cases.every((w) => w === undefined)) return [];
      const clean = cleanBehind(results, c, d.id);
      return [
        {
          candidate: plain(c.id),
          first: d.id === "none",
          defense: d.id,
          strategy: madeBy(c),
          trained: trainedOf(c),
          source: c.sourceAccuracy
            ? {
                value: percent(c.sourceAccuracy.value),
                interval: interval(c.sourceAccuracy),
              }
            : null,
          clean: clean
            ? { value: percent(clean.value), interval: interval(clean) }
            : { value: "-", interval: "" },
          cases: cases.map((w, i) => ({
            threat: plain(threats[i]!.id),
            value: !w
              ? "-"
              : w.evaluated
                ? percent(w.robustAccuracy.value)
                : "not evaluated",
            interval: w?.evaluated ? interval(w.robustAccuracy) : "",
            untrusted: w ? !w.trusted : false,
            without: w ? withoutAttacks(results, w) : "",
            test:
              w?.evaluated && w.comparison
                ? `${points(w.comparison.difference)}, ${pValue(w.comparison.pValue)}`
                : "",
          })),
        },
      ];
    }),
  );
  return {
    domains: results.candidates.some((c) => c.sourceAccuracy),
    threats: threats.map((t) => ({ id: t.id, budget: budget(t) })),
    rows,
    reference: plain(results.candidates[0]?.id ?? ""),
    tasks: results.candidates
      .filter(
        ({ member }, i, all) =>
          member && all.findIndex((c) => c.member?.task === member.task) === i,
      )
      .map(({ member }) => ({
        task: plain(member?.task ?? ""),
        broken: member?.broken,
        classes: member?.classes.map(plain).join(", "),
      })),
    n: results.provenance.data.attacked,
    test: results.provenance.data.test,
  };
}

/** A trunk is trained with the heads of all its tasks, of which a model has its own. */
const trainedOf = ({
  trainableParameters: trained,
  parameters,
  member,
}: Results["candidates"][number]): string =>
  trained === null
    ? "-"
    : member && member.tasks.length > 1
      ? `${whole(trained)}, with the heads of all tasks`
      : `${whole(trained)} of ${whole(parameters)}`;
