import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Results } from "#results";
import { wandb } from "../../reports/reporters/wandb.ts";
import { logOf } from "../../reports/wandb/log.ts";
import { put, temporaryFolder } from "../folder.ts";
import { runs } from "../runs.ts";
import { names, resultsNamed } from "./names.ts";
import { filesOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";
import { type Seen, withServer } from "./server.ts";
import { recordsIn } from "./wandb-log.ts";

test("records of any size are read from the log as they were written", () => {
  // Around the ends of blocks, and over several of them.
  const size = fc.oneof(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 32_700, max: 32_800 }),
    fc.integer({ min: 0, max: 150_000 }),
  );
  fc.assert(
    fc.property(fc.array(size, { maxLength: 6 }), (sizes) => {
      const records = sizes.map((length, i) =>
        Buffer.from(Uint8Array.from({ length }, (_, k) => 7 * k + i)),
      );
      const read = recordsIn(logOf(records));
      expect(read.map(({ length }) => length)).toEqual(sizes);
      expect(read.every((record, i) => record.equals(records[i]!))).toBe(true);
    }),
    runs(10),
  );
});

test("a block whose rest is a head, or less, ends as LevelDB ends it", () => {
  // 7 bytes of the file and 7 of the piece, then what is left of the block.
  for (const left of [8, 7, 6, 1, 0]) {
    const first = Buffer.alloc(32_768 - 14 - left, 1);
    const second = Buffer.alloc(40_000, 2);
    const read = recordsIn(logOf([first, second]));
    expect(Buffer.concat(read).equals(Buffer.concat([first, second]))).toBe(
      true,
    );
    expect(read).toHaveLength(2);
  }
});

type Value = number | Buffer;

/** The fields of a message, in order. */
function fieldsOf(bytes: Uint8Array): [field: number, value: Value][] {
  const reader = new BinaryReader(bytes);
  const fields: [number, Value][] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.Varint) fields.push([field, Number(reader.int64())]);
    else if (type === WireType.LengthDelimited)
      fields.push([field, Buffer.from(reader.bytes())]);
    else throw new Error(`field ${field} of type ${type}`);
  }
  return fields;
}
const all = (bytes: Value | undefined, field: number) =>
  fieldsOf(bytes as Buffer).flatMap(([at, value]) =>
    at === field ? [value] : [],
  );
const text = (value: Value | undefined) => String(value ?? "");
/** ConfigItem, SummaryItem and HistoryItem have the same fields. */
const items = (bytes: Value | undefined, field = 1) =>
  new Map(
    all(bytes, field).map((item) => [
      text(all(item, 1)[0]),
      JSON.parse(text(all(item, 16)[0])) as unknown,
    ]),
  );

/** The runs in what the reporter writes, by the fields of wandb_internal.proto. */
async function written(results: Results) {
  const files = await filesOf(wandb, results);
  return [...files].map(([name, content]) => {
    const records = recordsIn(content as Uint8Array).map(fieldsOf);
    expect(records.map(([number]) => number)).toEqual(
      records.map((_, i) => [1, i + 1]),
    );
    const bodies = records.map(([, body, ...more]) => {
      expect(more).toEqual([]);
      return body!;
    });
    const of = (field: number) =>
      bodies.flatMap(([at, body]) => (at === field ? [body] : []));
    const kinds = bodies.map(([field]) => field);
    const [run] = of(17);
    return {
      name,
      kinds,
      id: text(all(run, 1)[0]),
      project: text(all(run, 3)[0]),
      group: text(all(run, 6)[0]),
      job: text(all(run, 7)[0]),
      title: text(all(run, 8)[0]),
      notes: text(all(run, 9)[0]),
      start: all(all(run, 17)[0], 1)[0],
      config: items(all(run, 4)[0]),
      steps: of(2).map((step) => all(all(step, 2)[0], 1)[0]),
      history: of(2).map((step) => items(step)),
      summary: items(of(3)[0]),
      exit: fieldsOf(of(18)[0] as Buffer),
    };
  });
}

