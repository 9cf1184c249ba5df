import { join } from "node:path";
import { expect, test } from "vitest";
import type { Scan } from "#audit";
import { readModel, writeModel } from "#onnx";
import { temporaryFolder } from "../folder.ts";
import { pathOf } from "../model/exported.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();
const scan = (...args: string[]) => assay(folder, "scan", ...args);

test("an ordinary model passes, and a line says each check", async () => {
  const { code, out, err } = await scan(pathOf("vgg.torchscript"));
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("passed  Weights lie in the model's folder");
  expect(out).toContain("0 failed");
});

test("a failed check is the exit status, and an object says what it was", async () => {
  const graph = readModel(pathOf("mlp.torchscript"));
  const nodes = graph.nodes.map((n) =>
    n.op === "Relu" ? { ...n, domain: "evil" } : n,
  );
  const opsets = new Map([...graph.opsets, ["evil", 1]]);
  const file = join(folder, "evil.onnx");
  writeModel(file, { ...graph, nodes, opsets });
  const { code, out } = await scan(file, "--json");
  const { checks } = JSON.parse(out) as Scan;
  expect(code).toBe(3);
  expect(checks.filter((c) => c.status === "failed").map((c) => c.id)).toEqual([
    "foreign-operators",
  ]);
});
