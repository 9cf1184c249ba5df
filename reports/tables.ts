import type { Finding, Results } from "#results";
import { fatesOf } from "#results";
import { withoutAttacks } from "./failures.ts";
import { verdictOf } from "./judgements.ts";

/** What stands in a column; null where there is nothing. */
export type Value = string | number | boolean | null;

export interface Column<Row> {
  readonly name: string;
  readonly type: "text" | "number" | "integer" | "boolean";
  readonly of: (row: Row) => Value;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column<never>[];
  readonly rows: readonly unknown[];
}

const table = <Row>(
  name: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): Table => ({ name, rows, columns });

/**
 * The results as tables, one row for each thing: the rules of the gate, worst cases,
 * cells, trials by their findings, samples by cells, and what is missing.
 */
export const tablesOf = (results: Results): Table[] => [
  gate(results),
  worstCases(results),
  cells(results),
  trials(results),
  samples(results),
  missing(results),
];

/** The rules, and the verdict of the whole in the last row. */
const gate = (results: Results) =>
  table(
    "gate",
    [
      ...results.gate.rules,
      {
        rule: "gate",
        subject: "the run",
        limit: "",
        measured: "",
        verdict: verdictOf(results),
        reason: "",
      },
    ],
    (
      ["rule", "subject", "limit", "measured", "verdict", "reason"] as const
    ).map((name) => text(name, (row) => row[name])),
  );

const worstCases = (results: Results) =>
  table("worst-cases", results.worstCases, [
    text("candidate", (w) => w.candidate),
    text("defense", (w) => w.defense),
    text("threat_model", (w) => w.threatModel),
    text("attacks", (w) => w.attacks.join("; ")),
    number("robust_accuracy", (w) => w.robustAccuracy.value),
    number("robust_low", (w) => w.robustAccuracy.low),
    number("robust_high", (w) => w.robustAccuracy.high),
    integer("samples", (w) => w.robustAccuracy.n),
    flag("evaluated", (w) => w.evaluated),
    flag("trusted", (w) => w.trusted),
    text("without", (w) => withoutAttacks(results, w) || null),
    number("difference_to_first", (w) => w.comparison?.difference ?? null),
    number("p_value", (w) => w.comparison?.pValue ?? null),
  ]);

const cells = ({ cells: rows }: Results) =>
  table("cells", rows, [
    text("cell", (c) => c.id),
    text("candidate", (c) => c.candidate),
    text("defense", (c) => c.defense),
    text("attack", (c) => c.attack),
    text("threat_model", (c) => c.threatModel.id),
    text("norm", (c) => c.threatModel.norm),
    number("eps", (c) => c.threatModel.eps),
    text("access", (c) => c.threatModel.access),
    flag("adaptive", (c) => c.adaptive),
    number("clean_accuracy", (c) => c.cleanAccuracy.value),
    number("clean_low", (c) => c.cleanAccuracy.low),
    number("clean_high", (c) => c.cleanAccuracy.high),
    number("robust_accuracy", (c) => c.robustAccuracy.value),
    number("robust_low", (c) => c.robustAccuracy.low),
    number("robust_high", (c) => c.robustAccuracy.high),
    integer("samples", (c) => c.robustAccuracy.n),
    number("attack_success", (c) => c.attackSuccess?.value ?? null),
    number("success_low", (c) => c.attackSuccess?.low ?? null),
    number("success_high", (c) => c.attackSuccess?.high ?? null),
    integer("right_samples", (c) => c.attackSuccess?.n ?? null),
    flag("trusted", (c) => c.trusted),
    text("failed_checks", ({ checks }) => withStatus(checks, "failed")),
    text("warned_checks", ({ checks }) => withStatus(checks, "warned")),
    integer("forward_queries", (c) => c.queries.forward),
    integer("gradient_queries", (c) => c.queries.gradient),
    integer("base_queries", (c) => c.queries.base),
    number("seconds", (c) => c.seconds),
    text("reproduce", (c) => c.reproduce),
  ]);

type TrialFinding = Finding & { readonly trial: Results["trials"][number] };

const trials = (results: Results) =>
  table<TrialFinding>(
    "trials",
    results.trials.flatMap((trial) =>
      trial.findings.map((finding) => ({ ...finding, trial })),
    ),
    [
      text("trial", (f) => f.trial.id),
      text("candidate", (f) => f.trial.candidate),
      text("repair", (f) => f.trial.repair),
      text("attack", (f) => f.trial.trial),
      text("finding", (f) => f.id),
      text("title", (f) => f.title),
      text("at", (f) => f.at),
      text("role", (f) => f.role),
      text("unit", (f) => f.unit),
      number("value", (f) => f.value),
      number("low", (f) => f.low),
      number("high", (f) => f.high),
      integer("n", (f) => f.n),
      flag("trusted", (f) => f.trial.trusted),
      text("failed_checks", (f) => withStatus(f.trial.checks, "failed")),
    ],
  );

interface Sample {
  readonly cell: Results["cells"][number];
  readonly sample: number;
  readonly fate: string;
}

const samples = (results: Results) =>
  table<Sample>(
    "samples",
    results.cells.flatMap((cell) =>
      fatesOf(cell.outcomes).map((fate, sample) => ({ cell, sample, fate })),
    ),
    [
      text("cell", (s) => s.cell.id),
      text("candidate", (s) => s.cell.candidate),
      text("defense", (s) => s.cell.defense),
      text("attack", (s) => s.cell.attack),
      text("threat_model", (s) => s.cell.threatModel.id),
      flag("adaptive", (s) => s.cell.adaptive),
      integer("sample", (s) => s.sample),
      text("outcome", (s) => s.fate),
      integer(
        "queries_to_break",
        (s) => s.cell.queriesToBreak[s.sample] || null,
      ),
      flag("trusted", (s) => s.cell.trusted),
    ],
  );

const missing = ({ missing: rows = [], failures = [] }: Results) =>
  table("missing", rows, [
    text("what", (m) => m.what),
    text("id", (m) => m.id),
    text("candidate", (m) => m.candidate ?? null),
    text("defense", (m) => m.defense ?? null),
    text("attack", (m) => m.attack ?? null),
    text("threat_model", (m) => m.threatModel ?? null),
    text("because", (m) => m.because),
    text(
      "why",
      (m) => failures.find(({ work }) => work === m.because)?.message ?? null,
    ),
  ]);

const withStatus = (
  checks: readonly { readonly id: string; readonly status: string }[],
  status: string,
): string =>
  checks
    .filter((check) => check.status === status)
    .map(({ id }) => id)
    .join("; ");

const column =
  (type: Column<never>["type"]) =>
  <Row>(name: string, of: (row: Row) => Value): Column<Row> => ({
    name,
    type,
    of,
  });
const text = column("text");
const number = column("number");
const integer = column("integer");
const flag = column("boolean");
