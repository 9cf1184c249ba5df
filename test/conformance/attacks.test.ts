import { describe, expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { onnxruntime } from "#engine";
import { compile, grantAccess } from "#model";
import { attackLaws } from "../../src/conformance/index.ts";
import { quick } from "../attacks/quick.ts";
import { smallDigits, untrained } from "../reference.ts";
import { drawn, lawful } from "./laws.ts";

lawful("attack", attacks, (unit) =>
  attackLaws(unit, { params: quick[unit.id], ...drawn(12) }),
);

describe.each(attacks)("attack $id", (unit) => {
  test("names its paper, and its places in the taxonomies", () => {
    expect(unit.reference).toMatch(
      /\d{4}, (arXiv:\d{4}\.\d{4,5}|USENIX Security)$/,
    );
    const { atlas, owasp, nist } = unit.taxonomy;
    for (const ids of [atlas, owasp, nist])
      expect(ids.length).toBeGreaterThan(0);
    expect(atlas.join()).toMatch(/^(AML\.T\d{4}(\.\d{3})?,?)+$/);
    expect(owasp.join()).toMatch(/^(ML\d{2}:2023,?)+$/);
    expect(nist.join()).toMatch(/^(NISTAML\.\d+,?)+$/);
  });
});

test("an attack gets no more than its access", async () => {
  const { x, y } = (await smallDigits()).test;
  const model = await compile(untrained(), onnxruntime);
  const base = await compile(untrained(["p", "q", "r"], 5), onnxruntime);
  const limit = ballOf("linf", 0.1, [0, 1]);
  const target = grantAccess(model, { access: "label", x, y, limit, base });
  const all = Array.from(y.keys());
  await expect(target.scores(x, all)).rejects.toThrow(/its access is "label"/);
  await expect(target.lossGradient(x, all)).rejects.toThrow(
    /its access is "label"/,
  );
  expect(() => target.base).toThrow(/its access is "label"/);
});
