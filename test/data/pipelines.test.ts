import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { sha256 } from "#core";
import { dataSpecSchema, loadDataset } from "#data";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();

/** A picture by a formula, so that Pillow could make it too. */
function picture(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(3 * width * height);
  for (let i = 0; i < bytes.length; i++) {
    const [c, pixel] = [i % 3, Math.floor(i / 3)];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    bytes[i] = x * x * 7 + y * 13 + c * 50 + ((x * y) % 31) * 5;
  }
  return bytes;
}

/**
 * SHA-256 of the planes that Pillow 13.0 gives: `resize` to int(resize * long / short),
 * `crop` from round((side - crop) / 2), as torchvision's Resize and CenterCrop have it.
 */
const byPillow = [
  [400, 301, "imagenet", "a9eb64fc33c79158"],
  [400, 301, "imagenet-v2", "008e59ea68944cb5"],
  [400, 301, "imagenet-bicubic", "b8f657e85dc87c74"],
  [400, 301, "clip", "ca182abf929d38e7"],
  [30, 47, "imagenet", "0c120ce71c010017"],
  [30, 47, "clip", "1be1397f3c19d53a"],
  [256, 256, "imagenet", "b56af42f7ca0a752"],
  [333, 500, "imagenet-v2", "bf35c9ef1b81ef89"],
  [333, 500, "imagenet-bicubic", "88ed19ea3eaf53e0"],
] as const;

test.each(byPillow)(
  "a picture of %d x %d comes through %s as Pillow has it, bit for bit",
  async (width, height, pipeline, hash) => {
    const name = `${width}-${height}-${pipeline}`;
    const raw = { width, height, channels: 3 } as const;
    const file = await sharp(picture(width, height), { raw }).png().toBuffer();
    put(join(home, name), "a/1.png", file);
    const { x } = await loadDataset(
      { source: "image-folder", path: name, pipeline },
      home,
    );
    expect(x.dims).toEqual([1, 3, 224, 224]);
    const bytes = Uint8Array.from(x.data, (v) => Math.round(255 * v));
    expect(sha256(bytes).slice(0, 16)).toBe(hash);
  },
);

test("size and pipeline are two ways to one shape", () => {
  const said = dataSpecSchema.safeParse({
    source: "image-folder",
    path: "x",
    size: 8,
    pipeline: "clip",
  });
  expect(said.error?.issues[0]?.message).toBe("state size or pipeline");
});
