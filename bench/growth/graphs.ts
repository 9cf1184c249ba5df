import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import { compile, inspectModel, type Model } from "#model";
import { type Graph, GraphBuilder, writeModel } from "#onnx";
import { deep, recurrent, samplesFor, sliced, wide } from "./models.ts";
import type { Sweep, Timed } from "./sweep.ts";

/** What is done with a graph, by its name. */
const steps: Readonly<
  Record<string, (model: Model) => Timed | Promise<Timed>>
> = {
  inspect(model) {
    const folder = mkdtempSync(join(tmpdir(), "assay-"));
    const file = join(folder, "model.onnx");
    writeModel(file, model.graph);
    const { shape } = model.contract;
    return {
      run: () =>
        inspectModel(file, onnxruntime, { input: { shape: [...shape] } }),
      release: () => rmSync(folder, { recursive: true }),
    };
  },
  gradient: (model) => ({ run: () => differentiated(model) }),
  loading(model) {
    const graph = differentiated(model);
    return {
      async run() {
        await (await onnxruntime.load(graph)).release();
      },
    };
  },
  async "attack step"(model) {
    const compiled = await compile(model, onnxruntime);
    const x = samplesFor(model, 32);
    const y = new Int32Array(32);
    await compiled.lossGradient(x, y);
    return {
      run: () => compiled.lossGradient(x, y),
      release: () => compiled.release(),
    };
  },
};

/** The gradient of the summed logits at the input. */
function differentiated({ graph, logits, input }: Model): Graph {
  const b = new GraphBuilder(graph, "sum/");
  const of = b.reduceSum(logits);
  return gradient(b.build([of]), { of, wrt: [input] }).graph;
}

const over = (
  what: string,
  sizes: readonly number[],
  build: (size: number) => Model,
): Sweep[] =>
  Object.entries(steps).map(([step, open]) => ({
    step,
    over: what,
    sizes,
    open: (size) => open(build(size)),
  }));

/** Steps whose cost follows the graph of a model. */
export const graphSweeps: readonly Sweep[] = [
  ...over("nodes", [512, 1024, 2048, 4096], deep),
  ...over("steps of an LSTM", [32, 64, 128, 256], recurrent),
  ...over("steps that are sliced", [32, 64, 128, 256], sliced),
  ...over("classes", [512, 1024, 2048, 4096], (k) => wide(16, k)),
  ...over("features", [1024, 2048, 4096, 8192], (n) => wide(n, 2)),
];
