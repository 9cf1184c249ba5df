import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRun } from "#audit";
import { jsonText } from "#core";
import { saveModel } from "#model";
import { openModels } from "../../../src/audit/models/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();

test("the candidates that were last in use stay open, and others are read again when they are asked for", async () => {
  const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
  for (const id of ids)
    saveModel(join(folder, `${id}.onnx`), await reference());
  const suite = join(folder, "suite.yaml");
  writeFileSync(
    suite,
    jsonText({
      version: 1,
      title: "open",
      data: { source: "digits" },
      classes: ["0", "1", "2", "3", "4"],
      samples: 5,
      candidates: Object.fromEntries(
        ids.map((id) => [id, { model: `${id}.onnx` }]),
      ),
      threatModels: { small: { norm: "linf", eps: 0.05 } },
      attacks: { fgsm: "fgsm" },
    }),
  );
  const { shop } = await openRun({ suite, out: join(folder, "out") });
  const models = openModels(shop);
  const first = await models.candidate("a");
  expect(await models.candidate("a")).toBe(first);
  for (const id of ids.slice(1, 6)) await models.candidate(id);
  expect(await models.candidate("a")).toBe(first);
  const second = await models.candidate("b");
  for (const id of ids) await models.candidate(id);
  const again = await models.candidate("b");
  expect(again).not.toBe(second);
  expect(again.key).toBe(second.key);
});
