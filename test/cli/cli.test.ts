import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join, parse } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "#core";
import { onnxruntime } from "#engine";
import { compile, loadModel, rejections, saveModel } from "#model";
import { GraphBuilder, readModel, writeModel } from "#onnx";
import { resultsSchema } from "#results";
import { listCommand } from "../../src/cli/commands/list.ts";
import { launch, noChromium } from "../chromium.ts";
import { temporaryFolder } from "../folder.ts";
import { reference, smallDigits } from "../reference.ts";
import { assay as assayIn, main, type Outcome, parsed } from "./assay.ts";

const folder = temporaryFolder();
const quick = packagePath("suites", "quick.yaml");

const assay = (...args: string[]) => assayIn(folder, ...args);

const withoutTimes = (text: string): string => {
  const results = resultsSchema.parse(JSON.parse(text));
  return JSON.stringify({
    ...results,
    timing: null,
    cells: results.cells.map((c) => ({ ...c, seconds: null })),
  });
};

let whole: Outcome;
beforeAll(async () => {
  whole = await assay("run", quick, "--out", "whole");
});

describe("assay run", () => {
  test("ends by naming the report, and its exit status is the verdict", () => {
    expect(whole.err).not.toContain("error");
    expect(whole.out.trim().split("\n").at(-1)).toBe(
      "Report: whole/report.html",
    );
    const results = resultsSchema.parse(
      JSON.parse(readFileSync(join(folder, "whole", "results.json"), "utf8")),
    );
    expect(whole.code).toBe(
      { passed: 0, none: 0, failed: 3, inconclusive: 4 }[results.gate.verdict],
    );
    expect(readFileSync(join(folder, "whole", "summary.md"), "utf8")).toContain(
      "head-only",
    );
  });

  test("off a terminal, progress is plain lines on stderr", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
    expect(whole.err).not.toMatch(/[\r\u001b]/);
    expect(whole.err).toMatch(
      /^ {2}\d+\/\d+ cell head-only\/none\/fgsm@linf-0\.1: .* robust/m,
    );
  });

  test("--json prints the document alone, --quiet no progress", async () => {
    const { out, err } = await assay(
      "run",
      quick,
      "--out",
      "whole",
      "--json",
      "--quiet",
    );
    expect(err).toBe("");
    expect(withoutTimes(out)).toBe(
      withoutTimes(readFileSync(join(folder, "whole", "results.json"), "utf8")),
    );
  });

  test.each([
    ["passed", "cleanAccuracy: { min: 0.05 }", 0],
    ["failed", "robustAccuracy: { min: 0.999 }", 3],
    ["inconclusive", "cleanAccuracy: { min: 0.8, candidate: head-only }", 4],
  ])(
    "a gate that is %s has its own exit status, and no cell is computed again",
    async (verdict, rule, code) => {
      const suite = readFileSync(quick, "utf8").replace(
        /gate:.*$/s,
        `gate:\n  - ${rule}\n`,
      );
      writeFileSync(join(folder, `${verdict}.yaml`), suite);
      const out = `whole-${verdict}`;
      cpSync(join(folder, "whole"), join(folder, out), { recursive: true });
      const seen = await assay("run", `${verdict}.yaml`, "--out", out);
      expect(seen.err).not.toMatch(/ cell .* robust /);
      expect(seen.out).toContain(`Gate: ${verdict}`);
      expect(seen.code).toBe(code);
    },
  );

  test.each([
    {
      what: "a failed trust check",
      scale: 1000,
      attack: "{ id: pgd, steps: 10, relStepSize: 0.2 }",
      defense: "none",
      reason: "but a trust check failed",
      shown: "not trusted",
    },
    {
      what: "a defence that no attack was made against",
      scale: 1,
      attack: "noise",
      defense: "squeeze",
      reason: "but no attack was made against the defence",
      shown: "not evaluated",
    },
  ])(
    "$what makes the gate inconclusive: exit status 4, and the report says why",
    async ({ scale, attack, defense, reason, shown }) => {
      const model = await reference();
      const b = new GraphBuilder(model.graph);
      const logits = b.mul(model.logits, scale);
      writeModel(join(folder, "model.onnx"), b.build([logits]));
      writeFileSync(
        join(folder, "gated.yaml"),
        `
version: 1
title: gated
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 40
candidates: { given: { model: model.onnx } }
defenses: { squeeze: [{ id: bit-depth, bits: 5 }] }
threatModels: { small: { norm: linf, eps: 0.02 } }
attacks: { only: ${attack} }
gate: [{ robustAccuracy: { min: 0.1, defense: ${defense} } }]
`,
      );
      const { code, out } = await assay(
        "run",
        "gated.yaml",
        "--out",
        `gated-${scale}`,
      );
      expect(out).toContain("Gate: inconclusive");
      expect(code).toBe(4);
      for (const file of ["report.html", "summary.md"]) {
        const text = readFileSync(join(folder, `gated-${scale}`, file), "utf8");
        expect(text).toContain(reason);
        expect(text).toContain(shown);
      }
    },
  );

  test.each(["SIGKILL", "SIGINT"] as const)(
    "a run that is stopped by %s repeats no finished cell and ends the same",
    async (signal) => {
      const out = `stopped-${signal}`;
      const child = spawn(
        process.execPath,
        [main, "run", quick, "--out", out],
        { cwd: folder },
      );
      let said = "";
      let asked = false;
      // Closed, not exited: the process below outlives a killed one for a moment, and
      // may finish one more cell.
      const ended = new Promise<{ code: number | null; signal: string | null }>(
        (resolve) =>
          child.on("close", (code, by) => resolve({ code, signal: by })),
      );
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk;
        // In the middle: after the third cell.
        if ((said.match(/ cell .* robust /g) ?? []).length > 2 && !asked) {
          asked = true;
          child.kill(signal);
        }
      });
      const how = await ended;
      if (signal === "SIGINT") {
        expect(how.code).toBe(130);
        expect(said).toContain(
          `continue with: assay run ${quick} --out ${out}`,
        );
      } else {
        expect(how.signal).toBe("SIGKILL");
      }
      expect(existsSync(join(folder, out, "results.json"))).toBe(false);
      const finished = readdirSync(join(folder, out, "cells")).filter((f) =>
        f.endsWith(".json"),
      ).length;
      expect(finished).toBeGreaterThanOrEqual(3);
      const again = await assay("run", quick, "--out", out);
      expect(again.code).toBe(whole.code);
      const read = (o: string) =>
        withoutTimes(readFileSync(join(folder, o, "results.json"), "utf8"));
      const { cells } = JSON.parse(read("whole"));
      expect(again.err).toMatch(/^ {2}\d+ of \d+ works are kept$/m);
      expect((again.err.match(/ cell .* robust /g) ?? []).length).toBe(
        cells.length - finished,
      );
      expect(read(out)).toBe(read("whole"));
    },
  );

  test.skipIf(noChromium)(
    "its report opens in Chromium without errors or requests, and says the verdict",
    async () => {
      const browser = await launch();
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (m) => complaints.push(m.text()));
      page.on(
        "request",
        (r) => /^(file|data):/.test(r.url()) || complaints.push(r.url()),
      );
      await page.goto(`file://${join(folder, "whole", "report.html")}`);
      expect(await page.textContent(".verdict strong")).toBe(
        { 0: "Passed", 3: "Failed", 4: "Inconclusive" }[whole.code],
      );
      expect(complaints).toEqual([]);
      await browser.close();
    },
  );
});

