import type { Rate, Reporter, Results } from "#results";
import { withoutAttacks } from "../failures.ts";
import { headline } from "../format.ts";
import { mainCases, oneLine, verdictOf } from "../judgements.ts";

/** The numbers of a run as metrics of GitLab CI, or of what reads OpenMetrics. */
export const metrics: Reporter = {
  id: "metrics",
  title: "OpenMetrics",
  summary:
    "Verdict, accuracies and headlines of trials as gauges in the text format of OpenMetrics, for the metrics reports of GitLab CI. Each has its interval by the label bound, and whether it is trusted.",
  reference: "OpenMetrics 1.0, text format",
  file: "metrics.txt",
  render,
};

type Labels = readonly (readonly [name: string, value: string])[];

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

const verdicts = [
  "passed",
  "failed",
  "inconclusive",
  "no verdict",
  "partial run, no verdict",
];

function render(results: Results): string {
  const { gate, cells, candidates, trials } = results;
  const { missing = [], failures = [] } = results;
  const verdict = verdictOf(results);
  const count = (value: number) => [{ labels: [], value }];
  return [
    ...family(
      "assay_gate_verdict",
      "Whether this is the verdict of the gate",
      verdicts.map((one) => ({
        labels: [["verdict", one]],
        value: one === verdict ? 1 : 0,
      })),
    ),
    ...family(
      "assay_gate_rules",
      "Rules of the gate by their verdicts",
      (["passed", "failed", "inconclusive"] as const).map((one) => ({
        labels: [["verdict", one]],
        value: gate.rules.filter((rule) => rule.verdict === one).length,
      })),
    ),
    ...family("assay_cells", "Cells that were measured", count(cells.length)),
    ...family(
      "assay_untrusted_cells",
      "Cells whose numbers are not trusted",
      count(cells.filter(({ trusted }) => !trusted).length),
    ),
    ...family(
      "assay_failed_works",
      "Works that failed",
      count(failures.length),
    ),
    ...family(
      "assay_missing_results",
      "Results that were planned and are not there",
      count(missing.length),
    ),
    ...family(
      "assay_clean_accuracy_ratio",
      "Accuracy of candidates without an attack, on the test split",
      candidates.flatMap(({ id, cleanAccuracy }) =>
        withBounds(cleanAccuracy, [["candidate", id]]),
      ),
    ),
    ...family(
      "assay_robust_accuracy_ratio",
      "Share of samples that withstand every attack that counts",
      mainCases(results)
        .filter(({ evaluated }) => evaluated)
        .flatMap((w) =>
          withBounds(w.robustAccuracy, [
            ["candidate", w.candidate],
            ["defense", w.defense],
            ["threat_model", w.threatModel],
            ["trusted", String(w.trusted)],
            ...without(withoutAttacks(results, w)),
          ]),
        ),
    ),
    ...family(
      "assay_trial",
      "Headlines of attacks on the fine-tuning",
      trials.flatMap((trial) => {
        const found = headline(trial);
        if (!found) return [];
        return withBounds(found, [
          ["candidate", trial.candidate],
          ["repair", trial.repair],
          ["trial", trial.trial],
          ["finding", found.id],
          ["trusted", String(trial.trusted)],
        ]);
      }),
    ),
    "# EOF\n",
  ].join("\n");
}

/** Attacks that a worst case has to do without, if there are any. */
const without = (attacks: string): Labels =>
  attacks ? [["without", attacks]] : [];

/** A number and the ends of its interval; what is not there is left out. */
const withBounds = (
  {
    value,
    low,
    high,
  }: { [K in keyof Pick<Rate, "value" | "low" | "high">]: number | null },
  labels: Labels,
): Sample[] =>
  (
    [
      ["estimate", value],
      ["low", low],
      ["high", high],
    ] as const
  ).flatMap(([bound, number]) =>
    number === null
      ? []
      : [{ labels: [...labels, ["bound", bound]], value: number }],
  );

function family(
  name: string,
  help: string,
  samples: readonly Sample[],
): string[] {
  if (samples.length === 0) return [];
  return [
    `# TYPE ${name} gauge`,
    ...(name.endsWith("_ratio") ? [`# UNIT ${name} ratio`] : []),
    `# HELP ${name} ${help}.`,
    ...samples.map(({ labels, value }) => {
      const said = labels.map(([key, text]) => `${key}="${escaped(text)}"`);
      return `${name}${said.length > 0 ? `{${said.join(",")}}` : ""} ${value}`;
    }),
  ];
}

const escaped = (text: string): string =>
  oneLine(text).replace(/[\\"]/g, (character) => `\\${character}`);
