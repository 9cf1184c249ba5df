import { join } from "node:path";
import { expect, test } from "vitest";
import { type AuditEvent, type Results, runAudit } from "#audit";
import { resultsSchema } from "#results";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();
const path = put(
  folder,
  "suite.yaml",
  `
version: 1
title: trials
seed: 3
data: { source: digits }
classes: ["5", "6", "7"]
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 2 }
candidates:
  full: { strategy: full, epochs: 3 }
trials:
  flips: { attack: { id: label-flip, budgets: [0.2, 0.6] } }
  relearn:
    attack:
      id: further-tuning
      undo: { what: class, class: "7" }
      steps: [1, 30]
      learningRates: [0.001]
      samples: [40]
      seeds: 1
      keep: 1
    repairs: [none, forget]
  bits: { attack: { id: bit-flips, levels: [1, 4], examples: { steps: 3 } }, repairs: [none] }
repairs:
  knn: [label-sanitisation]
  forget: [{ id: unlearn, class: "7" }]
`,
);

const timeless = ({ trials }: Results) =>
  trials.map((t) => ({ ...t, seconds: 0 }));

test("trials are measured with and without each repair, kept, and the same again", async () => {
  const out = join(folder, "out");
  const results = await runAudit({ suite: path, out });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(results.trials.map((t) => t.id)).toEqual([
    "full/none/flips",
    "full/knn/flips",
    "full/forget/flips",
    "full/none/relearn",
    "full/forget/relearn",
    "full/none/bits",
  ]);
  const cost = (id: string) =>
    results.trials
      .find((t) => t.id === id)
      ?.findings.find((f) => f.role === "headline")?.value;
  // A class that was never unlearnt needs no bringing back.
  expect(cost("full/none/relearn")).toBe(0);
  expect(cost("full/forget/relearn")).not.toBe(0);
  const events: AuditEvent[] = [];
  const again = await runAudit({
    suite: path,
    out,
    only: ["full/none/*"],
    onEvent: (e) => events.push(e),
  });
  expect(again.trials.length).toBe(3);
  const states = events.flatMap((e) =>
    e.kind === "work" && e.of === "trial" ? [e.state] : [],
  );
  expect(states).toEqual(["kept", "kept", "kept"]);
  const fresh = await runAudit({ suite: path, out: join(folder, "other") });
  expect(timeless(fresh)).toEqual(timeless(results));
});

test("refuses names that a suite does not define", async () => {
  const bad = put(
    folder,
    "bad.yaml",
    `version: 1
title: bad
data: { source: digits }
base: { pretrain: { architecture: small-cnn }, classes: ["0", "1"] }
candidates: { full: { strategy: full } }
trials: { flips: { attack: label-flip, repairs: [mend] } }
`,
  );
  await expect(
    runAudit({ suite: bad, out: join(folder, "bad") }),
  ).rejects.toThrow(/trials.flips.repairs names "mend"/);
});
