import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { AssayError, type devices, messageOf } from "#core";
import {
  type DataType,
  expand,
  type Graph,
  inLevels,
  type Tensor,
  withSizes,
} from "#onnx";
import type { Engine, Feeds, LoadOptions, Session } from "./engine.ts";
import { encodeInPlace } from "./in-place.ts";
import { readAsTheyLie } from "./turned-weights.ts";

/** What onnxruntime may compute on. */
export type Device = (typeof devices)[number];

/** onnxruntime's name of the execution provider of each device. */
export const providers: Readonly<Record<Device, string>> = {
  cpu: "cpu",
  cuda: "cuda",
  webgpu: "webgpu",
  coreml: "coreml",
  directml: "dml",
};

/**
 * On WebGPU, pooling gives no indices. FusedMatMul, which it lacks too, is never
 * written but made by onnxruntime where it has it.
 */
const lacking: Readonly<Partial<Record<Device, Engine["avoid"]>>> = {
  webgpu: ["MaxPool indices"],
};

/**
 * Operators without a kernel on a device, which are written with others as a graph is
 * loaded there: one of them on the CPU stops the device twice. bench/gpu/support.tsv
 * has the lists; on WebGPU it was seen.
 */
const unknown: Readonly<Partial<Record<Device, ReadonlySet<string>>>> = {
  webgpu: new Set(["LogSoftmax", "Sum"]),
  directml: new Set(["Gelu", "HardSwish"]),
  coreml: new Set(["HardSwish", "LogSoftmax", "Sum"]),
};

/** A graph without the operators that a device has no kernel for. */
export function writtenFor(graph: Graph, device: Device): Graph {
  const operators = unknown[device];
  if (!operators) return graph;
  return expand(graph, (n) => n.domain === "" && operators.has(n.op));
}

/** Two megabytes, which is about what two cores have next to them. */
const CACHED = 2 ** 19;

const version = ort.env.versions.node ?? ort.env.versions.common;

/** ONNX Runtime on a device. `run` blocks its thread, so audits run in a worker. */
export function onnxruntimeOn(device: Device): Engine {
  return {
    id: "onnxruntime",
    title: `onnxruntime-node ${version}${device === "cpu" ? "" : ` on ${device}`}`,
    avoid: lacking[device] ?? [],
    cachedFloats: device === "cpu" ? CACHED : undefined,
    async load(graph, options = {}) {
      let session: ort.InferenceSession;
      const sized = inLevels(withSizes(writtenFor(graph, device)));
      const isBrief = options.isBrief && device === "cpu";
      try {
        const { bytes, folder } = encodeInPlace(
          isBrief ? readAsTheyLie(sized) : sized,
        );
        session = await ort.InferenceSession.create(
          bytes,
          sessionOptions(device, options, folder),
        );
      } catch (error) {
        throw new AssayError(
          "ENGINE_LOAD",
          `onnxruntime refuses ${graph.name || "the graph"}: ${firstLine(error)}`,
          "Check the model with onnx.checker, or export it again with a supported opset.",
          { cause: error },
        );
      }
      return sessionOf(session, graph);
    },
  };
}

/** ONNX Runtime on the CPU. */
export const onnxruntime = onnxruntimeOn("cpu");

function sessionOptions(
  device: Device,
  { threads, mostThreads, isBrief = false }: LoadOptions,
  folder: string | undefined,
): ort.InferenceSession.SessionOptions {
  const given =
    mostThreads === undefined
      ? threads
      : Math.min(threads ?? availableParallelism(), mostThreads);
  return {
    executionProviders: [
      // What the device has no kernel for runs on the CPU.
      ...new Set([providers[device], providers.cpu]),
    ],
    extra: {
      session: {
        ...(folder === undefined
          ? {}
          : { model_external_initializers_file_folder_path: folder }),
        ...(isBrief ? { disable_prepacking: "1" } : {}),
      },
      // On the CPU the fused kernel takes longer than the addition and the
      // normalisation it stands for.
      ...(device === "cpu"
        ? {
            optimization: {
              disable_specified_optimizers: "SkipLayerNormFusion",
            },
          }
        : {}),
    },
    // Warnings about unused initialisers are noise here. Errors are thrown,
    // not logged as well.
    logSeverityLevel: 4,
    graphOptimizationLevel: "all",
    ...(given === undefined ? {} : { intraOpNumThreads: given }),
    // Batches shrink as samples are broken, so memory patterns of one
    // shape do not help.
    enableMemPattern: false,
  };
}

function sessionOf(session: ort.InferenceSession, graph: Graph): Session {
  return {
    async run(feeds: Feeds) {
      // Without a prototype, since a model may call an input as it likes.
      const inputs: Record<string, ort.Tensor> = Object.create(null);
      for (const { name } of graph.inputs) {
        const fed = feeds[name];
        if (fed === undefined) {
          throw new AssayError(
            "ENGINE_FEED",
            `input "${name}" was not fed`,
            "Feed every input of the graph.",
          );
        }
        inputs[name] = toOrt(fed);
      }
      try {
        const outputs = await session.run(inputs);
        return Object.fromEntries(
          Object.entries(outputs).map(([name, value]) => [
            name,
            fromOrt(value),
          ]),
        );
      } catch (error) {
        throw new AssayError(
          "ENGINE_RUN",
          `onnxruntime failed on ${graph.name || "the graph"}: ${firstLine(error)}`,
          "Check that the input shape in the suite is the one that the model expects.",
          { cause: error },
        );
      }
    },
    release: () => session.release(),
  };
}

function toOrt(t: Tensor): ort.Tensor {
  return new ort.Tensor(
    t.type as ort.Tensor.Type,
    t.data as ort.Tensor.DataTypeMap[ort.Tensor.Type],
    t.dims,
  );
}

function fromOrt(t: ort.Tensor): Tensor {
  return {
    type: t.type as DataType,
    dims: t.dims,
    data: t.data as Tensor["data"],
  };
}

const firstLine = (error: unknown) => messageOf(error).split("\n")[0] ?? "";
