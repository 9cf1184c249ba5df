import { parseArgs } from "node:util";
import { rate, scanWeights } from "#audit";
import { percent, Random } from "#core";
import { type Dataset, dataset } from "#data";
import { onnxruntime } from "#engine";
import { copyOf } from "#onnx";
import { accuracy, blank, digits, some, trained } from "./truths/digits.ts";

// How often the scan of a base raises a false alarm, and how often it finds a planted
// trigger: networks trained on the digits 0 to 9 from so many seeds, first clean, then
// with a 2x2 patch on a tenth of the training images. The table in docs/results.md.

const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "20" },
    planted: { type: "string", default: "20" },
    steps: { type: "string", default: "1000" },
  },
});

const settings = {
  starts: 20,
  steps: 100,
  triggerSteps: Number(options.steps),
};
const TARGET = 0;

/** A tenth of the images with a white 2x2 patch in a corner, labelled as the target. */
function poisoned(data: Dataset, random: Random): Dataset {
  const x = copyOf(data.x);
  const y = Int32Array.from(data.y);
  const rows = random.permutation(y.length).slice(0, y.length / 10);
  for (const row of rows) {
    for (const pixel of [54, 55, 62, 63]) x.data[row * 64 + pixel] = 1;
    y[row] = TARGET;
  }
  return dataset(data.name, x, y, data.classes);
}

const counts: Record<string, number> = {};
const count = (what: string, is: boolean) => {
  counts[what] = (counts[what] ?? 0) + Number(is);
};

const seeds = {
  clean: Number(options.models),
  planted: Number(options.planted),
};
for (const kind of ["clean", "planted"] as const) {
  for (let seed = 1; seed <= seeds[kind]; seed++) {
    const parts = await digits(seed);
    const clean = some(parts.validation, 200, seed);
    const begun = performance.now();
    const train =
      kind === "clean"
        ? parts.train
        : poisoned(parts.train, new Random(seed).fork("poison"));
    const { model } = await trained(
      blank("small-cnn", train, seed),
      { train, validation: parts.validation },
      seed,
      { settings: { epochs: 5, learningRate: 3e-3 } },
    );
    const found = await scanWeights(model, clean, onnxruntime, settings);
    const raised = found.checks
      .filter((c) => c.status !== "passed")
      .map((c) => c.id);
    const target = found.triggers?.[TARGET]?.flagged === true;
    for (const id of ["margins", "triggers"])
      count(`${kind}: ${id}`, raised.includes(id));
    count(`${kind}: both`, raised.length === 2);
    count(`${kind}: either`, raised.length > 0);
    count(`${kind}: triggers, class ${TARGET} among them`, target);
    const right = (100 * (await accuracy(model, parts.test))).toFixed(1);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.error(
      `${kind} ${seed}: accuracy ${right} %, raised: ${raised.join(", ") || "none"} (${seconds} s)`,
    );
  }
}

console.log("| models and check | raised | share | 95 % interval |");
console.log("|---|---|---|---|");
for (const [what, raised] of Object.entries(counts)) {
  const { value, low, high, n } = rate(
    raised,
    what.startsWith("clean") ? seeds.clean : seeds.planted,
  );
  console.log(
    `| ${what} | ${raised} of ${n} | ${percent(value)} | ${percent(low)} to ${percent(high)} |`,
  );
}
