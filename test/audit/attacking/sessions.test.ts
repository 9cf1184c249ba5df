import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { jsonText } from "#core";
import { type Engine, onnxruntime } from "#engine";
import { saveModel } from "#model";
import { temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();

/** An engine that counts sessions: all, those open, and the most that were open. */
function counting() {
  const sessions = { all: 0, open: 0, most: 0 };
  const engine: Engine = {
    ...onnxruntime,
    async load(graph, options) {
      const session = await onnxruntime.load(graph, options);
      sessions.all++;
      sessions.open++;
      sessions.most = Math.max(sessions.most, sessions.open);
      return {
        run: (feeds) => session.run(feeds),
        async release() {
          sessions.open--;
          await session.release();
        },
      };
    },
  };
  return { engine, sessions };
}

async function audited(count: number) {
  const model = await reference();
  const ids = Array.from({ length: count }, (_, i) => `c${i}`);
  // Of other names, so that nothing that is said of one is said of all.
  for (const id of ids)
    saveModel(join(folder, `${id}.onnx`), {
      ...model,
      graph: { ...model.graph, name: id },
    });
  const suite = join(folder, `suite-${count}.yaml`);
  writeFileSync(
    suite,
    jsonText({
      version: 1,
      title: "sessions",
      data: { source: "digits" },
      classes: ["0", "1", "2", "3", "4"],
      samples: 6,
      candidates: Object.fromEntries(
        ids.map((id) => [id, { model: `${id}.onnx` }]),
      ),
      defenses: { bits: [{ id: "bit-depth", bits: 3 }] },
      threatModels: { small: { norm: "linf", eps: 0.05 } },
      attacks: { fgsm: "fgsm", noise: { id: "noise", draws: 1 } },
    }),
  );
  const { engine, sessions } = counting();
  const out = join(folder, `out-${count}`);
  const { failures = [] } = await runAudit({ suite, out, engine });
  expect(failures).toEqual([]);
  return sessions;
}

test("no session outlives a run, and more candidates leave no more open", async () => {
  const [few, many] = [await audited(4), await audited(12)];
  expect(few.open).toBe(0);
  expect(many.open).toBe(0);
  expect(many.all).toBeGreaterThan(2.6 * few.all);
  // Works begin in an order that hangs on the time that others took, and some need a
  // session more. One that is left open of each candidate would be eight.
  expect(many.most).toBeLessThanOrEqual(few.most + 4);
});
