import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { loadSuite } from "#audit";
import { packagePath } from "#core";
import {
  type DataSpec,
  dataSpecSchema,
  encodeNpy,
  loadDataset,
  openTokens,
} from "#data";
import { loadModel } from "#model";
import { floats, normalise, readModel } from "#onnx";

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
  writeFileSync(join(dirname(path), name), content);
}

const idxLabels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 0);

const onnx = readdirSync(fixture(""))
  .filter((name) => name.endsWith(".onnx"))
  .map((name) => readFileSync(fixture(name)))
  .filter((bytes) => bytes.length < 20_000);

const tensors = text(
  `${JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } })}    `,
);

const headerLength = Buffer.alloc(8);
headerLength.writeBigUInt64LE(BigInt(tensors.length - 4));

export const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    "onnx",
    {
      file: "m.onnx",
      seeds: onnx,
      read: (path) => normalise(readModel(path)),
    },
  ],
  [
    "safetensors",
    {
      file: "m.safetensors",
      seeds: [Buffer.concat([headerLength, tensors])],
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
    "idx",
    {
      file: "images",
      seeds: [
        Uint8Array.of(
          0,
          0,
          8,
          3,
          0,
          0,
          0,
          2,
          0,
          0,
          0,
          1,
          0,
          0,
          0,
          2,
          9,
          8,
          7,
          6,
        ),
      ],
      read(path) {
        beside(path, "labels", idxLabels);
        return data(path, {
          source: "idx",
          images: "images",
          labels: "labels",
        });
      },
    },
  ],
  [
    "tokenizer",
    {
      file: "t.json",
      seeds: [
        text(
          JSON.stringify({
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
          }),
        ),
      ],
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
