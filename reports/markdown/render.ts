import { percent, withoutUnseen } from "#core";
import type { Results, WorstCase } from "#results";
import {
  failedParts,
  RETRY,
  withoutAttacks,
  withoutParts,
} from "../failures.ts";
import {
  cleanBehind,
  earlyInWords,
  errorsInWords,
  findingText,
  headline,
  interval,
  mainThreats,
  measureText,
  moduleInWords,
  onAllHeads,
  points,
  pValue,
  retained,
  shippedInWords,
  unitsInWords,
} from "../format.ts";
import { verdictOf } from "../judgements.ts";
import { recommended } from "../recommended.ts";
import { escaped, mark } from "./escape.ts";
import { runsLines } from "./runs.ts";

const verdicts = {
  passed: "✅ passed",
  failed: "❌ failed",
  inconclusive: "❔ inconclusive",
  none: "no verdict",
} as const;

/**
 * A summary for a pull request or a job page. The first line marks it, so that it can
 * be found and replaced.
 * @example
 * ```ts
 * import { readResults, renderMarkdown } from "assay";
 *
 * console.log(renderMarkdown(readResults("runs/first")));
 * ```
 */
export function renderMarkdown(results: Results): string {
  const { verdict, rules } = results.gate;
  const lines = [
    mark(results.title),
    `## ${escaped(results.title)}`,
    "",
    ...recommendedLines(results),
    `Gate: **${results.complete ? verdicts[verdict] : verdictOf(results)}**`,
    "",
  ];
  if (rules.length > 0) {
    lines.push(
      "| verdict | rule | of | why |",
      "|---|---|---|---|",
      ...rules.map(
        (r) =>
          `| ${verdicts[r.verdict]} | ${escaped(r.rule)} | ${escaped(r.subject)} | ${escaped(r.reason)} |`,
      ),
      "",
    );
  }
  const errors = errorsInWords(results.gate);
  if (errors) lines.push(errors, "");
  const early = earlyInWords(results);
  if (early) lines.push(early, "");
  lines.push(...whatFailed(results));
  if (results.comparison)
    lines.push(
      "### Since the baseline",
      "",
      ...runsLines(results.comparison),
      "",
    );
  for (const module of results.provenance.modules ?? [])
    lines.push(`From outside: ${escaped(moduleInWords(module))}`, "");
  for (const warning of results.warnings ?? [])
    lines.push(`Warning: ${escaped(warning)}`, "");
  for (const { id, lineage } of results.candidates)
    if (lineage?.facts)
      lines.push(
        `Training of ${escaped(id)}: ${Object.entries(lineage.facts)
          .map(([name, v]) => `${escaped(name)} ${Number(v.toPrecision(3))}`)
          .join(
            ", ",
          )}.${(lineage.claims ?? []).map((c) => ` ${escaped(c)}.`).join("")}`,
        "",
      );
  for (const { id, units, shipped } of results.candidates) {
    if (shipped)
      lines.push(
        `The file of ${escaped(id)} as it is: ${escaped(shippedInWords(shipped))}.`,
        "",
      );
    if (units)
      lines.push(
        `Columns for ${escaped(id)}: ${escaped(unitsInWords(units))}.`,
        "",
      );
  }
  if (results.task)
    lines.push(`A sample is wrong when ${escaped(results.task.broken)}.`, "");
  lines.push(
    ...compared(results),
    ...measured(results),
    ...inherited(results),
    ...acrossTasks(results),
    ...alongTraining(results),
    ...byDomain(results),
    ...transferLines(results),
    ...tried(results),
  );
  for (const { candidate, sigma, curve } of results.certificates) {
    const radii = curve.map(
      (p) =>
        `${percent(p.certifiedAccuracy.value)} ${escaped(interval(p.certifiedAccuracy))} to ${Number(p.radius.toPrecision(3))}`,
    );
    lines.push(
      "",
      `Certified accuracy of ${escaped(candidate)} behind noise of ${sigma}, to an L2 radius: ${radii.filter((_, i) => i % 4 === 0).join(", ")}.`,
    );
  }
  const judged = [...results.cells, ...onAllHeads(results)];
  const failed = judged.filter((c) => !c.trusted);
  if (failed.length > 0) {
    lines.push(
      "",
      `${failed.length} of ${judged.length} numbers are not trusted:`,
      "",
    );
    for (const cell of failed.slice(0, 20)) {
      lines.push(
        `- ${escaped(cell.id)}: ${cell.checks
          .filter((c) => c.status === "failed")
          .map((c) => escaped(c.message))
          .join(" ")}`,
      );
    }
    if (failed.length > 20)
      lines.push(`- and ${failed.length - 20} more, in the report.`);
  }
  return withoutUnseen(`${lines.join("\n")}\n`);
}

/** Which candidate to take, and why, for each task. */
const recommendedLines = (results: Results): string[] =>
  recommended(results).flatMap(({ task, what, why }) => [
    `${task === null ? "" : `${escaped(task)}: `}**${escaped(what)}** ${escaped(why)}`,
    "",
  ]);

