import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";

/** What is in a folder that a suite could be about, by paths relative to it. */
export interface Found {
  readonly models: string[];
  /** Folders with a folder of images for each class. */
  readonly images: string[];
  readonly tables: string[];
  readonly arrays: string[];
  readonly tokenizers: string[];
}

const DEEPEST = 3;

/** The most entries that are looked at. */
const MOST = 20_000;

const SKIPPED = new Set(["node_modules", "runs", "dist", "build", "venv"]);

const PARTS = new Set(["train", "validation", "val", "test"]);

const IMAGE = /\.(png|jpe?g|webp)$/i;

const KINDS: readonly (readonly [Exclude<keyof Found, "images">, RegExp])[] = [
  ["models", /\.onnx$/i],
  ["tokenizers", /^(tokenizer\.json|vocab\.txt)$/i],
  ["arrays", /\.npz$/i],
  ["tables", /\.(csv|tsv|jsonl|parquet|arrow|feather)$/i],
];

interface Looked {
  readonly hasImages: boolean;
  /** Whether it has a folder of images for each class. */
  readonly isData: boolean;
}

/**
 * Looks at the names of files in a folder and those below it, in the order of their
 * names. Links, hidden folders and what others install or build are passed over.
 */
export function lookAt(folder: string): Found {
  const found: Found = {
    ...{ models: [], images: [], tables: [], arrays: [], tokenizers: [] },
  };
  let left = MOST;
  const look = (path: string, depth: number): Looked => {
    const entries = entriesOf(join(folder, path)).slice(0, Math.max(0, left));
    left -= entries.length;
    const at = (name: string) => (path === "" ? name : `${path}/${name}`);
    for (const { name } of entries.filter((entry) => entry.isFile())) {
      const kind = KINDS.find(([, pattern]) => pattern.test(name));
      if (kind) found[kind[0]].push(at(name));
    }
    const before = found.images.length;
    const below = entries
      .filter((entry) => entry.isDirectory() && !isSkipped(entry.name))
      .filter(() => depth < DEEPEST)
      .map(({ name }) => ({ name, ...look(at(name), depth + 1) }));
    const classes = below.filter((one) => one.hasImages).length;
    const isSplit = below.some((one) => one.isData && PARTS.has(one.name));
    const isData = classes > 1 || isSplit;
    // What is split by folders is one, not one for each part.
    if (isSplit) found.images.splice(before);
    if (isData) found.images.push(path === "" ? "." : path);
    const hasImages = entries.some(
      (entry) => entry.isFile() && IMAGE.test(entry.name),
    );
    return { hasImages, isData };
  };
  look("", 0);
  return found;
}

const isSkipped = (name: string) => name.startsWith(".") || SKIPPED.has(name);

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
  } catch {
    // What may not be read is not what a suite is about.
    return [];
  }
}
