import { z } from "zod";
import { dataset, labelOf } from "#data";
import { defineMend } from "./repair.ts";
import { trainingParams, trainOn } from "./train.ts";

/**
 * Unlearning of a class by other labels (Graves, Nagisetty and Ganesh 2021,
 * arXiv:2010.10981): the model is trained on with the samples of the class under
 * random other labels, and all others as they are. The data here are the validation
 * split, where the paper takes the training set; epochs and rate are ours.
 */
export const unlearn = defineMend({
  id: "unlearn",
  title: "Unlearning of a class",
  reference: "Graves et al. 2021, arXiv:2010.10981",
  needs: ["one class"],
  params: z.strictObject({
    class: z.string(),
    ...trainingParams,
  }),
  async mend({ model, clean, engine, params, random, signal }) {
    const label = labelOf(params.class, clean);
    const draws = random.fork("labels");
    const y = clean.y.map((own) =>
      own === label
        ? (own + 1 + draws.below(clean.classes.length - 1)) %
          clean.classes.length
        : own,
    );
    const other = dataset(clean.name, clean.x, y, clean.classes);
    const how = { ...params, signal };
    return trainOn(model, other, how, engine, random.fork("training"));
  },
});
