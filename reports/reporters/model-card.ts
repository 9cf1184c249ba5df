import { stringify } from "yaml";
import type { Reporter, Results } from "#results";
import { failedParts, withoutAttacks } from "../failures.ts";
import { fileName } from "../file-name.ts";
import {
  budget,
  findingText,
  headline,
  madeBy,
  wellFormed,
  whole,
} from "../format.ts";
import {
  caveatsOf,
  openOnes,
  rateText,
  verdictOf,
  withCaveats,
} from "../judgements.ts";
import { limitsOf } from "../limits.ts";
import { escaped } from "../markdown/escape.ts";
import { taskOf } from "../task.ts";

/** A card for each candidate, as Hugging Face shows models. */
export const modelCard: Reporter = {
  id: "model-card",
  title: "Model cards",
  summary:
    "A card for each candidate, as the README.md of a model on Hugging Face: metadata with model-index, how it was made, accuracies with intervals, what is not trusted and what was not tested.",
  reference:
    "Mitchell et al. 2019, arXiv:1810.03993; Hugging Face, Model Cards",
  file: "model-cards",
  async *render(results) {
    for (const candidate of results.candidates)
      yield {
        name: `${fileName(candidate.id)}.md`,
        content: `---\n${stringify(metadata(results, candidate), { lineWidth: 0 })}---\n\n${body(results, candidate)}`,
      };
  },
};

type Candidate = Results["candidates"][number];

/** What Hugging Face reads in front of the text. */
function metadata(results: Results, { id, cleanAccuracy }: Candidate) {
  const { source, fingerprint, attacked } = results.provenance.data;
  const task = taskOf(results);
  const dataset = {
    name: sound(source),
    type: sound(source),
    revision: fingerprint,
  };
  const clean = {
    type: "accuracy",
    name: "Accuracy",
    value: cleanAccuracy.value,
    args: argsOf(cleanAccuracy, true),
  };
  const robust = casesOf(results, id).map((w) => ({
    type: "accuracy",
    name: sound(
      withCaveats(
        `Robust accuracy, defence ${w.defense}, threat model ${w.threatModel}`,
        caveatsOf(results, w),
      ),
    ),
    value: w.robustAccuracy.value,
    args: argsOf(w.robustAccuracy, w.trusted),
  }));
  return {
    library_name: "onnx",
    ...(task === "other" ? {} : { pipeline_tag: task }),
    tags: ["onnx", "adversarial-robustness", "assay"],
    "model-index": [
      {
        name: sound(id),
        results: [
          {
            task: { type: task },
            dataset: { ...dataset, split: "test" },
            metrics: [clean],
          },
          ...(robust.length > 0
            ? [
                {
                  task: { type: task, name: "Under attack" },
                  dataset: {
                    ...dataset,
                    name: `${dataset.name}, ${attacked} attacked samples`,
                    split: "test",
                  },
                  metrics: robust,
                },
              ]
            : []),
        ],
      },
    ],
  };
}

const sound = (text: string): string => wellFormed(text) || "-";

const argsOf = (
  { low, high, n }: Candidate["cleanAccuracy"],
  trusted: boolean,
) => ({ interval: 0.95, low, high, samples: n, trusted });

const casesOf = ({ worstCases }: Results, id: string) =>
  worstCases.filter((w) => w.candidate === id && w.evaluated);

