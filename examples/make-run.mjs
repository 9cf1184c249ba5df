// Audits digits.onnx: the run that the examples gate and notebook read.
import { runSuite } from "assay";

const results = await runSuite(
  {
    version: 1,
    title: "Digits",
    data: { source: "digits" },
    samples: 40,
    candidates: { given: { model: "digits.onnx" } },
    threatModels: {
      small: { norm: "linf", eps: 0.02 },
      large: { norm: "linf", eps: 0.3 },
    },
    attacks: {
      pgd: { id: "pgd", steps: 20 },
      square: "square",
      noise: "noise",
    },
  },
  { out: "runs/digits" },
);
console.log(`${results.cells.length} cells`);
