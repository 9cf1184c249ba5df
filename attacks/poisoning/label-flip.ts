import { z } from "zod";
import { flipTaxonomy, relabelled } from "./flips.ts";
import { definePoisoning, poisoningParams } from "./poisoning.ts";

/**
 * Random samples get the label of another class, drawn evenly (Biggio, Nelson
 * and Laskov 2011).
 */
export const labelFlip = definePoisoning({
  id: "label-flip",
  title: "Random label flips",
  reference:
    "Biggio, Nelson and Laskov 2011, Support vector machines under adversarial label noise, ACML",
  taxonomy: flipTaxonomy,
  threat: "writes labels of some fine-tuning samples and knows nothing else",
  params: z.strictObject({ ...poisoningParams }),
  async poison({ train, count, random }) {
    const classes = train.classes.length;
    const rows = random.permutation(train.y.length).slice(0, count);
    return relabelled(
      train,
      rows,
      (row) => (train.y[row]! + 1 + random.below(classes - 1)) % classes,
    );
  },
});
