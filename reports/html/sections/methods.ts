import type { Results } from "#results";
import { plain } from "../../format.ts";

/** How one kind of number is made. */
interface Method {
  readonly number: string;
  readonly made: string;
  readonly interval: string;
  readonly test: string;
}

const exact =
  "exact (Clopper and Pearson 1934, Biometrika 26:404); it covers at least what it says, and has a width at 0 and 100 %";
const paired =
  "Tango's score interval of a paired difference (1998, Statistics in Medicine 17:891)";
const mcnemar =
  "McNemar's exact test, two-sided (1947, Psychometrika 12:153), each by itself: of twenty comparisons where nothing differs one is below 0.05";
const none = "none";

/**
 * How each kind of number in the document was made, its interval, and its test.
 * `docs/statistics.md` and `src/audit/statistics` say more of the same.
 */
export function methodsView(results: Results) {
  const { cells, candidates, provenance, trials, comparison } = results;
  const has = (list: readonly unknown[] | undefined) => (list ?? []).length > 0;
  const methods: [boolean, Method][] = [
    [
      true,
      {
        number: "Clean accuracy, robust accuracy, attack success",
        made: "Shares k of n of the attacked samples, of the whole test split for clean accuracy without a defence, and of the samples that are right clean for attack success. A sample that is wrong without an attack counts as wrong under it.",
        interval: exact,
        test: none,
      },
    ],
    [
      has(results.worstCases),
      {
        number: "Worst case, and candidates compared",
        made: "A sample is robust only if every attack that counts failed on it, taken sample by sample. Differences are on the same samples.",
        interval: exact,
        test: mcnemar,
      },
    ],
    [
      has(results.decisions),
      {
        number: "Robust accuracy that was decided early",
        made: "Worst case over the attacks on samples in a seeded random order, in batches, until its interval had left every limit of the gate.",
        interval:
          "always-valid, the beta-binomial mixture (Robbins 1970, Annals of Mathematical Statistics 41:1397; Howard et al. 2021, Annals of Statistics 49:1055): it holds at all looks together, and is wider than an exact one of as many samples",
        test: none,
      },
    ],
    [
      has(results.curves) || has(results.trajectories),
      {
        number: "Curves over the budget, and along a training",
        made: "Robust accuracy at each budget, and of the weights after each epoch.",
        interval: `${exact}; each point by itself`,
        test: none,
      },
    ],
    [
      has(results.seeds),
      {
        number: "Means over training seeds",
        made: "Samples count once, however many seeds saw them; what seeds add comes from a normal hierarchical model with a half-Cauchy prior of scale 0.4 on log-odds (Gelman 2006, Bayesian Analysis 1:515; Friede et al. 2017, Biometrical Journal 59:658).",
        interval:
          "exact, of as many samples as are left in effect (Korn and Graubard 1998, Survey Methodology 24:193)",
        test: none,
      },
    ],
    [
      has(results.inheritance),
      {
        number: "Robustness inherited, lost, gained and retained",
        made: "The same samples in the candidate and in its reference; what is retained is the ratio of their robust accuracies.",
        interval:
          "score interval of a paired ratio (Nam and Blackwelder 2002, Statistics in Medicine 21:689; Tang et al. 2003, 22:1217), with a correction of half a sample for continuity",
        test: mcnemar,
      },
    ],
    [
      has(results.transfer),
      {
        number: "Success of attacks through the base, more than a control",
        made: "The share that an attack breaks less that of a control, on the same samples.",
        interval: paired,
        test: mcnemar,
      },
    ],
    [
      has(results.domains) || has(results.crossTask),
      {
        number: "Differences between domains, and between heads",
        made: "One share less the other, on the same samples where both have the same.",
        interval: `${paired}; of different samples Newcombe's (1998, 17:873, method 10)`,
        test: none,
      },
    ],
    [
      cells.some((c) => c.detection),
      {
        number: "Areas under the curves of detectors",
        made: "How often the score of an attacked sample that is misclassified is above that of a clean one that is not.",
        interval: "Newcombe's (2006, Statistics in Medicine 25:559, method 5)",
        test: none,
      },
    ],
    [
      cells.some((c) => c.measures) || candidates.some((c) => c.measures),
      {
        number: "Distances from the truth",
        made: "Means over samples of how far outputs are from what they should be.",
        interval:
          "of means of shares, exact as of as many samples that are all or nothing, than which none vary more (Hoeffding 1963, theorem 1); none of others",
        test: none,
      },
    ],
    [
      has(trials),
      {
        number: "Findings of attacks on the fine-tuning",
        made: "Shares of samples, targets or models, beside the same measure without the attack; each trial says how many, and lists its controls.",
        interval: `${exact}; what is common to all samples of one training counts as one draw; differences of paired shares have Tango's (1998, 17:891), areas under a curve Newcombe's (2006, 25:559)`,
        test: none,
      },
    ],
    [
      has(results.certificates),
      {
        number: "Certified accuracy",
        made: "The class under noise is picked by some draws and proved by others (Cohen et al. 2019, arXiv:1902.02918); each certificate is wrong with at most the stated alpha.",
        interval: exact,
        test: "one-sided exact bound on a proportion, each certificate by itself",
      },
    ],
    [
      comparison !== undefined,
      {
        number: "Changes since the baseline",
        made: "Both runs on the samples that they have in common, by their fingerprints.",
        interval:
          "Newcombe's of a paired difference (1998, Statistics in Medicine 17:2635, method 10); of what a run decided early, what the intervals of both runs leave",
        test: "McNemar's exact test, or the least level at which both intervals are apart, all together held by Holm's method (1979, Scandinavian Journal of Statistics 6:65)",
      },
    ],
    [
      has(results.gate.rules),
      {
        number: "Rules of the gate",
        made: "Passed where the whole interval satisfies the limit, failed where none of it does, otherwise inconclusive. A number that is not trusted passes no rule.",
        interval: "that of the number, as above",
        test: "rows with an interval are held together by Holm's method (1979, Scandinavian Journal of Statistics 6:65)",
      },
    ],
  ];
  return {
    rows: methods.flatMap(([occurs, method]) => (occurs ? [method] : [])),
    seed: provenance.seed,
    suite: plain(provenance.suite.file),
    seeds: candidates
      .flatMap(({ id, lineage }) =>
        lineage && lineage.seed !== provenance.seed
          ? [`${plain(id)}: ${lineage.seed}`]
          : [],
      )
      .join(", "),
  };
}
