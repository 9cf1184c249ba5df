import { readdirSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "#core";
import { type Device, type Engine, onnxruntimeOn, writtenFor } from "#engine";
import {
  compile,
  type Input,
  layerGroups,
  loadModel,
  type Model,
} from "#model";
import { floats, type Graph, int64s, sizeOf } from "#onnx";
import { openStep, optimizers } from "#tuning";
import { subjects } from "../models/index.ts";

/** What is loaded of a model: for answers, for an attack step, to train all of it. */
export interface Loaded {
  readonly kind: "forward" | "attack" | "training";
  readonly graph: Graph;
}

/**
 * The graphs that a device would get of a model. Nothing is run, and nothing is loaded.
 */
export async function graphsOf(
  model: Model,
  device: Device,
): Promise<readonly Loaded[]> {
  const found: Loaded[] = [];
  let kind: Loaded["kind"] = "forward";
  const engine: Engine = {
    ...onnxruntimeOn(device),
    async load(graph) {
      found.push({ kind, graph: writtenFor(graph, device) });
      return {
        run: () => Promise.reject(new NotRun()),
        release: async () => {},
      };
    },
  };
  const compiled = await compile(model, engine);
  kind = "attack";
  await untilItRuns(() => compiled.lossGradient(samples(model), [0, 1]));
  kind = "training";
  const trained = layerGroups(model.graph).flatMap((g) => g.parameters);
  const rates = new Map(trained.map((name) => [name, 1]));
  await openStep(model, rates, { settings }, engine);
  return found;
}

/** In place of what a graph would give: it was only to be loaded. */
class NotRun extends Error {}

async function untilItRuns(ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof NotRun)) throw error;
  }
}

function samples({ graph, input, contract }: Model): Input {
  const dims = [2, ...contract.shape];
  const type = graph.inputs.find((i) => i.name === input)?.type;
  const size = sizeOf(dims);
  if (type === "int64") return int64s(Array(size).fill(0), dims);
  if (type === "int32") return { type, dims, data: new Int32Array(size) };
  return floats(dims, new Float32Array(size));
}

/** The models of the benchmark, and those that exporters wrote for the tests. */
export async function* models(
  wanted: (name: string) => boolean = () => true,
): AsyncGenerator<readonly [string, Model]> {
  for (const subject of subjects)
    if (wanted(subject.name)) yield [subject.name, subject.build()];
  const folder = packagePath("test/fixtures/exported");
  for (const file of readdirSync(folder))
    if (file.endsWith(".onnx") && wanted(file))
      yield [file, await loadModel(join(folder, file))];
}

const sgd = optimizers.find((o) => o.id === "sgd")!;
const settings = {
  optimizer: {
    unit: sgd,
    params: sgd.params.parse({ momentum: 0.9, weightDecay: 0 }),
  },
  clipNorm: null,
  batchNorm: "frozen",
} as const;
