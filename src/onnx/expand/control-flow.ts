import type { GraphBuilder } from "../builder.ts";
import { axisOf } from "../dims.ts";
import { attribute, type Node, type Subgraph } from "../graph.ts";
import { inlineBody } from "../inline.ts";
import { int64s, tensor } from "../tensor.ts";
import {
  cannotExpand,
  type ExpandContext,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/**
 * Steps that a loop is written out for; beyond it the graph would be too
 * large to be useful.
 */
const MAX_STEPS = 1024;

const FIXED_SIZES =
  "Export the model with fixed input sizes, so that it becomes constant.";

/** A condition that is known: the branch takes its place. */
const ifElse: Expansion = ({ b, node, inputs: [condition = ""] }) => {
  const [taken] = b.intsOf(condition) ?? [];
  if (taken === undefined) {
    throw cannotExpand(
      node,
      "its condition is computed while the model runs",
      FIXED_SIZES,
    );
  }
  return inlineBody(b, bodyOf(node, taken ? "then_branch" : "else_branch"), []);
};

/**
 * A trip count that is known, or a condition that is at every step: the body repeated.
 */
const loop: Expansion = ({ b, node, inputs }) => {
  const body = bodyOf(node, "body");
  const [count = "", condition = "", ...initial] = inputs;
  const limit = count ? b.intsOf(count)?.[0] : Number.POSITIVE_INFINITY;
  let goOn = condition ? b.intsOf(condition)?.[0] : 1;
  let carried = initial;
  const collected: string[][] = body.outputs
    .slice(1 + initial.length)
    .map(() => []);
  for (let step = 0; limit !== undefined && step < limit; step++) {
    if (goOn === 0) break;
    if (goOn === undefined) {
      throw cannotExpand(
        node,
        "when it ends is computed while the model runs",
        FIXED_SIZES,
      );
    }
    requireFewer(node, step);
    const at = b.constant(int64s([step], []));
    const yes = b.constant(tensor("bool", [], Uint8Array.of(1)));
    const [next = "", ...results] = inlineBody(b, body, [at, yes, ...carried]);
    goOn = b.intsOf(next)?.[0];
    carried = results.slice(0, initial.length);
    collected.forEach((list, i) => {
      list.push(results[initial.length + i]!);
    });
  }
  if (limit === undefined) {
    throw cannotExpand(
      node,
      "its number of steps is computed while the model runs",
      FIXED_SIZES,
    );
  }
  return [...carried, ...collected.map((list) => stacked(b, node, list, 0))];
};

/** The body repeated along the sequence, whose length has to be known. */
const scan: Expansion = (context) => {
  const { b, node, inputs } = context;
  const body = bodyOf(node, "body");
  const sequences = attribute(node, "num_scan_inputs", "int", 0);
  const states = inputs.slice(0, inputs.length - sequences);
  const list = (name: string, i: number) =>
    attribute(node, name, "ints", undefined)?.[i] ?? 0;
  const slices = inputs.slice(states.length).map((x, i) => {
    const parts = stepsOf(context, x, list("scan_input_axes", i));
    return list("scan_input_directions", i) ? parts.reverse() : parts;
  });
  const length = slices[0]?.length ?? 0;
  let carried = states;
  const collected: string[][] = body.outputs.slice(states.length).map(() => []);
  for (let step = 0; step < length; step++) {
    const results = inlineBody(b, body, [
      ...carried,
      ...slices.map((parts) => parts[step]!),
    ]);
    carried = results.slice(0, states.length);
    collected.forEach((parts, i) => {
      parts.push(results[states.length + i]!);
    });
  }
  return [
    ...carried,
    ...collected.map((parts, i) =>
      stacked(
        b,
        node,
        list("scan_output_directions", i) ? parts.reverse() : parts,
        list("scan_output_axes", i),
      ),
    ),
  ];
};

function bodyOf(node: Node, name: string): Subgraph {
  const body = node.attributes[name];
  if (body?.kind === "graph") return body.value;
  throw cannotExpand(
    node,
    `its ${name} works on values that are not tensors`,
    "Export the model without sequences.",
  );
}

function requireFewer(node: Node, steps: number): void {
  if (steps < MAX_STEPS) return;
  throw cannotExpand(
    node,
    `it has more than ${MAX_STEPS} steps`,
    "Export the model with shorter sequences.",
  );
}

/** The parts of a value along an axis, without the axis. */
export function stepsOf(
  { b, node }: ExpandContext,
  x: string,
  axis: number,
): string[] {
  const dims = b.rankedDims(x);
  const along = axisOf(axis, dims.length);
  const length = dims[along];
  if (typeof length !== "number") {
    throw cannotExpand(
      node,
      `the length of its sequence (axis ${along} of "${x}") is not known`,
      "Export the model with a fixed sequence length.",
    );
  }
  requireFewer(node, length - 1);
  const parts =
    length === 1
      ? [x]
      : b.many(
          "Split",
          [x, b.ints(new Array<number>(length).fill(1))],
          { axis: { kind: "int", value: along } },
          length,
        );
  return parts.map((part) => b.squeeze(part, [along]));
}

/** The results of each step, along a new axis. */
function stacked(
  b: GraphBuilder,
  node: Node,
  parts: readonly string[],
  axis: number,
): string {
  if (parts.length === 0) {
    throw cannotExpand(
      node,
      "it collects results over no step at all",
      "Export the model with input sizes for which the loop runs.",
    );
  }
  return b.concat(
    parts.map((part) => b.unsqueeze(part, [axis])),
    axis,
  );
}

export const controlFlow: ExpansionTable = {
  If: ifElse,
  Loop: loop,
  Scan: scan,
};
