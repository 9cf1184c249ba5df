import type { Results } from "#audit";
import { percent } from "#core";
import {
  cleanBehind,
  errorsInWords,
  failedParts,
  headline,
  mainThreats,
  RETRY,
  recommended,
  runsHeadline,
  withoutAttacks,
} from "#reports";
import { coloursFor } from "./colour.ts";
import { columns, foundText } from "./format.ts";

/** What a person reads at the end: worst cases, the gate, and where the report is. */
export function summary(results: Results, report: string): string {
  const shown = mainThreats(results);
  const defended = results.defenses.flatMap((d) =>
    results.candidates.map((c) => ({ candidate: c, defense: d.id })),
  );
  const table = defended.flatMap(({ candidate, defense }) => {
    const cases = shown.map((t) =>
      results.worstCases.find(
        (w) =>
          w.candidate === candidate.id &&
          w.defense === defense &&
          w.threatModel === t.id,
      ),
    );
    if (shown.length > 0 && cases.every((w) => w === undefined)) return [];
    const clean = cleanBehind(results, candidate, defense);
    return [
      [
        candidate.id,
        defense,
        clean ? percent(clean.value) : "-",
        ...cases.map((w) =>
          w
            ? `${percent(w.robustAccuracy.value)}${w.trusted ? "" : " (not trusted)"}${lacking(results, w)}`
            : "-",
        ),
      ],
    ];
  });
  const heading = ["candidate", "defence", "clean", ...shown.map((t) => t.id)];
  const pc = coloursFor(process.stdout);
  const paint = {
    passed: pc.green,
    failed: pc.red,
    inconclusive: pc.yellow,
    none: pc.dim,
  }[results.gate.verdict];
  const errors = errorsInWords(results.gate);
  const rules = results.gate.rules.map(
    (r) => `  ${r.verdict}: ${r.rule} of ${r.subject}: ${r.reason}`,
  );
  return `${[
    "",
    ...smokeLines(results),
    shown.length > 0
      ? "Robust accuracy, worst case over the attacks:"
      : "Accuracy on clean samples; no input was attacked:",
    columns([heading, ...table]),
    ...trialLines(results),
    ...recommended(results).flatMap(({ task, what, why }) => [
      "",
      `${task === null ? "" : `${task}: `}${pc.bold(what)}`,
      `  ${why}`,
    ]),
    "",
    `Gate: ${paint(results.gate.verdict === "none" ? "no verdict" : results.gate.verdict)}`,
    ...rules,
    ...(errors ? [`  ${errors}`] : []),
    ...(results.comparison
      ? ["", `Since the baseline: ${runsHeadline(results.comparison)}`]
      : []),
    ...failureLines(results),
    "",
    `Report: ${report}`,
  ].join("\n")}\n`;
}

/** What a smoke run is, before any of its numbers. */
const smokeLines = ({ smoke }: Results): string[] =>
  smoke
    ? [
        "SMOKE RUN: it only shows that everything runs. There is no verdict, and the numbers mean nothing.",
        "",
      ]
    : [];

/** Attacks that a worst case is without. */
function lacking(results: Results, worst: Results["worstCases"][number]) {
  const attacks = withoutAttacks(results, worst);
  return attacks && ` (without ${attacks})`;
}

/** What failed, and how it is tried again; nothing where nothing did. */
function failureLines(results: Results): string[] {
  const parts = failedParts(results);
  if (parts.length === 0) return [];
  return [
    "",
    "Failed:",
    ...parts.flatMap(({ what, why, hint, lost }) => [
      `  ${what}: ${why}`,
      `    ${hint}`,
      ...(lost ? [`    missing: ${lost}`] : []),
    ]),
    `  ${RETRY}`,
  ];
}

/** What came of attacks on the fine-tuning; nothing where none was tried. */
function trialLines({ trials }: Results): string[] {
  if (trials.length === 0) return [];
  const rows = trials.map((trial) => {
    const found = headline(trial);
    const text = found ? foundText(found) : "nothing to measure";
    return [
      trial.candidate,
      trial.repair,
      trial.trial,
      `${text}${trial.trusted ? "" : " (not trusted)"}`,
    ];
  });
  return [
    "",
    "Attacks on the fine-tuning:",
    columns([["candidate", "repair", "trial", "found"], ...rows]),
  ];
}
