import { type GivenCandidate, taskNamed } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { fromFile } from "./file.ts";
import type { Maker } from "./maker.ts";
import type { Known, ReadyModel } from "./ready.ts";

/** A candidate that was fine-tuned elsewhere: its file, or one head of it. */
export const given: Maker<GivenCandidate> = {
  outline: async (candidate, known) => (await read(candidate, known)).model,
  make: async (candidate, shop) => ({
    ...(await read(candidate, shop)),
    reused: false,
  }),
};

function read(
  { id, model, input, output, classes, weights, task, trunk }: GivenCandidate,
  known: Known,
): Promise<ReadyModel> {
  const { target } = judgedOn(known.data, task);
  const options = {
    input,
    classes: target.test.classes,
    outputs: classes,
    task: taskNamed(known.loaded, task),
    head: trunk ? task : output,
    weights,
  };
  return fromFile(id, model, known, options, target);
}
