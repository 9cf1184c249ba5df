import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packagePath } from "#core";
import { writeModel } from "#onnx";
import { large } from "./models.ts";

/** Milliseconds between looks at the memory of the command. */
const LOOK = 20;

/**
 * Prints what `assay inspect` takes of large models: time, that of the processor, and
 * the most memory of its processes together, beyond the file.
 */
export async function inspect(
  only: readonly string[] = Object.keys(large),
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  console.log("model        seconds  of the processor  MB beyond the file");
  try {
    for (const name of only) {
      const file = join(folder, "model.onnx");
      writeModel(file, large[name]!().graph);
      const { seconds, processor, memory } = await measured(file);
      const beyond = (memory - statSync(file).size) / 1e6;
      console.log(
        `${name.padEnd(13)}${seconds.toFixed(1).padEnd(9)}${processor.toFixed(1).padEnd(18)}${beyond.toFixed(0)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measured(file: string) {
  const [since, before] = [performance.now(), ofChildren()];
  const child = spawn(
    process.execPath,
    [packagePath("dist/src/cli/main.js"), "inspect", file],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  let memory = 0;
  const looks = setInterval(() => {
    memory = Math.max(memory, memoryBelow(child.pid!));
  }, LOOK);
  await once(child, "exit");
  clearInterval(looks);
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
