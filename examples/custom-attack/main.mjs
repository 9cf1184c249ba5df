// An attack of one's own, run as ours are: the target counts what it asks, and keeps
// what broke a sample.
import { attack, loadData, loadModel, sampleData } from "assay";
import { byChance, defineAttack, takeRows, z } from "assay/units";

/** Uniform points of the ball, one after the other, until one breaks the sample. */
const randomPoints = defineAttack({
  id: "random-points",
  title: "Random points",
  summary: "tries points of the ball that are drawn at random",
  caution:
    "finds little in many dimensions; a model that withstands it may be weak",
  access: "label",
  family: "query",
  norms: ["linf", "l2"],
  reference: "this example",
  taxonomy: byChance,
  params: z.strictObject({ tries: z.int().positive().default(20) }),
  async run({ target, x, ball, params, random, onProgress }) {
    for (let i = 0; i < params.tries; i++) {
      const points = ball.randomPoint(x, random);
      const open = target.open();
      if (open.length === 0) break;
      await target.predict(takeRows(points, open), open);
      onProgress((i + 1) / params.tries);
    }
    return target.examples();
  },
});

const model = await loadModel("digits.onnx");
const samples = sampleData(await loadData({ source: "digits" }), 50);
for (const one of [{ id: randomPoints, tries: 50 }, "pgd"]) {
  const { robustAccuracy, queries } = await attack(model, samples, {
    attack: one,
    norm: "linf",
    eps: 0.1,
  });
  const name = typeof one === "string" ? one : one.id.id;
  console.log(
    `${name}: robust ${robustAccuracy.value}, ${queries.forward} forward passes`,
  );
}
