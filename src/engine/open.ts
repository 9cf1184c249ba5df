import { listSupportedBackends } from "onnxruntime-node";
import { devices, type engines, UsageError } from "#core";
import { emptyGraph, floats, type Graph, GraphBuilder, ints } from "#onnx";
import { checkedAgainst } from "./checked.ts";
import type { Engine } from "./engine.ts";
import { type Device, onnxruntime, onnxruntimeOn, providers } from "./ort.ts";
import { tfjsEngine } from "./tfjs/engine.ts";

export interface EngineChoice {
  /** onnxruntime when left out. */
  readonly engine?: (typeof engines)[number];
  /**
   * What onnxruntime computes on; the first that works when "auto".
   * TensorFlow.js has no choice.
   */
  readonly device?: Device | "auto";
  /** Threads inside an operator; the engine's own choice when left out. */
  readonly threads?: number;
  /** Told when a device cannot be used, for all graphs or for one. */
  readonly onWarning?: (message: string) => void;
}

/**
 * The chosen engine, on a device. Every graph that runs elsewhere than on the CPU is
 * compared with the CPU once, and falls back to it, loudly, where they differ.
 *
 * @throws UsageError for a device that the engine does not have, ENGINE_MISSING when
 *   TensorFlow.js is not installed
 */
export async function openEngine(choice: EngineChoice = {}): Promise<Engine> {
  const { threads } = choice;
  const engine = await engineOf(choice);
  if (threads === undefined) return engine;
  return {
    ...engine,
    load: (graph, options) => engine.load(graph, { threads, ...options }),
  };
}

async function engineOf({
  engine = "onnxruntime",
  device = "cpu",
  onWarning = () => {},
}: EngineChoice): Promise<Engine> {
  if (engine === "tfjs") {
    requireNoDevice(device);
    return tfjsEngine(onWarning);
  }
  if (device === "cpu") return onnxruntime;
  if (device !== "auto") {
    const why = await troubleOf(device);
    if (why === undefined) return checked(device, onWarning);
    onWarning(`device ${device} cannot be used (${why}); using the CPU.`);
    return onnxruntime;
  }
  for (const candidate of devices) {
    if ((await troubleOf(candidate)) === undefined)
      return candidate === "cpu" ? onnxruntime : checked(candidate, onWarning);
  }
  return onnxruntime;
}

function requireNoDevice(device: Device | "auto"): void {
  if (device === "cpu" || device === "auto") return;
  throw new UsageError(
    "ENGINE_DEVICE",
    `the engine tfjs cannot be told to compute on ${device}: its package decides`,
    "Leave out --device; for a GPU, npm install @tensorflow/tfjs-node-gpu.",
  );
}

const checked = (device: Device, onWarning: (message: string) => void) =>
  checkedAgainst(onnxruntime, onnxruntimeOn(device), (graph, why) =>
    onWarning(
      `${graph.name || "a graph"} runs on the CPU instead of ${device}: ${why}`,
    ),
  );

/** Why a device cannot run a small graph as the CPU does; undefined when it can. */
export async function troubleOf(device: Device): Promise<string | undefined> {
  // onnxruntime itself would leave out a device that it does not know, and say nothing.
  const known = listSupportedBackends().map((backend) => backend.name);
  if (!known.includes(providers[device]))
    return `onnxruntime does not support it on ${process.platform} ${process.arch}`;
  let why: string | undefined;
  const engine = checkedAgainst(
    onnxruntime,
    onnxruntimeOn(device),
    (_graph, said) => {
      why = said;
    },
  );
  const session = await engine.load(probe());
  const x = Float32Array.from({ length: 2 * 3 * 36 }, (_, i) => Math.sin(i));
  await session.run({ x: floats([2, 3, 6, 6], x) });
  await session.release();
  return why;
}

/** A convolution, a pooling and a product: something of all that models are made of. */
function probe(): Graph {
  const b = new GraphBuilder(emptyGraph("a probe of the device"));
  b.input({ name: "x", type: "float32", dims: [2, 3, 6, 6] });
  const weights = (dims: number[]) => {
    const size = dims.reduce((p, d) => p * d, 1);
    return b.constant(
      floats(
        dims,
        Float32Array.from({ length: size }, (_, i) => Math.cos(i)),
      ),
    );
  };
  const conv = b.op("Relu", [b.op("Conv", ["x", weights([4, 3, 3, 3])])]);
  const pooled = b.op("MaxPool", [conv], { kernel_shape: ints([2, 2]) });
  const flat = b.reshape(pooled, [2, -1]);
  return b.build([b.op("Softmax", [b.matmul(flat, weights([36, 5]))])]);
}
