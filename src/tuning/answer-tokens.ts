import { countedPlaces, pickPlaces } from "#autodiff";
import { outputsOf } from "#model";
import { type GraphBuilder, int } from "#onnx";
import type { LossGraph } from "./part.ts";

/** The tokens of the answers of a batch, one behind the other, as nodes of a graph. */
export interface AnswerTokens {
  /** The place of each in its answer, from 1: float32 [K]. */
  readonly place: string;
  /** log p of each, [K], as logits [N, tokens x length] have it. */
  logs(logits: string): string;
  /** Mean over the answers of the mean of a value of each of their tokens. */
  mean(value: string): string;
}

/** Takes the answers of a batch of a language model apart. */
export function answerTokens(g: LossGraph): AnswerTokens {
  const { b, model } = g;
  const classes = model.classes.length;
  const length = outputsOf(model) / classes;
  const targets = g.targets;
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
  return {
    place: ofToken(along),
    logs: (logits) => logsOf(b, logits, { classes, length, places, wanted }),
    mean(value) {
      const answers = b.cast(
        b.reduceSum(b.mask(b.atLeast(sizes, 1), sizes)),
        "float32",
      );
      return b.div(b.reduceSum(b.div(value, size)), answers);
    },
  };
}

function logsOf(
  b: GraphBuilder,
  logits: string,
  {
    classes,
    length,
    places,
    wanted,
  }: { classes: number; length: number; places: string; wanted: string },
): string {
  const picked = pickPlaces(b, logits, classes, length)(places);
  const all = b.op("LogSoftmax", [picked], { axis: int(-1) });
  const right = b.op("GatherElements", [all, b.unsqueeze(wanted, [1])], {
    axis: int(1),
  });
  return b.reshape(right, [-1]);
}
