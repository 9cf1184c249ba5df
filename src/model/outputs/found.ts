import type { Graph } from "#onnx";
import type { Task } from "../tasks/index.ts";
import type { Chosen } from "./choose.ts";

/** A graph that ends in what a task is judged by. */
export interface Found {
  readonly logits: string;
  readonly cut: Graph;
  /** A classifier when left out. */
  readonly task?: Task;
  /** Whether they are features for a head to come, rather than answers. */
  readonly features?: true;
  /**
   * Where the logits come from; absent for a file that Assay wrote, which ends in them.
   */
  readonly source?: Source;
}

/** The output of the file that the logits are made of, and how. */
export interface Source extends Chosen {
  /** Whether the file gives two scores in the other order than its label says. */
  readonly reversed: boolean;
  /** Whether it holds shares in [0, 1], so that yes begins at a half. */
  readonly shares: boolean;
  readonly from:
    | "output"
    | "softmax"
    | "log-softmax"
    | "sigmoid"
    | "features"
    | "probabilities"
    | "one logit";
}