function body(results: Results, candidate: Candidate): string {
  const { id, file, hash, lineage, parameters } = candidate;
  const { provenance: p, base } = results;
  const facts = Object.entries(lineage?.facts ?? {});
  return `${[
    `# ${escaped(id)}`,
    "",
    `Audited by Assay ${escaped(p.assay)} in "${escaped(results.title)}". The gate of the whole audit: **${verdictOf(results)}**.`,
    "",
    "## Model",
    "",
    `- How it was made: ${escaped(madeBy(candidate))}`,
    `- File: ${escaped(file)}, sha256 ${hash}, ${whole(parameters)} parameters`,
    ...(base && lineage?.baseHash === base.hash
      ? [`- Tuned from: ${escaped(base.file)}, sha256 ${base.hash}`]
      : []),
    `- Data: ${escaped(p.data.source)}, fingerprint ${p.data.fingerprint}; ${whole(p.data.train)} samples to train, ${whole(p.data.validation)} to validate, ${whole(p.data.test)} to test`,
    `- ${results.task ? "Outputs" : "Classes"}: ${(candidate.member?.classes ?? results.classes).map(escaped).join(", ")}`,
    ...facts.map(
      ([name, v]) => `- ${escaped(name)}: ${Number(v.toPrecision(3))}`,
    ),
    ...(lineage?.claims ?? []).map((claim) => `- ${escaped(claim)}`),
    "",
    "## Evaluation",
    "",
    `Intervals are 95 %. Without an attack, on the test split: ${escaped(rateText(candidate.cleanAccuracy))}.`,
    ...robustness(results, id),
    ...trialsOf(results, id),
    ...doubts(results, id),
    "",
    "## What was not tested",
    "",
    ...limitsOf(results).map((text) => `- ${text}`),
    "",
    "## Where it comes from",
    "",
    `Suite ${escaped(p.suite.file)} (sha256 ${p.suite.hash}), seed ${p.seed}, ${escaped(p.engine)}.`,
  ].join("\n")}\n`;
}

function robustness(results: Results, id: string): string[] {
  const threats = new Map(results.threatModels.map((t) => [t.id, t]));
  const rows = casesOf(results, id).map((w) => {
    const threat = threats.get(w.threatModel);
    const lacks = withoutAttacks(results, w);
    return `| ${escaped(w.defense)} | ${escaped(w.threatModel)}${threat ? ` (${escaped(budget(threat))})` : ""} | ${w.attacks.map(escaped).join(", ")} | ${escaped(rateText(w.robustAccuracy))}${w.trusted ? "" : " **not trusted**"}${lacks && ` **without ${lacks}**`} |`;
  });
  return rows.length === 0
    ? []
    : [
        "",
        "Under attack, worst case of each sample:",
        "",
        "| defence | threat model | attacks | robust accuracy |",
        "|---|---|---|---|",
        ...rows,
      ];
}

function trialsOf({ trials }: Results, id: string): string[] {
  const rows = trials
    .filter(({ candidate }) => candidate === id)
    .map((trial) => {
      const found = headline(trial);
      const { text, interval } = found
        ? findingText(found)
        : { text: "nothing to measure", interval: "" };
      return `| ${escaped(trial.trial)} | ${escaped(trial.repair)} | ${found ? `${escaped(found.title)} ` : ""}${text} ${escaped(interval)}${trial.trusted ? "" : " **not trusted**"} |`;
    });
  return rows.length === 0
    ? []
    : [
        "",
        "Attacks on the fine-tuning:",
        "",
        "| attack | repair | found |",
        "|---|---|---|",
        ...rows,
      ];
}

/** What is not trusted, and what is not there. */
function doubts(results: Results, id: string): string[] {
  const own = openOnes(results).filter(
    ({ candidate, status }) => candidate === id && status === "untrusted",
  );
  const parts = failedParts(results);
  return [
    ...(own.length > 0
      ? [
          "",
          "Not trusted, and why:",
          "",
          ...own.map(
            ({ subject, message }) =>
              `- ${escaped(subject)}: ${escaped(message)}`,
          ),
        ]
      : []),
    ...(parts.length > 0
      ? [
          "",
          "What failed in the audit, and what is missing for it:",
          "",
          ...parts.map(
            ({ what, why, lost }) =>
              `- ${escaped(what)}: ${escaped(why)}.${lost && ` Missing: ${escaped(lost)}.`}`,
          ),
        ]
      : []),
  ];
}