/** What numbers above are without; nothing where they have all. */
function lacking(missing: readonly string[] | undefined): string[] {
  const without = withoutParts(missing);
  return without ? ["", `**Without ${escaped(without)}.**`] : [];
}

/** A row for each candidate and defence: clean, and under all attacks. */
function compared(results: Results): string[] {
  if (results.candidates.length === 0) return [];
  const threats = mainThreats(results);
  const lines: string[] = [];
  lines.push(
    threats.length > 0
      ? `Robust accuracy, worst case over the attacks, with 95 % intervals (${results.provenance.data.attacked} samples):`
      : `Accuracy on clean samples (${results.provenance.data.test}); no input was attacked:`,
    "",
    `| ${["candidate", "defence", "clean", ...threats.map((t) => escaped(t.id))].join(" | ")} |`,
    `|---|---|---|${"---|".repeat(threats.length)}`,
  );
  for (const candidate of results.candidates) {
    for (const defense of results.defenses) {
      const cases = threats.map((t) =>
        results.worstCases.find(
          (w) =>
            w.candidate === candidate.id &&
            w.defense === defense.id &&
            w.threatModel === t.id,
        ),
      );
      if (threats.length > 0 && cases.every((w) => w === undefined)) continue;
      const clean = cleanBehind(results, candidate, defense.id);
      const texts = cases.map((w) => {
        if (!w) return "-";
        if (!w.evaluated) return "not evaluated";
        const test = w.comparison ? `, ${pValue(w.comparison.pValue)}` : "";
        return `${percent(w.robustAccuracy.value)} ${escaped(interval(w.robustAccuracy))}${w.trusted ? "" : " **not trusted**"}${without(results, w)}${test}`;
      });
      lines.push(
        `| ${escaped(candidate.id)} | ${escaped(defense.id)} | ${[clean ? percent(clean.value) : "-", ...texts].join(" | ")} |`,
      );
    }
  }
  return lines;
}

/** What failed, why, and what is missing because of it. */
function whatFailed(results: Results): string[] {
  const parts = failedParts(results);
  if (parts.length === 0) return [];
  return [
    `**Not all that was planned has a result.** ${RETRY}`,
    "",
    ...parts.map(
      ({ what, why, hint, lost }) =>
        `- ${escaped(what)}: ${escaped(why)}. ${escaped(hint)} Missing: ${escaped(lost)}.`,
    ),
    "",
  ];
}

const without = (results: Results, worst: WorstCase): string => {
  const attacks = withoutAttacks(results, worst);
  return attacks && ` **without ${attacks}**`;
};

/**
 * How far outputs are from what they should be under the attack that left the fewest
 * samples robust, for each candidate behind each defence.
 */
function measured({ cells }: Results): string[] {
  const worst = new Map<string, Results["cells"][number]>();
  for (const cell of cells) {
    const { candidate, defense, threatModel } = cell;
    const key = JSON.stringify([candidate, defense, threatModel.id]);
    const known = worst.get(key);
    const isLower =
      !known || cell.robustAccuracy.value < known.robustAccuracy.value;
    if (cell.measures && isLower) worst.set(key, cell);
  }
  const lines = [...worst.values()].map(
    ({ id, measures = [] }) =>
      `- ${escaped(id)}: ${measures
        .map(
          (m) =>
            `${escaped(m.name)} ${escaped(measureText(m.clean, m.cleanInterval))} clean, ${escaped(measureText(m.value, m.interval))} attacked`,
        )
        .join("; ")}`,
  );
  return lines.length > 0
    ? [
        "",
        "How far from the truth, under the attack that broke most:",
        "",
        ...lines,
      ]
    : [];
}

/**
 * What each undefended candidate has of the robustness of its base, against all
 * attacks at once.
 */
function inherited(results: Results): string[] {
  const threats = mainThreats(results).map((t) => t.id);
  const rows = (results.inheritance ?? []).filter(
    (r) =>
      r.attack === null &&
      r.defense === "none" &&
      threats.includes(r.threatModel),
  );
  return rows.flatMap((r) => {
    const { value, interval: ends } = retained(r);
    return [
      "",
      `Robustness beside ${escaped(r.reference)} (${r.referenceIs}), ${escaped(r.threatModel)}: ${escaped(r.candidate)} inherits ${r.inherited} samples, loses ${r.lost} and gains ${r.gained} (${pValue(r.pValue)}); it retains ${value}${ends ? ` ${escaped(ends)}` : ""}${r.trusted ? "" : " **not trusted**"}.`,
    ];
  });
}

