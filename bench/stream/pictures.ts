import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { Random } from "#core";

const SIDE = 256;
/** Colours that are drawn along each side; those between are interpolated. */
const COARSE = 24;

/** Pictures that are encoded at once. */
const LANES = 8;

/** How many images each part of the split has. */
export type Counts = Readonly<Record<"train" | "validation" | "test", number>>;

/**
 * Writes JPEG files of 256x256, no two alike, in folders of a split with two classes
 * each: smooth noise, whose upper or lower half is lighter.
 *
 * @returns the bytes of all files
 */
export async function drawPictures(
  folder: string,
  counts: Counts,
): Promise<number> {
  const random = new Random(7);
  let bytes = 0;
  // Of small images a thread each is quicker than all threads on one.
  sharp.concurrency(1);
  for (const [part, count] of Object.entries(counts)) {
    for (const label of [0, 1])
      mkdirSync(join(folder, part, `${label}`), { recursive: true });
    let next = 0;
    const lane = async () => {
      while (next < count) {
        const i = next++;
        const file = join(folder, part, `${i % 2}`, `${i}.jpg`);
        const jpeg = await encoded(random.fork(`${part} ${i}`), i % 2);
        writeFileSync(file, jpeg);
        bytes += jpeg.length;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }
  return bytes;
}

function encoded(random: Random, label: number): Promise<Buffer> {
  const coarse = Uint8Array.from({ length: 3 * COARSE ** 2 }, (_, k) => {
    const isLight = k < (3 * COARSE ** 2) / 2 === (label === 0);
    return random.below(206) + (isLight ? 50 : 0);
  });
  return sharp(coarse, { raw: { width: COARSE, height: COARSE, channels: 3 } })
    .resize(SIDE, SIDE)
    .jpeg()
    .toBuffer();
}
