import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Reporter, reporters } from "#reports";
import { outputsOf, write } from "../../src/cli/reporters.ts";
import { temporaryFolder } from "../folder.ts";
import { exampleResults } from "../reports/results.ts";

const folder = temporaryFolder();
let count = 0;
const results = exampleResults();
const title: Reporter = {
  id: "title",
  title: "The title alone",
  reference: "-",
  file: "title.txt",
  render: (found) => found.title,
};

test("a run writes the usual forms into its folder, and another where it is told to", async () => {
  const out = join(folder, String(count++));
  const other = join(out, "deep", "other.md");
  const printed = await write(
    results,
    outputsOf([`markdown:${other}`, "title", "html"], out, [
      ...reporters,
      title,
    ]),
  );
  expect(printed).toEqual([]);
  const read = (name: string) => readFileSync(join(out, name), "utf8");
  expect(JSON.parse(read("results.json"))).toEqual(
    JSON.parse(JSON.stringify(results)),
  );
  expect(read("deep/other.md")).toBe(read("summary.md"));
  expect(read("title.txt")).toBe(results.title);
  expect(read("report.html")).toMatch(/^<!doctype html>/i);
});

test("what goes to - is printed, each form once", async () => {
  const out = join(folder, String(count++));
  const printed = await write(
    results,
    outputsOf(["title:-", "title:-"], out, [title]),
  );
  expect(printed).toEqual([results.title]);
});

test("what is no reporter, and two that write one file, are refused by name", () => {
  expect(() => outputsOf(["htlm"], "out")).toThrow(
    /there is no reporter "htlm"/,
  );
  expect(() => outputsOf(["html:a", "markdown:./a"], "out")).toThrow(
    /would be written by html and by markdown/,
  );
  expect(() => outputsOf(["json:-", "html:-"], "out")).toThrow(
    /the standard output/,
  );
});

test("a reporter that throws is named", async () => {
  const broken: Reporter = {
    ...title,
    id: "broken",
    render: () => {
      throw new Error("no title");
    },
  };
  const outputs = outputsOf(["broken"], join(folder, String(count++)), [
    broken,
  ]);
  await expect(write(results, outputs)).rejects.toThrow(
    'the reporter "broken" failed: no title',
  );
});

test("results are sent to an address, by what can send them", async () => {
  const sent: string[] = [];
  const sender: Reporter = {
    ...title,
    send: async (found, _, address) => {
      sent.push(`${found.schemaVersion} to ${address}`);
      throw new Error("refused");
    },
  };
  const outputs = outputsOf(["title:http://127.0.0.1:5000/a"], "out", [sender]);
  const warnings: string[] = [];
  const own = outputs.filter(({ isUsual }) => !isUsual);
  await write(results, own, undefined, (message) => warnings.push(message));
  expect(sent).toEqual([`${results.schemaVersion} to http://127.0.0.1:5000/a`]);
  expect(warnings).toEqual(["the results were not sent by title: refused"]);
  expect(() => outputsOf(["title:http://a"], "out", [title])).toThrow(
    /sent to no server/,
  );
});

test("files of a folder are written below it, and are not printed", async () => {
  const many: Reporter = {
    ...title,
    id: "many",
    async *render() {
      yield { name: "a.txt", content: "a" };
      yield { name: "deep/b.bin", content: Uint8Array.of(1, 2) };
    },
  };
  const out = join(folder, String(count++));
  await write(results, outputsOf([`many:${out}/x`], out, [many]));
  expect(readFileSync(join(out, "x", "a.txt"), "utf8")).toBe("a");
  expect([...readFileSync(join(out, "x", "deep", "b.bin"))]).toEqual([1, 2]);
  await expect(
    write(results, outputsOf(["many:-"], out, [many])),
  ).rejects.toThrow(/cannot be printed/);
});
