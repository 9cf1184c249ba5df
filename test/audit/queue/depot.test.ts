import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { openDepot } from "../../../src/audit/queue/index.ts";
import { openStore } from "../../../src/audit/store.ts";
import { startBucket } from "../../bucket.ts";
import { temporaryFolder } from "../../folder.ts";

const root = temporaryFolder();
let folders = 0;

const bucket = await startBucket();
beforeEach(() => {
  bucket.objects.clear();
  bucket.asked.length = 0;
});

/** A folder of its own, whose records come by the bucket. */
async function machine(change: NodeJS.ProcessEnv = {}) {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  const damage: string[] = [];
  const store = openStore(folder, (message) => damage.push(message));
  const depot = await openDepot("s3://bucket/some where/", store, {
    ...bucket.env,
    ...change,
  });
  return { store, depot, damage };
}

const NAME = "cells/a+b.json";
const FILE = "examples/a=1.npy";
const tensor = {
  type: "float32" as const,
  dims: [2],
  data: Float32Array.of(1, 2),
};

/** A machine that has made a record with a file, and handed it on. */
async function maker() {
  const made = await machine();
  made.store.writeTensor(FILE, tensor);
  made.store.write(NAME, { sum: 3 }, [FILE]);
  await made.depot.hand(NAME);
  return made;
}

test("a record comes to another folder with its files, which are sent before it", async () => {
  await maker();
  expect(bucket.asked).toEqual([
    "PUT /bucket/some%20where/examples/a%3D1.npy",
    "PUT /bucket/some%20where/cells/a%2Bb.json",
  ]);
  const { store, depot } = await machine();
  expect(await depot.has(NAME)).toBe(true);
  expect(await depot.bring(NAME)).toBe(true);
  expect(store.read(NAME)).toEqual({ sum: 3 });
  expect(store.readTensor(FILE)).toEqual(tensor);
  const before = bucket.asked.length;
  expect(await depot.bring(NAME)).toBe(true);
  expect(bucket.asked).toHaveLength(before);
});

test("what is not there is not brought", async () => {
  const { depot } = await machine();
  expect(await depot.has(NAME)).toBe(false);
  expect(await depot.bring(NAME)).toBe(false);
});

test("what was changed in the bucket is not taken, and is replaced by what is made again", async () => {
  const { depot } = await maker();
  const [file] = bucket.objects.keys();
  bucket.objects.get(file!)![100]! ^= 1;
  const other = await machine();
  expect(await other.depot.bring(NAME)).toBe(false);
  expect(other.damage).toHaveLength(1);
  await depot.hand(NAME);
  expect(await other.depot.bring(NAME)).toBe(true);
});

test("a record that names a file outside of its folder is refused", async () => {
  const { store, depot } = await machine();
  writeFileSync(join(root, "outside"), "x");
  store.write("r.json", {}, ["../outside"]);
  const text = readFileSync(store.path("r.json"));
  rmSync(store.path("r.json"));
  bucket.objects.set("/bucket/some%20where/r.json", text);
  rmSync(join(root, "outside"));
  await expect(depot.bring("r.json")).rejects.toMatchObject({
    code: "STORE_LACKS",
  });
});

test("a bucket that is busy is asked again", async () => {
  const { depot } = await maker();
  bucket.faults.push(503, 500);
  expect(await depot.has(NAME)).toBe(true);
});

test("keys that are wrong or absent, addresses that are none and a bucket that is not there are said", async () => {
  const secret = "not/the/key";
  const { depot } = await machine({ AWS_SECRET_ACCESS_KEY: secret });
  const refused = await depot.has(NAME).catch((error) => error);
  expect(refused).toMatchObject({
    code: "STORE_UNREACHABLE",
    message: expect.stringContaining("403"),
  });
  expect(JSON.stringify(refused)).not.toContain(secret);
  await expect(machine({ AWS_ACCESS_KEY_ID: "" })).rejects.toMatchObject({
    code: "STORE_KEYS",
  });
  const { store } = await machine();
  await expect(openDepot("/a/folder", store, bucket.env)).rejects.toMatchObject(
    {
      code: "STORE_URL",
    },
  );
  const nowhere = await machine({ AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1" });
  await expect(nowhere.depot.bring(NAME)).rejects.toMatchObject({
    code: "STORE_UNREACHABLE",
  });
});
