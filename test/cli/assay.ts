import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Command, CommanderError } from "commander";
import { vi } from "vitest";
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

/** What a command prints that is parsed and done in this process. */
export async function parsed(
  command: Command,
  ...args: string[]
): Promise<Outcome> {
  const said = { out: "", err: "" };
  const print = (text: string) => {
    said.out += text;
    return true;
  };
  const stdout = vi
    .spyOn(process.stdout, "write")
    .mockImplementation((text) => print(String(text)));
  command.exitOverride().configureOutput({
    writeOut: print,
    writeErr: (text) => {
      said.err += text;
    },
  });
  try {
    await command.parseAsync(args, { from: "user" });
    return { code: 0, ...said };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode, ...said };
  } finally {
    stdout.mockRestore();
  }
}
