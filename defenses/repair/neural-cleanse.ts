import { z } from "zod";
import { dataset } from "#data";
import { takeRows, withRows } from "#onnx";
import { defineMend } from "./repair.ts";
import { trainingParams, trainOn } from "./train.ts";
import { invertTriggers, type Trigger } from "./trigger-inversion.ts";

/** How triggers are looked for. The defaults are those of the authors' code. */
export const inversionParams = {
  steps: z
    .int()
    .positive()
    .default(1000)
    .describe("steps of the search for each trigger"),
  rate: z.number().positive().default(0.1).describe("of the search"),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .default(0.99)
    .describe("share of samples that a trigger has to lead to its class"),
  lambda: z
    .number()
    .positive()
    .default(1e-3)
    .describe("first weight of the size of the trigger"),
  patience: z
    .int()
    .positive()
    .default(5)
    .describe(
      "steps in a row that work, or do not, after which the weight of the size changes",
    ),
};

/**
 * Neural Cleanse (Wang et al. 2019, IEEE S&P): the smallest trigger into each class
 * is looked for; a class whose trigger is far smaller than those of the others is
 * held for a backdoor, and the model is trained on clean samples of which a share
 * carries that trigger under its true label. Where no class stands out the model
 * stays as it is.
 */
export const neuralCleanse = defineMend({
  id: "neural-cleanse",
  title: "Neural Cleanse",
  summary:
    "Looks for the smallest trigger into each class, and trains on so that the one that stands out no longer works.",
  caution:
    "Large or spread-out triggers (blended, wanet, sig) have no small mask and are not found. With few classes no class can stand out; and clean models have classes with small triggers too.",
  reference: "Wang et al. 2019, IEEE S&P, doi:10.1109/SP.2019.00031",
  needs: ["one class", "images"],
  params: z.strictObject({
    ...trainingParams,
    ...inversionParams,
    share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.2)
      .describe("of samples that carry the trigger"),
  }),
  async mend({ model, clean, engine, params, random, signal }) {
    const triggers = await invertTriggers(
      model,
      clean,
      { ...params, signal },
      engine,
      random.fork("inversion"),
    );
    const flagged = triggers.filter((t) => t.flagged);
    if (flagged.length === 0) return model;
    const order = random.fork("stamped").permutation(clean.y.length);
    const count = Math.ceil(params.share * clean.y.length);
    const rows = order.slice(0, count);
    const stamped = takeRows(clean.x, rows);
    for (const k of rows.keys())
      stamp(stamped.data, k, flagged[k % flagged.length]!);
    const x = withRows(clean.x, [{ rows, x: stamped }]);
    const taught = dataset(clean.name, x, clean.y, clean.classes);
    const how = { ...params, signal };
    return trainOn(model, taught, how, engine, random.fork("training"));
  },
});

/** Puts a trigger on one row of images. */
export function stamp(
  data: Float32Array,
  row: number,
  { mask, pattern }: Pick<Trigger, "mask" | "pattern">,
): void {
  const size = pattern.data.length;
  const area = mask.data.length;
  for (let i = 0; i < size; i++) {
    const m = mask.data[i % area]!;
    const at = row * size + i;
    data[at] = (1 - m) * data[at]! + m * pattern.data[i]!;
  }
}
