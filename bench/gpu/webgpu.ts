import { writeFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { packagePath } from "#core";
import {
  emptyGraph,
  encodeModel,
  type Graph,
  GraphBuilder,
  type Node,
} from "#onnx";
import { graphsOf, models } from "./graphs.ts";
import { isAbout, signatureOf } from "./placement.ts";

// ONNX Runtime publishes no list of the kernels that its WebGPU provider has outside of
// browsers. So it is asked: a graph of one node is loaded with the CPU shut out, for
// each form of each operator that graphs have. It needs an adapter, which may be one
// that computes on the CPU: SwiftShader, which comes with Chromium, where
// VK_ICD_FILENAMES names its vk_swiftshader_icd.json. The test of this folder fails for
// forms that graphs have and nobody asked about.

/** Writes bench/gpu/webgpu.tsv, of the graphs that WebGPU would get. */
export async function askWebGpu(): Promise<void> {
  const rows = new Map<string, boolean>();
  for await (const [, model] of models())
    for (const { graph } of await graphsOf(model, "webgpu")) {
      const b = new GraphBuilder(graph);
      for (const node of graph.nodes.filter(isAbout)) {
        const key = signatureOf(node, b, graph);
        if (!rows.has(key)) rows.set(key, await has(node, b, graph));
      }
    }
  const head = `# onnxruntime-node ${ort.env.versions.node}; written by npm run bench -- gpu --ask`;
  const lines = [...rows]
    .sort()
    .map(([key, yes]) => `${key}\t${yes ? "yes" : "no"}`);
  const path = packagePath("bench/gpu/webgpu.tsv");
  writeFileSync(path, `${[head, ...lines].join("\n")}\n`);
}

/** Whether a node alone, with its constants, stays off the CPU. */
async function has(
  node: Node,
  b: GraphBuilder,
  graph: Graph,
): Promise<boolean> {
  const read = node.inputs.filter(Boolean);
  const alone: Graph = {
    ...emptyGraph("one node"),
    opsets: graph.opsets,
    nodes: [node],
    inputs: [...new Set(read)]
      .filter((name) => !graph.constants.has(name))
      .map((name) => ({ name, type: b.type(name), dims: b.dims(name) ?? [] })),
    outputs: node.outputs
      .filter(Boolean)
      .map((name) => ({ name, type: b.type(name) })),
    constants: new Map(
      read.flatMap((name) => {
        const value = graph.constants.get(name);
        return value ? [[name, value] as const] : [];
      }),
    ),
  };
  try {
    const session = await ort.InferenceSession.create(encodeModel(alone), {
      executionProviders: ["webgpu"],
      logSeverityLevel: 4,
      graphOptimizationLevel: "disabled",
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    });
    await session.release();
    return true;
  } catch {
    return false;
  }
}
