import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { packagePath } from "#core";

/** PyTorch in a process of its own, which times a step when it is asked. */
export interface Peer {
  readonly version: string;
  /** Median milliseconds. */
  time(request: {
    model: string;
    mode: string;
    warm: number;
    repeats: number;
  }): Promise<number>;
  stop(): void;
}

/** The peer, by the Python that ASSAY_PYTHON names; undefined where it has no PyTorch. */
export async function torchPeer(): Promise<Peer | undefined> {
  const python = process.env.ASSAY_PYTHON ?? "python3";
  const script = packagePath("bench/peers/torch_peer.py");
  const child = spawn(python, [script, String(cpus().length)], {
    stdio: ["pipe", "pipe", "ignore"],
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
    async time(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const said = await answer();
      if (!said) throw new Error("PyTorch stopped");
      return said.ms;
    },
    stop: () => child.kill(),
  };
}