describe("other commands", () => {
  test("inspect says what is in a model and checks its gradient", async () => {
    const file = join(folder, "model.onnx");
    saveModel(file, await reference());
    const { code, out } = await assay("inspect", file, "--json");
    expect(code).toBe(0);
    const seen = JSON.parse(out);
    expect(seen.inputs).toEqual([
      { name: "input", type: "float32", dims: ["batch", 1, 8, 8] },
    ]);
    expect(seen.outputs).toHaveLength(1);
    expect(seen.groups.map((g: { name: string }) => g.name)).toEqual([
      "conv1",
      "conv2",
      "hidden",
      "head",
    ]);
    expect(seen.parameters).toBe(13381);
    expect(seen.gradient).toMatchObject({ supported: true, unsupported: [] });
    expect(seen.gradient.selfCheck.maxRelativeError).toBeLessThan(0.02);
    expect((await assay("inspect", file)).out).toContain("supported");
  });

  test("--engine tfjs runs on TensorFlow.js, says so, and takes no device", async () => {
    const file = join(folder, "second.onnx");
    saveModel(file, await reference());
    const { code, out, err } = await assay(
      "inspect",
      file,
      "--engine",
      "tfjs",
      "--json",
    );
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringMatching(
        /^Running on tfjs \S+ \(@tensorflow\/tfjs.*\)\n$/,
      ),
    });
    expect(JSON.parse(out).gradient).toMatchObject({ supported: true });
    for (const command of [
      ["inspect", file],
      ["run", quick],
    ])
      expect(
        await assay(...command, "--engine", "tfjs", "--device", "cuda"),
      ).toMatchObject({ code: 2, err: expect.stringContaining("--device") });
  });

  test("harden saves a defended model", async () => {
    const file = join(folder, "plain.onnx");
    saveModel(file, await reference());
    expect(
      (
        await assay(
          "harden",
          file,
          "--defense",
          "{ id: bit-depth, bits: 3 }",
          "median",
          "--out",
          "hard.onnx",
        )
      ).code,
    ).toBe(0);
    const seen = JSON.parse(
      (await assay("inspect", "hard.onnx", "--json")).out,
    );
    expect(seen.operators).toMatchObject({ Round: 1, TopK: 1 });
    expect(seen.gradient.supported).toBe(true);
    expect(
      await assay("harden", file, "--defense", "blur", "--out", "x.onnx"),
    ).toMatchObject({ code: 2, err: expect.stringContaining("bit-depth") });
  });

  test("harden --suite fits what learns, and the file says the same in plain onnxruntime", async () => {
    saveModel(join(folder, "bare.onnx"), await reference());
    writeFileSync(
      join(folder, "fit.yaml"),
      `
version: 1
title: fitted
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
candidates: { given: { model: bare.onnx } }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { noise: noise }
`,
    );
    const defense = ["{ id: pca, components: 20 }", "{ id: energy, fpr: 0.2 }"];
    const harden = (...rest: string[]) =>
      assay("harden", "bare.onnx", "--defense", ...defense, ...rest);
    expect(await harden("--out", "unfitted.onnx")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--suite <file>"),
    });
    expect(
      (await harden("--suite", "fit.yaml", "--out", "fitted.onnx")).code,
    ).toBe(0);

    const { test: data } = await smallDigits();
    const file = join(folder, "fitted.onnx");
    const session = await InferenceSession.create(file);
    const plain = await session.run({
      [session.inputNames[0]!]: new Tensor(data.x.data, data.x.dims),
    });
    await session.release();
    const model = await loadModel(file);
    const compiled = await compile(model, onnxruntime);
    const { logits, scores } = await compiled.answers(data.x);
    await compiled.release();
    expect(plain[model.logits]?.data).toEqual(logits.data);
    const [detector] = model.detectors ?? [];
    expect(plain[detector?.score as string]?.data).toEqual(scores[0]?.data);
    const rejected = rejections(model.detectors ?? [], scores, data.y.length);
    expect(Array.from(plain.rejected?.data ?? [], Boolean)).toEqual(rejected);
    expect(new Set(rejected).size).toBe(2);
    // What was fitted matters: the bare model says something else.
    const bare = await compile(await reference(), onnxruntime);
    expect((await bare.logits(data.x)).data).not.toEqual(logits.data);
    await bare.release();
    const metadata = readModel(file).metadata;
    expect(JSON.parse(metadata.get("assay.defense") ?? "")).toMatchObject([
      { id: "pca", params: { components: 20 } },
      { id: "energy" },
    ]);
  });

  test.each(["attacks", "defenses", "strategies", "suites"])(
    "list %s, for people and for programs",
    async (kind) => {
      const listed = JSON.parse(
        (await parsed(listCommand, kind, "--json")).out,
      ) as { id: string; title: string }[];
      expect(listed.length).toBeGreaterThan(1);
      const { out } = await assay("list", kind);
      for (const { id, title } of listed) {
        expect(out).toContain(id);
        expect(out).toContain(title);
      }
    },
  );

  test("plan lists the cells that a run computes", async () => {
    const { cells } = JSON.parse(
      readFileSync(join(folder, "whole", "results.json"), "utf8"),
    );
    expect(
      JSON.parse((await assay("plan", quick, "--json")).out).map(
        (c: { id: string }) => c.id,
      ),
    ).toEqual(cells.map((c: { id: string }) => c.id));
  });

  test("plan reads modules; TypeScript where this Node does", async () => {
    const suite = {
      version: 1,
      title: "Given",
      data: { source: "digits" },
      candidates: { given: { model: "model.onnx" } },
      threatModels: { small: { norm: "linf", eps: 0.1 } },
      attacks: { fgsm: "fgsm" },
    };
    const text = JSON.stringify(suite);
    writeFileSync(join(folder, "given.mjs"), `export const suite = ${text};`);
    writeFileSync(
      join(folder, "given.mts"),
      `const title: string = "typed";\nexport const suite = { ...${text}, title };`,
    );
    const plain = await assay("plan", "given.mjs");
    expect(plain.out).toContain("given/none/fgsm@small\n1 cells");
    const typed = await assay("plan", "given.mts");
    if ("typescript" in process.features && process.features.typescript)
      expect(typed.out).toBe(plain.out);
    else {
      expect(typed.code).toBe(2);
      expect(typed.err).toContain("is TypeScript, which this Node");
    }
  });

  const commands = readdirSync(packagePath("src", "cli", "commands"));

  test("--help lists every command, and of one its options and examples", async () => {
    const { code, out } = await assay("--help");
    expect(code).toBe(0);
    for (const file of commands)
      expect(out).toMatch(new RegExp(`^ {2}${parse(file).name} {2,}\\w`, "m"));
    const one = await assay("help", "run");
    expect(one.code).toBe(0);
    expect(one.out).toContain("--shard <i/n>");
    expect(one.out).toContain("Examples:");
  });

  test.each(commands)("the help of %s shows examples", async (file) => {
    const { name } = parse(file);
    const module = await import(`../../src/cli/commands/${name}.ts`);
    const made = module[`${name}Command`];
    // Completion is given the commands that it completes.
    const command = typeof made === "function" ? made([]) : made;
    const { code, out } = await parsed(command, "--help");
    expect(code).toBe(0);
    expect(out).toContain("Examples:");
    expect(out).toContain(`assay ${name}`);
  });
});

