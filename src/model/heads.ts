import { AssayError, nearest, type Random } from "#core";
import { type Graph, GraphBuilder, int, prune } from "#onnx";
import { bodyOf, linearHead } from "./head.ts";
import type { LayerGroup } from "./layers.ts";
import type { Head, HeadSpec, Model } from "./model.ts";
import { twoLogits } from "./outputs/logits.ts";
import { addUnit, taskIn } from "./target-units.ts";
import { isPlaced, type Task } from "./tasks/index.ts";

/**
 * The model with new linear heads side by side on one trunk: instead of its last linear
 * layer, or of all that follows a cut. Its logits are those of all heads in order, [N,
 * sum of their outputs]. What they mean is told head by head
 * (`headModel`), and `meaningOf` the whole says nothing. Each head draws from a
 * generator of its name, so that it begins alike whatever stands beside it.
 *
 * @throws what `replaceHead` does
 */
export function withHeads(
  model: Model,
  specs: readonly HeadSpec[],
  random: Random,
  cut?: string,
): Model {
  const placed = specs.find(({ task }) => isPlaced(task));
  if (placed)
    throw new AssayError(
      "HEAD_UNKNOWN",
      `task "${placed.name}" has classes at positions or steps, which no head beside others gives`,
      "Tune a candidate on that task alone.",
    );
  const { graph, ...features } = bodyOf(model, cut);
  const b = new GraphBuilder(graph, "output/");
  const heads = specs.map((spec): Head => {
    const { name, classes, task, unit } = spec;
    const isBinary = task?.kind === "binary";
    if (isBinary && classes.length !== 2)
      throw new AssayError(
        "HEAD_BINARY",
        `task "${name}" is binary and has ${classes.length} classes (${classes.join(", ")})`,
        "Name two classes, or leave task out.",
      );
    const { logits, parameters } = linearHead(
      b,
      features,
      isBinary ? 1 : classes.length,
      random.fork(name),
      `head.${name}`,
    );
    const said = isBinary
      ? twoLogits(b, logits)
      : unit
        ? addUnit(b, logits, unit)
        : logits;
    const named = b.op("Identity", [said], {}, unused(b, name));
    const learned = task && unit ? taskIn(task, unit) : task;
    return { name, classes, task: learned, logits: named, parameters };
  });
  const logits = b.op(
    "Concat",
    heads.map((h) => h.logits),
    { axis: int(1) },
  );
  const { task: _before, features: _features, ...rest } = model;
  return {
    ...rest,
    graph: b.build([logits]),
    logits,
    classes: heads.flatMap((h) => h.classes.map((c) => `${h.name}.${c}`)),
    heads,
  };
}

/** A name that no value of the graph has. */
function unused(b: GraphBuilder, name: string): string {
  const { inputs, nodes, constants } = b.build();
  const taken = new Set([
    ...inputs.map((i) => i.name),
    ...constants.keys(),
    ...nodes.flatMap((n) => n.outputs),
  ]);
  return taken.has(name) ? b.fresh(name) : name;
}

/**
 * The graph of a model with several heads, with each of them as an output of its own.
 */
export function headOutputs({ graph, heads = [] }: Model): Graph {
  const b = new GraphBuilder(graph);
  return prune({ ...graph, outputs: heads.map((h) => b.info(h.logits)) });
}

/**
 * One task of a model with several heads, as a model of its own: the
 * trunk and this head.
 */
export function headModel(
  model: Model,
  { logits, classes, task }: Head,
): Model {
  const { task: _none, heads: _heads, ...rest } = model;
  const outputs = [new GraphBuilder(model.graph).info(logits)];
  return {
    ...rest,
    graph: prune({ ...model.graph, outputs }),
    logits,
    classes,
    ...modelTask(task),
  };
}

/** The task of a model that was made here, which has an output for each class. */
export const modelTask = (task: Task | undefined): { task?: Task } =>
  task === undefined || task.kind === "classes" || task.kind === "binary"
    ? {}
    : { task };

/** The columns of each head among the logits of all. */
export function headColumns(heads: readonly Head[]): {
  readonly head: Head;
  readonly from: number;
  readonly to: number;
}[] {
  let from = 0;
  return heads.map((head) => {
    const column = { head, from, to: from + head.classes.length };
    from = column.to;
    return column;
  });
}

/**
 * Layer groups with all heads as one, the last: strategies take the last for the head.
 */
export function groupHeads(
  model: Model,
  groups: readonly LayerGroup[],
): LayerGroup[] {
  const own = new Set(model.heads?.flatMap((h) => h.parameters));
  const size = (names: readonly string[]) =>
    names.reduce(
      (sum, name) => sum + (model.graph.constants.get(name)?.data.length ?? 0),
      0,
    );
  const apart = (name: string, parameters: readonly string[]): LayerGroup[] =>
    parameters.length > 0 ? [{ name, parameters, size: size(parameters) }] : [];
  return [
    ...groups.flatMap(({ name, parameters }) =>
      apart(
        name,
        parameters.filter((p) => !own.has(p)),
      ),
    ),
    ...apart(
      "heads",
      groups.flatMap((g) => g.parameters.filter((p) => own.has(p))),
    ),
  ];
}

/**
 * The head of a file that Assay wrote, by the name of its task; the first when none is
 * named. Throws MODEL_HEAD.
 */
export function chooseHead(
  heads: readonly Head[],
  name: string | undefined,
  file: string,
): Head | undefined {
  const found =
    name === undefined ? heads[0] : heads.find((h) => h.name === name);
  if (found || name === undefined) return found;
  throw noHead(
    name,
    heads.map((h) => h.name),
    file,
  );
}

/**
 * A graph with the named one of its outputs; all of them when none is named.
 * Throws MODEL_HEAD.
 */
export function outputAlone(
  graph: Graph,
  name: string | undefined,
  file: string,
): Graph {
  if (name === undefined) return graph;
  const outputs = graph.outputs.filter((o) => o.name === name);
  if (outputs.length > 0) return prune({ ...graph, outputs });
  throw noHead(
    name,
    graph.outputs.map((o) => o.name),
    file,
  );
}

function noHead(
  name: string,
  names: readonly string[],
  file: string,
): AssayError {
  const meant = nearest(name, names);
  return new AssayError(
    "MODEL_HEAD",
    `${file} has no head "${name}"${names.length > 0 ? `; it has ${names.join(", ")}` : ""}`,
    meant
      ? `Did you mean "${meant}"?`
      : "Name a task that it was trained on, or one of its outputs.",
  );
}
