import { type GivenCandidate, taskNamed } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { fileKey, fromFile } from "./file.ts";
import type { Maker } from "./maker.ts";
import type { Known } from "./ready.ts";

/** A candidate that was fine-tuned elsewhere: its file, or one head of it. */
export const given: Maker<GivenCandidate> = {
  outline: async (candidate, known) => {
    const { id, model, options, target } = stated(candidate, known);
    return (await fromFile(id, model, known, options, target)).model;
  },
  key(candidate, known) {
    const { model, options, target } = stated(candidate, known);
    return fileKey(model, known, options, target);
  },
  async make(candidate, shop) {
    const { id, model, options, target } = stated(candidate, shop);
    return fromFile(id, model, shop, options, target);
  },
};

/** The file, and how it is read and what it is judged on. */
function stated(
  { id, model, input, output, classes, weights, task, trunk }: GivenCandidate,
  { data, loaded }: Known,
) {
  const { target } = judgedOn(data, task);
  const options = {
    input,
    classes: target.test.classes,
    outputs: classes,
    task: taskNamed(loaded, task),
    head: trunk ? task : output,
    weights,
  };
  return { id, model, options, target };
}
