import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { nearest, packagePath, readFile, sha256 } from "#core";
import {
  checkLayers,
  didYouMean,
  type Environment,
  type Layer,
  readLayer,
  refused,
} from "./document/index.ts";
import { extendsSchema } from "./extends-schema.ts";
import { isModule } from "./module.ts";

/** Before the name of a file that ships with Assay. */
const SHIPPED = "assay:";

const PRESETS = "suites/presets";

/** The most files that a suite may come of, each counted as often as it is named. */
const MOST = 50;

const extendingSchema = z.object({ extends: extendsSchema.optional() });

/** A suite of YAML with all that it extends. */
export interface ReadSuite {
  /** Each is put over those before it; the suite itself is the last. */
  readonly layers: readonly Layer[];
  readonly extended: readonly {
    readonly file: string;
    readonly hash: string;
  }[];
  readonly bytes: Uint8Array;
  readonly variables: Environment["used"];
}

/** A file as messages name it, and what is the same for the same file. */
interface Named {
  readonly file: string;
  readonly path: string;
}

/**
 * Reads a suite and what it extends: files relative to the one that names them, and
 * what ships with Assay (`assay:image-standard`). Modules are not taken, since what is
 * extended runs no code.
 *
 * @throws SUITE_INVALID for what is not there, and for a file that extends itself by
 *   way of others; FILE_* for the suite itself
 */
export function readLayers(file: string): ReadSuite {
  const environment: Environment = { variables: process.env, used: new Map() };
  const found: { layer: Layer; bytes: Uint8Array }[] = [];
  let count = 0;
  const read = (named: Named, within: readonly Named[]): void => {
    const bytes = readFile(named.path);
    const text = new TextDecoder().decode(bytes);
    const layer = readLayer(text, named.file, environment);
    const { value } = layer;
    const around = [...within, named];
    for (const [i, name] of extendsOf(layer).entries()) {
      count++;
      const below = placeOf(name, named);
      const wrong =
        typeof below === "string"
          ? below
          : count > MOST
            ? `found more than ${MOST} files, expected less of a suite that a person wrote`
            : around.some(({ path }) => path === below.path)
              ? `found ${JSON.stringify(name)}, which extends this file in turn`
              : undefined;
      if (wrong !== undefined) throw refusedAt(layer, i, wrong);
      read(below as Named, around);
    }
    const rest =
      value instanceof Map
        ? new Map([...value].filter(([key]) => key !== "extends"))
        : value;
    found.push({ layer: { ...layer, value: rest }, bytes });
  };
  read({ file, path: existsSync(file) ? realpathSync(file) : file }, []);
  const { bytes } = found.at(-1)!;
  return {
    layers: found.map(({ layer }) => layer),
    extended: found
      .slice(0, -1)
      .map((one) => ({ file: one.layer.file, hash: sha256(one.bytes) })),
    bytes,
    variables: environment.used,
  };
}

/** The names that a document says it extends. */
function extendsOf(layer: Layer): readonly string[] {
  if (!(layer.value instanceof Map && layer.value.has("extends"))) return [];
  const value = new Map([["extends", layer.value.get("extends")]]);
  return checkLayers([{ ...layer, value }], extendingSchema).extends ?? [];
}

/** Where a file is that another extends; text says why it is nowhere. */
function placeOf(name: string, by: Named): Named | string {
  if (name.startsWith(SHIPPED)) {
    const known = presetNames();
    if (known.includes(name))
      return {
        file: name,
        path: packagePath(PRESETS, `${name.slice(SHIPPED.length)}.yaml`),
      };
    return `found ${JSON.stringify(name)}, expected one of ${known.join(", ")}${didYouMean(nearest(name, known))}`;
  }
  if (isModule(name))
    return `found ${JSON.stringify(name)}, expected YAML: what is extended runs no code`;
  const path = join(dirname(by.path), name);
  if (existsSync(path))
    return { file: join(dirname(by.file), name), path: realpathSync(path) };
  return `found ${JSON.stringify(name)}, expected a file, or one of ${presetNames().join(", ")}`;
}

/** What ships with Assay for suites to extend, as they name it. */
export const presetNames = (): string[] =>
  readdirSync(packagePath(PRESETS))
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => SHIPPED + name.replace(/\.yaml$/, ""));

function refusedAt(layer: Layer, i: number, message: string) {
  const isList = Array.isArray(
    (layer.value as Map<string, unknown>).get("extends"),
  );
  const path = ["extends", ...(isList ? [i] : [])];
  const place = layer.placeAt(layer.offsetOf({ path, kind: "value" }));
  const key = isList ? `extends[${i}]` : "extends";
  return refused([layer.file], [`${place}: ${key}: ${message}`]);
}
