import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scanModel } from "#audit";
import { onnxruntime } from "#engine";
import { readGraph } from "#model";
import {
  emptyGraph,
  encodeModel,
  filled,
  floats,
  type Graph,
  GraphBuilder,
  int,
  type Subgraph,
  type Tensor,
  writeModel,
} from "#onnx";
import { staticChecks } from "../../../src/audit/scan/static.ts";
import { exportedNames } from "../../exported.ts";
import { pathOf } from "../../model/exported.ts";

/**
 * Two layers of images of 3x3; `add` puts something in, and says what the
 * logits are then.
 */
function network(
  add: (b: GraphBuilder, logits: string) => string = (_, logits) => logits,
): Graph {
  const b = new GraphBuilder(emptyGraph("network"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, 3, 3] });
  const flat = b.op("Flatten", ["x"], { axis: int(1) });
  const first = b.constant(filled("float32", [9, 4], 0.1), "first.weight");
  const second = b.constant(filled("float32", [4, 3], 0.1), "second.weight");
  const hidden = b.op("Relu", [b.matmul(flat, first)]);
  return b.build([add(b, b.matmul(hidden, second))]);
}

/** The brightest pixel of each image, [N, 1]. */
const brightest = (b: GraphBuilder) =>
  b.op("ReduceMax", [b.op("Flatten", ["x"], { axis: int(1) }), b.ints([1])]);

const answering = (b: GraphBuilder): Subgraph => ({
  name: "branch",
  inputs: [],
  outputs: [{ name: "taken", type: "float32" }],
  nodes: [
    {
      name: "take",
      op: "Identity",
      domain: "",
      inputs: [b.constant(floats([1, 3], [9, 0, 0]))],
      outputs: ["taken"],
      attributes: {},
    },
  ],
  constants: new Map(),
  valueInfo: [],
});

const faults: Record<string, () => Graph> = {
  "foreign-operators": () => {
    const g = network();
    const [last] = g.nodes.slice(-1);
    const nodes = g.nodes.map((n) =>
      n === last ? n : n.op === "Relu" ? { ...n, domain: "evil.ops" } : n,
    );
    return { ...g, nodes, opsets: new Map([...g.opsets, ["evil.ops", 1]]) };
  },
  "unread-constants": () => {
    const g = network();
    const cargo = filled("uint8", [300], 7);
    return { ...g, constants: new Map([...g.constants, ["cargo", cargo]]) };
  },
  "large-constants": () =>
    network((b, logits) => {
      const table = b.constant(filled("int64", [10_000], 1), "table");
      const one = b.op("ReduceMax", [table], { keepdims: int(0) });
      return b.add(logits, b.cast(one, "float32"));
    }),
  "dead-nodes": () =>
    network((b, logits) => {
      b.op("Exp", [logits]);
      return logits;
    }),
  "control-flow": () =>
    network((b, logits) => {
      const most = b.op("ReduceMax", [brightest(b)], { keepdims: int(0) });
      const body = { kind: "graph", value: answering(b) } as const;
      const switched = b.op("If", [b.greater(most, 0.9)], {
        then_branch: body,
        else_branch: body,
      });
      return b.add(logits, switched);
    }),
  comparisons: () =>
    network((b, logits) =>
      b.where(
        b.greater(brightest(b), 0.9),
        b.constant(floats([1, 3], [9, 0, 0])),
        logits,
      ),
    ),
  "paths-round-layers": () =>
    network((b, logits) => b.add(logits, b.exp(brightest(b)))),
  "random-operators": () =>
    network((b, logits) =>
      b.add(logits, b.op("RandomNormalLike", [logits], {})),
    ),
  "finite-weights": () => {
    const g = network();
    const broken = floats([4, 3], new Float32Array(12).fill(Number.NaN));
    return {
      ...g,
      constants: new Map([...g.constants, ["second.weight", broken]]),
    };
  },
  metadata: () => ({
    ...network(),
    metadata: new Map([["note", "MZ\u0000\u0001\u0002"]]),
  }),
};

const failing = ["foreign-operators", "control-flow", "finite-weights"];

test("a plain network passes every check", () => {
  const checks = staticChecks(network());
  expect(checks.map((c) => c.id).sort()).toEqual(Object.keys(faults).sort());
  expect(checks.filter((c) => c.status !== "passed")).toEqual([]);
});

test.each(Object.entries(faults))("%s: is found where it is", (id, graph) => {
  const found = staticChecks(graph()).find((c) => c.id === id);
  expect(found?.status).toBe(failing.includes(id) ? "failed" : "warned");
  expect(found?.message).toMatch(/".+".*: .+\. [A-Z].+\.$/);
});

test("a leaky activation that is written as a comparison is none", () => {
  const g = network((b, logits) =>
    b.where(b.greater(logits, 0), logits, b.mul(logits, 0.1)),
  );
  expect(staticChecks(g).filter((c) => c.status !== "passed")).toEqual([]);
});

test("large metadata are told by their size, and names cannot move a cursor", () => {
  const entries = new Map([["k\u001b[2J", "a".repeat(70_000)]]);
  const found = staticChecks({ ...network(), metadata: entries });
  const { message = "" } = found.find((c) => c.id === "metadata") ?? {};
  expect(message).toMatch(/"k\?\[2J" \(70000 bytes\)/);
});

test("weights outside the folder fail the scan, and are not read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
  const inside = join(folder, "inside.onnx");
  writeModel(inside, network());
  const [passed] = (await scanModel(inside, onnxruntime)).scan.checks;
  expect(passed).toMatchObject({ id: "external-data", status: "passed" });

  const outside = join(folder, "outside.onnx");
  const location = "../../etc/passwd";
  const placeOf = (_t: Tensor, name: string) =>
    name === "first.weight" ? { location, offset: 0, length: 144 } : undefined;
  writeFileSync(outside, encodeModel(network(), placeOf));
  const { checks } = (await scanModel(outside, onnxruntime)).scan;
  expect(checks).toHaveLength(1);
  expect(checks[0]).toMatchObject({ id: "external-data", status: "failed" });
  expect(checks[0]?.message).toContain(location);
});

test("exported models raise no false alarm", () => {
  const alarms = exportedNames.flatMap((name) =>
    staticChecks(readGraph(pathOf(name)))
      .filter((c) => c.status === "failed")
      .map((c) => `${name}: ${c.message}`),
  );
  expect(alarms).toEqual([]);
});
