import type { Answers } from "#model";
import type { Guesswork } from "../models/index.ts";
import type { BrokenControl, ModelProbes } from "../trust/index.ts";

/** What is seen of a model behind its defence on some samples, once for all cells. */
export interface Known {
  probes?: ModelProbes;
  guesswork?: Guesswork;
  /** What it says of the samples as they are. */
  clean?: Answers;
  /** What its gradients there tell. */
  slopes?: CleanSlopes;
  /**
   * What attacks, by their hash, do to the candidate behind a defence that is
   * known to be broken.
   */
  readonly controls: Map<string, BrokenControl>;
}

/** What a pass of gradients at samples as they are tells of a model. */
export interface CleanSlopes {
  /** The class of each sample that it says with the gradient. */
  readonly seen: readonly number[];
  /** Samples whose gradient is zero or no number. */
  readonly zero: number;
}
