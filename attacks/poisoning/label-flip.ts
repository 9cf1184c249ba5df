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
  summary:
    "Random samples of the fine-tuning set get the label of another class, at several budgets; what that costs in accuracy is measured.",
  caution:
    "It is the weakest poisoner: what survives it may fall to one who chooses samples. A cost within the interval of few test samples shows nothing.",
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
