import { randomUUID } from "node:crypto";
import { rmSync, statfsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { join } from "node:path";
import { bestWorkers } from "#audit";
import { devices, line, messageOf, writeFile } from "#core";
import { openEngine, troubleOf } from "#engine";
import { installedBrowser } from "./pdf/browser.ts";

/** One thing that an audit needs, or is better for. */
export interface Finding {
  readonly what: string;
  /** Absent is what an audit can do without; bad what it cannot. */
  readonly state: "good" | "absent" | "slow" | "bad";
  readonly seen: string;
  /** What to do, where something can be done. */
  readonly advice?: string;
}

/** Looks at everything, one after the other, so that nothing disturbs what is timed. */
export async function findings(): Promise<Finding[]> {
  return [
    node(),
    cores(),
    memory(),
    disk(),
    records(),
    await engine(),
    ...(await otherDevices()),
    await workers(),
    browser(),
    ...optional(),
  ];
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

const OLDEST = [20, 19];

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isOld =
    major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!);
  return {
    what: "Node",
    state: isOld ? "bad" : "good",
    seen: `${process.version} on ${process.platform} ${process.arch}`,
    advice: isOld
      ? `Assay needs Node ${OLDEST.join(".")} or newer.`
      : undefined,
  };
}

function cores(): Finding {
  const count = availableParallelism();
  return {
    what: "processor",
    state: count > 1 ? "good" : "slow",
    seen: `${count} cores, ${cpus()[0]?.model.trim() || "of a kind that it does not tell"}`,
    advice:
      count > 1
        ? undefined
        : "One core does one work at a time; assay worker takes more machines.",
  };
}

/** What a run of a network for images of 224 x 224 pixels takes, about. */
const ENOUGH_MEMORY = 4e9;

function memory(): Finding {
  // A container may have less than its machine.
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const isLittle = total < ENOUGH_MEMORY;
  return {
    what: "memory",
    state: isLittle ? "slow" : "good",
    seen: `${gigabytes(total)}, ${gigabytes(Math.min(freemem(), total))} of it free`,
    advice: isLittle
      ? "Large images and networks may not fit; assay plan says what a suite needs."
      : undefined,
  };
}

const ENOUGH_DISK = 2e9;

function disk(): Finding {
  const { bavail, bsize } = statfsSync(".");
  const free = bavail * bsize;
  return {
    what: "disk",
    state: free < ENOUGH_DISK ? "slow" : "good",
    seen: `${gigabytes(free)} free in this folder`,
    advice:
      free < ENOUGH_DISK
        ? "Every candidate and all examples are kept in the folder of a run; name another by --out."
        : undefined,
  };
}

const RECORDS = 20;
/** Milliseconds. A suite has hundreds of records. */
const SLOW_RECORD = 50;

/** Records are written through to the disk, one for each work. */
function records(): Finding {
  const file = join(process.cwd(), `.assay-doctor-${randomUUID()}`);
  const since = performance.now();
  try {
    for (let i = 0; i < RECORDS; i++) writeFile(file, `${i}\n`);
  } catch (error) {
    return {
      what: "records",
      state: "bad",
      seen: `this folder cannot be written to: ${messageOf(error)}`,
      advice: "Work in another folder, or name one by --out.",
    };
  } finally {
    rmSync(file, { force: true });
  }
  const each = (performance.now() - since) / RECORDS;
  return {
    what: "records",
    state: each > SLOW_RECORD ? "slow" : "good",
    seen: `${each.toFixed(1)} ms each, written through to the disk`,
    advice:
      each > SLOW_RECORD
        ? "A run writes one for each work; a local disk is faster than a network's."
        : undefined,
  };
}

async function engine(): Promise<Finding> {
  const what = "onnxruntime";
  try {
    const trouble = await troubleOf("cpu");
    const { title } = await openEngine();
    return trouble
      ? { what, state: "bad", seen: trouble, advice: REINSTALL }
      : { what, state: "good", seen: title };
  } catch (error) {
    return { what, state: "bad", seen: messageOf(error), advice: REINSTALL };
  }
}

const REINSTALL =
  "Install again: ONNXRUNTIME_NODE_INSTALL=skip npm ci; the library for the CPU is in the package.";

async function otherDevices(): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const device of devices) {
    if (device === "cpu") continue;
    const why = await troubleOf(device).catch(messageOf);
    found.push({
      what: device,
      state: why === undefined ? "good" : "absent",
      seen: why ? short(why) : `computes as the CPU does; --device ${device}`,
    });
  }
  return found;
}

/** The first of what a native library says, without the names of its functions. */
const short = (why: string) =>
  why.length > 80 ? `${line(why.slice(0, 79))}…` : line(why);

async function workers(): Promise<Finding> {
  const { title } = await openEngine();
  const { workers, threads } = await bestWorkers(title);
  return {
    what: "workers",
    state: "good",
    seen: `${workers} of ${threads} threads get the most done here`,
  };
}

const PACKAGES = [
  ["@tensorflow/tfjs", "a second engine, --engine tfjs"],
  ["bullmq", "works by a queue, --queue"],
  ["ioredis", "works by a queue, --queue"],
  ["aws4fetch", "a bucket between machines, --store"],
] as const;

/** What prints a report. */
function browser(): Finding {
  try {
    const seen = `${installedBrowser()}, for assay report --pdf`;
    return { what: "browser", state: "good", seen };
  } catch (error) {
    return {
      what: "browser",
      state: "absent",
      seen: `${messageOf(error)}; only for assay report --pdf`,
    };
  }
}

function optional(): Finding[] {
  const { resolve } = createRequire(import.meta.url);
  return PACKAGES.map(([name, use]) => {
    try {
      resolve(name);
      return { what: name, state: "good", seen: `there, for ${use}` };
    } catch {
      const seen = `not installed; only for ${use}`;
      return { what: name, state: "absent", seen, advice: undefined };
    }
  });
}
