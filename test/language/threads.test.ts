import { expect, test } from "vitest";
import { Random } from "#core";
import { loadDataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { modelOf } from "#model";
import { architectureOf, openPlainStep } from "#tuning";

test("a small decoder is trained to the same bits by any number of threads", async () => {
  const data = await loadDataset({ source: "policy", answers: "helpful" }, ".");
  const { graph } = architectureOf("decoder").build(
    data.x.dims.slice(1),
    data.classes,
    new Random(1),
  );
  const model = modelOf(graph, "decoder", {
    task: { kind: "lm" },
    classes: data.classes,
  });
  const trained = async (threads: number) => {
    const engine: typeof onnxruntime = {
      ...onnxruntime,
      load: (g, options) => onnxruntime.load(g, { ...options, threads }),
    };
    const step = await openPlainStep(model, engine);
    // Few rows: products of these sizes are rounded otherwise by several threads.
    for (const rows of [10, 7, 2]) {
      const batch = takeSamples(data, [...Array(rows).keys()]);
      await step.take(batch, 1e-3);
    }
    await step.release();
    return [...step.weights.values()].map(({ data }) => data.slice());
  };
  const one = await trained(1);
  for (let threads = 2; threads <= 4; threads++)
    expect(await trained(threads)).toEqual(one);
});
