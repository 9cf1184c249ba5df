import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { packageVersion, UsageError } from "#core";
import type { RunOptions } from "./open-run.ts";
import { openStore, type Store } from "./store.ts";
import type { LoadedSuite } from "./suite/index.ts";
import type { Shard } from "./works/index.ts";

/** What a shard leaves in its folder when it has ended. */
interface Sign extends Shard {
  readonly suite: Pick<LoadedSuite, "file" | "hash" | "settings">;
  readonly version: string;
}

const FOLDER = "shards";

/** Shows in the folder of a shard that it has ended. */
export function signShard(
  store: Store,
  { index, count }: Shard,
  { file, hash, settings }: Sign["suite"],
): void {
  const sign: Sign = {
    index,
    count,
    suite: { file, hash, settings },
    version: packageVersion(),
  };
  store.write(`${FOLDER}/${index}-of-${count}.json`, sign);
}

/**
 * Puts what shards have found into one folder, where the run goes on. Records are
 * copied after the files that they name.
 *
 * @returns the suite, as it was named for the shards, its hash, and what was put over
 *   it
 * @throws SHARDS where one is missing, or they are of different runs
 */
export function mergeShards(
  folders: readonly string[],
  out: string,
): Required<Pick<RunOptions, "set" | "hash">> & { readonly suite: string } {
  const signs = folders.flatMap(signsIn);
  const [first] = signs;
  if (!first) throw unfit(`no shard has ended in ${folders.join(", ")}`);
  const odd = signs.find((sign) => !isOfSameRun(sign, first));
  if (odd)
    throw unfit(
      `shard ${odd.index}/${odd.count} of ${odd.suite.file} (assay ${odd.version}) is not of the same run as shard ${first.index}/${first.count} of ${first.suite.file} (assay ${first.version})`,
    );
  const there = new Set(signs.map(({ index }) => index));
  const missing = Array.from({ length: first.count }, (_, i) => i + 1).filter(
    (index) => !there.has(index),
  );
  if (missing.length > 0)
    throw unfit(
      `of ${first.count} shards ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
    );
  for (const folder of folders) copyAll(folder, out);
  const { file, hash, settings } = first.suite;
  return { suite: file, hash, set: settings };
}

const unfit = (why: string) =>
  new UsageError(
    "SHARDS",
    why,
    "Name the folders of all shards of one run: assay merge runs/shard-* --out runs/all.",
  );

function signsIn(folder: string): Sign[] {
  const at = join(folder, FOLDER);
  if (!existsSync(at)) throw unfit(`${folder} is not the folder of a shard`);
  const store = openStore(folder);
  return readdirSync(at).flatMap(
    (name) => store.read<Sign>(`${FOLDER}/${name}`) ?? [],
  );
}

const isOfSameRun = (one: Sign, other: Sign): boolean =>
  one.count === other.count &&
  one.suite.hash === other.suite.hash &&
  one.version === other.version;

/** Copies what a run keeps, not what it says in the end. */
function copyAll(from: string, to: string): void {
  const files = readdirSync(from, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "claims")
    .flatMap(({ name }) =>
      readdirSync(join(from, name), {
        recursive: true,
        withFileTypes: true,
      })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
  const isRecord = (file: string) => file.endsWith(".json");
  const inOrder = [
    ...files.filter((file) => !isRecord(file)),
    ...files.filter(isRecord),
  ];
  for (const file of inOrder) {
    const target = join(to, file.slice(from.length));
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, `${target}.merging`);
    renameSync(`${target}.merging`, target);
  }
}
