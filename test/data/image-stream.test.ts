import {
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Random } from "#core";
import { type Dataset, loadDataset, splitDataset } from "#data";
import { isStreamed, rows, takeRows } from "#onnx";
import { memory } from "../../src/data/image-files.ts";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
const usual = memory.bytes;
let folders = 0;

beforeEach(() => {
  memory.bytes = 64;
  vi.stubEnv("ASSAY_CACHE", join(home, `cache-${folders}`));
});
afterEach(() => {
  memory.bytes = usual;
  vi.unstubAllEnvs();
});

const colours = ["#ff8000", "#001122", "#ffffff", "#345678", "#00ff00"];

/** A folder of images of two classes. */
async function images(count = 10): Promise<string> {
  const folder = join(home, `set-${folders++}`);
  for (let i = 0; i < count; i++) {
    const background = colours[i % colours.length]!;
    const image = sharp({
      create: { width: 6 + i, height: 5, channels: 3, background },
    });
    put(folder, `${i % 2}/${i}.png`, await image.png().toBuffer());
  }
  return folder;
}

const read = (path: string, more: object = {}): Promise<Dataset> =>
  loadDataset({ source: "image-folder", path, size: 4, ...more }, home);

const kept = () => {
  const folder = join(process.env.ASSAY_CACHE as string, "images");
  return existsSync(folder)
    ? readdirSync(folder).map((name) => join(folder, name))
    : [];
};

test.each([0, 1])(
  "many images are read as few are, with %d GiB",
  async (cache) => {
    const path = await images();
    memory.bytes = usual;
    const whole = await read(path);
    memory.bytes = 64;
    const streamed = await read(path, { cache });
    expect(isStreamed(streamed.x)).toBe(true);
    expect(streamed.fingerprint).toBe(whole.fingerprint);
    expect(streamed.x.data).toEqual(whole.x.data);
    // Whatever was said to come next, and in whichever order rows are asked for.
    if (isStreamed(streamed.x)) streamed.x.ahead([9, 1]);
    if (isStreamed(streamed.x)) streamed.x.ahead([2, 3]);
    for (const some of [[3, 3, 0], [9, 1], [2, 3], [5]])
      expect(takeRows(streamed.x, some)).toEqual(takeRows(whole.x, some));
    expect(rows(streamed.x, 2, 5).data).toEqual(rows(whole.x, 2, 5).data);
    const parts = splitDataset(
      streamed,
      { train: 0.6, validation: 0.2, test: 0.2 },
      new Random(0),
    );
    expect(parts.train.y.length).toBe(6);
  },
);

test("decoded images are used again, and anew where an image changes", async () => {
  const path = await images();
  const { fingerprint } = await read(path);
  const before = kept();
  expect(before.map((file) => file.replace(/.*\./, ""))).toEqual(["pixels"]);
  const written = readFileSync(before[0]!);
  expect((await read(path)).fingerprint).toBe(fingerprint);
  expect(kept()).toEqual(before);
  expect(readFileSync(before[0]!)).toEqual(written);
  writeFileSync(
    join(path, "0", "0.png"),
    await sharp(join(path, "1", "3.png"))
      .png()
      .toBuffer(),
  );
  expect((await read(path)).fingerprint).not.toBe(fingerprint);
  expect(kept()).toHaveLength(2);
});

test("decoded images that are not whole, or not as they were, do not count", async () => {
  const path = await images();
  const { fingerprint, x } = await read(path);
  const [file] = kept() as [string];
  const bytes = readFileSync(file);
  bytes[50] = bytes[50]! ^ 1;
  writeFileSync(file, bytes);
  expect(() => takeRows(x, [0, 1])).toThrow(
    /\.pixels does not hold .*0\/2\.png as it was decoded/,
  );
  expect(takeRows(x, [0]).data).toHaveLength(48);
  truncateSync(file, bytes.length - 1);
  expect((await read(path)).fingerprint).toBe(fingerprint);
});

test("whoever allows no room has images decoded, were they kept before", async () => {
  const path = await images();
  const { fingerprint, x } = await read(path);
  const [file] = kept() as [string];
  const anew = await read(path, { cache: 0 });
  expect(kept()).toEqual([file]);
  const bytes = readFileSync(file);
  bytes[50] = bytes[50]! ^ 1;
  writeFileSync(file, bytes);
  expect(() => takeRows(x, [0, 1])).toThrow(/does not hold/);
  expect(anew.fingerprint).toBe(fingerprint);
  expect(takeRows(anew.x, [0, 1]).data).toHaveLength(96);
});

test("an image that is another one later is refused by name", async () => {
  const path = await images();
  const { x } = await read(path, { cache: 0 });
  expect(kept().map((file) => file.replace(/.*\./, ""))).toEqual(["hashes"]);
  const other = await sharp(join(path, "1", "1.png"))
    .png()
    .toBuffer();
  writeFileSync(join(path, "0", "4.png"), other);
  expect(() => takeRows(x, [2])).toThrow(
    /0\/4\.png is another image than when the data was read/,
  );
  expect(takeRows(x, [1]).data).toHaveLength(48);
  truncateSync(join(path, "0", "4.png"), 40);
  expect(() => takeRows(x, [1, 2])).toThrow(/0\/4\.png cannot be decoded/);
});

test("of what is broken the first is named, and nothing is left behind", async () => {
  const path = await images(200);
  for (const name of ["1/51.png", "1/99.png"])
    writeFileSync(join(path, name), "no image at all");
  await expect(read(path)).rejects.toThrow(
    /1\/51\.png is not a PNG, JPEG or WebP image/,
  );
  expect(kept()).toEqual([]);
  const mixed = loadDataset({ source: "image-folder", path }, home);
  await expect(mixed).rejects.toThrow(
    /0\/10\.png is 5x16 colour, but .*0\/0\.png is 5x6/,
  );
});

test("what was used longest ago makes room", async () => {
  const paths = [await images(), await images(12)];
  // Room for one of the two.
  const cache = 1000 / 2 ** 30;
  const [first, second] = paths as [string, string];
  await read(first, { cache });
  const [oldest] = kept();
  await read(second, { cache });
  expect(kept()).toHaveLength(1);
  expect(kept()).not.toContain(oldest);
});
