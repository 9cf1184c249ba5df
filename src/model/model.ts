import type { StraightThrough } from "#autodiff";
import { type FloatTensor, type Graph, GraphBuilder } from "#onnx";
import type { InputContract } from "./contract.ts";
import type { Detector } from "./detector.ts";
import type { NoiseInput } from "./noise.ts";
import type { Task } from "./tasks/index.ts";

/**
 * A graph from raw input [N, ...shape] to logits or values [N, outputs], what it
 * expects, and what they mean.
 */
export interface Model {
  readonly graph: Graph;
  readonly input: string;
  readonly logits: string;
  readonly contract: InputContract;
  /** Names of the outputs. */
  readonly classes: readonly string[];
  /** A classifier when left out. */
  readonly task?: Task;
  /**
   * Heads of several tasks on one trunk, whose outputs stand side by side in the
   * logits; see `withHeads`.
   */
  readonly heads?: readonly Head[];
  /** Parts that gradients pass over unchanged: sanitizers that round or sort. */
  readonly straightThrough: readonly StraightThrough[];
  /**
   * Inputs that are fed with random numbers; a model without any answers alike
   * whenever it is asked.
   */
  readonly noise?: readonly NoiseInput[];
  /**
   * What looks at the input, and may refuse it an answer. Their scores are outputs of
   * the graph behind the logits.
   */
  readonly detectors?: readonly Detector[];
  /**
   * Of a text model, whose input is token ids: the value in which they are vectors,
   * where gradients are taken instead.
   */
  readonly embedding?: string;
  /** Whether its outputs are features for a head to come, rather than answers. */
  readonly features?: true;
}

/** Where the targets of each output lie in training, and how far they spread. */
export interface TargetUnit {
  readonly mean: readonly number[];
  readonly spread: readonly number[];
}

/** What a head is to say. */
export interface HeadSpec {
  /** Of its task. */
  readonly name: string;
  readonly classes: readonly string[];
  /**
   * A classifier when left out; "binary" is one logit, given as those of two classes.
   */
  readonly task?: Task;
  /** The unit of what it learns, where that is values. */
  readonly unit?: TargetUnit;
}

/** One of several heads on a shared trunk. */
export interface Head extends HeadSpec {
  /** The value of the graph that it ends in, [N, classes]. */
  readonly logits: string;
  /** Names of its weights. */
  readonly parameters: readonly string[];
}

/** What a model says of each row. */
export interface Answers {
  /** Logits, or values [N, outputs]. */
  readonly logits: FloatTensor;
  /** The score of each of its detectors, [N]; none for most models. */
  readonly scores: readonly FloatTensor[];
}

/** How many numbers a model gives for each sample. */
export function outputsOf({ graph, logits, classes }: Model): number {
  const [, width] = new GraphBuilder(graph).dims(logits) ?? [];
  return typeof width === "number" ? width : classes.length;
}
