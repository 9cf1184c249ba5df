import { z } from "zod";
import { dataset } from "#data";
import { definePoisoning, poisoningParams } from "./poisoning.ts";

/** Random samples get the label of another class, drawn evenly (Biggio et al. 2011, JMLR W&CP 20; Xiao et al. 2012). */
export const labelFlip = definePoisoning({
  id: "label-flip",
  title: "Random label flips",
  reference:
    "Biggio, Nelson and Laskov 2011, Support vector machines under adversarial label noise, ACML",
  taxonomy: {
    atlas: ["AML.T0020", "AML.T0059"],
    owasp: ["ML02", "ML08"],
    nist: ["NISTAML.013"],
  },
  threat: "writes labels of some fine-tuning samples and knows nothing else",
  params: z.strictObject({ ...poisoningParams }),
  async poison({ train, count, random }) {
    const classes = train.classes.length;
    const y = Int32Array.from(train.y);
    for (const i of random.permutation(y.length).slice(0, count))
      y[i] = ((y[i] as number) + 1 + random.below(classes - 1)) % classes;
    return dataset(train.name, train.x, y, train.classes);
  },
});
