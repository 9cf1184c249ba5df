import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { AssayError } from "#core";
import type { Part } from "./dataset.ts";
import { partNamed } from "./parts.ts";

/** A file of a class folder. */
export interface Found {
  /** Where it lies, links resolved. */
  readonly file: string;
  /** How messages name it: the path of the root with class and file name. */
  readonly shown: string;
  readonly label: number;
  /** The part whose folder holds it, where the folder is split. */
  readonly part?: Part;
}

/**
 * The classes of an image folder and the files in each, however deep, in the
 * code-unit order of their names; what file managers leave behind is passed over.
 * Folders called train, validation (or val) and test, and nothing beside them, hold
 * the folders of classes of their part. Throws an AssayError for a file beside the
 * class folders, and for a link that leaves the root.
 */
export function walkFolders(root: string): {
  classes: string[];
  images: Found[];
} {
  const real = realPath(root, root);
  const folders = foldersIn({ shown: root, file: real }, real);
  const parts = folders.map(({ name }) => partNamed(name));
  const isSplit = folders.length > 1 && !parts.includes(undefined);
  const ofClasses = folders.flatMap((folder, i): (Entry & { part?: Part })[] =>
    isSplit
      ? foldersIn(folder, real).map((one) => ({ ...one, part: parts[i] }))
      : [folder],
  );
  const classes = [...new Set(ofClasses.map(({ name }) => name))].sort();
  const labels = new Map(classes.map((name, k) => [name, k] as const));
  const images = ofClasses.flatMap((folder): Found[] => {
    const label = labels.get(folder.name) as number;
    const { part } = folder;
    return filesBelow(folder, real, [folder.file]).map(({ file, shown }) => ({
      file,
      shown,
      label,
      part,
    }));
  });
  return { classes, images };
}

/** All files below a folder, in the code-unit order of their names, with the way. */
export function walkFiles(
  root: string,
): { file: string; shown: string; way: string[] }[] {
  const real = realPath(root, root);
  return filesBelow({ shown: root, file: real }, real, [real]).map(
    ({ file, shown }) => ({
      file,
      shown,
      way: relative(root, shown).split(sep),
    }),
  );
}

/** What lies in a folder in which there are only folders. */
function foldersIn(
  { shown, file }: Pick<Entry, "shown" | "file">,
  root: string,
): Entry[] {
  const entries = list(shown, file, root);
  const stray = entries.find(({ isFolder }) => !isFolder);
  if (!stray) return entries;
  throw new AssayError(
    "DATA_FOLDER",
    `${stray.shown} is not a folder; expected one folder per class in ${shown}`,
    "Put every image into the folder of its class and move other files away.",
  );
}

/** @param above the folders around it, which a link could lead back to */
function filesBelow(
  folder: Pick<Entry, "shown" | "file">,
  root: string,
  above: readonly string[],
): Entry[] {
  return list(folder.shown, folder.file, root).flatMap((entry) => {
    if (!entry.isFolder) return [entry];
    if (!above.includes(entry.file))
      return filesBelow(entry, root, [...above, entry.file]);
    throw new AssayError(
      "DATA_LINK",
      `${entry.shown} is a link to a folder that holds it`,
      "Remove the link.",
    );
  });
}

/**
 * What file managers of Windows and macOS leave behind; names that begin with a dot are
 * theirs too.
 */
const LEFTOVERS = new Set(["thumbs.db", "desktop.ini", "__macosx"]);

const isLeftover = (name: string) =>
  name.startsWith(".") || LEFTOVERS.has(name.toLowerCase());

interface Entry {
  name: string;
  file: string;
  shown: string;
  isFolder: boolean;
}

/** What lies in a folder, by name. Links are resolved and must stay below `root`. */
function list(shown: string, folder: string, root: string): Entry[] {
  return readFolder(folder, shown)
    .filter(({ name }) => !isLeftover(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => {
      const path = join(shown, entry.name);
      const file = entry.isSymbolicLink()
        ? followWithin(join(folder, entry.name), path, root)
        : join(folder, entry.name);
      const stat = statSync(file);
      // Reading a pipe or a device would wait for ever.
      if (!stat.isDirectory() && !stat.isFile()) {
        throw new AssayError(
          "DATA_FOLDER",
          `${path} is neither a file nor a folder`,
          "Remove it from the image folder.",
        );
      }
      return {
        name: entry.name,
        file,
        shown: path,
        isFolder: stat.isDirectory(),
      };
    });
}

function followWithin(link: string, shown: string, root: string): string {
  const target = realPath(link, shown);
  const way = relative(root, target);
  // An absolute way leads to another drive of Windows.
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw new AssayError(
      "DATA_LINK",
      `${shown} is a link that leaves the image folder; such links are not followed`,
      "Copy the images into the folder, or name the folder that holds them.",
    );
  }
  return target;
}

function readFolder(folder: string, shown: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(shown, error);
  }
}

function realPath(path: string, shown: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw unreadable(shown, error);
  }
}

function unreadable(shown: string, error: unknown): AssayError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === "ENOENT"
      ? "does not exist"
      : code === "ENOTDIR"
        ? "is not a folder"
        : `cannot be read (${code})`;
  return new AssayError(
    "FILE_UNREADABLE",
    `${shown} ${why}`,
    "Check the path; relative paths are taken from the suite's folder.",
  );
}
