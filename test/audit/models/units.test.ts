import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { Random } from "#core";
import { emptyGraph, floats, GraphBuilder, int, writeModel } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { put, temporaryFolder } from "../../folder.ts";
import { linearModel } from "../../reference.ts";

const folder = temporaryFolder();
const random = new Random(5);

/** Ages and incomes; who earns more than 900 for each year of age is granted. */
const rows = Array.from({ length: 200 }, () => {
  const age = 18 + random.below(70);
  const income = 5000 + 100_000 * random.uniform();
  return { age, income, granted: income > 900 * age };
});
put(
  folder,
  "t.csv",
  [
    "age,income,granted",
    ...rows.map((r) => `${r.age},${r.income},${r.granted ? "yes" : "no"}`),
  ].join("\n"),
);
const range = (of: (r: (typeof rows)[number]) => number) => {
  const values = rows.map(of);
  return [Math.min(...values), Math.max(...values)] as const;
};
const [young, old] = range((r) => r.age);
const [poor, rich] = range((r) => r.income);

/**
 * The rule above as a model: of columns as they are, or of the same scaled to [0, 1].
 */
const raw = [-900, 1];
writeModel(
  join(folder, "raw.onnx"),
  linearModel([[0, 0], raw.map((v) => v / 1000)], [0, 0]).graph,
);
writeModel(
  join(folder, "unit.onnx"),
  linearModel(
    [[0, 0], [-900 * (old - young), rich - poor].map((v) => v / 1000)],
    [0, (poor - 900 * young) / 1000],
  ).graph,
);
writeModel(
  join(folder, "same.onnx"),
  linearModel(
    [
      [0, 0],
      [0, 0],
    ],
    [0, 1],
  ).graph,
);

const attacks =
  "threatModels: { l: { norm: linf, eps: 0.05 } }\nattacks: { pgd: { id: pgd, steps: 20, relStepSize: 0.1 } }\n";

const audit = (models: string[], more = "", rest = "") =>
  runAudit({
    suite: put(
      folder,
      "suite.yaml",
      [
        "version: 1",
        "title: units",
        `data: { source: csv, path: t.csv, label: granted${more} }`,
        "candidates:",
        ...models.map((name) => `  ${name}: { model: ${name}.onnx }`),
        rest,
        attacks,
      ].join("\n"),
    ),
    out: join(folder, "out"),
  });

test("models take columns as they are or scaled, by what they are right on, and the report says so", async () => {
  const results = await audit(["raw", "unit"]);
  expect(
    results.candidates.map((c) => [c.cleanAccuracy.value, c.units?.taken]),
  ).toEqual([
    [1, "raw"],
    [1, "unit"],
  ]);
  const said =
    /as they are: it is right on 150 of 150 training and validation rows with columns as they are, and on \d+ with columns scaled/;
  expect(renderMarkdown(results)).toMatch(said);
  expect(await renderHtml(results)).toMatch(said);
});

test("attacks on a model of raw columns stay in the unit of scaled rows", async () => {
  const { cells } = await audit(["raw", "unit"]);
  const [ofRaw, ofUnit] = cells.map((c) => c.robustAccuracy.value);
  expect(ofRaw).toBe(ofUnit);
  expect(ofRaw).toBeLessThan(1);
  expect(ofRaw).toBeGreaterThan(0.5);
});

test("what cannot be told is asked for, and what is stated holds", async () => {
  await expect(audit(["same"])).rejects.toThrow(
    /what same\.onnx takes cannot be told: it is right on (\d+) of 150 .* as they are, and on \1 with/,
  );
  const stated = await audit(["raw"], ", units: unit");
  expect(stated.candidates[0]?.units).toEqual({
    taken: "unit",
    why: "as the suite states in data.units",
  });
  expect(stated.candidates[0]?.cleanAccuracy.value).toBeLessThan(0.9);
});

test("a base of other classes has its units stated, and what is tuned from it keeps them", async () => {
  const tuned = (more: string) =>
    audit(
      [],
      more,
      "  full: { strategy: head-only, epochs: 2 }\nbase: { model: raw.onnx, classes: [a, b] }\n",
    );
  await expect(tuned("")).rejects.toThrow("it has other classes than the data");
  const { base, candidates } = await tuned(", units: raw");
  expect(base?.units?.taken).toBe("raw");
  expect(candidates[0]?.units).toBeUndefined();
});

test("whole numbers reach a tree as whole numbers", async () => {
  // A tree that splits at values, as boosting by histograms does: at least n or not.
  const most = 97;
  const b = new GraphBuilder(emptyGraph("stump"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1] });
  const steps = b.constant(
    floats(
      [1, most],
      Array.from({ length: most }, (_, i) => i + 1),
    ),
  );
  const reached = b.cast(b.op("GreaterOrEqual", ["x", steps]), "float32");
  const count = b.unsqueeze(b.reduceSum(reached, [1]), [1]);
  const odd = b.op("Mod", [count, b.scalar(2)], { fmod: int(1) });
  const logits = b.concat(
    [b.sub(b.scalar(0.5), odd), b.sub(odd, b.scalar(0.5))],
    1,
  );
  writeModel(join(folder, "stump.onnx"), b.build([logits]));
  put(
    folder,
    "t2.csv",
    ["n,y", ...Array.from({ length: 98 }, (_, i) => `${i},${i % 2}`)].join(
      "\n",
    ),
  );
  const suite = put(
    folder,
    "stump.yaml",
    `version: 1
title: stump
data: { source: csv, path: t2.csv, label: y, columns: { n: integer } }
candidates: { stump: { model: stump.onnx } }
threatModels: { l: { norm: linf, eps: 0.05 } }
attacks: { noise: noise }
`,
  );
  const { candidates } = await runAudit({ suite, out: join(folder, "out") });
  expect(candidates[0]?.cleanAccuracy.value).toBe(1);
});

test("a source domain whose columns have other ranges is refused", async () => {
  put(
    folder,
    "other.csv",
    "age,income,granted\n30,5,no\n40,6,yes\n50,7,no\n60,8,yes\n",
  );
  await expect(
    audit(
      ["raw"],
      "",
      "sourceData: { source: csv, path: other.csv, label: granted }\nsplit: { train: 0.4, validation: 0.3, test: 0.3 }\n",
    ),
  ).rejects.toThrow(
    /column 1 is age from 18 to 87 in data and age from 30 to 60 in sourceData/,
  );
});

test("bounds other than those of the data are refused with what to state instead", async () => {
  writeModel(
    join(folder, "byte.onnx"),
    linearModel([[1], [2]], [0, 0], [1, 8, 8]).graph,
  );
  const suite = put(
    folder,
    "bounds.yaml",
    `version: 1
title: bounds
data: { source: digits }
classes: ["0", "1"]
candidates: { byte: { model: byte.onnx, input: { bounds: [-1, 1] } } }
${attacks}`,
  );
  await expect(runAudit({ suite, out: join(folder, "out") })).rejects.toThrow(
    expect.objectContaining({
      code: "DATA_BOUNDS",
      hint: expect.stringContaining("{ scale: 2, mean: 1 }"),
    }),
  );
});
