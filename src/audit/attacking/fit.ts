import { resolve } from "node:path";
import { type Chosen, hashOf, Random, readFile, sha256 } from "#core";
import {
  answeringAfter,
  type ChosenDefense,
  type FitInput,
  type Fitted,
  fitDetector,
  fitTextSanitizer,
  inPlace,
  isDetector,
  isTextSanitizer,
  type Reactive,
} from "#defenses";
import type { ReadyModel } from "../models/index.ts";
import { describe } from "../suite/index.ts";
import type { Parts } from "../tasks/index.ts";
import { kept, madeBy, progressOf, type Workplace } from "../workplace.ts";

/** What fitting defences needs. */
export interface Fitting extends Workplace {
  /** The target task, on whose other samples defences are fitted. */
  readonly target: Parts;
  /** Where paths in the suite start. */
  readonly folder: string;
}

/** Whether a defence learns anything from data. A detector learns its threshold. */
export const learns = ({ unit }: Chosen<Reactive>): boolean =>
  unit.kind === "detector" || unit.fit !== undefined;

const contents = new WeakMap<object, string[]>();

/** The hashes of the files that a part of a defence names; none for most. */
function filesOf({ unit, params }: Chosen<Reactive>, folder: string): string[] {
  if (unit.kind !== "text-sanitizer") return [];
  const known = contents.get(params);
  if (known) return known;
  const hashes = (unit.files?.(params) ?? []).map((file) =>
    sha256(readFile(resolve(folder, file))),
  );
  contents.set(params, hashes);
  return hashes;
}

/**
 * The parts of a defence as they go into hashes: with what they were fitted on,
 * where one is fitted.
 */
export function describeFits(
  parts: readonly Chosen<Reactive>[],
  { key }: Pick<ReadyModel, "key">,
  bench: Fitting,
) {
  const { target, folder } = bench;
  const files = parts.flatMap((part) => filesOf(part, folder));
  return {
    parts: parts.map(describe),
    files: files.length > 0 ? files : undefined,
    fittedOn: parts.some(learns)
      ? {
          model: key,
          train: target.train.fingerprint,
          table: target.train.table,
          validation: target.validation.fingerprint,
          ...madeBy(bench),
        }
      : null,
  };
}

/**
 * The defence of a candidate, its parts fitted: with what an earlier run
 * or this one found.
 *
 * @param onKept told the names in the store of what was found
 */
export async function fitDefenses(
  parts: readonly Chosen<Reactive>[],
  ready: ReadyModel,
  bench: Fitting,
  onKept: (files: readonly string[]) => void = () => {},
): Promise<ChosenDefense[]> {
  const { engine, target, folder, seed, store } = bench;
  return fitAll(
    parts,
    ({ unit }) => ({
      model: ready.model,
      engine,
      train: target.train,
      validation: target.validation,
      folder,
      random: fitRandom(seed),
      onProgress: progressOf(bench, `${ready.id}: fitting ${unit.id}`),
    }),
    async (place, learn) => {
      const { chosen, before, after } = place;
      const key = hashOf({
        ...describeFits([...before, chosen], ready, bench),
        after: after.map(describe),
      });
      const file = (name: string) => `fits/${key}/${name}.npy`;
      const { record } = await kept(
        bench,
        `fits/${key}.json`,
        async () => {
          const found = await learn();
          for (const [name, value] of found)
            store.writeTensor(file(name), value);
          return [...found.keys()];
        },
        (names) => names.map(file),
      );
      onKept([`fits/${key}.json`, ...record.map(file)]);
      return new Map(
        record.map((name) => [name, store.readTensor(file(name))]),
      );
    },
  );
}

/** What a fit is given, and where paths of its parameters start. */
type PlacedInput = FitInput & { readonly folder: string };

/**
 * Where a part of a defence stands: what decides what it is fitted to,
 * besides model and data.
 */
interface Place {
  readonly chosen: ChosenDefense;
  /** The sanitizers before it, fitted. */
  readonly before: readonly ChosenDefense[];
  /** The parts after it that it is fitted to. */
  readonly after: readonly ChosenDefense[];
}

/**
 * Fits part after part, each in its place.
 *
 * @param keep gives what `learn` finds, or found before
 */
export async function fitAll(
  parts: readonly Chosen<Reactive>[],
  inputFor: (chosen: Chosen<Reactive>) => PlacedInput,
  keep: (place: Place, learn: () => Promise<Fitted>) => Promise<Fitted>,
): Promise<ChosenDefense[]> {
  const all = parts as readonly ChosenDefense[];
  const fitted: ChosenDefense[] = [];
  for (const [k, chosen] of all.entries()) {
    if (!learns(chosen)) {
      fitted.push(chosen);
      continue;
    }
    const before = fitted.filter((part) => !isDetector(part));
    const after = isDetector(chosen) ? [] : answeringAfter(all.slice(k + 1));
    const found = await keep({ chosen, before, after }, () =>
      fitPart(chosen, before, after, inputFor(chosen)),
    );
    fitted.push({ ...chosen, fitted: found } as ChosenDefense);
  }
  return fitted;
}

async function fitPart(
  chosen: ChosenDefense,
  before: readonly ChosenDefense[],
  after: readonly ChosenDefense[],
  input: PlacedInput,
): Promise<Fitted> {
  if (isDetector(chosen)) return fitDetector(chosen, before, input);
  if (isTextSanitizer(chosen))
    return fitTextSanitizer(chosen, before.filter(isTextSanitizer), input);
  const placed = await inPlace(input, before, after);
  return (await chosen.unit.fit?.(placed, chosen.params)) ?? new Map();
}

/**
 * What every fit draws from, so that hardening a model finds the same as auditing it.
 */
export const fitRandom = (seed: number) => new Random(seed).fork("fit");
