import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openView } from "#view";
import { put, temporaryFolder } from "../folder.ts";
import { exampleResults, hostile } from "../reports/results.ts";
import { addressOf, ask, opened } from "./opened.ts";

const results = exampleResults(() => ({ title: "Everything at once" }));
const failed = exampleResults(() => ({
  title: "The one that failed",
  gate: { verdict: "failed", rules: [] },
}));

test("runs are found below a folder, and searched by what is said of them", async () => {
  const { view } = await opened({ one: results, "deep/er/two": failed });
  expect(view.runs).toBe(2);
  expect((await ask(view, "/")).body).toContain("2 runs");
  const { body } = await ask(view, "/?q=FAILED+that");
  expect(body).toContain("1 of 2 runs");
  expect(body).toContain("The one that failed");
  expect(body).not.toContain("Everything at once");
  expect((await ask(view, "/?q=nobody-has-this")).body).toContain("0 of 2");
});

test("a run shows its gate and its cells, and its report is made of its results", async () => {
  const { view } = await opened({ one: failed });
  const address = await addressOf(view, "The one that failed");
  const { body } = await ask(view, address);
  expect(body).toContain("Gate: failed");
  expect(body).toContain("head-only");
  expect(body).toContain("not trusted");
  const report = await ask(view, `${address}/report`);
  expect(report.status).toBe(200);
  expect(report.body).toContain("<h1>The one that failed</h1>");
  expect(report.body).toContain('http-equiv="Content-Security-Policy"');
  const document = await ask(view, `${address}/results.json`);
  expect(JSON.parse(document.body)).toEqual(JSON.parse(JSON.stringify(failed)));
});

test("text from outside stays text", async () => {
  const { view } = await opened({
    one: { ...results, title: hostile.script },
    two: { ...results, title: hostile.image },
  });
  const { body } = await ask(view, `/?q=${encodeURIComponent(hostile.image)}`);
  expect(body).not.toContain("<script>alert");
  expect(body).not.toContain("<img");
});

test("what is no results document is a line in the list, and ends nothing", async () => {
  const { view, folder } = await opened({
    good: results,
    rotten: "{",
    other: "[]",
    later: JSON.stringify({ ...results, schemaVersion: "9.0" }),
  });
  const { status, body } = await ask(view, "/");
  expect(status).toBe(200);
  expect(body.match(/unreadable<\/span>/g)).toHaveLength(3);
  expect(body).toContain("is no JSON");
  expect(body).toContain("has the results of version 9.0");
  const [, id] = /<a href="\/runs\/(\w+)">[^<]*rotten</.exec(body)!;
  const run = await ask(view, `/runs/${id}`);
  expect(run.status).toBe(422);
  expect(run.body).toContain("is no JSON");
  // It is read again once it is as it should be.
  writeFileSync(
    join(folder, "rotten", "results.json"),
    JSON.stringify({ ...results, title: "It is whole again" }),
  );
  expect((await ask(view, "/")).body).toContain("It is whole again");
  rmSync(join(folder, "good"), { recursive: true });
  expect((await ask(view, "/")).body).not.toContain("1 of");
});

test("links are not followed out of the folders that were named", async () => {
  const outside = temporaryFolder();
  put(outside, "secret/results.json", JSON.stringify(failed));
  const { view, folder } = await opened({ one: results });
  symlinkSync(join(outside, "secret"), join(folder, "link"));
  mkdirSync(join(folder, "run"));
  symlinkSync(
    join(outside, "secret", "results.json"),
    join(folder, "run", "results.json"),
  );
  const { body } = await ask(view, "/");
  expect(body).toContain("1 runs");
  expect(body).not.toContain("The one that failed");
});

test("two runs are compared, and what is not comparable says why", async () => {
  const { view } = await opened({
    one: results,
    two: { ...failed, classes: results.classes.map((name) => `${name}2`) },
  });
  const [one, two] = await Promise.all(
    [results.title, failed.title].map((title) => addressOf(view, title)),
  );
  const path = (old: string, now: string) =>
    `/compare?old=${old.slice(6)}&new=${now.slice(6)}`;
  const same = await ask(view, path(one!, one!));
  expect(same.status).toBe(200);
  expect(same.body).toContain("became worse");
  const other = await ask(view, path(one!, two!));
  expect(other.body).toContain("not comparable");
  expect(other.body).toContain("the classes differ");
  expect((await ask(view, "/compare?old=x")).status).toBe(400);
});

test("a folder that is not there is refused, and a port that is taken", async () => {
  const { view } = await opened({ one: results });
  const examples = () => async () => undefined;
  await expect(
    openView({ paths: ["/no/such/folder"], port: 0, examples }),
  ).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  const port = Number(new URL(view.address).port);
  await expect(
    openView({ paths: [temporaryFolder()], port, examples }),
  ).rejects.toMatchObject({ code: "PORT_TAKEN" });
});
