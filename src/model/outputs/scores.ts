import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  type FloatTensor,
  type Graph,
  GraphBuilder,
  prune,
  sizeOf,
  type Tensor,
} from "#onnx";
import type { Bound } from "../bind.ts";
import { randomSamples } from "../random-samples.ts";
import { chooseOutput } from "./choose.ts";
import { ownLabelOf } from "./names.ts";

/** Random samples at which scores are looked at. */
const SAMPLES = 32;

/** How far the shares of a sample may add up to something else than 1. */
const TOLERANCE = 1e-3;

/**
 * Whether a model is one of classical learning (scikit-learn's, by skl2onnx), which may
 * give shares of classes whatever makes them.
 */
export const isClassic = ({ nodes }: Graph): boolean =>
  nodes.some((n) => n.domain === "ai.onnx.ml");

/** How the scores of a model are meant, as running it shows. */
export interface Scores {
  /**
   * Whether they are shares of classes, rather than the scores of perceptrons
   * and support vector machines: they lie in [0, 1], and those of several
   * classes add up to 1.
   */
  readonly shares: boolean;
  /**
   * Whether two scores stand in the other order than the file's own label: onnxruntime
   * gives those of a support vector machine so.
   */
  readonly reversed: boolean;
  /** Whether the file chooses one class itself, so that no two labels hold at once. */
  readonly chooses: boolean;
}

/** Scores that are logits, in the order of the classes. */
export const plainScores: Scores = {
  shares: false,
  reversed: false,
  chooses: false,
};

/**
 * Looks at the scores of a classifier at random samples, and at its output of labels
 * where it has one.
 *
 * @throws MODEL_OUTPUT, ENGINE_LOAD, ENGINE_RUN
 */
export async function lookAtScores(
  bound: Bound,
  classes: readonly string[] | undefined,
  file: string,
): Promise<Scores> {
  const { graph, input } = bound;
  const b = new GraphBuilder(graph);
  const { output } = chooseOutput(graph, b, { classes }, file);
  const label = ownLabelOf(graph);
  const labels = graph.outputs.filter((o) => o.name === label?.output);
  const session = await onnxruntime.load(
    prune({ ...graph, outputs: [output, ...labels] }),
  );
  try {
    const x = randomSamples(bound, SAMPLES, new Random("scores"));
    const seen = await session.run({ [input]: x });
    const scores = seen[output.name] as FloatTensor;
    const said = label && seen[label.output];
    const reversed = said && areReversed(scores, said, label.names);
    return {
      shares: areShares(scores),
      reversed: reversed ?? false,
      chooses: label !== undefined,
    };
  } finally {
    await session.release();
  }
}

/** Whether the label is nearly always the class with the smaller of two scores. */
function areReversed(
  { data, dims }: FloatTensor,
  labels: Tensor,
  names: readonly string[] | undefined,
): boolean {
  if (dims[1] !== 2) return false;
  const said = Array.from(labels.data as ArrayLike<unknown>, (label) =>
    names ? names.indexOf(String(label)) : Number(label),
  );
  const smaller = said.filter(
    (k, i) => data[2 * i + k]! < data[2 * i + 1 - k]!,
  );
  return smaller.length > 0.9 * said.length;
}

function areShares({ data, dims }: FloatTensor): boolean {
  const width = sizeOf(dims.slice(1));
  if (!data.every((p) => p >= -TOLERANCE && p <= 1 + TOLERANCE)) return false;
  if (width === 1) return true;
  for (let at = 0; at < data.length; at += width) {
    const sum = data.subarray(at, at + width).reduce((s, p) => s + p, 0);
    if (Math.abs(sum - 1) > TOLERANCE) return false;
  }
  return true;
}
