import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import writeFileAtomic from "write-file-atomic";
import { AssayError, messageOf } from "./errors.ts";

/** Writes a file whole or not at all, making its folder first. */
export function writeFile(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomic.sync(
    path,
    typeof content === "string" ? content : Buffer.from(content),
  );
}

/** Reads a file that the user named. Throws FILE_UNREADABLE when it is missing, a folder or not permitted. */
export function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === "ENOENT"
        ? "does not exist"
        : code === "EISDIR"
          ? "is a folder, not a file"
          : `cannot be read (${messageOf(error)})`;
    throw new AssayError(
      "FILE_UNREADABLE",
      `${path} ${why}`,
      "Check the path; relative paths are taken from the current folder, or from the suite's folder inside a suite.",
    );
  }
}

let root: string | undefined;

/** A path inside the installed package, the same from source and from dist/. */
export function packagePath(...parts: string[]): string {
  if (root === undefined) {
    let folder = dirname(fileURLToPath(import.meta.url));
    while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
    root = folder;
  }
  return join(root, ...parts);
}

/** The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(packagePath("package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