test("an audit and its candidates are offline runs of one group, where wandb looks for them", async () => {
  const results = exampleResults();
  const [audit, ...candidates] = await written(results);
  const all = [audit!, ...candidates];
  const start = Date.parse(results.timing.startedAt) / 1000;
  const time = results.timing.startedAt
    .slice(0, 19)
    .replaceAll(/[-:]/g, "")
    .replace("T", "_");
  for (const { id, name, kinds, ...run } of all) {
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(name).toBe(`offline-run-${time}-${id}/run-${id}.wandb`);
    expect(kinds).toEqual([17, ...run.history.map(() => 2), 3, 18]);
    expect(run.project).toBe("assay");
    expect(run.group).toBe(audit!.group);
    expect(run.notes).toContain("failed");
    expect(run.start).toBe(Math.floor(start));
    expect(run.exit).toEqual([
      [1, 0],
      [2, Math.round(Date.parse(results.timing.finishedAt) / 1000 - start)],
    ]);
    for (const [i, step] of run.history.entries())
      expect(step.get("_step")).toBe(run.steps[i]);
  }
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  expect(all.map(({ job }) => job)).toEqual([
    "audit",
    ...candidates.map(() => "candidate"),
  ]);
  expect(candidates.map(({ title }) => title)).toEqual(
    results.candidates.map(({ id }) => id),
  );
});

test("the same results are the same bytes, and others are other runs", async () => {
  const [one, two, other] = await Promise.all(
    [
      exampleResults(),
      exampleResults(),
      exampleResults(() => ({ title: "Other" })),
    ].map((results) => filesOf(wandb, results)),
  );
  expect(two).toEqual(one);
  for (const name of other!.keys()) expect(one!.has(name)).toBe(false);
});

test("numbers have their intervals, and one that is not trusted has no key of one that is", async () => {
  const results = exampleResults();
  const [audit, ...candidates] = await written(results);
  const { summary } = candidates[1]!;
  expect(summary.get("robust_accuracy/none/linf-0.1 not trusted")).toBe(0.2);
  expect(summary.has("robust_accuracy/none/linf-0.1")).toBe(false);
  expect(summary.get("robust_accuracy/median/linf-0.2/low")).toBeLessThan(0.2);
  expect(summary.get("trial/flips/none/accuracy not trusted")).toBe(0.3);
  const own = results.cells.filter(({ candidate }) => candidate === "full");
  for (const { defense, attack, threatModel, adaptive, ...cell } of own) {
    const key = `cell/${defense}/${attack}/${threatModel.id}${adaptive ? "" : "/as_is"}`;
    const said = (bound: string) =>
      cell.trusted ? bound : `${bound} not trusted`;
    const { value, low, high } = cell.robustAccuracy;
    expect(summary.get(said(key))).toBe(value);
    expect(summary.get(said(`${key}/low`))).toBe(low);
    expect(summary.get(said(`${key}/high`))).toBe(high);
    expect(summary.has(key)).toBe(cell.trusted);
    expect(summary.has(`${key}/why_not_trusted`)).toBe(!cell.trusted);
  }
  expect(audit!.history).toHaveLength(results.cells.length);
  for (const [i, step] of audit!.history.entries()) {
    const { id, trusted, robustAccuracy } = results.cells[i]!;
    expect(step.get("cell")).toBe(id);
    const key = trusted ? "robust_accuracy" : "robust_accuracy not trusted";
    expect(step.get(key)).toBe(robustAccuracy.value);
    expect(step.has("robust_accuracy")).toBe(trusted);
  }
  expect(audit!.config.get("assay.verdict")).toBe("failed");
  expect(audit!.config.get("attacks")).toContainEqual({
    id: "pgd",
    params: { steps: 10 },
  });
  expect(audit!.summary.get("missing results")).toBe(2);
});

test("every accuracy of a smoke run has a key that says that it is of one", async () => {
  const smoke = { samples: 10, quick: true };
  const found = await written(exampleResults(() => ({ smoke })));
  for (const { summary, history } of found)
    for (const about of [summary, ...history])
      for (const key of about.keys())
        if (
          /accuracy|^cell\/|^trial\//.test(key) &&
          !/validation|why/.test(key)
        )
          expect(key).toMatch(/ smoke run\b/);
});

