// Arrays in, adversarial examples out: for who comes from foolbox or torchattacks.
import { attack, floats, loadData, loadModel, open, sampleData } from "assay";

const model = await loadModel("digits.onnx");
const { x, y } = sampleData(await loadData({ source: "digits" }), 50);

// Arrays of one's own are made into a tensor: [N, channels, height, width].
const samples = floats(x.dims, x.data);

const opened = await open(model);
const results = await attack(
  opened,
  { x: samples, y },
  {
    attack: { id: "pgd", steps: 20, relStepSize: 0.1 },
    norm: "linf",
    eps: [0.05, 0.1, 0.2],
  },
);
for (const { eps, robustAccuracy, broken, distances } of results) {
  const { value, low, high } = robustAccuracy;
  const share = (v) => `${(100 * v).toFixed(0)} %`;
  console.log(
    `eps ${eps}: robust ${share(value)} [${share(low)}, ${share(high)}], broken ${broken.filter(Boolean).length}, farthest ${Math.max(...distances).toFixed(3)}`,
  );
}
await opened.release();
