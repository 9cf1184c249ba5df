import { deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { encodeNpy } from "#core";
import {
  type DataSpec,
  dataSpecSchema,
  loadDataset,
  selectClasses,
  takeSamples,
} from "#data";
import { floats, sizeOf } from "#onnx";
import { readMask } from "../../src/data/mask.ts";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

const load = (spec: Record<string, unknown>) =>
  loadDataset(dataSpecSchema.parse(spec) as DataSpec, folder);

/** Numbers from 0 to 1 of a shape. */
const numbers = (dims: readonly number[]) =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, i) => (i % 7) / 7),
  );

describe("arrays", () => {
  const arrays = async (
    x: readonly number[],
    y: readonly number[],
    labels: readonly number[],
    more: Record<string, unknown> = {},
  ) => {
    put(folder, "x.npy", encodeNpy(numbers(x)));
    put(folder, "y.npy", encodeNpy(floats(y, labels)));
    const spec = { source: "npy", x: "x.npy", y: "y.npy", ...more };
    return load({ answers: "positions", ...spec });
  };

  test.each([
    ["pixels", [2, 3, 2, 2], [2, 2, 2], [2, 3, 2, 2], [2, 2]],
    ["pixels of one channel", [2, 2, 2], [2, 1, 2, 2], [2, 1, 2, 2], [2, 2]],
    ["a series of several numbers", [2, 4, 3], [2, 4], [2, 4, 3], [4]],
    ["a series of numbers", [2, 4], [2, 4], [2, 4], [4]],
  ])("%s", async (_name, x, y, shape, positions) => {
    const labels = [0, 1, -100, 2, 1, 1, 0, 0];
    const data = await arrays(x, y, labels);
    expect(data.x.dims).toEqual(shape);
    expect(data.positions).toEqual(positions);
    expect(data.classes).toEqual(["0", "1", "2"]);
    expect(Array.from(data.y)).toEqual([0, 0]);
    expect(data.targets?.dims).toEqual([2, 4]);
    expect(Array.from(data.targets?.data ?? [])).toEqual([
      0, 1, -1, 2, 1, 1, 0, 0,
    ]);
    const second = takeSamples(data, [1]);
    expect(Array.from(second.targets?.data ?? [])).toEqual([1, 1, 0, 0]);
    expect(second.positions).toEqual(positions);
    const some = selectClasses(data, ["2", "1"]);
    expect(Array.from(some.targets?.data ?? [])).toEqual([
      -1, 1, -1, 0, 1, 1, -1, -1,
    ]);
  });

  test.each([
    ["what is not whole", [0, 1.5, 0, 1], {}, /sample 0 has 1.5 at a position/],
    ["what is below 0", [0, -1, 0, 1], {}, /sample 0 has -1 at a position/],
    [
      "more classes than names",
      [0, 255, 0, 1],
      { classes: ["a", "b"] },
      /sample 0 has class 255 at a position, expected 0 to 1/,
    ],
    [
      "a sample without a position that counts",
      [0, 1, 7, 7],
      { ignore: 7 },
      /sample 1 has no position that counts/,
    ],
  ])("%s is refused", async (_name, labels, more, message) => {
    await expect(arrays([2, 2], [2, 2], labels, more)).rejects.toThrow(message);
  });
});

