import { parseArgs } from "node:util";
import { devices } from "#core";
import { type Device, onnxruntime } from "#engine";
import { features } from "./features.ts";
import { openFloor } from "./floor.ts";
import { gpu } from "./gpu/index.ts";
import { askWebGpu } from "./gpu/webgpu.ts";
import { growth } from "./growth/index.ts";
import { inspect } from "./inspect/index.ts";
import { lm } from "./lm.ts";
import { memory as runMemory } from "./memory.ts";
import { type Subject, subjects } from "./models/index.ts";
import { heading, openPeer, type Peer } from "./peers/peer.ts";
import { real } from "./real.ts";
import { repeats } from "./repeats.ts";
import { scale } from "./scale/index.ts";
import { median, modes, multiplyAddsOf, stepOf, time } from "./steps.ts";
import { stream } from "./stream/index.ts";
import { table } from "./table.ts";
import { view } from "./view.ts";

// Forward passes, attack steps and training steps beside PyTorch on the same cores.
// Both take turns in every round, so that what else the machine does falls on both. A
// ratio is the median over the rounds. The floor is the time that the multiplications
// of a step take at the rate of a large product.

/** What Assay wants to be, as a share of PyTorch's time. */
const goals: Readonly<Record<(typeof modes)[number], number>> = {
  forward: 0.85,
  attack: 0.95,
  training: 1.1,
  half: 0.8,
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", multiple: true },
    rounds: { type: "string" },
    step: { type: "string", multiple: true },
    threads: { type: "string" },
    memory: { type: "boolean", default: false },
    device: { type: "string", default: "cuda" },
    ask: { type: "boolean", default: false },
    images: { type: "string", default: "100000" },
    /** GiB for decoded images. */
    cache: { type: "string", default: "16" },
    /** After which an epoch of `stream` ends; a whole one when left out. */
    steps: { type: "string" },
    rows: { type: "string", default: "500000" },
    columns: { type: "string", default: "100" },
  },
});

const rounds = Number(options.rounds ?? 7);
if (positionals.includes("scale")) {
  await scale(rounds, options.only);
  process.exit();
}
if (positionals.includes("real")) {
  const { only, step, threads } = options;
  const some = threads === undefined ? undefined : Number(threads);
  await real(Number(options.rounds ?? 3), only, step, some);
  process.exit();
}
if (positionals.includes("lm")) {
  await lm(Number(options.rounds ?? 3));
  process.exit();
}
if (positionals.includes("view")) {
  await view(rounds);
  process.exit();
}
if (positionals.includes("features")) {
  await features(rounds);
  process.exit();
}
if (positionals.includes("gpu")) {
  if (options.ask) await askWebGpu();
  else
    await gpu({
      device: deviceOf(options.device),
      rounds,
      only: options.only,
      print: console.log,
    });
  process.exit();
}
if (positionals.includes("growth")) {
  await growth(options.only);
  process.exit();
}
if (positionals.includes("repeats")) {
  await repeats(options.only);
  process.exit();
}
if (positionals.includes("memory")) {
  await runMemory();
  process.exit();
}
if (positionals.includes("inspect")) {
  await inspect(options.only);
  process.exit();
}
if (positionals.includes("stream")) {
  const { images, cache, steps } = options;
  const some = steps === undefined ? undefined : Number(steps);
  await stream(Number(images), Number(cache), some);
  process.exit();
}
if (positionals.includes("table")) {
  await table(Number(options.rows), Number(options.columns));
  process.exit();
}
const chosen = subjects.filter(
  (s) => !options.only || options.only.includes(s.name),
);
const peer = await openPeer("torch_peer.py");
console.log(`${heading(onnxruntime.title, peer?.version)}\n`);
const line = (cells: readonly string[]) =>
  cells.map((c, i) => c.padEnd([14, 10, 11, 12, 7, 7][i] ?? 8)).join("");
const floor = await openFloor();
console.log(
  line([
    "model",
    "step",
    "Assay ms",
    "PyTorch ms",
    "ratio",
    "goal",
    "times the floor",
  ]),
);
if (!options.memory)
  for (const subject of chosen)
    for (const mode of modes) console.log(line(await row(subject, mode, peer)));
peer?.stop();
if (!options.only || options.memory) await memory();

function deviceOf(name: string): Device {
  const device = devices.find((d) => d === name);
  if (!device) throw new Error(`--device is one of ${devices.join(", ")}`);
  return device;
}

async function row(
  subject: Subject,
  mode: (typeof modes)[number],
  other: Peer | undefined,
): Promise<string[]> {
  const step = await stepOf(subject, mode);
  const own = await time(step, 3, 3);
  const repeats = Math.max(3, Math.min(40, Math.round(150 / own)));
  const mine: number[] = [];
  const theirs: number[] = [];
  const floors: number[] = [];
  const work = multiplyAddsOf(subject, mode);
  for (let r = 0; r < rounds; r++) {
    mine.push(await time(step, 1, repeats));
    floors.push(mine[r]! / (await floor.milliseconds(work)));
    if (!other) continue;
    const request = { model: subject.name, mode, warm: r === 0 ? 3 : 1 };
    const { ms } = await other.ask<{ ms: number }>({ ...request, repeats });
    theirs.push(ms);
  }
  await step.release();
  const ratios = theirs.map((t, r) => mine[r]! / t);
  return [
    subject.name,
    mode,
    median(mine).toFixed(1),
    ...(other
      ? [median(theirs).toFixed(1), median(ratios).toFixed(2)]
      : ["-", "-"]),
    goals[mode].toFixed(2),
    median(floors).toFixed(1),
  ];
}

/** Memory of the process over a thousand training steps. */
async function memory(): Promise<void> {
  const [lenet] = subjects;
  const step = await stepOf(lenet as Subject, "training");
  const megabytes = () => process.memoryUsage().rss / 2 ** 20;
  await time(step, 100, 100);
  const before = megabytes();
  await time(step, 0, 1000);
  const after = megabytes();
  await step.release();
  console.log(
    `\nMemory of 1,000 training steps of lenet: ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after`,
  );
}
