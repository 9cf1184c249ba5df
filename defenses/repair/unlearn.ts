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
  summary:
    "Makes the model forget a class by training on with other labels for its samples.",
  caution:
    "It hides the class rather than removing what was learned: further-tuning with `{ what: class }` says how little brings it back. It is the subject of a trial, not a defence.",
  reference: "Graves et al. 2021, arXiv:2010.10981",
  needs: ["one class"],
  params: z.strictObject({
    class: z.string().describe("name of the class that is forgotten"),
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
