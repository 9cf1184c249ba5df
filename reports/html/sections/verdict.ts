import { percent } from "#core";
import type { Results } from "#results";
import {
  budget,
  errorsInWords,
  mainThreats,
  plain,
  unbroken,
} from "../../format.ts";

const words = {
  passed: {
    label: "Passed",
    sentence: "Every rule of the gate holds, intervals included.",
  },
  failed: {
    label: "Failed",
    sentence: "At least one rule of the gate is broken.",
  },
  inconclusive: {
    label: "Inconclusive",
    sentence:
      "The evidence does not decide every rule: an interval straddles its limit, a number is not trusted, or something failed that it needs.",
  },
  none: { label: "No verdict", sentence: "The suite states no gate." },
} as const;

const order = { failed: 0, inconclusive: 1, passed: 2 } as const;

/**
 * The verdict in words, the rules with the broken ones first, and the sentence
 * that matters most.
 */
export function verdictView(results: Results) {
  const { verdict, rules } = results.gate;
  const { label, sentence } = results.smoke
    ? {
        label: "Smoke run",
        sentence: `It shows that everything runs, on at most ${results.smoke.samples} attacked samples${results.smoke.quick ? " and with steps, epochs and training data cut to a few" : ""}. There is no verdict, and its numbers mean nothing.`,
      }
    : results.complete
      ? words[verdict]
      : {
          label: "Partial run",
          sentence:
            "Only some cells were run (--only), so there is no verdict.",
        };
  return {
    kind: results.complete ? verdict : "none",
    label,
    sentence,
    headline: headline(results),
    rules: [...rules]
      .sort((a, b) => order[a.verdict] - order[b.verdict])
      .map((r) => ({
        ...r,
        rule: plain(r.rule),
        subject: plain(r.subject),
        reason: unbroken(r.reason),
        measured: unbroken(r.measured),
      })),
    hasRules: rules.length > 0,
    errors: errorsInWords(results.gate),
  };
}

/**
 * How far apart the most and the least robust candidate are at the largest
 * budget, undefended.
 */
function headline(results: Results): string {
  const hardest = mainThreats(results).toSorted((a, b) => b.eps - a.eps)[0];
  const cases = results.worstCases
    .filter((w) => w.defense === "none" && w.threatModel === hardest?.id)
    .sort((a, b) => b.robustAccuracy.value - a.robustAccuracy.value);
  const [best] = cases;
  const worst = cases.at(-1);
  if (!hardest || !best || !worst)
    return "No undefended candidate was attacked.";
  const at = `under the strongest attack at ${budget(hardest)}`;
  if (cases.length === 1)
    return `${plain(best.candidate)} keeps ${percent(best.robustAccuracy.value)} of its answers right ${at}.`;
  return `${plain(best.candidate)} is the most robust candidate: it keeps ${percent(best.robustAccuracy.value)} of its answers right ${at}; ${plain(worst.candidate)} keeps ${percent(worst.robustAccuracy.value)}.`;
}
