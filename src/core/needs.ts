/**
 * What a unit can need to be of use, besides a candidate. The plan looks for it, and
 * refuses the unit in one line where it is not there.
 */
export type Need =
  /** The base that candidates are tuned from. */
  | "base"
  /** Data of the task that the base was trained on: a base that the suite trains. */
  | "base data"
  /** A model that does not descend from the base. */
  | "unrelated"
  /** A candidate that can be fine-tuned again. */
  | "tuning"
  /** One class for each sample, rather than labels or values. */
  | "one class"
  /** One answer for a sample as a whole, rather than one at each of its positions. */
  | "one answer"
  /** As many training samples as the largest of its `budgets`. */
  | "samples"
  /** Samples [C, H, W]. */
  | "images"
  /** Samples of numbers, rather than texts. */
  | "numbers"
  /** Prompts with answers, some of them restricted. */
  | "dialogues"
  /** Inputs of any numbers within the bounds: no rows of a table with constraints. */
  | "free inputs"
  /** A gradient from the outputs to the input. */
  | "gradient";
