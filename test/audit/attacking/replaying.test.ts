import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AuditEvent, runAudit } from "#audit";
import { saveModel } from "#model";
import { prepend } from "#onnx";
import { temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

// Examples of a candidate that the run trains, replayed on the others of its task.

const folder = temporaryFolder();

/** Audits candidates of the classes 0 to 4 beside each other. */
function audited(candidates: string, place = mkdtempSync(join(folder, "s-"))) {
  mkdirSync(place, { recursive: true });
  const suite = join(place, "suite.yaml");
  writeFileSync(
    suite,
    `
version: 1
title: beside each other
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 40
base: { classes: ["5", "6", "7", "8", "9"], pretrain: { architecture: small-cnn, epochs: 2 } }
candidates:
${candidates}
threatModels:
  budget: { norm: linf, eps: 0.15 }
attacks:
  pgd: { id: pgd, steps: 20, relStepSize: 0.1 }
gate:
  - robustAccuracy: { min: 0.01 }
`,
  );
  return async (only?: string[]) => {
    const done: string[] = [];
    const onEvent = (event: AuditEvent) => {
      if (event.kind === "work" && event.state === "done")
        done.push(event.work);
    };
    const out = join(place, "out");
    const results = await runAudit({ suite, out, only, onEvent });
    /** What other-means says of a candidate. */
    const said = (candidate: string) =>
      results.cells
        .find((cell) => cell.candidate === candidate)
        ?.checks.find(({ id }) => id === "other-means");
    return { results, done, said };
  };
}

test("a shattered gradient falls to examples of a candidate that the run trains; alone it is said that there are none", async () => {
  const place = mkdtempSync(join(folder, "s-"));
  const run = audited(
    `  sine: { model: sine.onnx }
  Tuned: { strategy: full, epochs: 12, learningRate: 0.01 }`,
    place,
  );
  const model = await reference();
  const { graph } = prepend(model.graph, model.input, "sine/", (b, x) =>
    b.add(x, b.mul(b.op("Sin", [b.mul(x, 300)]), 0.03)),
  );
  saveModel(join(place, "sine.onnx"), { ...model, graph });

  const alone = await run(["sine/*"]);
  expect(alone.done.filter((work) => work.includes("Tuned"))).toEqual([]);
  expect(alone.said("sine")?.message).toContain(
    "Not tried: examples of the candidate Tuned, which is no part of this run.",
  );

  const { said, done, results } = await run();
  // What was tried before is not tried again.
  expect(done).not.toContain("probes sine/none/pgd@budget");
  expect(done).toContain("replays sine/none/pgd@budget");
  expect(said("sine")?.status).toBe("failed");
  const [, broken] =
    /xamples of the candidate Tuned broke (\d+)/.exec(
      said("sine")?.message ?? "",
    ) ?? [];
  expect(Number(broken)).toBeGreaterThanOrEqual(5);
  expect(said("Tuned")?.message).toContain("xamples of the public base");
  expect(results.missing).toBeUndefined();

  const again = await run();
  expect(again.done).toEqual([]);
  expect(again.results.cells).toEqual(results.cells);
});

test("a training that fails costs the cells of other candidates nothing but its examples", async () => {
  const wild = "{ strategy: full, epochs: 2, learningRate: 1.0e+30 }";
  const steady = "{ strategy: full, epochs: 12, learningRate: 0.01 }";
  const { results, said } = await audited(
    `  steady: ${steady}\n  wild: ${wild}`,
  )();
  expect(results.failures).toMatchObject([{ work: "model wild" }]);
  expect(results.missing?.map(({ id }) => id)).toEqual([
    "wild",
    "wild/none/pgd@budget",
    "wild",
  ]);
  expect(results.cells.map(({ id }) => id)).toEqual(["steady/none/pgd@budget"]);
  expect(said("steady")?.message).toContain(
    "Not tried: examples of the candidate wild, since model wild failed.",
  );
  expect(
    results.gate.rules.map(({ subject, verdict }) => [subject, verdict]),
  ).toEqual([
    ["steady / none / budget", expect.stringMatching(/passed|inconclusive/)],
    ["wild / none / budget", "inconclusive"],
  ]);
  const [steadily] = results.worstCases;
  expect(steadily).toMatchObject({ candidate: "steady" });
});
