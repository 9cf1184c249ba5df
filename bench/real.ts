import { readFileSync, writeFileSync } from "node:fs";
import { type Engine, onnxruntime } from "#engine";
import { realSubjects, type Subject } from "./models/index.ts";
import { heading, openPeer, type Peer } from "./peers/peer.ts";
import { allModes, type Mode, median, type Step, stepOf } from "./steps.ts";

// Steps of models of sizes that people fine-tune, beside PyTorch on the same cores:
// time, processor time and memory. Both take turns in every round; a ratio is the
// median over the rounds. Both run the frozen body at every step of "half" and "head";
// of "kept" PyTorch runs it, and Assay has kept what it gave.

/** What Assay wants to be, as a share of PyTorch's time. */
const goals: Readonly<Record<Mode, number>> = {
  forward: 0.85,
  attack: 0.95,
  training: 1.1,
  half: 0.8,
  kept: 0.8,
  lora: 1,
  head: 1,
};

/** What some runs of a step took: medians, and the most memory of the process. */
interface Took {
  readonly ms: number;
  /** Milliseconds of all cores together. */
  readonly cpu: number;
  /** Megabytes; null where the system does not say. */
  readonly peak: number | null;
}

const widths = [18, 10, 11, 12, 7, 6, 12, 11];
const line = (cells: readonly string[]) =>
  console.log(cells.map((c, i) => c.padEnd(widths[i] ?? 0)).join(""));

/**
 * Prints the table; `only` names models, `steps` kinds of steps. With one thread the
 * ratios hold on a machine that has other work: no thread waits for another.
 */
export async function real(
  rounds: number,
  only: readonly string[] | undefined,
  steps: readonly string[] | undefined,
  threads: number | undefined,
): Promise<void> {
  const peer = await openPeer("torch_peer.py", "ignore", threads);
  const engine: Engine = {
    ...onnxruntime,
    load: (graph, options) => onnxruntime.load(graph, { threads, ...options }),
  };
  console.log(`${heading(onnxruntime.title, peer?.version)}\n`);
  line([
    "model",
    "step",
    "Assay ms",
    "PyTorch ms",
    "ratio",
    "goal",
    "cores' time",
    "Assay MB",
    "PyTorch MB",
  ]);
  for (const subject of realSubjects)
    for (const mode of allModes)
      if (
        (only?.includes(subject.name) ?? true) &&
        (steps?.includes(mode) ?? true)
      )
        line(await row({ subject, mode, engine, peer, rounds }));
  peer?.stop();
}

interface Row {
  readonly subject: Subject;
  readonly mode: Mode;
  readonly engine: Engine;
  readonly peer: Peer | undefined;
  readonly rounds: number;
}

async function row(asked: Row): Promise<string[]> {
  const { subject, mode, engine, peer, rounds } = asked;
  forgetPeak();
  const step = await stepOf(subject, mode, engine);
  const first = await took(step, 1, 1);
  const repeats = Math.max(1, Math.min(20, Math.round(400 / first.ms)));
  const mine: Took[] = [];
  const theirs: Took[] = [];
  for (let r = 0; r < rounds; r++) {
    mine.push(await took(step, 1, repeats));
    const request = {
      model: subject.name,
      mode: mode === "kept" ? "half" : mode,
      warm: r === 0 ? 2 : 1,
    };
    if (peer)
      theirs.push(await peer.ask<Took>({ ...request, repeats, peak: r === 0 }));
  }
  await step.release();
  const middle = (key: "ms" | "cpu") =>
    median(theirs.map((t, r) => mine[r]![key] / t[key])).toFixed(2);
  const times = (all: readonly Took[]) => median(all.map((t) => t.ms));
  const most = (all: readonly Took[]) => all.at(-1)?.peak?.toFixed(0) ?? "-";
  return [
    subject.name,
    mode,
    times(mine).toFixed(1),
    peer ? times(theirs).toFixed(1) : "-",
    peer ? middle("ms") : "-",
    goals[mode].toFixed(2),
    peer ? middle("cpu") : "-",
    most(mine),
    most(theirs),
  ];
}

async function took(step: Step, warm: number, repeats: number): Promise<Took> {
  for (let i = 0; i < warm; i++) await step.run();
  const times: number[] = [];
  const spent: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await step.run();
    times.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    spent.push((user + system) / 1000);
  }
  return { ms: median(times), cpu: median(spent), peak: peak() };
}

/** Begins anew to record the most memory that this process has, where Linux does. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Then nothing is recorded, and no memory is printed.
  }
}

function peak(): number | null {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  } catch {
    return null;
  }
}
