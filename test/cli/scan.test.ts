import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Scan } from "#audit";
import { packagePath } from "#core";
import { readModel, writeModel } from "#onnx";
import { pathOf } from "../model/exported.ts";

const main = packagePath("dist", "src", "cli", "main.js");

async function scan(...args: string[]) {
  try {
    const run = promisify(execFile)(process.execPath, [main, "scan", ...args]);
    return { code: 0, ...(await run) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

test("an ordinary model passes, and a line says each check", async () => {
  const { code, stdout, stderr } = await scan(pathOf("vgg.torchscript"));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("passed  Weights lie in the model's folder");
  expect(stdout).toContain("0 failed");
});

test("a failed check is the exit status, and an object says what it was", async () => {
  const graph = readModel(pathOf("mlp.torchscript"));
  const nodes = graph.nodes.map((n) =>
    n.op === "Relu" ? { ...n, domain: "evil" } : n,
  );
  const opsets = new Map([...graph.opsets, ["evil", 1]]);
  const file = join(mkdtempSync(join(tmpdir(), "assay-scan-")), "evil.onnx");
  writeModel(file, { ...graph, nodes, opsets });
  const { code, stdout } = await scan(file, "--json");
  const { checks } = JSON.parse(stdout) as Scan;
  expect(code).toBe(3);
  expect(checks.filter((c) => c.status === "failed").map((c) => c.id)).toEqual([
    "foreign-operators",
  ]);
});
