import { expect, test } from "vitest";
import type { CompiledModel } from "#model";
import { floats } from "#onnx";
import { openedWith, tidy } from "../../../src/audit/attacking/bench.ts";
import { linearModel } from "../../reference.ts";

/** An opened model with so many weights beside its own; it says when it is released. */
function opened(weights: number, onRelease: () => void) {
  const model = linearModel([[1, 2]], [0]);
  const { constants } = model.graph;
  const large = floats([weights], new Float32Array(weights));
  const graph = {
    ...model.graph,
    constants: new Map([...constants, ["large", large]]),
  };
  const compiled = {
    model: { ...model, graph },
    release: async () => onRelease(),
  } as unknown as CompiledModel;
  return openedWith(compiled, "a model");
}

async function keptOf(weights: number, most?: number) {
  const released: string[] = [];
  const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const compiled = new Map(
    keys.map((key) => [key, opened(weights, () => released.push(key))]),
  );
  await tidy({ compiled, known: new Map() }, most);
  const kept = [...compiled.keys()];
  expect([...kept, ...released].sort()).toEqual(keys);
  return kept;
}

test("the last six small models stay open, of large ones fewer, and all others are released", async () => {
  expect(await keptOf(10)).toEqual(["c", "d", "e", "f", "g", "h"]);
  expect(await keptOf(2 ** 24 - 100)).toEqual(["g", "h"]);
  expect(await keptOf(10, 0)).toEqual([]);
});
