import sharp from "sharp";
import { expect, test } from "vitest";
import { AssayError, sha256 } from "#core";
import { decodeNpy } from "#data";
import type { Examples } from "#results";
import { pictures, rowsOfTables, runOf, texts } from "./cells.ts";
import { addressOf, ask, asked, opened } from "./opened.ts";

const N = 120;
const { results, cell } = runOf(N);

/** The page of the first cell, where the folder keeps these. */
async function cellOf(made: Examples | undefined | AssayError) {
  const { view } = await opened({ one: results }, () => async () => {
    if (made instanceof AssayError) throw made;
    return made;
  });
  const run = await addressOf(view, results.title);
  const home = `${run}/cells/${sha256(cell.id).slice(0, 16)}`;
  return { view, home, get: (path = "") => ask(view, home + path) };
}

const samplesIn = (body: string) =>
  [...body.matchAll(/aria-label="Sample (\d+)"/g)].map(([, i]) => Number(i));

test("samples come a page at a time, and by what became of them", async () => {
  const { get } = await cellOf(pictures(N));
  const first = await get();
  expect(samplesIn(first.body)).toEqual(
    Array.from({ length: 50 }, (_, i) => i),
  );
  expect(first.body).toContain("all: 120");
  expect(first.body).toContain("broken: 30");
  const broken = await get("?outcome=broken&from=25");
  expect(samplesIn(broken.body)).toEqual([102, 106, 110, 114, 118]);
  // The next one that was broken.
  expect(samplesIn((await get("?outcome=broken&sample=100")).body)[0]).toBe(
    102,
  );
  expect(samplesIn((await get("?sample=77")).body)[0]).toBe(77);
  const rows = await get("/rows?outcome=wrong&from=1&count=3");
  expect(samplesIn(rows.body)).toEqual([7, 11, 15]);
  expect(rows.body).not.toContain("<html");
  expect(samplesIn((await get("/rows?count=100000")).body)).toHaveLength(N);
  // What is no number, or beyond the end, is none.
  expect((await get("?from=-1&sample=x")).status).toBe(200);
  expect(samplesIn((await get("?from=5000")).body)).toEqual([]);
});

test("of pictures there are the clean, the attacked and their difference, as PNG and as arrays", async () => {
  const made = pictures(N);
  const { get, view, home } = await cellOf(made);
  const page = await get("/6");
  expect(page.body).toContain("class 6");
  expect(page.body).toContain("L∞ 0.25, L2 0.25, in 1 of its numbers");
  expect(page.body).toContain(results.cells[1]!.id.split("/")[1]);
  const values = await Promise.all(
    ["clean", "attacked", "difference"].map(async (side) => {
      const { bytes } = await asked(view, `${home}/6/${side}.png`);
      const { data, info } = await sharp(bytes)
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(info).toMatchObject({ width: 8, height: 8 });
      return [data[0], data[info.channels]];
    }),
  );
  expect(values).toEqual([
    [128, 128],
    [191, 128],
    [255, 128],
  ]);
  const { bytes, headers } = await asked(view, `${home}/attacked.npy`);
  expect(headers["content-disposition"]).toMatch(/^attachment/);
  expect(decodeNpy(bytes, "attacked.npy")).toEqual({
    type: "float32",
    ...(made.attacked as object),
  });
});

test("of texts each edit is marked, and lines are downloaded", async () => {
  const { get } = await cellOf(texts(N));
  const { body } = await get("/5");
  expect(body).toMatch(/>&lt;<\/mark>one</);
  expect(body).not.toContain("<one>");
  expect(body).toMatch(/<mark title="U\+0030">0<\/mark>/);
  expect((await get()).body).toMatch(/<mark title="U\+0030">0<\/mark>/);
  const lines = (await get("/samples.jsonl")).body.trimEnd().split("\n");
  expect(lines).toHaveLength(N);
  expect(JSON.parse(lines[5]!)).toMatchObject({
    sample: 5,
    clean: "text 5 is a good one",
    attacked: "text 5 is a g0od <one>",
    outcome: "robust",
  });
  expect((await get("/attacked.npy")).status).toBe(404);
  expect((await get("/5/clean.png")).status).toBe(404);
});

test("of rows of tables each column stands with what it became", async () => {
  const { get } = await cellOf(rowsOfTables(N));
  expect((await get()).body).toContain("age &lt;years&gt; 34 → 39.5");
  const { body } = await get("/2");
  expect(body).toMatch(/age &lt;years&gt;<\/th><td[^>]*>34<.*39\.5<.*5\.5/);
  expect(body).toMatch(/height<\/th><td[^>]*>34<.*>34<.*><\/td>/);
});

test.each([
  [undefined, "has no examples of this cell"],
  [
    new AssayError(
      "FILE_UNREADABLE",
      "suite.yaml does not exist",
      "Look there.",
    ),
    "suite.yaml does not exist. Look there.",
  ],
])(
  "where samples cannot be read, outcomes are shown with the reason",
  async (made, why) => {
    const { get } = await cellOf(made);
    const { body } = await get();
    expect(body).toContain(why);
    expect(samplesIn(body)).toHaveLength(50);
    expect(body).not.toContain("Download");
    const sample = await get("/2");
    expect(sample.body).toContain("broken");
    expect(sample.body).toContain(why);
    expect((await get("/samples.jsonl")).status).toBe(404);
  },
);

test("fewer examples than outcomes break nothing", async () => {
  const { get } = await cellOf(pictures(3));
  expect((await get()).status).toBe(200);
  expect((await get("/100")).status).toBe(200);
  expect((await get("/100/clean.png")).status).toBe(404);
});

test.each([
  "/120",
  "/-1",
  "/x",
  "/1e3",
  "/1/other.png",
  "/..%2f..%2fresults.json",
])("%s is no sample", async (path) => {
  const { get } = await cellOf(pictures(N));
  expect((await get(path)).status).toBe(404);
});