/** Masks as Pillow writes them, and what NumPy makes of them. */
const pillow: [string, string, number[]][] = [
  [
    "one bit",
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAGAQAAAADSizJrAAAAG0lEQVR4nGP478Ckx8D49zDDLAeGvwyM9xcCADgPBon/nEQ8AAAAAElFTkSuQmCC",
    [1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 1],
  ],
  [
    "places in a palette of two bits",
    "iVBORw0KGgoAAAANSUhEUgAAAAsAAAAJAgMAAACZCj6+AAAADFBMVEUAAACAAAAAgAAAAIAP4gRrAAAALUlEQVR4nGNc/NaC8UuLBEPNVh5Ghnt8DCdDfzB9OOvCYPLpC8MHgQyWrgcPAAXjD266v6PSAAAAAElFTkSuQmCC",
    [2, 2, 0, 3, 2, 1, 0, 0, 3, 0, 2, 3, 3, 1, 0, 1, 3, 2, 0, 2, 1, 0],
  ],
  [
    "16 bits",
    "iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFEAAAAAD8YXVHAAAAVklEQVR4nAFLALT/AW+y6owMy/+x5eYp8gGiAnUpSR5QxJ0o/8N0/MwKApOqKO/g382s3iSRJFW6AFCxhpPpL6yhSgwO/CrSAu8QSLJWUxLD9iKOjVGrt6olaL0PRwQAAAAASUVORK5CYII=",
    [28594, 22846, 25865, 25786, 18848, 29330, 29492, 58587, 41564, 46541],
  ],
];

