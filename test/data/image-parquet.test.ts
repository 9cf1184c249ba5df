import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type DataSpecInput, dataSpecSchema, loadDataset } from "#data";
import { isStreamed, takeRows } from "#onnx";
import { memory } from "../../src/data/image-files.ts";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
const usual = memory.bytes;

beforeEach(() => {
  vi.stubEnv("ASSAY_CACHE", join(home, "cache"));
});
afterEach(() => {
  memory.bytes = usual;
  vi.unstubAllEnvs();
});

const encoded = await Promise.all(
  Array.from({ length: 9 }, (_, i) =>
    sharp(
      Uint8Array.from({ length: 3 * 20 * 30 }, (_, k) => (k * (i + 3)) & 255),
      { raw: { width: 30, height: 20, channels: 3 } },
    )
      .png()
      .toBuffer(),
  ),
);
const labels = encoded.map((_, i) => BigInt(i % 2));

/** As `datasets` writes it: a structure of bytes and path, and a number of a class. */
function written(from: number, to: number, images = encoded): Uint8Array {
  const features = { label: { names: ["cat", "dog"], _type: "ClassLabel" } };
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: "root", num_children: 2 },
        { name: "image", num_children: 2, repetition_type: "OPTIONAL" },
        { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
        {
          name: "path",
          type: "BYTE_ARRAY",
          converted_type: "UTF8",
          repetition_type: "OPTIONAL",
        },
        { name: "label", type: "INT64", repetition_type: "OPTIONAL" },
      ],
      columnData: [
        {
          name: "image",
          data: images.slice(from, to).map((bytes, i) => ({
            bytes: new Uint8Array(bytes),
            path: `${i}.png`,
          })),
        },
        { name: "label", data: labels.slice(from, to) },
      ],
      rowGroupSize: 2,
      kvMetadata: [
        { key: "huggingface", value: JSON.stringify({ info: { features } }) },
      ],
    }),
  );
}

const read = (more: object) =>
  loadDataset(
    dataSpecSchema.parse({
      source: "image-parquet",
      ...more,
    } as DataSpecInput),
    home,
  );

test.each(["held", "streamed"])(
  "images in shards are those of the same files in a folder, %s",
  async (how) => {
    for (const [i, bytes] of encoded.entries())
      put(home, `folder/${i % 2 ? "dog" : "cat"}/${i}.png`, bytes);
    put(home, "a.parquet", written(0, 5));
    put(home, "b.parquet", written(5, 9));
    const pipeline = "imagenet";
    const spec = { path: ["a.parquet", "b.parquet"], pipeline };
    const folder = await loadDataset(
      { source: "image-folder", path: "folder", pipeline },
      home,
    );
    if (how === "streamed") memory.bytes = 64;
    const shards = await read(spec);
    expect(isStreamed(shards.x)).toBe(how === "streamed");
    expect(shards.classes).toEqual(["cat", "dog"]);
    expect(Array.from(shards.y)).toEqual(labels.map(Number));
    // A folder has cats first.
    const order = [0, 2, 4, 6, 8, 1, 3, 5, 7];
    const there = takeRows(shards.x, order).data;
    const here = takeRows(folder.x, [...order.keys()]).data;
    expect(there.every((v, i) => v === here[i])).toBe(true);
    expect(there.length).toBe(9 * 3 * 224 * 224);
  },
);

test("what is wrong is named by file and row, and no room is refused", async () => {
  put(home, "a.parquet", written(0, 5));
  const broken = encoded.map((bytes, i) =>
    i === 7 ? bytes.subarray(9) : bytes,
  );
  put(home, "b.parquet", written(5, 9, broken));
  const spec = { path: ["a.parquet", "b.parquet"], size: 4 };
  await expect(read(spec)).rejects.toThrow(
    /b\.parquet, row 3 is not a PNG, JPEG or WebP image/,
  );
  await expect(read({ ...spec, image: "picture" })).rejects.toThrow(
    /a\.parquet has no column "picture"/,
  );
  memory.bytes = 64;
  await expect(read({ path: "a.parquet", size: 4, cache: 0 })).rejects.toThrow(
    /a\.parquet, row 1 and the 4 others take 240 bytes .* kept nowhere/,
  );
  const { x } = await read({ path: "a.parquet", size: 4 });
  writeFileSync(join(home, "a.parquet"), readFileSync(join(home, "b.parquet")));
  // What was decoded is kept, whatever becomes of the file.
  expect(takeRows(x, [4]).data).toHaveLength(48);
});
