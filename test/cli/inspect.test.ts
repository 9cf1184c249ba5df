import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { type Inspection, inspectModel } from "#model";
import { inspectCommand } from "../../src/cli/commands/inspect.ts";
import { inspectionText } from "../../src/cli/inspection-text.ts";
import { temporaryFolder } from "../folder.ts";
import { pathOf } from "../model/exported.ts";
import { assay, parsed } from "./assay.ts";

const folder = temporaryFolder();

const inspect = (...args: string[]) => assay(folder, "inspect", ...args);

const json = async (...args: string[]) => {
  const { code, out, err } = await inspect(...args, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Inspection;
};

describe("what people read", () => {
  const textOf = async (name: string, all = false) => {
    const seen = await inspectModel(pathOf(name), onnxruntime);
    return inspectionText({ ...seen, file: `${name}.onnx` }, { all });
  };

  test("a text model, from what it is to what is good to know", async () => {
    const text = await textOf("bert-pair.dynamo");
    const places = [
      "bert-pair.dynamo.onnx",
      "text encoder: token ids are looked up in a table, 1 attention block",
      "pytorch, opset 20, 3,469 parameters",
      "input_ids: int64 [s18, 8]       attacked at its embeddings",
      "attention_mask: int64 [s43, 8]  filled with 1, and 0 where input_ids is 0 (padding)",
      "token_type_ids: int64 [s18, 8]  filled with 0",
      "logits: float32 [s18, 5]  the logits",
      "supported, and agrees with finite differences",
      "operators without a gradient on the way: none",
      "off the way (harmless): And, Equal,",
      "would be trainable: 3,469 of 3,469 parameters (100.0 %)",
      "model.bert.pooler.dense                            272         2 weights",
      "- The input is token ids",
    ].map((line) => text.indexOf(line));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(text).not.toContain("What keeps it from working");
  });

  test("many groups are shortened, unless all are asked for", async () => {
    const short = await textOf("shufflenet.torchscript");
    expect(short).toContain("… 4 more (--all lists them)");
    expect(short).toContain("stage4.0.branch2.5");
    expect(short).not.toContain("stage3.0.branch2.0");
    const long = await textOf("shufflenet.torchscript", true);
    expect(long).not.toContain("more (--all");
    expect(long).toMatch(/stage3\.0\.branch2\.0 +\d+ +onnx::Conv_\d+/);
  });

  test("eight bits: the gradient goes straight through, and nothing is trained", async () => {
    const text = await textOf("small.qdq");
    expect(text).toContain("supported, straight through rounding");
    expect(text).toContain("nothing that can be trained");
    expect(text).toContain(
      "192 weights are stored in 8 bits and stay as they are.",
    );
  });
});

describe("options state what a suite could", () => {
  test("bounds, scale, layout and classes", async () => {
    const seen = await json(
      pathOf("cnn.keras"),
      "--bounds=-1,1",
      "--scale",
      "2",
      "--layout",
      "NHWC",
      "--mean",
      "0.1,0.2,0.3",
      "--std",
      "0.5",
      "--classes",
      "a,b,c,d,e",
    );
    expect(seen.bounds).toEqual([-1, 1]);
    expect(seen.reading).toMatchObject({
      scale: 2,
      layout: "NHWC",
      boundsKnown: true,
      shape: [3, 16, 16],
    });
    expect(seen.classes).toEqual(["a", "b", "c", "d", "e"]);
    expect(seen.problems).toEqual([]);
  });

  test("which input, what the others get, and how many classes", async () => {
    const seen = await json(
      pathOf("bert-pair.torchscript"),
      "--input",
      "input_ids",
      "--fill",
      "token_type_ids=1",
      "--fill",
      "attention_mask=1",
      "--padding",
      "3",
      "--classes",
      "5",
    );
    expect(seen.reading).toMatchObject({
      attacked: "input_ids",
      others: { token_type_ids: 1, attention_mask: 1 },
      padding: 3,
    });
    expect(seen.classes).toEqual(["0", "1", "2", "3", "4"]);
  });

  test("the wrong number of classes is told as an obstacle", async () => {
    const seen = await json(pathOf("mlp.keras"), "--classes", "3");
    expect(seen.problems[0]?.message).toMatch(/has 5 outputs, 3 names/);
    expect(seen.reading).toBeNull();
  });

  test.each([
    [["--bounds", "1,0"], /lowest and the highest value/],
    [["--bounds", "1"], /lowest and the highest value/],
    [["--shape", "3,x"], /numbers with commas/],
    [["--shape", "3,0"], /whole numbers above 0/],
    [["--scale", "0"], /number above 0/],
    [["--layout", "HWC"], /Allowed choices are NCHW, NHWC/],
    [["--fill", "mask"], /name=number, name=mask or name=positions/],
    [["--classes", "0"], /names, or a number above 0/],
    [["--padding", "-1"], /whole number/],
  ])("%s is refused", async (args, message) => {
    const seen = await parsed(inspectCommand, pathOf("mlp.keras"), ...args);
    expect(seen).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(message),
    });
  });
});

describe("files that are no models are told in a line and a hint", () => {
  const whole = readFileSync(pathOf("small.torchscript"));
  writeFileSync(
    join(folder, "short.onnx"),
    whole.subarray(0, whole.length / 2),
  );
  writeFileSync(
    join(folder, "page.onnx"),
    "<html><body>Not found</body></html>",
  );
  mkdirSync(join(folder, "folder.onnx"));

  test.each([
    ["short.onnx", /short\.onnx .*truncated/],
    ["page.onnx", /page\.onnx .*web page/],
    ["folder.onnx", /folder\.onnx is a folder, not a file/],
    ["none.onnx", /none\.onnx does not exist/],
  ])("%s", async (file, message) => {
    const seen = await inspect(file);
    expect(seen).toMatchObject({ code: 1, out: "" });
    expect(seen.err).toMatch(message);
    expect(seen.err.trimEnd().split("\n")).toHaveLength(2);
  });
});
