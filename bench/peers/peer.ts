import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { packagePath } from "#core";

/** A Python program that answers questions, one line of JSON each. */
export interface Peer {
  /** Of PyTorch. */
  readonly version: string;
  /** @throws when the program stopped; what it said last is on the standard error */
  ask<A>(question: object): Promise<A>;
  stop(): void;
}

/** What computes, in the first line of what a comparison prints. */
export const heading = (engine: string, torch: string | undefined): string =>
  `${engine}, Node ${process.version}, ${torch ? `PyTorch ${torch}` : "no PyTorch (name a Python that has it in ASSAY_PYTHON)"}`;

/**
 * Starts a program beside this file, by the Python that ASSAY_PYTHON names, on as many
 * threads as there are cores unless told otherwise; undefined where it has no PyTorch.
 */
export async function openPeer(
  script: string,
  stderr: "ignore" | "inherit" = "ignore",
  threads = cpus().length,
): Promise<Peer | undefined> {
  const python = process.env.ASSAY_PYTHON ?? "python3";
  const path = packagePath(`bench/peers/${script}`);
  const child = spawn(python, [path, String(threads)], {
    stdio: ["pipe", "pipe", stderr],
  }) as unknown as ChildProcessWithoutNullStreams;
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async () => {
    const { value } = await lines.next();
    return value === undefined ? undefined : JSON.parse(value);
  };
  const ended = new Promise<undefined>((resolve) => {
    child.on("error", () => resolve(undefined));
    child.on("exit", () => resolve(undefined));
  });
  const hello = await Promise.race([answer(), ended]);
  if (!hello) return undefined;
  return {
    version: hello.torch,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const said = await answer();
      if (!said) throw new Error(`${script} stopped`);
      return said;
    },
    stop: () => child.kill(),
  };
}
