import { countedPlaces, pickPlaces } from "#autodiff";
import { outputsOf } from "#model";
import { int } from "#onnx";
import type { LossGraph } from "./part.ts";

/** The tokens of the answers of a batch, one behind the other, as nodes of a graph. */
export interface AnswerTokens {
  /** The place of each in its answer, from 1: float32 [K]. */
  readonly place: string;
  /** log p of each, [K], as logits [N, tokens x length] have it. */
  logs(logits: string): string;
  /** log p of every token in the place of each, [K, tokens]. */
  all(logits: string): string;
  /** Mean over the answers of the mean of a value of each of their tokens. */
  mean(value: string): string;
}

/**
 * Takes the answers of a batch of a language model apart.
 *
 * @param targets [N, length], the next token where it is one of an answer, else -1
 */
export function answerTokens(g: LossGraph, targets = g.targets): AnswerTokens {
  const { b, model } = g;
  const classes = model.classes.length;
  const length = outputsOf(model) / classes;
  const { counted, samples, places, wanted } = countedPlaces(
    b,
    targets,
    length,
  );
  const ofToken = (values: string) =>
    b.op("Gather", [b.reshape(values, [-1]), places]);
  const along = b.op("CumSum", [counted, b.scalar(1, "int64")]);
  const sizes = b.reduceSum(counted, [1]);
  const size = b.op("Gather", [sizes, samples]);
  const all = (logits: string) =>
    b.op("LogSoftmax", [pickPlaces(b, logits, classes, length)(places)], {
      axis: int(-1),
    });
  return {
    place: ofToken(along),
    all,
    logs(logits) {
      const right = b.op(
        "GatherElements",
        [all(logits), b.unsqueeze(wanted, [1])],
        { axis: int(1) },
      );
      return b.reshape(right, [-1]);
    },
    mean(value) {
      const answers = b.cast(
        b.reduceSum(b.mask(b.atLeast(sizes, 1), sizes)),
        "float32",
      );
      return b.div(b.reduceSum(b.div(value, size)), answers);
    },
  };
}
