import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashOf, packagePath, percent, sha256, writeFile } from "#core";
import { encodeNpy } from "#data";
import { onnxruntime } from "#engine";
import { type CompiledModel, compile } from "#model";
import { type FloatTensor, floats, rows as rowsOf } from "#onnx";
import { openPeer } from "../peers/peer.ts";
import { type ModelName, mnist, modelNames, modelOf } from "./models.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { type Row, rows } from "./rows.ts";

// Assay's attacks beside those of other libraries: the same weights, the same
// samples, equal parameters, one after the other on the same cores. Prints the
// table of docs/parity.md. `--only linf/0.3/square` chooses rows by a part of their
// name, `--samples 100` takes fewer samples, `--threads 1` fewer cores, `--seed 1`
// other draws. Every finished row is kept in runs/parity/rows; with `--resume` it
// is not run again.

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    samples: { type: "string" },
    threads: { type: "string" },
    resume: { type: "boolean", default: false },
    seed: { type: "string", default: "0" },
  },
});

const folder = packagePath("runs/parity");
const { test } = await mnist();
const threads = options.threads ? Number(options.threads) : undefined;
const compiled = new Map<ModelName, CompiledModel>();
const weights = new Map<ModelName, string>();
for (const name of modelNames) {
  const model = await modelOf(name, folder);
  compiled.set(name, await compile(model, onnxruntime, { threads }));
  weights.set(name, sha256(readFileSync(join(folder, `${name}.onnx`))));
}
const most = Math.max(...rows.map((r) => r.samples));
const x = rowsOf(test.x, 0, most) as FloatTensor;
const y = test.y.slice(0, most);
writeFileSync(join(folder, "x.npy"), encodeNpy(x));
writeFileSync(join(folder, "y.npy"), encodeNpy(floats([most], Array.from(y))));

const peer = await openPeer("parity_peer.py", "inherit", threads);
console.log(
  `${onnxruntime.title}, Node ${process.version}, ${peer ? `PyTorch ${peer.version}` : "no PyTorch (name a Python that has it in ASSAY_PYTHON)"}\n`,
);
console.log(
  "| model | norm | eps | attack | n | measure | Assay | peer | difference | seconds | peer's | ratio | library |",
);
console.log(`|${"---|".repeat(13)}`);
for (const planned of rows) {
  const row = {
    ...planned,
    samples: Math.min(planned.samples, Number(options.samples ?? Infinity)),
    seed: Number(options.seed),
  };
  const named = `${row.model}/${row.norm}/${row.eps ?? "nearest"}/${row.attack}`;
  if (options.only && !options.only.some((part) => named.includes(part)))
    continue;
  const kept = join(
    folder,
    "rows",
    `${hashOf({ row, weights: weights.get(row.model), with: [onnxruntime.title, peer?.version] })}.json`,
  );
  const done = options.resume && existsSync(kept) ? readKept(kept) : undefined;
  const outcomes = done ?? (await both(row));
  if (!done) writeFile(kept, JSON.stringify({ named, ...outcomes }));
  console.log(line(row, outcomes));
}
peer?.stop();

/** A row with the draws that both sides make. */
type Seeded = Row & { readonly seed: number };

interface Outcomes {
  readonly ours: Outcome;
  readonly theirs?: Outcome & { readonly version: string };
}

async function both(row: Seeded): Promise<Outcomes> {
  const model = compiled.get(row.model) as CompiledModel;
  const ours = await outcomeOf(model, row, x, y);
  const question = { folder, ...row, ...row.peer };
  return { ours, theirs: await peer?.ask(question) };
}

function readKept(path: string): Outcomes {
  return JSON.parse(readFileSync(path, "utf8"));
}

function line(row: Row, { ours, theirs }: Outcomes): string {
  const rate = (o: Outcome | undefined) => (o ? percent(o.robust) : "");
  const far = (o: Outcome | undefined) => o?.median?.toFixed(4) ?? "none";
  const nearest = row.eps === null;
  const difference = !theirs
    ? ""
    : nearest
      ? ours.median !== null && theirs.median !== null
        ? `${signed(100 * (ours.median / theirs.median - 1))} %`
        : ""
      : `${signed(100 * (ours.robust - theirs.robust))} points`;
  return `| ${[
    row.model,
    row.norm,
    row.eps ?? "",
    row.attack,
    row.samples,
    nearest ? "median distance" : "robust accuracy",
    nearest ? far(ours) : rate(ours),
    nearest ? far(theirs) : rate(theirs),
    difference,
    ours.seconds.toFixed(1),
    theirs?.seconds.toFixed(1) ?? "",
    theirs ? (ours.seconds / theirs.seconds).toFixed(2) : "",
    theirs ? `${row.peer.library} ${theirs.version}, ${row.peer.name}` : "",
  ].join(" | ")} |`;
}

function signed(v: number): string {
  return `${v > 0 ? "+" : ""}${v.toFixed(1)}`;
}
