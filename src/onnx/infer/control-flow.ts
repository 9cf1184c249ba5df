import type { Dim, Subgraph } from "../graph.ts";
import type { InferContext, InferTable, Known } from "./known.ts";

/** What a body declares of its outputs. */
function declared(context: InferContext, body: string): readonly Known[] {
  const attribute = context.node.attributes[body];
  const outputs =
    attribute?.kind === "graph" ? (attribute.value as Subgraph).outputs : [];
  return outputs.map(({ type, dims, untyped }) =>
    untyped ? {} : { type, dims },
  );
}

/** What holds of both of two values. */
function common(a: Known, b: Known): Known {
  const same = a.dims && b.dims && a.dims.length === b.dims.length;
  return {
    type: a.type,
    dims: same
      ? a.dims.map((d, i) => (d === b.dims?.[i] ? d : null))
      : undefined,
  };
}

/** The results of each step, along a new axis. */
const collected = ({ type, dims }: Known, steps: Dim, axis: number): Known => ({
  type,
  dims: dims?.toSpliced(axis, 0, steps),
});

export const controlFlowOps: InferTable = {
  If: (context) => {
    const otherwise = declared(context, "else_branch");
    return declared(context, "then_branch").map((value, i) =>
      common(value, otherwise[i] ?? {}),
    );
  },
  Loop: (context) => {
    const carried = Math.max(0, context.node.inputs.length - 2);
    // A loop may end before its trip count is reached.
    return declared(context, "body")
      .slice(1)
      .map((value, i) => (i < carried ? value : collected(value, null, 0)));
  },
  Scan: (context) => {
    const sequences = context.int("num_scan_inputs", 0);
    const states = context.node.inputs.length - sequences;
    const axes = context.ints("scan_output_axes") ?? [];
    const along = context.ints("scan_input_axes")?.[0] ?? 0;
    const steps = context.dims(states)?.at(along) ?? null;
    return declared(context, "body").map((value, i) => {
      if (i < states) return value;
      const axis = axes[i - states] ?? 0;
      const rank = value.dims?.length ?? 0;
      return collected(value, steps, axis < 0 ? axis + rank + 1 : axis);
    });
  },
};
