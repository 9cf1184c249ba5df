import type { Results } from "#results";
import { fileName } from "./file-name.ts";
import { headline, madeBy, wellFormed } from "./format.ts";
import { caveatsOf, doubtsOf, verdictOf } from "./judgements.ts";

/** What a run of an experiment tracker is said of, in any number. */
export interface Batch {
  readonly metrics: readonly (readonly [key: string, value: number])[];
  readonly params: readonly (readonly [key: string, value: string])[];
  readonly tags: readonly (readonly [key: string, value: string])[];
}

export interface Run extends Batch {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
}

/** An audit as a run of an experiment tracker, and its candidates as runs below it. */
export function trackedRuns(results: Results): {
  readonly audit: Run;
  readonly candidates: Run[];
} {
  const { timing } = results;
  const start = Date.parse(timing.startedAt);
  const end = Date.parse(timing.finishedAt);
  return {
    audit: { name: some(results.title), start, end, ...auditOf(results) },
    candidates: results.candidates.map((candidate) => ({
      name: some(candidate.id),
      start,
      end,
      ...candidateOf(results, candidate),
    })),
  };
}

function auditOf(results: Results): Batch {
  const { provenance: p, gate, cells, trials } = results;
  const { failures = [], missing = [] } = results;
  const rules = (verdict: string) =>
    gate.rules.filter((rule) => rule.verdict === verdict).length;
  return {
    metrics: [
      ["rules/passed", rules("passed")],
      ["rules/failed", rules("failed")],
      ["rules/inconclusive", rules("inconclusive")],
      ["cells", cells.length],
      ["cells/not trusted", cells.filter(({ trusted }) => !trusted).length],
      ["trials", trials.length],
      ["trials/not trusted", trials.filter(({ trusted }) => !trusted).length],
      ["failed works", failures.length],
      ["missing results", missing.length],
      ["seconds", results.timing.seconds],
    ],
    params: [
      ["suite", some(p.suite.file)],
      ["suite sha256", p.suite.hash],
      ["data", some(p.data.source)],
      ["data fingerprint", p.data.fingerprint],
      ["samples attacked", String(p.data.attacked)],
      ["seed", String(p.seed)],
      ["engine", some(p.engine)],
    ],
    tags: [
      ["assay.version", p.assay],
      ["assay.verdict", verdictOf(results)],
      ...gate.rules.map((r, i): [string, string] => [
        `assay.rule.${i + 1}`,
        some(`${r.verdict}: ${r.rule} of ${r.subject}: ${r.reason}`),
      ]),
      ...missing.map(({ what, id }, i): [string, string] => [
        `assay.missing.${i + 1}`,
        some(`${what} ${id}`),
      ]),
    ],
  };
}

function candidateOf(
  results: Results,
  candidate: Results["candidates"][number],
): Batch {
  const { id, cleanAccuracy, lineage } = candidate;
  const keys = new Keys();
  const metrics = [
    ...withBounds(
      "clean_accuracy",
      cleanAccuracy,
      doubtsOf(results, { trusted: true }),
    ),
    ...results.worstCases
      .filter((w) => w.candidate === id && w.evaluated)
      .flatMap((w) =>
        withBounds(
          `robust_accuracy/${keys.of(w.defense, w.threatModel)}`,
          w.robustAccuracy,
          caveatsOf(results, w),
        ),
      ),
    ...results.trials
      .filter((trial) => trial.candidate === id)
      .flatMap((trial) => {
        const found = headline(trial);
        return found
          ? withBounds(
              `trial/${keys.of(trial.trial, trial.repair, found.id)}`,
              found,
              doubtsOf(results, trial),
            )
          : [];
      }),
  ];
  return {
    metrics,
    params: [
      ["candidate", some(id)],
      ["made by", some(madeBy(candidate))],
      ["sha256", candidate.hash],
      ["base sha256", lineage?.baseHash ?? "-"],
      ["origin", candidate.origin],
      ["parameters", String(candidate.parameters)],
    ],
    tags: [["assay.verdict of the audit", verdictOf(results)], ...keys.names()],
  };
}

/** Names from outside as parts of keys, and those that could not stay as they are. */
export class Keys {
  readonly #names = new Map<string, string>();

  of(...parts: readonly string[]): string {
    return parts
      .map((part) => {
        const own = keyPart(part);
        if (own !== part) this.#names.set(own, part);
        return own;
      })
      .join("/");
  }

  /** A tag for each name that is written otherwise in a key. */
  names(): (readonly [key: string, name: string])[] {
    return Array.from(this.#names, ([own, name]) => [
      `assay.name.${own}`,
      some(name),
    ]);
  }
}

/** A number and the ends of its interval. */
export const withBounds = (
  name: string,
  found: { value: number | null; low: number | null; high: number | null },
  caveats: readonly string[],
): [string, number][] =>
  (["value", "low", "high"] as const).flatMap((bound) => {
    const number = found[bound];
    if (number === null) return [];
    const key = bound === "value" ? name : `${name}/${bound}`;
    return [[[key, ...caveats].join(" "), number]];
  });

/** A name as a part of a key: MLflow takes few characters, and no dots alone. */
const keyPart = (name: string): string =>
  /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name) && name.length <= 60
    ? name
    : fileName(name);

/** MLflow takes no empty values, and no long ones. */
const LONGEST = 500;

/** Text from outside as a tracker takes it: some, of at most 500 characters. */
export const some = (text: string): string =>
  wellFormed(Array.from(text).slice(0, LONGEST).join("")) || "-";
