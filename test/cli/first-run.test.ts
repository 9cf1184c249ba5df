import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { saveModel } from "#model";
import {
  BATCH,
  emptyGraph,
  encodeModel,
  floats,
  type Graph,
  GraphBuilder,
  int,
  type Node,
  type Subgraph,
  tensor,
  writeModel,
} from "#onnx";
import { put, temporaryFolder } from "../folder.ts";
import { reference } from "../reference.ts";
import { main } from "./assay.ts";

const folder = temporaryFolder();

function assay(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, ...args],
    { cwd: folder, env: { ...process.env, ...env }, encoding: "utf8" },
  );
  return { code: status, out: stdout, err: stderr };
}

const node = (op: string, inputs: string[], outputs: string[]): Node => ({
  op,
  domain: "",
  name: outputs.join(),
  inputs,
  outputs,
  attributes: {},
});

/** A classifier that comes back from its loop when its condition changes: never. */
function endless(): Graph {
  const scalar = { type: "bool", dims: [] } as const;
  const rows = { type: "float32", dims: [BATCH, 4] } as const;
  const body: Subgraph = {
    name: "body",
    inputs: [
      { name: "i", type: "int64", dims: [] },
      { name: "again", ...scalar },
      { name: "state", ...rows },
    ],
    outputs: [
      { name: "still", ...scalar },
      { name: "next", ...rows },
    ],
    nodes: [
      node("Identity", ["again"], ["still"]),
      node("Neg", ["state"], ["next"]),
    ],
    constants: new Map(),
    valueInfo: [],
  };
  const b = new GraphBuilder(emptyGraph("endless"));
  b.input({ name: "x", ...rows });
  const yes = b.constant(tensor("bool", [], Uint8Array.of(1)));
  const graph = b.build([]);
  return {
    ...graph,
    nodes: [
      {
        ...node("Loop", ["", yes, "x"], ["y"]),
        attributes: { body: { kind: "graph", value: body } },
      },
    ],
    outputs: [{ name: "y", ...rows }],
  };
}

const suite = `
version: 1
title: given
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 10
candidates: { given: { model: model.onnx } }
threatModels: { small: { norm: linf, eps: 0.02 } }
attacks: { only: noise }
`;

beforeAll(async () => {
  put(folder, "endless.onnx", encodeModel(endless()));
  saveModel(join(folder, "own.onnx"), await reference());
  const { graph, logits } = await reference();
  const b = new GraphBuilder(graph);
  writeModel(join(folder, "model.onnx"), b.build([logits]));
  put(folder, "given.yaml", suite);
});

test.each(["inspect", "scan"])(
  "%s: a model that never answers ends within the limit of time",
  (command) => {
    const { code, err } = assay([command, "endless.onnx"], {
      ASSAY_MODEL_SECONDS: "2",
    });
    expect(code).toBe(1);
    expect(err).toMatch(
      /^error: endless.onnx, with its gradient, takes more than 2 s to be opened and run on a few samples\n {2}.*ASSAY_MODEL_SECONDS.*\n$/,
    );
  },
);

test.each([
  ["inspect", "own.onnx"],
  ["harden", "own.onnx", "--defense", "bit-depth", "--out", "hard.onnx"],
  ["plan", "given.yaml"],
  ["run", "given.yaml", "--out", "none", "--quiet"],
])(
  "%s: a model that takes more memory than is allowed is refused",
  (...args) => {
    const { code, err } = assay(args, { ASSAY_MODEL_GB: "0.02" });
    expect(code).toBe(1);
    expect(err).toMatch(
      /(own|model).onnx(, with its gradient,)? takes more than 0.02 GB of memory to be opened/,
    );
  },
);

/**
 * A classifier of digits whose gradient needs all that is computed on the way at once:
 * 200 times as much as the answer.
 */
function steep(): Graph {
  const b = new GraphBuilder(emptyGraph("steep"));
  b.input({ name: "x", type: "float32", dims: [BATCH, 1, 8, 8] });
  const wide = b.op("Tile", [
    b.reshape("x", [-1, 64, 1]),
    b.ints([1, 1, 20_000]),
  ]);
  const moved = Array.from({ length: 200 }).reduce<string>(
    (value) => b.op("Relu", [value]),
    wide,
  );
  const mean = b.op("ReduceMean", [moved, b.ints([2])], { keepdims: int(0) });
  const weights = Array.from({ length: 64 * 5 }, (_, i) => Math.cos(i));
  return b.build([b.matmul(mean, b.constant(floats([64, 5], weights)))]);
}

test("a gradient that takes more memory than is allowed is refused where one is taken", () => {
  put(folder, "steep.onnx", encodeModel(steep()));
  const steeply = suite.replace("model.onnx", "steep.onnx");
  put(folder, "plain.yaml", steeply);
  put(folder, "pgd.yaml", steeply.replace("only: noise", "only: pgd"));
  const limit = { ASSAY_MODEL_GB: "0.7" };
  expect(assay(["plan", "plain.yaml", "--json"], limit)).toMatchObject({
    code: 0,
  });
  const { code, err } = assay(["plan", "pgd.yaml", "--json"], limit);
  expect(code).toBe(1);
  expect(err).toMatch(
    /steep.onnx, with its gradient, takes more than 0.7 GB of memory to be opened/,
  );
});

test("a model that breaks what runs it is one line that names it", () => {
  const breaks = put(
    folder,
    "breaks.mjs",
    'if (/first-run-child/.test(process.argv[1])) process.on("message", () => process.abort());',
  );
  const { code, err } = assay(["plan", "given.yaml"], {
    NODE_OPTIONS: `--import ${breaks}`,
  });
  expect(code).toBe(1);
  expect(err).toMatch(
    /^error: given.yaml: candidates.given: .*model.onnx breaks the process that opens it and runs it on a few samples \(SIGABRT\)\n {2}Do not use/,
  );
});

test("what passed is not tried again until its bytes change", () => {
  const run = (env: Record<string, string>) =>
    assay(["run", "given.yaml", "--out", "kept", "--quiet"], env);
  const small = { ASSAY_MODEL_GB: "0.02" };
  expect(run(small).err).toContain("takes more than 0.02 GB");
  expect(run({}).code).toBe(0);
  expect(run(small).code).toBe(0);
  put(folder, "model.onnx", encodeModel(endless()));
  expect(run(small).err).toContain("takes more than 0.02 GB");
});

test("a limit that is no number is refused", () => {
  const { code, err } = assay(["inspect", "own.onnx"], {
    ASSAY_MODEL_SECONDS: "long",
  });
  expect(code).toBe(2);
  expect(err).toContain('ASSAY_MODEL_SECONDS is "long"');
});
