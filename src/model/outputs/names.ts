import { AssayError } from "#core";
import {
  type Attribute,
  type Graph,
  GraphBuilder,
  int,
  type Node,
  shapeText,
  type Tensor,
} from "#onnx";
import { makersOf } from "../ancestry.ts";
import { isPlaced } from "../tasks/index.ts";
import type { Found } from "./found.ts";
import { classCount } from "./positions.ts";

/**
 * The names of the outputs: stated, the file's own, or their numbers.
 * Throws MODEL_OUTPUT.
 */
export function classNames(
  { cut, logits, task }: Found,
  stated: readonly string[] | undefined,
  own: readonly string[] | undefined,
  file: string,
): readonly string[] {
  const dims = new GraphBuilder(cut).dims(logits);
  const count = classCount(dims, task);
  const expected = isPlaced(task) ? [2, 3] : [2];
  if (dims && !expected.includes(dims.length)) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: output "${logits}" has shape ${shapeText(dims)}, expected [batch, classes]`,
      "Export the model with logits or values [batch, outputs].",
    );
  }
  if (stated) {
    if (typeof count === "number" && count !== stated.length) {
      throw new AssayError(
        "MODEL_OUTPUT",
        `${file} has ${count} outputs, ${stated.length} names were given (${stated.join(", ")})`,
        "Give one name for each output of the model, in its order, or say which outputs they are: classes of the candidate, by number or name.",
      );
    }
    return stated;
  }
  if (typeof count !== "number") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: the number of outputs is not recorded`,
      "State the classes in the suite, in the order of the outputs.",
    );
  }
  return own?.length === count
    ? own
    : Array.from({ length: count }, (_, i) => String(i));
}

/**
 * Logits in the order of names that were given for them. A file that has names of its
 * own is believed, so that names which are sorted otherwise meet their outputs. One
 * whose names are only numbers, where others were given, says nothing.
 *
 * @param own names of the outputs by the file, in its order
 * @throws MODEL_CLASSES when the two contradict
 */
export function inOrderOf(
  found: Found,
  own: readonly string[] | undefined,
  stated: readonly string[] | undefined,
  file: string,
): Found {
  if (!own || !stated || own.join("\n") === stated.join("\n")) return found;
  const places = stated.map((name) => own.indexOf(name));
  const isWhole = (name: string) => /^-?\d+$/.test(name);
  // Numbers that are few among many may count something else.
  const isPart = own.length > stated.length && !stated.every(isWhole);
  if ((own.length !== stated.length && !isPart) || places.includes(-1)) {
    if (own.every(isWhole) && !stated.every(isWhole)) return found;
    throw new AssayError(
      "MODEL_CLASSES",
      `${file} names its classes ${own.join(", ")}; the data has ${stated.join(", ")}`,
      "Give the data the names of the model (task.relabel), so that each class meets its output.",
    );
  }
  return gathered(found, places);
}

/**
 * Some of the logits, in this order, each by its number or by the file's name of it.
 *
 * @throws MODEL_CLASSES for one that is not there, or twice
 */
export function pickedFrom(
  found: Found,
  outputs: readonly (number | string)[],
  own: readonly string[] | undefined,
  file: string,
): Found {
  const count = new GraphBuilder(found.cut).dims(found.logits)?.[1];
  const places = outputs.map((one) =>
    typeof one === "number" ? one : (own?.indexOf(one) ?? -1),
  );
  const bad = places.findIndex(
    (k, i) =>
      k < 0 ||
      (typeof count === "number" && k >= count) ||
      places.indexOf(k) !== i,
  );
  if (bad < 0) return gathered(found, places);
  const named = own ? `names ${own.slice(0, 5).join(", ")} ...` : "no names";
  throw new AssayError(
    "MODEL_CLASSES",
    places.indexOf(places[bad]!) < bad
      ? `classes name the output ${outputs[bad]} of ${file} twice`
      : `${file} has no output ${JSON.stringify(outputs[bad])}: it has ${count} outputs and ${named}`,
    "Name an output for each class, by its number from 0 or as the file does.",
  );
}

function gathered(found: Found, places: readonly number[]): Found {
  const b = new GraphBuilder(found.cut, "output/");
  const logits = b.op("Gather", [found.logits, b.ints(places)], {
    axis: int(1),
  });
  return { ...found, logits, cut: b.build([logits]) };
}

/**
 * The output in which a file names the class itself, and how its nodes get there
 * from the choice.
 */
export interface OwnLabel {
  readonly output: string;
  /** What it says of each output, in their order; their numbers when left out. */
  readonly names?: readonly string[];
}

/** Operators that leave a label what it is. */
const passes: ReadonlySet<string> = new Set(
  "Cast Identity Reshape Squeeze Unsqueeze Flatten".split(" "),
);

/**
 * The label output of a graph: what an ArgMax or a classifier of scikit-learn chose.
 */
export function ownLabelOf(graph: Graph): OwnLabel | undefined {
  const makers = makersOf(graph);
  for (const { name, type } of graph.outputs) {
    if (type !== "string" && !/^u?int/.test(type)) continue;
    const label = labelFrom(makers.get(name), graph, makers);
    if (label) return { output: name, ...label };
  }
  return undefined;
}

function labelFrom(
  maker: Node | undefined,
  graph: Graph,
  makers: ReadonlyMap<string, Node>,
): Pick<OwnLabel, "names"> | undefined {
  if (!maker) return undefined;
  const [first = "", second = ""] = maker.inputs;
  if (maker.op === "ArgMax") return {};
  if (/Classifier$/.test(maker.op)) return { names: labelsIn(maker) };
  if (passes.has(maker.op)) return labelFrom(makers.get(first), graph, makers);
  const table = graph.constants.get(first);
  if (table && /^(Gather|ArrayFeatureExtractor)$/.test(maker.op)) {
    const chosen = labelFrom(makers.get(second), graph, makers);
    return chosen && { names: namesIn(table) };
  }
  if (maker.op === "LabelEncoder") {
    const chosen = labelFrom(makers.get(first), graph, makers);
    return chosen && { names: encoded(maker, chosen.names) };
  }
  return undefined;
}

const namesIn = ({ data }: Tensor) =>
  Array.from(data as ArrayLike<unknown>, String);

/** A list of names or numbers in an attribute. */
function listed(value: Attribute | undefined): string[] | undefined {
  if (value?.kind !== "strings" && value?.kind !== "ints") return undefined;
  return value.value.length > 0 ? value.value.map(String) : undefined;
}

const labelsIn = ({ attributes: a }: Node) =>
  listed(a.classlabels_strings) ??
  listed(a.classlabels_ints) ??
  listed(a.classlabels_int64s);

/** Names as a LabelEncoder writes them. */
function encoded(
  { attributes: a }: Node,
  names: readonly string[] | undefined,
): string[] | undefined {
  const keys = listed(a.keys_int64s) ?? listed(a.keys_strings);
  const values = listed(a.values_strings) ?? listed(a.values_int64s);
  return values?.map((value, i) => {
    const at = names ? (keys?.indexOf(names[i] ?? "") ?? -1) : i;
    return values[at] ?? value;
  });
}

/**
 * The names that a file has for its classes: those of its label, or of the map that
 * holds its scores.
 */
export function storedNames(graph: Graph): readonly string[] | undefined {
  const map = graph.nodes.find((n) => n.op === "ZipMap");
  return ownLabelOf(graph)?.names ?? (map && labelsIn(map));
}
