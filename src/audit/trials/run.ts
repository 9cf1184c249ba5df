import { hashOf, needsOf, Random } from "#core";
import type { FloatTensor } from "#onnx";
import type { Models, Workshop } from "../models/index.ts";
import type { PlannedTrial } from "../plan/index.ts";
import type { Trial } from "../results/index.ts";
import { kept, progressOf, stopwatch } from "../workplace.ts";
import { protocolOf } from "./kinds.ts";
import { type Each, type PlannedPart, readPart, writePart } from "./parts.ts";
import type { Outcome, TrialInput } from "./trial.ts";
import { openVictim } from "./victim.ts";

/** Where a trial is tried. */
export interface Place {
  readonly planned: PlannedTrial;
  readonly models: Models;
  readonly shop: Workshop;
  /** What all of it depends on, whatever the repair. */
  readonly depends: Readonly<Record<string, unknown>>;
  /** The repair, and the defences that it meets. */
  readonly behind: { readonly repair: unknown; readonly defenses: unknown };
  /** The parts that are planned. */
  readonly parts: readonly PlannedPart[];
}

/** What a trial found, in how many seconds together with its parts. */
export type Conclusion = Outcome & Pick<Trial, "seconds">;

/** Where what a part finds is kept. */
export function recordOfPart(
  name: string,
  { depends, behind, parts }: Omit<Place, "models">,
): string {
  const of = parts.find((part) => part.name === name)?.of;
  const key = hashOf({
    ...depends,
    ...(of === undefined ? {} : { attack: of }),
    repair: behind.repair,
    part: name,
  });
  return `trials/${key}.json`;
}

/** Says what its parts say together; parts that are not there are made. */
export async function concludeTrial(place: Place): Promise<Conclusion> {
  const seconds = stopwatch();
  let before = 0;
  const outcome = await run(place, {
    onRead: (took) => {
      before += took;
    },
  });
  return { ...outcome, seconds: before + seconds() };
}

/** Ends a protocol when the part that was asked for is there. */
class PartDone extends Error {}

/** Computes one part of a trial and keeps it. */
export async function tryPart(name: string, place: Place): Promise<void> {
  try {
    await run(place, { only: name });
  } catch (error) {
    if (error instanceof PartDone) return;
    throw error;
  }
  // It was planned, and there was no need for it.
  const nothing = { value: null, seconds: 0 };
  writePart(place.shop.store, recordOfPart(name, place), nothing, []);
}

interface How {
  /** The part that is asked for; all when left out. */
  readonly only?: string;
  /** Told how many seconds a part took that was made before. */
  readonly onRead?: (seconds: number) => void;
}

async function run(place: Place, { only, onRead }: How): Promise<Outcome> {
  const { planned, models, shop, depends } = place;
  const { store } = shop;
  const { id, candidate, chosen, parts } = planned;
  /** What was kept on the way of the part that is made. */
  let files: string[] = [];
  const onKept = (names: readonly string[]) => files.push(...names);
  const { surrogate, ...victim } = await openVictim(
    await models.candidate(candidate),
    parts,
    await models.base(),
    shop,
    onKept,
  );
  const each: Each = async <I, T>(
    items: readonly I[],
    nameOf: (item: I) => string,
    make: (item: I) => Promise<T>,
  ): Promise<T[]> => {
    const found: T[] = [];
    const isHere = items.some((item) => nameOf(item) === only);
    for (const item of items) {
      const name = nameOf(item);
      if (isHere && name !== only) continue;
      const record = recordOfPart(name, place);
      const before = name === only ? undefined : readPart(store, record);
      if (before) onRead?.(before.seconds);
      else {
        files = [];
        const seconds = stopwatch();
        const value = await make(item);
        writePart(store, record, { value, seconds: seconds() }, files);
      }
      if (name === only) throw new PartDone();
      found.push(readPart(store, record)?.value as T);
    }
    return found;
  };
  return protocolOf(chosen).run({
    ...chosen,
    victim,
    unrelated: needsOf(chosen).includes("unrelated")
      ? (await models.unrelated()).model
      : null,
    surrogate,
    each,
    async once(name, made): Promise<FloatTensor> {
      const key = hashOf({ ...depends, name });
      const [record, file] = [`trials/${key}.json`, `trials/${key}.npy`];
      const make = async () => {
        store.writeTensor(file, await made());
        return null;
      };
      await kept(shop, record, make, () => [file]);
      onKept([record, file]);
      return store.readTensor(file);
    },
    random: new Random(shop.seed).fork(`trial ${chosen.unit.id}`),
    engine: shop.engine,
    signal: shop.signal,
    onProgress: progressOf(shop, id),
  } satisfies TrialInput<unknown>);
}