/** For each undefended task, the head of another one through which it fell deepest. */
function acrossTasks(results: Results): string[] {
  const threats = mainThreats(results).map((t) => t.id);
  const rows = (results.crossTask ?? []).filter(
    (r) =>
      r.through !== r.candidate &&
      r.defense === "none" &&
      threats.includes(r.threatModel),
  );
  const deepest = new Map<string, (typeof rows)[number]>();
  for (const row of rows) {
    const key = JSON.stringify([row.candidate, row.threatModel]);
    const known = deepest.get(key);
    if (!known || row.drop.value > known.drop.value) deepest.set(key, row);
  }
  const told = [...deepest.values()].map(
    (r) =>
      `- ${escaped(r.candidate)} through ${r.through === r.of ? "all heads at once" : escaped(r.through)}, ${escaped(r.attack)}, ${escaped(r.threatModel)}: ${percent(r.robustAccuracy.value)} ${escaped(interval(r.robustAccuracy))}, clean ${percent(r.cleanAccuracy.value)}${r.trusted ? "" : " **not trusted**"}`,
  );
  return told.length > 0
    ? [
        "",
        "Attacked through the head of another task, or all at once, at worst:",
        "",
        ...told,
      ]
    : [];
}

/** Robust accuracy after epochs, with where other layers began to be trained. */
function alongTraining(results: Results): string[] {
  return (results.trajectories ?? []).flatMap(
    ({ candidate, attack, threatModel, points, note, missing }) => {
      if (note)
        return [
          "",
          `Robustness of ${escaped(candidate)} by epoch: ${escaped(note)}.`,
        ];
      const n = points[0]?.robustAccuracy.n ?? 0;
      const several = points.some((p) => p.stage !== points[0]?.stage);
      const told = points.map((p, i) => {
        const unfrozen = i > 0 && p.stage !== points[i - 1]?.stage;
        return `${unfrozen ? "then " : ""}${p.epoch}: ${percent(p.robustAccuracy.value)}${p.best ? " (kept)" : ""}${p.trusted ? "" : " **not trusted**"}`;
      });
      return [
        "",
        `Robustness of ${escaped(candidate)} by epoch${several ? ' ("then" where other layers began to be trained)' : ""}, ${escaped(attack)}, ${escaped(threatModel)}, ${n} samples: ${told.join(", ")}.`,
        ...lacking(missing),
      ];
    },
  );
}

/**
 * Robust accuracy of each undefended candidate on both domains, against all
 * attacks at once.
 */
function byDomain(results: Results): string[] {
  return (results.domains ?? [])
    .filter((d) => d.attack === null && d.defense === "none")
    .flatMap((d) => {
      const [here, there] = [d.target, d.source].map(
        ({ robustAccuracy: r }) =>
          `${percent(r.value)} ${escaped(interval(r))}`,
      );
      return [
        "",
        `Robust accuracy of ${escaped(d.candidate)} by domain, ${escaped(d.threatModel)}: target ${here}, source ${there}, difference ${points(d.difference.value)} ${escaped(interval(d.difference))}${d.trusted ? "" : " **not trusted**"}.`,
      ];
    });
}

/**
 * What came of attacks on the fine-tuning: a row for each candidate and attack, a
 * column for each repair.
 */
function tried({ trials, repairs }: Results): string[] {
  if (trials.length === 0) return [];
  const columns = repairs.filter((r) => trials.some((t) => t.repair === r.id));
  const rows = [...new Set(trials.map((t) => `${t.candidate}\n${t.trial}`))];
  return [
    "",
    "Attacks on the fine-tuning:",
    "",
    `| candidate | trial | ${columns.map((r) => escaped(r.id === "none" ? "found" : `behind ${r.id}`)).join(" | ")} |`,
    `|---|---|${"---|".repeat(columns.length)}`,
    ...rows.map((row) => {
      const [candidate, trial] = row.split("\n");
      const texts = columns.map(({ id }) => {
        const one = trials.find(
          (t) =>
            t.candidate === candidate && t.trial === trial && t.repair === id,
        );
        const found = one && headline(one);
        if (!found) return "-";
        const { text, interval } = findingText(found);
        return `${escaped(found.title)} ${text} ${escaped(interval)}${one.trusted ? "" : " **not trusted**"}`;
      });
      return `| ${escaped(candidate ?? "")} | ${escaped(trial ?? "")} | ${texts.join(" | ")} |`;
    }),
  ];
}

/**
 * What attacks through the base broke, and how much of it is owed to the
 * descent from it.
 */
function transferLines({ transfer = [] }: Results): string[] {
  const rows = transfer.flatMap(({ attack, threatModel, points: all }) =>
    all.map((p) => {
      const owed = p.overUnrelated;
      return `| ${escaped(attack)} | ${escaped(threatModel)} | ${escaped(p.candidate)} | ${percent(p.sharedWeights)} | ${percent(p.success.value)} ${escaped(interval(p.success))}${p.trusted ? "" : " **not trusted**"} | ${p.noise ? percent(p.noise.value) : "-"} | ${owed ? `${points(owed.difference)} ${escaped(interval(owed))}, ${pValue(owed.pValue)}` : "-"} |`;
    }),
  );
  if (rows.length === 0) return [];
  return [
    "",
    "Attacks through the base, which never ask the candidate; owed to the base is the success less that through an unrelated model:",
    "",
    "| attack | threat model | candidate | weights of the base | success | noise | owed to the base |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    ...lacking(transfer.flatMap(({ missing = [] }) => missing)),
  ];
}
