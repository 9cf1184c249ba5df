import { join } from "node:path";
import { expect, test } from "vitest";
import { type AuditEvent, runAudit } from "#audit";
import { saveModel } from "#model";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { compare } from "../../../src/audit/judging/domains.ts";
import { newcombe, rate, tango } from "../../../src/audit/statistics/index.ts";
import { put, temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";
import { cell } from "../cells.ts";

const folder = temporaryFolder();

test("both sides are counted for each attack and for all at once, and compared pair by pair where they are the same samples", () => {
  const sides = {
    target: [
      cell({ outcomes: "1100-" }),
      cell({ attack: "fgsm", outcomes: "1010-" }),
    ],
    source: [
      cell({ outcomes: "11110" }),
      cell({ attack: "fgsm", outcomes: "11100", trusted: false }),
    ],
  };
  const [all, pgd, fgsm] = compare(sides, true, ["full"], new Map());
  expect(all).toMatchObject({ attack: null, trusted: false, paired: true });
  expect(all?.target.robustAccuracy).toEqual(rate(1, 5));
  expect(all?.source.robustAccuracy).toEqual(rate(3, 5));
  expect(all?.difference).toEqual({
    value: 1 / 5 - 3 / 5,
    ...tango({ both: 1, onlyFirst: 0, onlySecond: 2, neither: 2 }),
  });
  expect(pgd).toMatchObject({ attack: "pgd", trusted: true });
  expect(fgsm).toMatchObject({ attack: "fgsm", trusted: false });
  const apart = compare(sides, false, ["full"], new Map())[1]?.difference;
  expect(apart).toEqual({
    value: 2 / 5 - 4 / 5,
    ...newcombe(rate(2, 5), rate(4, 5)),
  });
});

const suite = (lines: string) => {
  const file = put(
    folder,
    "suite.yaml",
    `version: 1
title: domains
seed: 2
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 30
candidates: { vendor: { model: vendor.onnx } }
threatModels: { small: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm, pgd: { id: pgd, steps: 3, relStepSize: 0.4 } }
gallery: 0
${lines}`,
  );
  return file;
};

test("a model of the source is more robust there than on inverted images, and nothing runs unasked", async () => {
  saveModel(join(folder, "vendor.onnx"), await reference());
  const run = async (lines: string) => {
    const cells: string[] = [];
    const results = await runAudit({
      suite: suite(lines),
      out: join(folder, "out"),
      onEvent: (e: AuditEvent) =>
        e.kind === "work" &&
        e.of === "cell" &&
        e.state !== "started" &&
        cells.push(e.work),
    });
    expect(() => resultsSchema.parse(results)).not.toThrow();
    return { results, cells };
  };
  const unasked = await run("shift: [invert]");
  expect(unasked.results.domains).toBeUndefined();
  expect(unasked.cells).toHaveLength(2);
  const { results, cells } = await run("shift: [invert]\nattackSource: true");
  expect(cells).toHaveLength(4);
  const [all] = results.domains ?? [];
  expect(results.domains).toHaveLength(3);
  expect(all?.source.robustAccuracy.n).toBe(30);
  expect(all?.target.robustAccuracy).toEqual(
    results.worstCases[0]?.robustAccuracy,
  );
  expect(all?.difference.high).toBeLessThan(0);
  const page = await renderHtml(results);
  expect(page).toContain("Robustness by domain");
  // The script has such words.
  const [read] = page.split("<script>");
  expect(read).not.toMatch(/undefined|NaN|\[object/);
  expect(renderMarkdown(results)).toContain(
    "Robust accuracy of vendor by domain",
  );
  // The unshifted samples are those that a suite without a shift attacks.
  const plain = await run("");
  expect(all?.source.robustAccuracy).toEqual(
    plain.results.worstCases[0]?.robustAccuracy,
  );
});

test("a suite without a source domain is refused", async () => {
  await expect(
    runAudit({ suite: suite("attackSource: true"), out: join(folder, "no") }),
  ).rejects.toThrow(/attackSource needs a source domain/);
});
