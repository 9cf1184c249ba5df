import { sizeOf } from "#onnx";
import type { PlannedCell } from "../plan/index.ts";
import {
  type InFront,
  type Work,
  type Yields,
  yields,
} from "../works/index.ts";
import { type Bench, openedKey, openFor, type Subject, tidy } from "./bench.ts";
import { look, remember, type Seen, seenFiles, seenRecord } from "./seen.ts";

/** About how many passes show what a model does with the same and noisy samples. */
const LOOKS = 1500;

/** Asks a candidate behind a defence once what all of its cells want to know. */
export function answersWork(
  {
    candidate,
    defense,
    parts,
    isOnSource,
  }: Pick<PlannedCell, "candidate" | "defense" | "parts" | "isOnSource">,
  subject: Subject,
  bench: Bench,
  needs: readonly Work[],
): Yields<Seen> {
  const record = seenRecord(openedKey(subject, parts, bench), bench);
  return yields<Seen>(bench.store, {
    id: `answers ${candidate}/${defense}${isOnSource ? " on the source" : ""}`,
    kind: "answers",
    sort: [candidate, defense],
    defense: inFrontOf({ parts }, bench),
    record,
    needs,
    size: bench.data.y.length + LOOKS,
    async compute() {
      await tidy(bench);
      const opened = await openFor(await subject.open(), parts, bench);
      if (parts.length === 0 && !isOnSource)
        remember(opened, bench, bench.foreseen.looks.get(candidate));
      return look(opened, bench);
    },
    files: (seen) => seenFiles(record, seen),
  });
}

/** What stands before a model, by which works are told apart. */
export const inFrontOf = (
  { parts }: Pick<PlannedCell, "parts">,
  { data }: Bench,
): InFront => ({
  units: parts.map(({ unit }) => unit.id),
  values: sizeOf(data.x.dims.slice(1)),
});
