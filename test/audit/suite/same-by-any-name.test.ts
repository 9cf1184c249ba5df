import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { Random } from "#core";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

/**
 * What a small audit finds of a table whose columns, classes and units have these
 * names.
 */
async function found(
  [a, b, c]: readonly string[],
  [x, y, z]: readonly string[],
  [one, two, task, attack]: readonly string[],
) {
  const random = new Random(1);
  const lines = Array.from({ length: 150 }, (_, i) => {
    const row = [0, 1, 2].map(
      (k) => (k === i % 3 ? 0.5 : 0) + random.uniform() / 2,
    );
    return [...row, [x, y, z][i % 3]].join();
  });
  put(folder, "t.csv", [[a, b, c, "label"].join(), ...lines].join("\n"));
  const quoted = (names: unknown[]) => names.map((n) => JSON.stringify(n));
  const [first, second, third] = quoted([x, y, z]);
  const data = `{ source: csv, path: t.csv, label: label, classes: [${first}, ${second}, ${third}], columns: { ${quoted([c, a, b]).join(": number, ")}: number } }`;
  const suite = put(
    folder,
    "suite.yaml",
    `version: 1
title: names
data: ${data}
sourceData: ${data}
base: { pretrain: { architecture: mlp, epochs: 2 } }
candidates:
  ${one}: { strategy: full, epochs: 2, learningRate: 0.01, classWeights: { ${second}: 2, ${first}: 3 } }
  ${two}: { strategy: full, epochs: 2, learningRate: 0.01, tasks: [main, ${task}], taskWeights: { id: fixed, weights: { ${task}: 2 } } }
tasks: { ${task}: { relabel: { classes: { ${third}: [${first}], ${first}: [${second}, ${third}] } } } }
threatModels: { ${one}: { norm: linf, eps: 0.1 } }
attacks: { ${attack}: fgsm }
samples: 30
`,
  );
  const { candidates, cells } = await runAudit({
    suite,
    out: join(folder, `out-${one}`),
  });
  return [
    candidates.map((m) => m.history.map((h) => h.trainLoss)),
    cells.map((cell) => cell.robustAccuracy),
  ];
}

// A head draws from a generator of its task, whose name is the same in both.
test("an audit finds the same whatever things are called", async () => {
  const plainly = await found(
    ["a", "b", "c"],
    ["x", "y", "z"],
    ["one", "two", "valueOf", "attack"],
  );
  const strangely = await found(
    ["2024", "__proto__", "10"],
    ["10", "constructor", "__proto__"],
    ["toString", "constructor", "valueOf", "hasOwnProperty"],
  );
  expect(strangely).toEqual(plainly);
});
