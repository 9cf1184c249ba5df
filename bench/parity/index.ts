import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashOf, percent, writeFile } from "#core";
import { onnxruntime } from "#engine";
import { heading } from "../peers/peer.ts";
import { median } from "../steps.ts";
import { folder, type Outcomes, openContest, type Seeded } from "./contest.ts";
import type { Outcome } from "./outcome.ts";
import { rows } from "./rows.ts";

// Assay's attacks beside those of other libraries: the same weights, the same
// samples, equal parameters, one after the other on one core each. Prints the tables
// of docs/parity.md. `--only linf/0.3/square` chooses rows by a part of their name,
// `--samples 100` takes fewer samples, `--threads 2` more cores, `--seed 1` draws
// anew. `--rounds 5` runs both sides in turn so many times, for times: seconds are of
// processor time, and their ratio is the median of the rounds' ratios. Every finished
// row is kept in runs/parity/rows; with `--resume` it is not run again.

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    samples: { type: "string" },
    threads: { type: "string", default: "1" },
    resume: { type: "boolean", default: false },
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: "0" },
  },
});

const contest = await openContest(Number(options.threads));
console.log(`${heading(onnxruntime.title, contest.version)}\n`);
console.log(
  "| model | norm | eps | attack | n | measure | Assay | peer | difference | left | peer's | seconds | peer's | ratio | library |",
);
console.log(`|${"---|".repeat(15)}`);
for (const planned of rows) {
  const row = {
    ...planned,
    samples: Math.min(planned.samples, Number(options.samples ?? Infinity)),
    seed: Number(options.seed),
  };
  const named = `${row.model}/${row.norm}/${row.eps ?? "nearest"}/${titleOf(row)}`;
  if (options.only && !options.only.some((part) => named.includes(part)))
    continue;
  console.log(line(row, await roundsOf(row, named)));
}
contest.stop();

/** An attack with its parameters, such as "bim steps 10 relStepSize 0.1". */
function titleOf({ attack, params }: Seeded): string {
  return [attack, ...Object.entries(params).flat()].join(" ");
}

/** Every round of a row, run now or taken from its file. */
async function roundsOf(row: Seeded, named: string): Promise<Outcomes[]> {
  const key = {
    row,
    weights: await contest.weightsOf(row.model),
    with: [onnxruntime.title, contest.version, options.threads, options.rounds],
  };
  const kept = join(folder, "rows", `${hashOf(key)}.json`);
  if (options.resume && existsSync(kept))
    return JSON.parse(readFileSync(kept, "utf8")).rounds;
  const rounds: Outcomes[] = [];
  while (rounds.length < Number(options.rounds))
    rounds.push(await contest.run(row));
  writeFile(kept, JSON.stringify({ named, rounds }));
  return rounds;
}

/** A row of the table. All rounds of a seed do the same; their times differ. */
function line(row: Seeded, rounds: readonly Outcomes[]): string {
  const [{ ours, theirs }] = rounds as [Outcomes];
  const nearest = row.eps === null;
  const found = ({ robust, median }: Outcome) =>
    nearest ? (median?.toFixed(4) ?? "none") : percent(robust);
  const left = ({ robust }: Outcome) => Math.round(robust * row.samples);
  const seconds = (side: "ours" | "theirs") =>
    median(rounds.map((r) => r[side]?.seconds ?? Number.NaN));
  const ratio = median(
    rounds.map((r) => r.ours.seconds / (r.theirs?.seconds ?? Number.NaN)),
  );
  return `| ${[
    row.model,
    row.norm,
    row.eps ?? "",
    titleOf(row),
    row.samples,
    nearest ? "median distance" : "robust accuracy",
    found(ours),
    ...(theirs
      ? [
          found(theirs),
          differenceOf(ours, theirs, nearest),
          left(ours),
          left(theirs),
        ]
      : ["", "", left(ours), ""]),
    seconds("ours").toFixed(1),
    ...(theirs
      ? [
          seconds("theirs").toFixed(1),
          ratio.toFixed(2),
          `${row.peer.library} ${theirs.version}, ${row.peer.name}`,
        ]
      : ["", "", ""]),
  ].join(" | ")} |`;
}

function differenceOf(
  ours: Outcome,
  theirs: Outcome,
  nearest: boolean,
): string {
  if (!nearest) return `${signed(100 * (ours.robust - theirs.robust))} points`;
  if (ours.median === null || theirs.median === null) return "";
  return `${signed(100 * (ours.median / theirs.median - 1))} %`;
}

function signed(v: number): string {
  return `${v > 0 ? "+" : ""}${v.toFixed(1)}`;
}
