import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRun, perform, runAudit } from "#audit";
import { hashOf, sha256 } from "#core";
import { type Engine, type Feeds, onnxruntime } from "#engine";
import { saveModel } from "#model";
import type { Graph } from "#onnx";
import type { Hands } from "../../../src/audit/works/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();
/** More than the probes look at, which ask again on purpose. */
const SAMPLES = 41;

const suite = `
version: 1
title: once
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: ${SAMPLES}
candidates:
  one: { model: one.onnx }
defenses:
  bits: [{ id: bit-depth, bits: 3 }]
threatModels:
  small: { norm: linf, eps: 0.05 }
  large: { norm: linf, eps: 0.1 }
attacks: { fgsm: fgsm, pgd: { id: pgd, steps: 2 }, noise: { id: noise, draws: 2 } }
`;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  sha256(new Uint8Array(buffer, byteOffset, byteLength));

const nameOf = (graph: Graph) =>
  hashOf([
    graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs]),
    [...graph.constants].map(([name, { data }]) => [
      name,
      ArrayBuffer.isView(data) ? bytesOf(data) : data,
    ]),
    graph.outputs.map(({ name }) => name),
  ]);

/** An engine that counts how often each graph is given the same numbers. */
function counting() {
  const counts = new Map<string, { rows: number; times: number }>();
  const engine: Engine = {
    ...onnxruntime,
    async load(graph, options) {
      const session = await onnxruntime.load(graph, options);
      const name = nameOf(graph);
      return {
        release: () => session.release(),
        run(feeds: Feeds) {
          const key = hashOf([
            name,
            Object.entries(feeds).map(([input, { data }]) => [
              input,
              ArrayBuffer.isView(data) ? bytesOf(data) : data,
            ]),
          ]);
          const rows = feeds[graph.inputs[0]?.name ?? ""]?.dims[0] ?? 0;
          const times = (counts.get(key)?.times ?? 0) + 1;
          counts.set(key, { rows, times });
          return session.run(feeds);
        },
      };
    },
  };
  return { engine, counts };
}

/** Has a run done in one process, or each work by one that has the run open anew. */
async function audited(out: string, apart: boolean) {
  writeFileSync(join(folder, "suite.yaml"), suite);
  saveModel(join(folder, "one.onnx"), await reference());
  const { engine, counts } = counting();
  const options = { suite: join(folder, "suite.yaml"), out, engine };
  if (apart) {
    const { graph, shop } = await openRun(options);
    const hands: Hands = {
      count: 1,
      async perform({ id }, _signal, begun) {
        begun();
        const fresh = await openRun({ ...options, isChecked: true });
        await fresh.works.get(id)!.run();
        await fresh.graph.release();
      },
      close: async () => {},
    };
    const { store, onEvent } = shop;
    const failures = await perform(graph.works, { hands, store, onEvent });
    expect(failures).toEqual([]);
  }
  const results = await runAudit(options);
  return { results, counts: [...counts.values()] };
}

test("no model is asked twice about the attacked samples as they are, by whatever works", async () => {
  const { results, counts } = await audited(join(folder, "one"), false);
  expect(results.cells.length).toBeGreaterThan(8);
  const whole = counts.filter(({ rows }) => rows === SAMPLES);
  expect(whole.length).toBeGreaterThan(4);
  expect(whole.filter(({ times }) => times > 1)).toEqual([]);
});

test("works of as many processes ask no more than those of one, and find the same", async () => {
  const one = await audited(join(folder, "together"), false);
  const many = await audited(join(folder, "apart"), true);
  const rowsOf = (counts: typeof one.counts) =>
    counts.reduce((sum, { rows, times }) => sum + rows * times, 0);
  expect(rowsOf(many.counts)).toBe(rowsOf(one.counts));
  const timeless = (results: object) =>
    JSON.stringify({ ...results, timing: 0 }, (key, value) =>
      key === "seconds" ? 0 : value,
    );
  expect(timeless(many.results)).toBe(timeless(one.results));
});
