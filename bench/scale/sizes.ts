import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditOptions, openRun, runAudit, type WorkKind } from "#audit";
import { packagePath, writeFile } from "#core";

/**
 * What works of a kind took: their sizes, in units of the kind, and seconds of the
 * processor, which stay the same whatever else the machine does.
 */
type Measured = readonly (readonly [size: number, seconds: number])[];

const PATH = packagePath("bench", "scale", "sizes.csv");

/** The runs that are measured. */
const measured: readonly Pick<AuditOptions, "suite" | "only">[] = [
  { suite: packagePath("suites", "demo.yaml") },
  {
    suite: packagePath("suites", "finetuning-threats.yaml"),
    only: ["full/none/*"],
  },
];

/** What works of each kind took in whole runs, as `sizes` found it. */
export function measuredSizes(): Map<WorkKind, Measured> {
  const found = new Map<WorkKind, [number, number][]>();
  const lines = readFileSync(PATH, "utf8").trim().split("\n").slice(1);
  for (const line of lines) {
    const [kind, size, seconds] = line.split(",") as [WorkKind, string, string];
    const all = found.get(kind) ?? [];
    all.push([Number(size), Number(seconds)]);
    found.set(kind, all);
  }
  return found;
}

/**
 * Runs suites with one thread, and writes what each of their works took to sizes.csv,
 * from which virtual time draws.
 */
export async function sizes(): Promise<void> {
  const found = new Map<WorkKind, [number, number][]>();
  for (const run of measured) {
    const out = mkdtempSync(join(tmpdir(), "assay-"));
    const options = { ...run, out, engine: {}, threads: 1 };
    const { works } = await openRun(options);
    try {
      let since = process.cpuUsage();
      await runAudit({
        ...options,
        onEvent(event) {
          if (event.kind !== "work") return;
          if (event.state === "started") since = process.cpuUsage();
          if (event.state !== "done") return;
          const { user, system } = process.cpuUsage(since);
          const seconds = Number(((user + system) / 1e6).toPrecision(3));
          const { kind, size } = works.get(event.work)!;
          found.set(kind, [...(found.get(kind) ?? []), [size, seconds]]);
        },
      });
    } finally {
      rmSync(out, { recursive: true });
    }
  }
  const lines = [...found].flatMap(([kind, all]) =>
    all.map((one) => [kind, ...one].join(",")),
  );
  writeFile(PATH, `${["kind,size,seconds", ...lines].join("\n")}\n`);
  for (const [kind, all] of found)
    console.log(
      `${kind}: ${all.length} works, ${all.reduce((sum, [, s]) => sum + s, 0).toFixed(1)} s`,
    );
}
