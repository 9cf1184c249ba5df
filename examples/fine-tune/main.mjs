// Two ways to fine-tune the same base, and what each does to robustness.
import {
  attack,
  evaluate,
  fineTune,
  loadData,
  loadModel,
  sampleData,
  selectClasses,
  splitData,
} from "assay";

const base = await loadModel("digits.onnx");
const digits = selectClasses(await loadData({ source: "digits" }), [
  "3",
  "8",
  "9",
]);
const { train, validation, test } = splitData(digits);
const attacked = sampleData(test, 40);

for (const [name, how] of [
  ["plain", { strategy: "full" }],
  [
    "adversarial",
    { strategy: "full", training: { id: "pgd-at", eps: 0.1, steps: 3 } },
  ],
]) {
  const { model } = await fineTune(base, {
    train,
    validation,
    epochs: 4,
    learningRate: 0.003,
    ...how,
  });
  const { accuracy } = await evaluate(model, test);
  const { robustAccuracy } = await attack(model, attacked, {
    attack: { id: "pgd", steps: 20 },
    norm: "linf",
    eps: 0.1,
  });
  console.log(
    `${name}: right ${accuracy.value.toFixed(2)}, robust ${robustAccuracy.value.toFixed(2)}`,
  );
}
