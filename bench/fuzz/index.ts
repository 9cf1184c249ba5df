import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attempts } from "./attempts.ts";
import { readers } from "./readers.ts";

// Reads mutated files: npm run fuzz -- --reader onnx --count 100000. Anything but a
// result or an AssayError within the time limit is a find, printed with the command
// that reads the same file again.

const { values } = parseArgs({
  options: {
    reader: { type: "string" },
    count: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    /** Seconds for one file. */
    limit: { type: "string", default: "15" },
  },
});
const [seed, first, count, limit] = [
  values.seed,
  values.from,
  values.count,
  values.limit,
].map(Number) as [number, number, number, number];

const inParent = process.send === undefined;
let finds = 0;
if (inParent) {
  for (const name of values.reader ? [values.reader] : readers.keys())
    await fuzz(name);
  process.exitCode = finds > 0 ? 1 : 0;
} else {
  const folder = mkdtempSync(join(tmpdir(), "assay-fuzz-"));
  const reader = readers.get(values.reader ?? "");
  if (!reader) throw new Error(`readers: ${[...readers.keys()].join(", ")}`);
  const say = (message: object) => process.send?.(message);
  for (let n = first; n < first + count; n++) {
    const found = await attempts(
      reader,
      { seed, from: n, count: 1 },
      folder,
      () => say({ n }),
    );
    for (const find of found) say(find);
  }
  rmSync(folder, { recursive: true });
  process.disconnect();
}

/** All files of a reader, in a process that is started again where one ended it. */
async function fuzz(name: string): Promise<void> {
  const before = finds;
  let next = first;
  while (next < first + count) next = await until(name, next);
  process.stdout.write(`${name}: ${count} files, ${finds - before} finds\n`);
}

/** Reads until one ends the process. Returns the number of the file after it. */
function until(reader: string, from: number): Promise<number> {
  const told = (n: number, what: string) => {
    finds++;
    process.stdout.write(
      `${what}\n  again: npm run fuzz -- --reader ${reader} --seed ${seed} --from ${n} --count 1\n`,
    );
  };
  return new Promise((resolve) => {
    const rest = first + count - from;
    const child = fork(process.argv[1] ?? "", [
      ...["--reader", reader, "--seed", `${seed}`],
      ...["--from", `${from}`, "--count", `${rest}`],
    ]);
    let last = from;
    let late = false;
    let timer: NodeJS.Timeout | undefined;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        late = true;
        child.kill("SIGKILL");
      }, 1000 * limit);
    };
    wait();
    child.on("message", ({ n, what }: { n: number; what?: string }) => {
      last = n;
      if (what !== undefined) told(n, what);
      wait();
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(first + count);
      told(last, late ? `no end in ${limit} s` : `ended by ${signal ?? code}`);
      resolve(last + 1);
    });
  });
}
