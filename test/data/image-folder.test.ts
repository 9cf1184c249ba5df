import { mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { loadDataset } from "#data";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
let folders = 0;

type Files = Record<string, Uint8Array | string>;

/** A new image folder with these files, by path. */
function folderOf(files: Files): string {
  const folder = join(home, `set-${folders++}`);
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files))
    put(folder, name, content);
  return folder;
}

type Options = { size?: number | [number, number]; channels?: 1 | 3 };

function load(folder: string, options: Options = {}) {
  const spec = { source: "image-folder", path: basename(folder), ...options };
  return loadDataset(spec as { source: "image-folder"; path: string }, home);
}

function grey(width: number, height: number, values: number[]) {
  return sharp(Uint8Array.from(values), { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}

function plain(width: number, height: number, colour = "#ff8000") {
  return sharp({
    create: { width, height, channels: 3, background: colour },
  });
}

/** A CMYK JPEG of two colours, 16 x 8, as Pillow writes it. */
const INKS =
  "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgACAAQBEMRAE0RAFkRAEsRAP/EABcAAQEBAQAAAAAAAAAAAAAAAAkIBgr/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/ACqI2pgqbo9BCxSX3//Z";

const square = await grey(2, 2, [0, 51, 102, 255]);
const orange = await plain(2, 2).png().toBuffer();

describe("an image folder", () => {
  it("has a class per sub-folder, both in code-unit order", async () => {
    const folder = folderOf({
      "b/2.png": await grey(1, 1, [2]),
      "b/10.png": await grey(1, 1, [10]),
      "B/x.png": await grey(1, 1, [66]),
      "a/z.png": await grey(1, 1, [97]),
      "a/.hidden": "not looked at",
      ".git/config": "not looked at",
    });
    const data = await load(folder);
    expect(data.name).toBe(basename(folder));
    expect(data.classes).toEqual(["B", "a", "b"]);
    expect(Array.from(data.y)).toEqual([0, 1, 2, 2]);
    expect(Array.from(data.x.data, (v) => Math.round(v * 255))).toEqual([
      66, 97, 10, 2,
    ]);
  });

  it("orders by code units where that differs from the order of bytes", async () => {
    const names = ["\u{1f600}", "\uff5e"];
    const data = await load(
      folderOf({
        [`${names[1]}/1.png`]: square,
        [`${names[0]}/1.png`]: square,
      }),
    );
    expect(data.classes).toEqual(names);
  });

  it("makes colours of inks as Pillow and torchvision do", async () => {
    const cmyk = Buffer.from(INKS, "base64");
    // As Pillow 12 converts them to RGB; the same inks as YCCK, by the marker of Adobe.
    const ycck = Buffer.from(cmyk);
    ycck[cmyk.indexOf("Adobe") + 11] = 2;
    const ends = async (content: Uint8Array, options: Options = {}) => {
      const { x } = await load(folderOf({ "a/1.jpg": content }), options);
      return Array.from({ length: x.data.length / 128 }, (_, c) => [
        Math.round(255 * x.data[128 * c]!),
        Math.round(255 * x.data[128 * c + 15]!),
      ]);
    };
    expect(await ends(cmyk)).toEqual([
      [0, 164],
      [234, 42],
      [185, 126],
    ]);
    expect(await ends(ycck)).toEqual([
      [175, 0],
      [255, 31],
      [67, 129],
    ]);
    expect(await ends(cmyk, { channels: 1 })).toEqual([[158, 88]]);
  });

  it("keeps of 16 bits the upper 8, and drops transparency", async () => {
    const deep = await sharp(
      Uint16Array.from([0x00ff, 0x1234, 0xffff, 0x8001]),
      {
        raw: { width: 2, height: 2, channels: 1 },
      },
    )
      .toColourspace("grey16")
      .png()
      .toBuffer();
    const { x } = await load(folderOf({ "a/1.png": deep }));
    expect(Array.from(x.data, (v) => Math.round(255 * v))).toEqual([
      0x00, 0x12, 0xff, 0x80,
    ]);
    const clear = await sharp(Uint8Array.from([200, 0, 90, 255]), {
      raw: { width: 2, height: 1, channels: 2 },
    })
      .png()
      .toBuffer();
    const see = await load(folderOf({ "a/1.png": clear }), { channels: 1 });
    expect(Array.from(see.x.data, (v) => Math.round(255 * v))).toEqual([
      200, 90,
    ]);
  });

  it("keeps grey images grey, to the pixel", async () => {
    const data = await load(folderOf({ "a/1.png": square }));
    expect(data.x.dims).toEqual([1, 1, 2, 2]);
    expect(Array.from(data.x.data)).toEqual([
      0,
      Math.fround(0.2),
      Math.fround(0.4),
      1,
    ]);
  });

  it("reads colour as three planes, from PNG, JPEG and WebP, whatever the file is called", async () => {
    const data = await load(
      folderOf({
        "a/1": await plain(8, 4).png().toBuffer(),
        "a/2.png": await plain(8, 4).jpeg({ quality: 100 }).toBuffer(),
        "a/3.jpeg": await plain(8, 4).webp({ lossless: true }).toBuffer(),
      }),
    );
    expect(data.x.dims).toEqual([3, 3, 4, 8]);
    for (let sample = 0; sample < 3; sample++) {
      for (const [channel, value] of [255, 128, 0].entries()) {
        const start = (sample * 3 + channel) * 32;
        const plane = data.x.data.subarray(start, start + 32);
        for (const found of plane) {
          expect(Math.abs(found * 255 - value)).toBeLessThanOrEqual(2);
        }
      }
    }
  });

  it("turns colour into grey by the ITU-R 601 weights and grey into equal planes", async () => {
    const folder = folderOf({ "a/1.png": orange, "b/1.png": square });
    const one = await load(folder, { channels: 1 });
    expect(one.x.dims).toEqual([2, 1, 2, 2]);
    const luma = Math.round(0.299 * 255 + 0.587 * 128);
    expect(one.x.data[0]).toBeCloseTo(luma / 255, 6);
    const three = await load(folder, { channels: 3 });
    expect(three.x.dims).toEqual([2, 3, 2, 2]);
    const planes = three.x.data.subarray(12);
    expect(planes.slice(0, 4)).toEqual(one.x.data.slice(4));
    expect(planes.slice(4, 8)).toEqual(planes.slice(0, 4));
    expect(planes.slice(8)).toEqual(planes.slice(0, 4));
  });

  it("passes over transparency", async () => {
    const clear = { r: 255, g: 128, b: 0, alpha: 0 };
    const file = await sharp({
      create: { width: 4, height: 4, channels: 4, background: clear },
    })
      .png()
      .toBuffer();
    for (const size of [undefined, 2]) {
      const { x } = await load(folderOf({ "a/1.png": file }), { size });
      const side = size ?? 4;
      expect(x.dims).toEqual([1, 3, side, side]);
      expect(x.data[0]).toBe(1);
      expect(x.data.at(-1)).toBe(0);
    }
  });

  it("takes the values as stored, whatever the colour profile", async () => {
    const file = await plain(2, 2).withIccProfile("p3").png().toBuffer();
    const { x } = await load(folderOf({ "a/1.png": file }));
    // This orange is about (237, 136, 54) in Display P3. Its blue is 0 in sRGB.
    expect(x.data[8]).toBeGreaterThan(0.1);
  });

  it("scales 16-bit images to [0, 1]", async () => {
    const file = await sharp(Uint16Array.from([0, 0x3333, 0x6666, 0xffff]), {
      raw: { width: 2, height: 2, channels: 1 },
    })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    const data = await load(folderOf({ "a/1.png": file, "b/1.png": square }));
    expect(data.x.dims).toEqual([2, 1, 2, 2]);
    expect(data.x.data.slice(0, 4)).toEqual(data.x.data.slice(4));
  });

  it("refuses mixed sizes unless told the size", async () => {
    const folder = folderOf({
      "a/1.png": square,
      "a/2.png": await grey(3, 2, [9, 9, 9, 9, 9, 9]),
    });
    await expect(load(folder)).rejects.toMatchObject({
      code: "DATA_SHAPE",
      message: expect.stringMatching(/2\.png is 2x3 grey, but .*1\.png is 2x2/),
    });
    expect((await load(folder, { size: 4 })).x.dims).toEqual([2, 1, 4, 4]);
    const tall = await load(folder, { size: [5, 3] });
    expect(tall.x.dims).toEqual([2, 1, 5, 3]);
    for (const value of tall.x.data.subarray(15)) {
      expect(value).toBeCloseTo(9 / 255, 6);
    }
  });

  it("refuses grey beside colour unless told the channels", async () => {
    const folder = folderOf({ "a/1.png": square, "b/1.png": orange });
    await expect(load(folder)).rejects.toMatchObject({
      code: "DATA_SHAPE",
      message: expect.stringContaining("2x2 colour"),
    });
  });

  it("refuses a broken JPEG and names it", async () => {
    const whole = await plain(64, 64).jpeg().toBuffer();
    const folder = folderOf({
      "a/1.jpg": whole,
      "b/broken.jpg": whole.subarray(0, whole.length - 20),
    });
    await expect(load(folder)).rejects.toMatchObject({
      code: "DATA_IMAGE",
      message: expect.stringMatching(/broken\.jpg cannot be decoded: [^\n]*$/),
    });
  });

  it("names the first of several bad files", async () => {
    const files: Files = {};
    for (let i = 0; i < 20; i++) files[`a/${10 + i}.png`] = square;
    for (const i of [13, 14, 15, 17]) files[`a/${i}.png`] = "text";
    await expect(load(folderOf(files))).rejects.toMatchObject({
      message: expect.stringContaining("13.png"),
    });
  });

  it.each([
    ["text", "cats are nice"],
    ["nothing", ""],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>'],
  ])("refuses a file of %s and names it", async (_what, content) => {
    await expect(
      load(folderOf({ "a/1.png": square, "a/notes.txt": content })),
    ).rejects.toMatchObject({
      code: "DATA_IMAGE",
      message: expect.stringContaining("notes.txt is not a PNG, JPEG or WebP"),
    });
  });

  it("refuses an image too large from its header", async () => {
    const bomb = Buffer.from(square);
    bomb.writeUInt32BE(100_000, 16);
    bomb.writeUInt32BE(100_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    await expect(load(folderOf({ "a/1.png": bomb }))).rejects.toMatchObject({
      code: "DATA_IMAGE",
      message: expect.stringMatching(/1\.png cannot .* exceeds pixel limit/),
    });
  });

  it("refuses a class without images, and a folder without classes", async () => {
    const folder = folderOf({ "a/1.png": square, "b/.keep": "" });
    await expect(load(folder)).rejects.toMatchObject({
      code: "DATA_CLASS_EMPTY",
      message: expect.stringContaining('("b")'),
    });
    await expect(load(folderOf({}))).rejects.toMatchObject({
      code: "DATA_EMPTY",
    });
  });

  it("refuses files beside the classes", async () => {
    await expect(
      load(folderOf({ "a/1.png": square, "stray.png": square })),
    ).rejects.toMatchObject({ code: "DATA_FOLDER" });
  });

  it("finds images however deep, and passes over what file managers leave", async () => {
    const files = {
      "b/x.png": square,
      "a/2/deep/1.png": square,
      "a/10.png": square,
    };
    const plainly = await load(folderOf(files));
    expect([plainly.classes, Array.from(plainly.y)]).toEqual([
      ["a", "b"],
      [0, 0, 1],
    ]);
    const littered = await load(
      folderOf({
        ...files,
        "Thumbs.db": "cache",
        "a/Thumbs.db": "cache",
        "a/2/desktop.ini": "[.ShellClassInfo]",
        "b/.DS_Store": "Bud1",
        "__MACOSX/a/._10.png": "resources",
      }),
    );
    expect(littered.fingerprint).toBe(plainly.fingerprint);
  });

  it("does not exist, or is a file", async () => {
    await expect(load("missing")).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("does not exist"),
    });
    const file = put(home, "file", "");
    await expect(load(file)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("is not a folder"),
    });
  });
});