describe("masks", () => {
  test.each(pillow)("of Pillow: %s", (_name, base64, start) => {
    const file = put(folder, "mask.png", Buffer.from(base64, "base64"));
    const { labels } = readMask(file, "mask.png");
    expect(Array.from(labels.subarray(0, start.length))).toEqual(start);
  });

  /** A PNG of 8 bits of grey, each line by its own filter. */
  function png(width: number, lines: number[][], filters: number[]): Buffer {
    const chunk = (type: string, data: Buffer) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(data.length, 0);
      head.write(type, 4, "latin1");
      return Buffer.concat([head, data, Buffer.alloc(4)]);
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(lines.length, 4);
    header[8] = 8;
    const raw = lines.flatMap((line, y) => {
      const above = lines[y - 1] ?? line.map(() => 0);
      const filter = filters[y]!;
      return [
        filter,
        ...line.map((v, x) => {
          const [a, b, c] = [line[x - 1] ?? 0, above[x]!, above[x - 1] ?? 0];
          const p = a + b - c;
          const near = [a, b, c].toSorted(
            (s, t) => Math.abs(p - s) - Math.abs(p - t),
          )[0]!;
          return (v - [0, a, b, (a + b) >> 1, near][filter]!) & 255;
        }),
      ];
    });
    return Buffer.concat([
      Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
      chunk("IHDR", header),
      chunk("IDAT", deflateSync(Buffer.from(raw))),
      chunk("IEND", Buffer.alloc(0)),
    ]);
  }

  test("lines of every filter", () => {
    const row = fc.array(fc.integer({ min: 0, max: 255 }), {
      minLength: 5,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(row, fc.integer({ min: 0, max: 4 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (rows) => {
          const lines = rows.map(([line]) => line);
          const file = put(
            folder,
            "lines.png",
            png(
              5,
              lines,
              rows.map(([, f]) => f),
            ),
          );
          const { labels, width, height } = readMask(file, "lines.png");
          expect([width, height]).toEqual([5, lines.length]);
          expect(Array.from(labels)).toEqual(lines.flat());
        },
      ),
    );
  });

  test.each([
    ["no PNG", Buffer.from("GIF89a"), /is not a PNG image/],
    ["cut off", png(2, [[0, 1]], [0]).subarray(0, 45), /cannot be decoded/],
    ["of another filter", png(2, [[0, 1]], [9]), /a line has the filter 9/],
  ])("%s", (_name, bytes, message) => {
    const file = put(folder, "bad.png", bytes);
    expect(() => readMask(file, "bad.png")).toThrow(message);
  });

  const image = (fill: number) =>
    sharp({
      create: {
        width: 4,
        height: 2,
        channels: 3,
        background: { r: fill, g: 0, b: 0 },
      },
    })
      .png()
      .toBuffer();
  const mask = (labels: number[][]) =>
    png(
      labels[0]!.length,
      labels,
      labels.map(() => 0),
    );

  test("beside images in folders, in parts, at another size", async () => {
    for (const [part, label] of [
      ["train", 0],
      ["test", 1],
    ] as const) {
      put(folder, `pairs/images/${part}/a.png`, await image(label * 255));
      put(
        folder,
        `pairs/masks/${part}/a.png`,
        mask([
          [label, 255, 1, 1],
          [0, 0, 1, 1],
        ]),
      );
    }
    const spec = {
      source: "image-masks",
      images: "pairs/images",
      masks: "pairs/masks",
      classes: ["ground", "sky"],
    };
    const data = await load(spec);
    expect(data.x.dims).toEqual([2, 3, 2, 4]);
    expect(data.parts).toEqual(["test", "train"]);
    expect(data.positions).toEqual([2, 4]);
    expect(Array.from(data.targets?.data ?? []).slice(0, 8)).toEqual([
      1, -1, 1, 1, 0, 0, 1, 1,
    ]);
    const large = await load({ ...spec, size: [4, 8] });
    expect(large.x.dims).toEqual([2, 3, 4, 8]);
    expect(Array.from(large.targets?.data ?? []).slice(0, 16)).toEqual([
      1, 1, -1, -1, 1, 1, 1, 1, 1, 1, -1, -1, 1, 1, 1, 1,
    ]);
  });

  test("in colours, some of one class, and one that does not count", async () => {
    const colours = [
      [0, 0, 255],
      [128, 64, 128],
      [0, 0, 254],
      [0, 0, 0],
    ];
    const pixels = [0, 1, 2, 3, 1, 1, 0, 2].flatMap((k) => colours[k]!);
    const raw = { width: 4, height: 2, channels: 3 } as const;
    for (const [name, palette] of [
      ["whole", false],
      ["palette", true],
    ] as const) {
      put(folder, `hues/images/${name}.png`, await image(5));
      const made = sharp(Uint8Array.from(pixels), { raw });
      put(
        folder,
        `hues/masks/${name}.png`,
        await made.png({ palette }).toBuffer(),
      );
    }
    const spec = {
      source: "image-masks",
      images: "hues/images",
      masks: "hues/masks",
    };
    const pairs = [
      ["road", "#804080"],
      ["car", "#0000ff"],
      ["car", "#0000FE"],
      [null, "#000000"],
    ];
    const data = await load({ ...spec, colours: pairs });
    expect(data.classes).toEqual(["road", "car"]);
    const row = [1, 0, 1, -1, 0, 0, 1, 1];
    expect([...(data.targets?.data ?? [])]).toEqual([...row, ...row]);
    await expect(load({ ...spec, colours: pairs.slice(0, 3) })).rejects.toThrow(
      /palette.png has the colour #000000, which colours do not name/,
    );
    await expect(
      load({ ...spec, colours: [...pairs, ["sky", "#804080"]] }),
    ).rejects.toThrow(/colours name #804080 twice/);
    await expect(load(spec)).rejects.toThrow(/has colours/);
  });

  test("and in a table, whose files are there", async () => {
    put(folder, "table/one.png", await image(9));
    put(
      folder,
      "table/one-mask.png",
      mask([
        [0, 1, 1, 0],
        [0, 1, 1, 0],
      ]),
    );
    put(folder, "table/list.csv", "image,mask\none.png,one-mask.png\n");
    const data = await load({ source: "image-masks", table: "table/list.csv" });
    expect(data.classes).toEqual(["0", "1"]);
    put(folder, "table/bad.csv", "image,mask\none.png,one.png\n");
    await expect(
      load({ source: "image-masks", table: "table/bad.csv" }),
    ).rejects.toThrow(/one.png has colours, expected the number of a class/);
    put(folder, "alone/images/b.png", await image(1));
    put(
      folder,
      "alone/masks/c.png",
      mask([
        [0, 1, 0, 1],
        [0, 1, 0, 1],
      ]),
    );
    await expect(
      load({
        source: "image-masks",
        images: "alone/images",
        masks: "alone/masks",
      }),
    ).rejects.toThrow(/b.png has no mask called b/);
  });
});
