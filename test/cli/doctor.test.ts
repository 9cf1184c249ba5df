import { expect, test } from "vitest";
import { temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();

test("assay doctor says what this machine has, and that it can run an audit", async () => {
  const { code, out } = await assay(folder, "doctor", "--json");
  const found = JSON.parse(out) as { what: string; state: string }[];
  expect(code).toBe(0);
  const stateOf = (name: string) =>
    found.find(({ what }) => what === name)?.state;
  expect(stateOf("Node")).toBe("good");
  expect(stateOf("onnxruntime")).toBe("good");
  expect(stateOf("workers")).toBe("good");
  expect(found.every(({ state }) => state !== "bad")).toBe(true);
});
