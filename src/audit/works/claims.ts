import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { sha256 } from "#core";
import { sweep } from "./litter.ts";
import { type Presence, presenceIn, SILENCE, wordsIn } from "./presence.ts";
import { type Standing, standingSchema } from "./standing.ts";

/** Who does what, among commands that work on the same folder. */
export interface Claims {
  /** Whether a record is ours to make, until it is released. */
  take(record: string): boolean;
  /** Whether somebody who lives is making it. */
  isTaken(record: string): boolean;
  release(record: string): void;
  /** Tells whoever looks at the folder how far this command is. */
  tell(standing: Standing): void;
  /** Releases all, and leaves the folder. */
  close(): Promise<void>;
}

const CLAIM = ".claim";

const roomOf = (folder: string) => join(folder, "claims");

/**
 * Claims on a folder, so that commands on it help each other. A claim is a file with
 * the name of who has it, which is made only where it is not there; one of somebody who
 * gave no sign of life for 15 seconds is taken over. Should two believe for a moment
 * that they have the same claim, a record is made twice, which does no harm. Whoever
 * comes to a folder where nobody is removes what killed commands left there.
 */
export function openClaims(folder: string): Claims {
  const room = roomOf(folder);
  const presence = presenceIn(room);
  const held = new Set<string>();
  if (presence.isAlone()) {
    for (const file of readdirSync(room))
      if (file.includes(CLAIM) && !isOwned(join(room, file), presence))
        rmSync(join(room, file), { force: true });
    // What is younger may be of a command that comes at the same time.
    sweep(folder, presence.isOlder);
  }
  const pathOf = (record: string) =>
    join(room, `${sha256(record).slice(0, 32)}${CLAIM}`);
  const release = (record: string) => {
    const path = pathOf(record);
    held.delete(record);
    if (ownerOf(path) === presence.name) rmSync(path, { force: true });
  };
  return {
    take(record) {
      const path = pathOf(record);
      const isOurs =
        claim(path, presence.name) ||
        (bury(path, presence) && claim(path, presence.name));
      if (isOurs) held.add(record);
      return isOurs;
    },
    isTaken: (record) => isOwned(pathOf(record), presence),
    release,
    tell: (standing) => presence.say(JSON.stringify(standing)),
    async close() {
      for (const record of held) release(record);
      await presence.leave();
      try {
        rmdirSync(room);
      } catch {
        // Others are still there.
      }
    },
  };
}

/**
 * How far the commands are that work on a folder now. Nothing is written there, and
 * what is no such telling is passed over.
 */
export const standingsIn = (folder: string): Standing[] =>
  wordsIn(roomOf(folder)).flatMap(({ text, age }) => {
    try {
      const said = standingSchema.parse(JSON.parse(text));
      const left = said.left && Math.max(0, said.left - age / 1000);
      return [{ ...said, left }];
    } catch {
      return [];
    }
  });

/** Makes a claim, where there is none. */
function claim(path: string, name: string): boolean {
  try {
    writeFileSync(path, name, { flag: "wx" });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "ENOENT") throw error;
    // Whoever left last has removed the room.
    mkdirSync(join(path, ".."), { recursive: true });
    return claim(path, name);
  }
}

/** Removes a claim whose owner is dead. */
function bury(path: string, presence: Presence): boolean {
  if (isOwned(path, presence)) return false;
  const grave = `${path}.${presence.name}`;
  try {
    renameSync(path, grave);
  } catch {
    // Somebody else was quicker, and may have it now.
    return true;
  }
  const owner = ownerOf(grave);
  const isDead = !isOwned(grave, presence);
  // Meanwhile somebody else may have taken it over, and has it back.
  if (!isDead && owner) claim(path, owner);
  rmSync(grave, { force: true });
  return isDead;
}

function isOwned(path: string, presence: Presence): boolean {
  const owner = ownerOf(path);
  if (owner === undefined) return false;
  // A claim that is being written is empty.
  if (owner === "") return isFresh(path, presence);
  return presence.isHere(owner);
}

function isFresh(path: string, presence: Presence): boolean {
  try {
    return presence.age(path) < SILENCE;
  } catch {
    return false;
  }
}

function ownerOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
