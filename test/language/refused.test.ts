import { expect, test } from "vitest";
import { loadDataset } from "#data";
import { loadModel, meaningOf } from "#model";
import { checkFits } from "../../src/audit/tasks/fits.ts";
import { openLanguageModel, readLanguageModel } from "./exported.ts";

const wanted = readLanguageModel("gpt2.dynamo");

test("a classifier is no language model", async () => {
  const file = wanted.file.replace("language/gpt2", "exported/bert");
  const opened = loadModel(file, { task: { kind: "lm" } });
  await expect(opened).rejects.toThrow(
    "expected the logits of the next token, [batch, length, tokens]",
  );
});

test("another length than that of the model is refused, with both", async () => {
  const opened = loadModel(wanted.file, {
    task: { kind: "lm" },
    input: { shape: [24] },
  });
  await expect(opened).rejects.toMatchObject({
    message: expect.stringContaining("is 10, the suite states 24"),
    hint: "Make input.shape, or length of the data, 10 as in the model.",
  });
});

test("another vocabulary is refused without naming all of it", async () => {
  const model = await openLanguageModel(wanted);
  const policy = await loadDataset(
    { source: "policy", answers: "aligned" },
    ".",
  );
  const x = { ...policy.x, dims: [1, 10], data: new Float32Array(10) };
  const data = { ...policy, x } as typeof policy;
  expect(() => checkFits(data, model, model.classes, "gpt2")).toThrow(
    /^gpt2 gives 48 numbers at each position, .* has 247 tokens$/,
  );
});

test("guessing is one answer, and not one for each token", async () => {
  const { constants } = meaningOf(await openLanguageModel(wanted));
  const [only, ...more] = constants!({
    type: "float32",
    dims: [3, 2],
    data: Float32Array.of(5, -1, 5, 7, 6, 7),
  });
  expect([...only!]).toEqual([5, 7]);
  expect(more).toEqual([]);
});
