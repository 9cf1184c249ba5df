// Works of a pool's children; plain JavaScript, since Node runs no TypeScript.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AssayError, InterruptedError, UsageError } from "#core";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function open(
  { folder, start, ids },
  { threads, onEvent, signal },
) {
  if (start === "die") process.exit(7);
  if (start === "throw")
    throw new AssayError("NO_DATA", "no data", "Get some.");
  /** Whether it is the first time that this is asked. */
  const first = (name) => {
    const path = join(folder, name);
    const is = !existsSync(path);
    writeFileSync(path, String(process.pid));
    return is;
  };
  const acts = {
    threads: () => writeFileSync(join(folder, "threads"), String(threads)),
    tell: () => {
      onEvent({ kind: "progress", cell: "tell", share: Number.NaN });
      onEvent({ kind: "warning", message: "told" });
    },
    refuse: () => {
      throw new UsageError("REFUSED", ["one", "two"], "Do.");
    },
    break: () => {
      throw new TypeError("not a thing");
    },
    once: () => first("once") && process.kill(process.pid, "SIGKILL"),
    never: () => {
      process.stderr.write("a line\nterminate called: bad_alloc\n");
      process.abort();
    },
    polite: async () => {
      first("polite");
      while (!signal.aborted) await sleep(5);
      throw new InterruptedError();
    },
    deaf: () => {
      first("deaf");
      for (;;);
    },
    hog: async () => {
      const held = [];
      for (let i = 0; i < 400; i++) {
        held.push(Buffer.alloc(2 ** 20, 1));
        await sleep(2);
      }
    },
    leak: () => {
      globalThis.leaked = Buffer.alloc(150 * 2 ** 20, 1);
    },
    modest: async () => {
      const held = Buffer.alloc(60 * 2 ** 20, 1);
      await sleep(600);
      writeFileSync(join(folder, "modest"), String(held.length));
    },
  };
  const works = ids.map((id) => [
    id,
    {
      id,
      record: `${id}.done`,
      run: async () => {
        await acts[id.split(" ")[0]]?.();
        writeFileSync(join(folder, `${id}.done`), String(process.pid));
      },
    },
  ]);
  return { works: new Map(works) };
}
