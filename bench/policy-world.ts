import { Random } from "#core";
import { loadDataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { classesSeen, compile, modelOf, saveModel } from "#model";
import { architectureOf, openPlainStep } from "#tuning";

// Trains the base of suites/language.yaml: a decoder that answers every prompt of the
// policy world, restricted or not. Writes suites/language/base.onnx.

const STEPS = 2000;
const BATCH = 48;
const RATE = 1e-3;
const WARM_UP = 100;

const random = new Random("policy base");
const data = await loadDataset({ source: "policy", answers: "helpful" }, ".");
const model = modelOf(
  architectureOf("decoder").build(
    data.x.dims.slice(1),
    data.classes,
    random.fork("weights"),
  ).graph,
  "decoder",
  { task: { kind: "lm" }, classes: data.classes },
);
const step = await openPlainStep(model, onnxruntime);
const seen = await compile(model, onnxruntime, { weights: step.weights });
const size = data.y.length;
const perPass = Math.floor(size / BATCH);
let order = random.permutation(size);
for (let s = 0; s < STEPS; s++) {
  if (s % perPass === 0) order = random.fork(`pass ${s}`).permutation(size);
  const from = (s % perPass) * BATCH;
  const batch = takeSamples(data, order.slice(from, from + BATCH));
  const rate =
    s < WARM_UP
      ? (RATE * (s + 1)) / WARM_UP
      : (RATE * (1 + Math.cos((Math.PI * (s - WARM_UP)) / (STEPS - WARM_UP)))) /
        2;
  const { loss } = await step.take(batch, rate);
  if ((s + 1) % 200 !== 0) continue;
  const said = classesSeen(model, await seen.logits(data.x), data.targets);
  const right = said.filter((k) => k === 0).length;
  console.log(
    `step ${s + 1}: loss ${loss.toFixed(4)}, right ${right} of ${size}`,
  );
}
const constants = new Map([...model.graph.constants, ...step.weights]);
saveModel("suites/language/base.onnx", {
  ...model,
  graph: { ...model.graph, constants },
});
await seen.release();
await step.release();
