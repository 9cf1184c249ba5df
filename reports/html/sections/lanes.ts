import type { Epoch } from "#results";
import { plain } from "../../format.ts";

/** More lanes than these are one where layer groups were trained together. */
const MOST = 8;

/** So many letters of a name stand beside a lane. */
const LETTERS = 20;

/** When something was trained: the first and the last epoch of each stretch. */
export interface Lane {
  readonly name: string;
  /** The names in full. */
  readonly title: string;
  readonly stretches: readonly (readonly [number, number])[];
}

/**
 * Which layer groups were trained when, in the order of the training: a lane for each,
 * and where there are many, one for neighbours that were trained in the same epochs.
 */
export function lanesOf(history: readonly Epoch[]): Lane[] {
  const groups = [...new Set(history.flatMap((e) => e.trainable))].map(
    (name) => ({ names: [name], stretches: stretchesOf(history, name) }),
  );
  const lanes: typeof groups = [];
  for (const group of groups) {
    const last = lanes.at(-1);
    const isTogether =
      groups.length > MOST && last?.stretches.join() === group.stretches.join();
    if (last && isTogether) last.names.push(...group.names);
    else lanes.push(group);
  }
  return lanes.map(({ names, stretches }) => {
    const [first, last] = [plain(names[0]!), plain(names.at(-1)!)];
    const isOne = names.length === 1;
    return {
      name: isOne ? shortened(first) : `${names.length} layer groups`,
      title: isOne ? first : `${first} to ${last}`,
      stretches,
    };
  });
}

/** The layer groups that were trained, by their names where those are few. */
export const trainedIn = (
  { trainable }: Epoch,
  history: readonly Epoch[],
): string => {
  if (trainable.length <= MOST) return trainable.map(plain).join(", ");
  const all = new Set(history.flatMap((e) => e.trainable)).size;
  return trainable.length === all
    ? `all ${all} layer groups`
    : `${trainable.length} of ${all} layer groups`;
};

/** A long name without its middle. */
function shortened(name: string): string {
  const letters = [...name];
  const half = (LETTERS - 1) / 2;
  return letters.length <= LETTERS
    ? name
    : `${letters.slice(0, Math.ceil(half)).join("")}…${letters.slice(-Math.floor(half)).join("")}`;
}

function stretchesOf(
  history: readonly Epoch[],
  name: string,
): [number, number][] {
  const stretches: [number, number][] = [];
  for (const { epoch, trainable } of history) {
    if (!trainable.includes(name)) continue;
    const current = stretches.at(-1);
    if (current && current[1] === epoch - 1) current[1] = epoch;
    else stretches.push([epoch, epoch]);
  }
  return stretches;
}
