import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { loadSuite } from "#audit";
import { encodeNpy, packagePath } from "#core";
import { type DataSpec, dataSpecSchema, loadDataset, openTokens } from "#data";
import { loadModel, readGraph } from "#model";
import { floats, normalise, readModel } from "#onnx";
import { layersSeeds, layersWeights } from "./layers-seeds.ts";

/** A reader of files, and small real files that it reads. */
export interface Reader {
  /** The name of the file that is read. */
  readonly file: string;
  readonly seeds: readonly Uint8Array[];
  readonly read: (path: string) => unknown;
}

const fixture = (name: string) =>
  packagePath("test", "fixtures", "exported", name);
const text = (s: string) => new TextEncoder().encode(s);
const x = encodeNpy(floats([2, 2], Float32Array.of(0, 0.5, 1, 0.25)));
const y = encodeNpy(floats([2], Float32Array.of(1, 0)));

const data = (path: string, spec: Record<string, unknown>) =>
  loadDataset(dataSpecSchema.parse(spec) as DataSpec, dirname(path));

/** A file beside the one that is read. */
function beside(path: string, name: string, content: Uint8Array): void {
  const other = join(dirname(path), name);
  mkdirSync(dirname(other), { recursive: true });
  writeFileSync(other, content);
}

const models = readdirSync(fixture(""))
  .filter((name) => name.endsWith(".onnx"))
  .map((name) => readFileSync(fixture(name)))
  .filter((bytes) => bytes.length < 20_000);

const header = text(
  `${JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } })}`,
);
const headerLength = Buffer.alloc(8);
headerLength.writeBigUInt64LE(BigInt(header.length));

/** Two pixels by two, and colour. */
const picture = sharp(
  Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
  {
    raw: { width: 2, height: 2, channels: 3 },
  },
);

const png = await picture.clone().png().toBuffer();

/** The class of each pixel of it. */
const mask = sharp(Uint8Array.of(0, 1, 1, 0), {
  raw: { width: 2, height: 2, channels: 1 },
});

const parquet = (codec: "UNCOMPRESSED" | "SNAPPY") =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "a", data: [0.5, 0.25, 1], type: "DOUBLE" },
        { name: "label", data: ["x", "y", "x"], type: "STRING" },
      ],
      codec,
    }),
  );

const tokens = {
  added_tokens: [{ id: 0, content: "[UNK]", special: true }],
  normalizer: { type: "Lowercase" },
  pre_tokenizer: {
    type: "Split",
    pattern: { Regex: "\\s+|\\w+" },
    behavior: "Isolated",
    invert: false,
  },
  post_processor: null,
  decoder: null,
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: { "[UNK]": 0, a: 1, b: 2 },
  },
};
const vocabulary = text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##c\n");

/** A reader of texts in files of one kind, with a vocabulary beside them. */
const texts = (file: string, seed: string): Reader => ({
  file,
  seeds: [text(seed)],
  read(path) {
    beside(path, "vocab.txt", vocabulary);
    const spec = { source: "text", path: file, tokenizer: "vocab.txt" };
    return data(path, { ...spec, length: 8 });
  },
});

export const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    "onnx",
    {
      file: "m.onnx",
      seeds: models,
      read: (path) => normalise(readModel(path)),
    },
  ],
  [
    "layers-model",
    {
      file: "model.json",
      seeds: layersSeeds.map(text),
      read(path) {
        for (const [name, weights] of layersWeights)
          beside(path, name, new Uint8Array(weights.buffer));
        return readGraph(path);
      },
    },
  ],
  [
    "safetensors",
    {
      file: "m.safetensors",
      seeds: [Buffer.concat([headerLength, header, Buffer.alloc(4)])],
      read: (path) =>
        loadModel(fixture("mlp.torchscript.onnx"), { weights: path }),
    },
  ],
  [
    "npy",
    {
      file: "x.npy",
      seeds: [x],
      read(path) {
        beside(path, "y.npy", y);
        return data(path, { source: "npy", x: "x.npy", y: "y.npy" });
      },
    },
  ],
  [
    "npz",
    {
      file: "a.npz",
      seeds: [
        zipSync({ "x.npy": x, "y.npy": y }),
        zipSync({ "x.npy": x, "y.npy": y }, { level: 0 }),
      ],
      read: (path) => data(path, { source: "npz", path: "a.npz" }),
    },
  ],
  [
    "csv",
    {
      file: "a.csv",
      seeds: [text('a,b,label\n0.5,1,x\n0.25,0,"y ""z"""\n1,0.125,x\n')],
      read: (path) =>
        data(path, { source: "csv", path: "a.csv", label: "label" }),
    },
  ],
  [
    "parquet",
    {
      file: "a.parquet",
      seeds: [parquet("UNCOMPRESSED"), parquet("SNAPPY")],
      read: (path) =>
        data(path, { source: "parquet", path: "a.parquet", label: "label" }),
    },
  ],
  [
    "arrow",
    {
      file: "a.arrow",
      seeds: ["named.arrow", "stream.arrow"].map((name) =>
        readFileSync(packagePath("test", "fixtures", "arrow", name)),
      ),
      read: (path) =>
        data(path, { source: "arrow", path: "a.arrow", label: "ok" }),
    },
  ],
  [
    "idx",
    {
      file: "images",
      seeds: [
        Uint8Array.from(
          [0, 0, 8, 3, [2, 1, 2].map((n) => [0, 0, 0, n]), 9, 8, 7, 6].flat(2),
        ),
      ],
      read(path) {
        beside(path, "labels", Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 0));
        const spec = { source: "idx", images: "images", labels: "labels" };
        return data(path, spec);
      },
    },
  ],
  [
    "image",
    {
      file: "pictures/a/1.png",
      seeds: [
        png,
        await picture.clone().jpeg().toBuffer(),
        await picture.clone().webp().toBuffer(),
      ],
      read(path) {
        beside(path, "../b/2.png", png);
        return data(join(path, "../.."), {
          source: "image-folder",
          path: "pictures",
        });
      },
    },
  ],
  [
    "mask",
    {
      file: "masks/1.png",
      seeds: [
        await mask.clone().toColourspace("b-w").png().toBuffer(),
        await mask.clone().png({ palette: true }).toBuffer(),
      ],
      read(path) {
        const images = "under-masks";
        beside(path, `../${images}/1.png`, png);
        const spec = { source: "image-masks", images, masks: "masks" };
        return data(join(path, ".."), spec);
      },
    },
  ],
  ["tsv", texts("a.tsv", 'text\tlabel\na b\tx\n"b ""c"""\ty\nc d\tx\n')],
  ["text-csv", texts("t.csv", 'text,label\na b,x\n"b, c",y\n"a ""b""",x\n')],
  [
    "jsonl",
    texts(
      "a.jsonl",
      '{"text": "a b", "label": "x"}\n{"text": "b \\u0063", "label": "y"}\n',
    ),
  ],
  [
    "tokenizer",
    {
      file: "t.json",
      seeds: [text(JSON.stringify(tokens))],
      read: (path) => openTokens(path)("a b c"),
    },
  ],
  [
    "vocabulary",
    {
      file: "vocab.txt",
      seeds: [vocabulary],
      read: (path) => openTokens(path)("a b c"),
    },
  ],
  [
    "suite",
    {
      file: "s.yaml",
      seeds: readdirSync(packagePath("suites"))
        .filter((name) => name.endsWith(".yaml"))
        .map((name) => readFileSync(packagePath("suites", name))),
      read: loadSuite,
    },
  ],
]);