test("the steps of a candidate are its epochs, with robustness along them", async () => {
  const full = (await written(exampleResults()))[2]!;
  expect(full.steps).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  const first = full.history[0]!;
  expect(first.get("train_loss")).toBe(2);
  expect(first.get("trainable")).toEqual(["head"]);
  const along = "robust_accuracy_along/pgd/linf-0.1";
  expect(first.get(along)).toBe(0.2);
  expect(full.history[1]!.has(along)).toBe(false);
  expect(full.history[3]!.get(`${along} not trusted`)).toBe(0.8);
});

test("any names stay to be read", async () => {
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const found = await written(resultsNamed(name));
      const sound = name.replace(/\p{Cs}/gu, "\ufffd");
      expect(found.map(({ title }) => title)).toContain(sound);
      expect(found[0]!.history.map((step) => step.get("candidate"))).toContain(
        sound,
      );
    }),
    runs(10),
  );
});

/** The command wandb of PyPI's package, where a person has one: WANDB=path of it. */
const { WANDB: command, ASSAY_LONG } = process.env;
if (ASSAY_LONG && !command)
  console.warn(
    "no WANDB, the path of the command wandb: its sync is not tried",
  );

/** What a server of Weights & Biases answers to sync; it holds what comes. */
function server() {
  type Run = {
    displayName: string;
    groupName: string;
    jobType: string;
    notes: string;
    config: string;
  };
  const upserts = new Map<string, Run>();
  const history = new Map<string, Map<string, unknown>[]>();
  const summary = new Map<string, unknown>();
  const exits = new Map<string, unknown>();
  const answer = ({ path, body }: Seen): readonly [number, unknown] => {
    if (path === "/graphql") {
      const { operationName, variables } = body as never as {
        operationName: string;
        variables: Run & { name: string };
      };
      if (operationName !== "UpsertBucket") return [200, { data: {} }];
      // Later ones say only what changes.
      const { name } = variables;
      if (!upserts.has(name)) upserts.set(name, variables);
      const project = { name: "assay", entity: { name: "me" } };
      const bucket = { id: name, name, project, historyLineCount: 0 };
      return [200, { data: { upsertBucket: { bucket, inserted: true } } }];
    }
    const [, id] = /^\/files\/me\/assay\/(\w+)\/file_stream$/.exec(path)!;
    const { files = {}, ...rest } = body as never as {
      files?: Record<string, { content: string[] }>;
      exitcode?: number;
    };
    const lines = (name: string) =>
      (files[name]?.content ?? []).map((line) => JSON.parse(line));
    const before = history.get(id!) ?? [];
    const rows = lines("wandb-history.jsonl").map(
      (row) => new Map(Object.entries(row)),
    );
    history.set(id!, [...before, ...rows]);
    for (const one of lines("wandb-summary.json")) summary.set(id!, one);
    if (rest.exitcode !== undefined) exits.set(id!, rest.exitcode);
    return [200, {}];
  };
  return { upserts, history, summary, exits, answer };
}

const home = temporaryFolder();

if (ASSAY_LONG && command)
  test("wandb sync of PyPI takes the runs, with all that is in them", async () => {
    const results = exampleResults();
    const root = join(home, "wandb");
    for (const [name, content] of await filesOf(wandb, results))
      put(root, name, content);
    const { upserts, history, summary, exits, answer } = server();
    await withServer(answer, async (address) => {
      const folders = readdirSync(root).map((name) => join(root, name));
      await promisify(execFile)(command!, ["sync", ...folders], {
        env: {
          PATH: process.env.PATH,
          HOME: home,
          WANDB_BASE_URL: address,
          WANDB_API_KEY: "0".repeat(40),
          WANDB_ERROR_REPORTING: "false",
        },
      });
    });
    const runs = await written(results);
    expect(upserts.size).toBe(runs.length);
    for (const run of runs) {
      const seen = upserts.get(run.id)!;
      expect(seen.displayName).toBe(run.title);
      expect(seen.groupName).toBe(run.group);
      expect(seen.jobType).toBe(run.job);
      expect(seen.notes).toBe(run.notes);
      const config = JSON.parse(seen.config);
      for (const [key, value] of run.config)
        expect(config[key].value).toEqual(value);
      expect(history.get(run.id)).toEqual(run.history);
      expect(summary.get(run.id)).toMatchObject(
        Object.fromEntries(run.summary),
      );
      expect(exits.get(run.id)).toBe(0);
    }
  });
