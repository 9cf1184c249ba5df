import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { AssayError } from "#core";

/** A file of a class folder. */
export interface Found {
  /** Where it lies, links resolved. */
  readonly file: string;
  /** How messages name it: the path of the root with class and file name. */
  readonly shown: string;
  readonly label: number;
}

/**
 * The classes of an image folder and the files in each, in the code-unit order of
 * their names. Names that begin with a dot are passed over. Throws an AssayError for
 * a file beside the class folders, for a folder inside one, and for a link that
 * leaves the root.
 */
export function walkClasses(root: string): {
  classes: string[];
  images: Found[];
} {
  const real = realPath(root, root);
  const classes: string[] = [];
  const images: Found[] = [];
  for (const folder of list(root, real, real)) {
    if (!folder.isFolder) {
      throw new AssayError(
        "DATA_FOLDER",
        `${folder.shown} is not a folder; expected one folder per class in ${root}`,
        "Put every image into the folder of its class and move other files away.",
      );
    }
    const label = classes.push(folder.name) - 1;
    for (const entry of list(folder.shown, folder.file, real)) {
      if (entry.isFolder) {
        throw new AssayError(
          "DATA_FOLDER",
          `${entry.shown} is a folder inside the folder of class "${folder.name}", expected images`,
          "Put the images of a class directly into its folder.",
        );
      }
      images.push({ file: entry.file, shown: entry.shown, label });
    }
  }
  return { classes, images };
}

interface Entry {
  name: string;
  file: string;
  shown: string;
  isFolder: boolean;
}

/** What lies in a folder, by name. Links are resolved and must stay below `root`. */
function list(shown: string, folder: string, root: string): Entry[] {
  return readFolder(folder, shown)
    .filter(({ name }) => !name.startsWith("."))
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