describe("mistakes are told in one line with a hint, on stderr", () => {
  const path = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return name;
  };

  test.each([
    ["a command that is not there", ["rnu"], 2, /did you mean run/i],
    [
      "an option that is not there",
      ["run", "x", "--ouut", "y"],
      2,
      /did you mean --out/i,
    ],
    ["a kind that is not there", ["list", "attackers"], 2, /Allowed choices/],
    [
      "a suite that is not there",
      ["run", "none.yaml"],
      1,
      /none\.yaml does not exist/,
    ],
    [
      "a model that is not there",
      ["inspect", "none.onnx"],
      1,
      /none\.onnx does not exist/,
    ],
    [
      "a model that is empty",
      ["inspect", path("empty.onnx", "")],
      1,
      /empty\.onnx is empty/,
    ],
    [
      "a model that is text",
      ["inspect", path("text.onnx", "hello there, this is text")],
      1,
      /is not an ONNX model/,
    ],
    [
      "a suite that is wrong",
      ["run", path("bad.yaml", "version: 1\ntitle: x\n")],
      2,
      /bad\.yaml:\d+:\d+/,
    ],
    [
      "a defence that is not YAML",
      ["harden", "x.onnx", "--defense", "[", "--out", "y.onnx"],
      2,
      /--defense:\d+:\d+: .* is not valid YAML/,
    ],
    [
      "a folder for results that is a file",
      ["run", quick, "--out", path("taken", ""), "--quiet"],
      1,
      /taken\S+ cannot be written/,
    ],
  ])("%s", async (_what, args, code, message) => {
    const seen = await assay(...args);
    expect(seen).toMatchObject({
      code,
      out: "",
      err: expect.stringMatching(message),
    });
    expect(seen.err).not.toMatch(/\n\s+at /);
  });
});
