import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { put, temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();

test("bash completes commands, options, values and names of units", async () => {
  const { code, out } = await assay(folder, "completion", "bash");
  expect(code).toBe(0);
  const script = put(folder, "assay.bash", out);
  const completions = (...words: string[]): string[] =>
    execFileSync(
      "bash",
      [
        "-c",
        `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; printf "%s\\n" "\${COMPREPLY[@]}"`,
        ...[script, "assay", ...words],
      ],
      { encoding: "utf8", cwd: folder },
    )
      .split("\n")
      .filter((word) => word !== "");
  expect(completions("va")).toEqual(["validate"]);
  expect(completions("run", "--time")).toEqual(["--time-limit"]);
  expect(completions("run", "--engine", "")).toEqual(["onnxruntime", "tfjs"]);
  expect(completions("explain", "hopskip")).toEqual(["hopskipjump"]);
  expect(completions("list", "atta")).toEqual(["attacks"]);
  expect(completions("run", "assay.b")).toEqual(["assay.bash"]);
  expect(completions("validate", "--print", "--no")).toEqual(["--no-use"]);
});
