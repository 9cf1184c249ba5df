import { type Device, onnxruntimeOn, openEngine, troubleOf } from "#engine";
import { type Subject, subjects } from "../models/index.ts";
import { heading, openPeer, type Peer } from "../peers/peer.ts";
import { type Mode, median, stepOf, time } from "../steps.ts";

// Forward passes, attack steps and training steps on a device beside the CPU and beside
// PyTorch on both. Nothing is installed: where onnxruntime-node has no library for the
// device, or there is none, the table says why and has the columns of the CPU.

const modes = ["forward", "attack", "training"] as const satisfies Mode[];

/** No model takes longer than this, so that all of it stays below ten minutes. */
const SECONDS_A_STEP = 4;

export interface GpuOptions {
  readonly device: Device;
  readonly rounds: number;
  readonly only?: readonly string[];
  readonly print: (line: string) => void;
}

/**
 * Prints the table. Every graph is compared with the CPU at its first run, and a row
 * whose graph fell back to the CPU says so.
 */
export async function gpu(options: GpuOptions): Promise<void> {
  const { device, print } = options;
  const trouble = device === "cpu" ? undefined : await troubleOf(device);
  const peer = await openPeer("torch_peer.py");
  print(heading(onnxruntimeOn(device).title, peer?.version));
  if (trouble !== undefined) {
    print(`${device} cannot be used: ${trouble}`);
    if (device === "cuda") print(howToInstall);
  }
  print(
    line([
      "model",
      "step",
      "Assay cpu",
      device,
      "PyTorch cpu",
      device,
      "ratio",
    ]),
  );
  const chosen = subjects.filter(
    (s) => !options.only || options.only.includes(s.name),
  );
  for (const subject of chosen)
    for (const mode of modes)
      print(
        line(
          await row(subject, mode, peer, {
            ...options,
            device: trouble === undefined ? device : "cpu",
          }),
        ),
      );
  peer?.stop();
}

const howToInstall =
  "Install onnxruntime-node with its CUDA library: ONNXRUNTIME_NODE_INSTALL=cuda12 npm ci, on Linux, with CUDA 12 and cuDNN 9 there.";

const line = (cells: readonly string[]) =>
  cells.map((c, i) => c.padEnd([14, 10, 11, 11, 13, 11][i] ?? 0)).join("");

async function row(
  subject: Subject,
  mode: Mode,
  peer: Peer | undefined,
  { device, rounds }: GpuOptions,
): Promise<string[]> {
  const fell: string[] = [];
  const engine = await openEngine({
    device,
    onWarning: (message) => fell.push(message),
  });
  const steps = [await stepOf(subject, mode)];
  if (device !== "cpu") steps.push(await stepOf(subject, mode, engine));
  const own: number[][] = [[], []];
  const theirs: number[][] = [[], []];
  const repeats: number[] = [];
  for (let r = 0; r < rounds; r++)
    for (const [i, step] of steps.entries()) {
      repeats[i] ??= repeatsFor(await time(step, 3, 1), rounds);
      own[i]!.push(await time(step, 1, repeats[i]));
      const place = i === 0 ? "cpu" : device;
      if (!peer || (place !== "cpu" && place !== "cuda")) continue;
      const { ms } = await peer.ask<{ ms: number | null }>({
        model: subject.name,
        mode,
        device: place,
        warm: 3,
        repeats: repeats[i],
      });
      if (ms !== null) theirs[i]!.push(ms);
    }
  for (const step of steps) await step.release();
  const last = steps.length - 1;
  const both = own[last]!.length === theirs[last]!.length;
  return [
    subject.name,
    mode,
    ...own.map(shown),
    ...theirs.map(shown),
    both
      ? median(own[last]!.map((ms, r) => ms / theirs[last]![r]!)).toFixed(2)
      : "-",
    ...(fell.length > 0 ? [`  on the CPU: ${fell.length} graphs`] : []),
  ];
}

const shown = (times: readonly number[]) =>
  times.length > 0 ? median(times).toFixed(2) : "-";

const repeatsFor = (ms: number, rounds: number) =>
  Math.max(1, Math.min(40, Math.floor((1000 * SECONDS_A_STEP) / rounds / ms)));
