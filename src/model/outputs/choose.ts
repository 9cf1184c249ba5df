import { AssayError } from "#core";
import type { Dim, Graph, GraphBuilder, ValueInfo } from "#onnx";
import { comesFrom, makersOf } from "../ancestry.ts";
import { isPlaced, type Task } from "../tasks/index.ts";

/** Why an output was taken that has no rival. */
export const ONLY = "no other holds floats";

/** The output that is judged, and why it was taken. */
export interface Chosen {
  readonly output: ValueInfo;
  /** As half a sentence: "it is called logits". */
  readonly why: string;
}

interface Wanted {
  /** Names of the classes, where they are known. */
  readonly classes?: readonly string[];
  /** How features at places become one row, where that is stated. */
  readonly pool?: string;
  readonly task?: Task;
}

/**
 * The output of a graph that holds what a model says: the only one of floats, the
 * one whose width is that of the classes, the one that is called logits, the one that
 * is computed from the others, or the first.
 *
 * @throws MODEL_OUTPUT when none holds floats
 */
export function chooseOutput(
  graph: Graph,
  b: GraphBuilder,
  { classes, pool, task }: Wanted,
  file: string,
): Chosen {
  const outputs = candidates(graph, b);
  const places = outputs.filter((o) => (b.dims(o.name)?.length ?? 0) > 2);
  // What is pooled or has a class at each place has places.
  const placed = pool !== undefined || isPlaced(task);
  const all = placed && places.length > 0 ? places : outputs;
  const chosen = (output: ValueInfo, why: string): Chosen => ({ output, why });
  const [first] = all;
  if (!first) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has no tensor of floats as output`,
      "Export the model with its logits as output.",
    );
  }
  if (all.length === 1) return chosen(first, ONLY);
  const width = (o: ValueInfo) => widthOf(b.dims(o.name));
  const fit = classes ? all.filter((o) => fits(width(o), classes)) : [];
  const [fitting, ...others] = fit;
  if (fitting && others.length === 0)
    return chosen(fitting, `its width fits the ${classes?.length} classes`);
  const wide = all.filter((o) => (width(o) ?? 0) > 1);
  const rivals = fitting ? fit : wide.length > 0 ? wide : all;
  for (const [pattern, called] of names) {
    const [named, ...more] = rivals.filter(({ name }) => pattern.test(name));
    if (named && more.length === 0) return chosen(named, called);
  }
  const makers = makersOf(graph);
  const last = rivals.find((o) =>
    rivals.every(
      ({ name }) =>
        name === o.name || comesFrom(o.name, name, makers, () => true),
    ),
  );
  return last && rivals.length > 1
    ? chosen(last, "it is computed from the others")
    : chosen(
        rivals[0] ?? first,
        rivals.length > 1 ? "it is the first" : "its width is that of classes",
      );
}

const names: readonly (readonly [RegExp, string])[] = [
  [/logits?(?![a-z])/i, "it is called logits"],
  [/prob(s|abilit(y|ies))?(?![a-z])|scores?(?![a-z])/i, "it is called so"],
];

/**
 * Outputs of floats; scikit-learn models give labels first, and hide the
 * scores in a ZipMap.
 */
function candidates(graph: Graph, b: GraphBuilder): ValueInfo[] {
  const floats = graph.outputs.filter((o) => o.type === "float32");
  if (floats.length > 0) return floats;
  const map = graph.nodes.find((n) => n.op === "ZipMap");
  return map ? [b.info(map.inputs[0]!)] : [];
}

/**
 * How many numbers an output has for each sample, when they lie along one axis;
 * undefined when they do not, or are not known.
 */
export function widthOf(dims: readonly Dim[] | undefined): number | undefined {
  if (!dims || dims.length === 0) return undefined;
  const long = dims.slice(1).filter((d) => d !== 1);
  const [only = 1, ...more] = long;
  return more.length === 0 && typeof only === "number" ? only : undefined;
}

/** One number may be the logit of two classes. */
const fits = (width: number | undefined, classes: readonly string[]) =>
  width === classes.length || (width === 1 && classes.length === 2);
