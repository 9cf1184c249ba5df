import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { packagePath } from "#core";

/** The real command, as it was built. `npm test` builds it first. */
export const main = packagePath("dist", "src", "cli", "main.js");

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command in a folder to its end. */
export async function assay(
  folder: string,
  ...args: string[]
): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [main, ...args],
      { cwd: folder, maxBuffer: 2 ** 26 },
    );
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as {
      code: number;
      stdout: string;
      stderr: string;
    };
    return { code, out: stdout, err: stderr };
  }
}
