import type { Chart, Finding, Results, Trial } from "#results";
import {
  anchor,
  findingText,
  headline,
  plain,
  tone,
  unbroken,
} from "../../format.ts";
import { guardedColumns, guardedRows } from "../../guarded.ts";
import { pngOf } from "./gallery.ts";
import { numberChart } from "./number-chart.ts";

/**
 * Attacks on the fine-tuning: which candidate and which repair withstands them, then
 * each attack by itself.
 */
export async function trialsView(results: Results) {
  const { trials, trialAttacks, repairs } = results;
  if (trials.length === 0) return null;
  const attacks = trialAttacks.filter((a) =>
    trials.some((t) => t.trial === a.id),
  );
  const tried = results.candidates.filter((c) =>
    trials.some((t) => t.candidate === c.id),
  );
  const at = (candidate: string, repair: string, trial: string) =>
    trials.find(
      (t) =>
        t.candidate === candidate && t.repair === repair && t.trial === trial,
    );
  return {
    columns: attacks.map((a) => ({
      name: plain(a.id),
      measure: measureOf(a.id, trials),
    })),
    candidates: tried.map((c) => ({
      name: plain(c.id),
      cells: attacks.map((a) => square(at(c.id, "none", a.id))),
    })),
    repairs:
      repairs.length < 2
        ? null
        : {
            columns: repairs.map((r) =>
              r.id === "none" ? "no repair" : plain(r.id),
            ),
            rows: attacks.flatMap((a) =>
              tried.flatMap((c) => {
                const cells = repairs.map((r) => at(c.id, r.id, a.id));
                // One that no repair was tried against is in the table above.
                if (cells.slice(1).every((t) => t === undefined)) return [];
                const name = `${plain(a.id)}, ${plain(c.id)}`;
                const measure = measureOf(a.id, trials);
                return [{ name, measure, cells: cells.map(square) }];
              }),
            ),
          },
    guarded: guardedOf(results),
    attacks: await Promise.all(
      attacks.map(async (a) => {
        const own = trials.filter((t) => t.trial === a.id);
        return {
          id: anchor("trial", a.id),
          name: plain(a.id),
          title: plain(a.title),
          threat: plain(a.threat),
          reference: plain(a.reference),
          taxonomy: [
            ...a.taxonomy.atlas,
            ...a.taxonomy.owasp,
            ...a.taxonomy.nist,
          ].join(", "),
          charts: chartsOf(own).map(numberChart),
          pictures: await picturesOf(own),
          transcripts: own.flatMap(({ id, transcripts = [] }) =>
            transcripts.length === 0
              ? []
              : [
                  {
                    trial: plain(id),
                    isMany: own.length > 1,
                    rows: transcripts.map((one) => ({
                      prompt: plain(one.prompt),
                      kind: one.restricted ? "restricted" : "allowed",
                      before: shaded(one.before, one.tokens?.before),
                      after: shaded(one.after, one.tokens?.after),
                    })),
                  },
                ],
          ),
          notes: [...new Set(own.flatMap((t) => t.notes))].map(unbroken),
          failed: own.flatMap((t) =>
            t.checks
              .filter((check) => check.status !== "passed")
              .map((check) => ({
                trial: plain(t.id),
                status: check.status,
                warned: check.status === "warned",
                message: unbroken(check.message),
              })),
          ),
          rows: own.map((t) => ({
            trial: plain(t.id),
            reproduce: plain(t.reproduce),
            findings: t.findings.map((f) => ({
              title: plain(f.title),
              id: f.id,
              at: f.at === null ? "" : plain(f.at),
              role: f.role,
              n: f.n ?? "",
              ...findingText(f),
            })),
          })),
        };
      }),
    ),
  };
}

/** Language models by attack and defence, where there are several to compare. */
function guardedOf(results: Results) {
  const rows = guardedRows(results);
  return rows.length < 2 ? null : { columns: guardedColumns, rows };
}