describe("links in an image folder", () => {
  it("are followed while they stay inside", async () => {
    const folder = folderOf({ "a/1.png": square });
    symlinkSync("1.png", join(folder, "a", "2.png"));
    symlinkSync("a", join(folder, "b"));
    const data = await load(folder);
    expect(data.classes).toEqual(["a", "b"]);
    expect(data.y.length).toBe(4);
  });

  it("are not followed out of it", async () => {
    const outside = folderOf({ "x/1.png": square });
    const asFile = folderOf({ "a/1.png": square });
    symlinkSync(join(outside, "x", "1.png"), join(asFile, "a", "2.png"));
    const asClass = folderOf({ "a/1.png": square });
    symlinkSync(join(outside, "x"), join(asClass, "b"));
    // A name that begins alike is another folder.
    const alike = folderOf({ "a/1.png": square });
    put(home, `${basename(alike)}-more/1.png`, square);
    symlinkSync(`${alike}-more`, join(alike, "b"));
    for (const folder of [asFile, asClass, alike]) {
      await expect(load(folder)).rejects.toMatchObject({ code: "DATA_LINK" });
    }
  });

  it("must lead somewhere", async () => {
    const folder = folderOf({ "a/1.png": square });
    symlinkSync("gone.png", join(folder, "a", "2.png"));
    await expect(load(folder)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("2.png does not exist"),
    });
  });
});

describe("the fingerprint of an image folder", () => {
  it("depends on pixels, not on place, file names or format", async () => {
    const webp = await sharp(orange).webp({ lossless: true }).toBuffer();
    const [here, there, other] = await Promise.all([
      load(folderOf({ "a/1.png": orange })),
      load(folderOf({ "a/first.webp": webp })),
      load(
        folderOf({ "a/1.png": await plain(2, 2, "#ff8001").png().toBuffer() }),
      ),
    ]);
    expect(there?.fingerprint).toBe(here?.fingerprint);
    expect(other?.fingerprint).not.toBe(here?.fingerprint);
  });
});
