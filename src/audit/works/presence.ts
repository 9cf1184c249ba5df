import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { writeFile } from "#core";

/** Who works on a folder now. */
export interface Presence {
  /** The name of this one, which no other ever has. */
  readonly name: string;
  /** Whether somebody of this name is there and lives. */
  isHere(name: string): boolean;
  /** Milliseconds since a file was written, on the clock of the folder. */
  age(path: string): number;
  /** Whether a file was last written before this one came. */
  isOlder(path: string): boolean;
  /** Whether nobody else is there; what is left of the dead is removed. */
  isAlone(): boolean;
  /** Leaves word for whoever looks at the folder; nothing depends on it. */
  say(text: string): void;
  leave(): Promise<void>;
}

/** Milliseconds between signs of life. */
const BEAT = 2000;

/** Milliseconds without a sign of life after which one counts as dead. */
export const SILENCE = 15_000;

const SIGN = ".here";

const WORD = ".word";

/**
 * Gives signs of life from a thread, since what is computed may block this one for
 * long.
 */
const beating = `
const { workerData } = require("node:worker_threads");
const { writeFileSync } = require("node:fs");
const { path, text, beat } = workerData;
setInterval(() => {
  try {
    writeFileSync(path, text);
  } catch {
    // The folder is not there any more, or not now.
  }
}, beat);
`;

/**
 * Shows that somebody works on a folder, by a file there that is written every two
 * seconds. Signs are compared with one's own, by the clock that both files have: that
 * of the file system.
 *
 * @param folder made where it is not there
 */
export function presenceIn(folder: string): Presence {
  const name = randomUUID();
  const pathOf = (one: string) => join(folder, `${one}${SIGN}`);
  const wordOf = (one: string) => join(folder, `${one}${WORD}`);
  const remove = (one: string) => {
    for (const path of [pathOf(one), wordOf(one)])
      rmSync(path, { force: true });
  };
  const own = { machine: machine(), pid: process.pid };
  const text = JSON.stringify(own);
  writeFile(pathOf(name), text);
  const came = writtenAt(pathOf(name));
  const thread = new Worker(beating, {
    eval: true,
    workerData: { path: pathOf(name), text, beat: BEAT },
  });
  thread.unref();
  const age = (path: string) => writtenAt(pathOf(name)) - writtenAt(path);
  const isHere = (one: string): boolean => {
    if (one === name) return true;
    try {
      const path = pathOf(one);
      return (
        age(path) < SILENCE &&
        !hasEnded(readFileSync(path, "utf8"), own.machine)
      );
    } catch {
      return false;
    }
  };
  return {
    name,
    age,
    isOlder: (path) => writtenAt(path) < came,
    isHere,
    isAlone() {
      const others = readdirSync(folder)
        .filter((file) => file.endsWith(SIGN))
        .map((file) => file.slice(0, -SIGN.length))
        .filter((one) => one !== name);
      const living = others.filter(isHere);
      for (const one of others) if (!living.includes(one)) remove(one);
      return living.length === 0;
    },
    say(text) {
      const draft = `${wordOf(name)}.part`;
      try {
        writeFileSync(draft, text);
        renameSync(draft, wordOf(name));
      } catch {
        // The folder is not there any more, or full.
      }
    },
    async leave() {
      await thread.terminate();
      remove(name);
    },
  };
}

/**
 * What those who work on a folder say last, by the clock of this machine; nothing is
 * written there.
 *
 * @returns of each the text, with the milliseconds since it was said
 */
export function wordsIn(folder: string): { text: string; age: number }[] {
  if (!existsSync(folder)) return [];
  const now = performance.timeOrigin + performance.now();
  const own = machine();
  return readdirSync(folder)
    .filter((file) => file.endsWith(SIGN))
    .flatMap((file) => {
      const sign = join(folder, file);
      const word = join(folder, file.slice(0, -SIGN.length) + WORD);
      try {
        return now - writtenAt(sign) < SILENCE &&
          !hasEnded(readFileSync(sign, "utf8"), own)
          ? [{ text: readFileSync(word, "utf8"), age: now - writtenAt(word) }]
          : [];
      } catch {
        // It has said nothing yet, or left meanwhile.
        return [];
      }
    });
}

/** Whether a sign is of a process of this machine that is not there any more. */
function hasEnded(sign: string, own: string): boolean {
  // A sign that is being written is empty.
  if (sign === "") return false;
  const { machine, pid } = JSON.parse(sign) as { machine: string; pid: number };
  return machine === own && !isRunning(pid);
}

/** It is opened first: of a closed file, a network's file system may not ask again. */
function writtenAt(path: string): number {
  const file = openSync(path, "r");
  try {
    return fstatSync(file).mtimeMs;
  } finally {
    closeSync(file);
  }
}

/** Names the machine such that a process of it has its number to itself. */
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