/** What a model says, its tokens shaded by what they cost. */
const shaded = (
  text: string,
  tokens: readonly { readonly text: string; readonly cost: number }[] = [
    { text, cost: 0 },
  ],
) =>
  tokens.map((one) => ({
    text: plain(one.text),
    shade: COSTS.filter((least) => one.cost >= least).length,
    cost: `-log p ${one.cost.toFixed(2)}`,
  }));

/** From these -log p on, in nats, a token is shaded darker: p below 0.61, 0.37, ... */
const COSTS = [0.5, 1, 2, 4];

/** What the headline of a trial is. */
const measureOf = (id: string, trials: readonly Trial[]): string =>
  plain(
    trials.filter((t) => t.trial === id).flatMap((t) => headline(t) ?? [])[0]
      ?.title ?? "",
  );

/**
 * A cell of the matrix: the headline, coloured from bad for the victim to good
 * where it is a share.
 */
function square(trial: Trial | undefined) {
  const found = trial && headline(trial);
  if (!found)
    return { text: "not tried", interval: "", tone: "empty", untrusted: false };
  return {
    ...findingText(found),
    tone: toneOf(found),
    untrusted: !trial.trusted,
  };
}

const toneOf = ({ unit, value, attacker }: Finding): string =>
  unit === "share" && value !== null && attacker !== null
    ? tone(attacker === "up" ? 1 - value : value)
    : "empty";

/**
 * The charts of an attack, one for each of their lines where several candidates are
 * side by side, with the lines that are the same of all; those behind repairs come
 * after those without.
 */
function chartsOf(trials: readonly Trial[]): Chart[] {
  const charts = new Map<string, Chart & { readonly common: Chart["lines"] }>();
  const repairs = [...new Set(trials.map((t) => t.repair))];
  const several = new Set(trials.map((t) => t.candidate)).size > 1;
  for (const repair of repairs) {
    const all = trials
      .filter((t) => t.repair === repair)
      .flatMap(({ candidate, charts }) =>
        charts.map((chart) => ({ candidate, chart })),
      );
    for (const { candidate, chart } of all) {
      const twins = all.filter((one) => one.chart.id === chart.id);
      const common = several
        ? chart.lines.filter((line) =>
            twins.every((twin) => twin.chart.lines.some(isSame(line))),
          )
        : [];
      const own = chart.lines.filter((line) => !common.includes(line));
      const told = own.length > 0 ? own : chart.lines;
      for (const line of told) {
        const alone = told.length === 1;
        const behind = repair === "none" ? "" : `, behind ${repair}`;
        const of = several && !alone ? `: ${line.name}` : "";
        const key = JSON.stringify([repair, chart.id, of]);
        const title = `${chart.title}${of}${behind}`;
        const known = charts.get(key) ?? {
          ...chart,
          title,
          lines: [],
          // What lines are held against is said where it is the same of all.
          levels: chart.levels?.filter((level) =>
            twins.every((twin) => twin.chart.levels?.some(isSame(level))),
          ),
          common: own.length > 0 ? common : [],
        };
        const name = several || alone ? candidate : line.name;
        const lines = [...known.lines, { ...line, name }];
        charts.set(key, { ...known, lines });
      }
    }
  }
  return [...charts.values()].map(({ common, ...chart }) => ({
    ...chart,
    lines: [...chart.lines, ...common],
  }));
}

const isSame = (one: object) => {
  const text = JSON.stringify(one);
  return (other: object) => JSON.stringify(other) === text;
};

/** Pictures of the first trial that has any: the others show the same. */
async function picturesOf(trials: readonly Trial[]) {
  const shown = trials.find((t) => t.pictures.length > 0)?.pictures ?? [];
  return Promise.all(
    shown.map(async ({ caption, picture }) => ({
      caption: plain(caption),
      image: await pngOf(picture),
    })),
  );
}
