import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { packagePath } from "#core";

/** Milliseconds between looks at the memory of the command. */
const LOOK = 20;

/**
 * What a command of Assay takes: seconds, those of the processor, and the most bytes of
 * memory of its processes together. Linux tells.
 */
export async function measured(...args: readonly string[]) {
  const [since, before] = [performance.now(), ofChildren()];
  const child = spawn(
    process.execPath,
    [packagePath("dist/src/cli/main.js"), ...args],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  let memory = 0;
  const looks = setInterval(() => {
    memory = Math.max(memory, memoryBelow(child.pid!));
  }, LOOK);
  const [code] = await once(child, "exit");
  clearInterval(looks);
  if (code !== 0) throw new Error(`assay ${args[0]} ended with ${code}`);
  return {
    seconds: (performance.now() - since) / 1000,
    processor: ofChildren() - before,
    memory,
  };
}

/** Seconds of the processor that children took which have ended, by Linux's count. */
function ofChildren(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!;
  const [user, system] = fields.split(" ").slice(13, 15);
  return (Number(user) + Number(system)) / 100;
}

/** Bytes that a process and those below it have to themselves. */
function memoryBelow(root: number): number {
  const parents = new Map<number, number>();
  const bytes = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((n) => /^\d+$/.test(n)))
    try {
      const text = readFileSync(`/proc/${name}/status`, "utf8");
      const field = (key: string) =>
        Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
      parents.set(Number(name), field("PPid"));
      bytes.set(Number(name), 1024 * field("VmRSS"));
    } catch {
      // It has ended meanwhile.
    }
  const isBelow = (id: number): boolean =>
    id === root || (parents.has(id) && isBelow(parents.get(id)!));
  return [...bytes].reduce((sum, [id, n]) => (isBelow(id) ? sum + n : sum), 0);
}
