import { join } from "node:path";
import { onnxruntime } from "#engine";
import { makeBase } from "../../src/audit/models/base.ts";
import type { ReadyModel, Workshop } from "../../src/audit/models/ready.ts";
import { openStore } from "../../src/audit/store.ts";
import { loadSuite } from "../../src/audit/suite/load.ts";
import { prepareData } from "../../src/audit/tasks/prepare.ts";
import { put } from "../folder.ts";

/** What models of a suite are made with, and its base. */
export async function workshopOf(
  folder: string,
  suite: string,
): Promise<{ shop: Workshop; base: ReadyModel | null }> {
  const loaded = await loadSuite(put(folder, "suite.yaml", suite));
  const shop: Workshop = {
    loaded,
    data: await prepareData(loaded),
    store: openStore(join(folder, "out")),
    engine: onnxruntime,
    seed: loaded.suite.seed,
    onEvent() {},
  };
  return { shop, base: await makeBase(shop) };
}
