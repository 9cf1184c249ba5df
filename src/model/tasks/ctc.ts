import { softmax } from "#core";
import type { FloatTensor, GraphBuilder } from "#onnx";
import { wayNodes } from "./ctc-nodes.ts";
import {
  ctcLossOf,
  decoded,
  editsBetween,
  labelIn,
  stepsOf,
  wayOf,
} from "./ctc-rows.ts";
import type { Meaning } from "./meaning.ts";
import { besideRight, rowsOf, waysInGraph } from "./ways.ts";

/** What a label may have, and of how many steps outputs are. */
interface Sizes {
  /** The most classes of a label. */
  readonly most: number;
  /** Told by the model. */
  readonly shape?: readonly number[] | undefined;
}

/**
 * A sequence of classes without an alignment, as of speech and of lines of text, by
 * connectionist temporal classification (Graves et al. 2006). Outputs are [N, classes x
 * steps], class by class, the blank first; targets [N, 1 + most] are how many of the
 * steps count, 0 for all, then the classes, and -1 behind them.
 *
 * A sample is right when the largest logit of each step, without repetitions and
 * blanks, says its label. There is one way to be wrong: the best way through the steps
 * that says anything else, less the best that says the label.
 */
export function ctc(names: readonly string[], { most, shape }: Sizes): Meaning {
  const classes = names.length;
  const width = 1 + most;
  const isPlain = names.slice(1).every((name) => [...name].length === 1);
  const said = (row: Float32Array) => decoded(stepsOf(row, classes));
  const turned = (b: GraphBuilder, outputs: string) => {
    const rows = b.rankedDims(outputs)[1] as number;
    const byClass = b.reshape(outputs, [-1, classes, rows / classes]);
    return b.transpose(byClass, [0, 2, 1]);
  };
  return {
    classes: 2,
    targets: true,
    targetWidth: () => width,
    loss: "ctc",
    measured: (b, values, of) =>
      of === "outputs" ? turned(b, values) : values,
    broken: "any of its label is read otherwise",
    view: (outputs, targets) =>
      besideRight(
        outputs,
        targets,
        (row, wanted) => [
          wayOf(stepsOf(row, classes, wanted), labelIn(wanted)),
        ],
        targets?.dims[1],
      ),
    build: (b, outputs, targets) =>
      waysInGraph(b, [wayNodes(b, turned(b, outputs), targets)]),
    lossOf: (row, { targets = new Float32Array(width).fill(-1, 1) }) =>
      ctcLossOf(stepsOf(row, classes, targets), labelIn(targets)),
    // What rounds the logits of one step does not round those of others.
    slopeOf: (row, { targets }) =>
      Math.sqrt(row.length / classes) /
      Math.max(1, targets ? labelIn(targets).length : 1),
    answer: (row) =>
      said(row)
        ?.map((k) => names[k] ?? "?")
        .join(isPlain ? "" : " ") || "nothing",
    /** The share of the one way through the steps that is read. */
    confidence(row) {
      const all = row.length / classes;
      let log = 0;
      for (let t = 0; t < all; t++) {
        const logits = Array.from(names, (_, k) => row[k * all + t]!);
        log += Math.log(Math.max(...softmax(logits)));
      }
      return Math.exp(log);
    },
    saying(targets) {
      const steps = shape?.[0] ?? 2 * most + 1;
      const row = new Float32Array(classes * steps);
      const way = Array.from(labelIn(targets)).flatMap((k, i, label) =>
        k === label[i - 1] ? [0, k] : [k],
      );
      for (let t = 0; t < steps; t++) row[(way[t] ?? 0) * steps + t] = 1;
      return row;
    },
    // There may be as many classes as steps, whatever labels have.
    said(outputs) {
      const row = new Float32Array(1 + outputs.length / classes).fill(-1, 1);
      row.set(said(outputs) ?? [], 1);
      return row;
    },
    missed(outputs) {
      const wrong = said(outputs)?.[0] === 1 && classes > 2 ? 2 : 1;
      return Float32Array.from({ length: width }, (_, i) =>
        i === 0 ? 0 : i === 1 ? wrong : -1,
      );
    },
    constants: (targets) => [commonest(targets)],
    measures(outputs, targets) {
      const pairs = rowsOf(outputs, targets, targets?.dims[1]).map(
        ([row, wanted]) => {
          const label = labelIn(wanted);
          const read = decoded(stepsOf(row, classes, wanted)) ?? [];
          return { edits: editsBetween(read, label), length: label.length };
        },
      );
      const sum = (of: "edits" | "length") =>
        pairs.reduce((all, pair) => all + pair[of], 0);
      const value = sum("edits") / Math.max(1, sum("length"));
      return [{ name: "character error rate", value }];
    },
  };
}

/** The label that most samples have. */
function commonest({ data, dims }: FloatTensor): Float32Array {
  const [n = 0, width = 0] = dims;
  const counts = new Map<string, number>();
  let best = new Float32Array(width).fill(-1, 1);
  let most = 0;
  for (let i = 0; i < n; i++) {
    const label = data.slice(i * width + 1, (i + 1) * width);
    const count = (counts.get(label.join()) ?? 0) + 1;
    counts.set(label.join(), count);
    if (count <= most) continue;
    most = count;
    best = Float32Array.from([0, ...label]);
  }
  return best;
}
