import { expect, test } from "vitest";
import { Random } from "#core";
import { kinshipOf, type Model, replaceHead } from "#model";
import type { FloatTensor } from "#onnx";
import { untrained } from "../reference.ts";

/** The model with one constant replaced, and perhaps all of them renamed. */
function changed(
  model: Model,
  name: string,
  change: (v: number, i: number) => number,
): Model {
  const constants = new Map(model.graph.constants);
  const before = constants.get(name) as FloatTensor;
  constants.set(name, { ...before, data: before.data.map(change) });
  return { ...model, graph: { ...model.graph, constants } };
}

function renamed({ graph, ...model }: Model): Model {
  const to = (name: string) =>
    graph.constants.has(name) ? `onnx::${name}` : name;
  return {
    ...model,
    graph: {
      ...graph,
      constants: new Map([...graph.constants].map(([k, v]) => [to(k), v])),
      nodes: graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(to) })),
    },
  };
}

const relations = (base: Model, other: Model) =>
  kinshipOf(base, other).map((k) => k.relation);

const base = untrained();

test("tells frozen, moved and new layers, however their weights are called", () => {
  const headed = replaceHead(base, ["x", "y"], new Random(1));
  const tuned = changed(headed, "hidden.weight", (v) => 1.1 * v);
  const expected = ["same", "same", "moved", "new"];
  expect(relations(base, tuned)).toEqual(expected);
  expect(relations(base, renamed(tuned))).toEqual(expected);
});

test("distance is relative to the base, and the cosine tells relatives from strangers", () => {
  const [, , hidden] = kinshipOf(
    base,
    changed(base, "hidden.weight", (v) => 1.25 * v),
  );
  expect(hidden?.distance).toBeCloseTo(0.25, 5);
  expect(hidden?.cosine).toBeCloseTo(1, 5);
  const stranger = kinshipOf(base, untrained(undefined, 99));
  for (const { relation, cosine } of stranger) {
    expect(relation).toBe("moved");
    expect(Math.abs(cosine ?? 1)).toBeLessThan(0.3);
  }
});

test("a model of other shapes shares nothing", () => {
  const small = untrained();
  const constants = new Map(small.graph.constants);
  for (const [name, value] of constants)
    constants.set(name, { ...value, dims: [...value.dims, 1] });
  const other = { ...small, graph: { ...small.graph, constants } };
  expect(new Set(relations(base, other))).toEqual(new Set(["new"]));
});
