import { z } from "zod";
import { defineMend } from "./repair.ts";
import { trainingParams, trainOn } from "./train.ts";

/**
 * Further training on clean samples, the repair that every other one has to beat
 * (Liu, Xie and Srivastava 2017, arXiv:1710.00942). AdamW, epochs and rate are
 * ours; BackdoorBench takes 100 epochs of SGD at 0.01 on 5 % of the training set.
 */
export const fineTuning = defineMend({
  id: "fine-tuning",
  title: "Further training on clean samples",
  summary: "Trains on with clean samples: what every other repair has to beat.",
  caution:
    "A backdoor that clean samples do not touch stays, asleep, and further-tuning wakes it. With few samples it overfits to them.",
  reference: "Liu et al. 2017, arXiv:1710.00942",
  params: z.strictObject({ ...trainingParams }),
  mend: ({ model, clean, engine, params, random, signal }) =>
    trainOn(model, clean, { ...params, signal }, engine, random),
});
