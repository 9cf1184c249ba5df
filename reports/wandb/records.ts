import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { wellFormed } from "../format.ts";

/** Keys with values that are written as JSON. */
export type Items = readonly (readonly [key: string, value: unknown])[];

/** A run of Weights & Biases. */
export interface WandbRun {
  readonly id: string;
  readonly project: string;
  readonly group: string;
  readonly job: string;
  readonly name: string;
  readonly notes: string;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  readonly config: Items;
  readonly summary: Items;
  /** What is known at each step; steps ascend. */
  readonly history: readonly { readonly step: number; readonly items: Items }[];
}

/**
 * A run as records of wandb_internal.Record, in the order in which wandb logs them.
 *
 * Fields: wandb/proto/wandb_internal.proto of the package wandb.
 */
export function recordsOf(run: WandbRun): Uint8Array[] {
  const seconds = Math.round((run.end - run.start) / 1000);
  const bodies: Field[] = [
    [17, runRecord(run, seconds)],
    ...run.history.map(({ step, items }): Field => {
      // It is not known when a step was taken, only when all had been.
      const all = [["_step", step], ["_timestamp", run.end / 1000], ...items];
      return [2, message(...each(1, all as Items), [2, message([1, step])])];
    }),
    [3, message(...each(1, run.summary))],
    [18, message([1, 0], [2, seconds])],
  ];
  return bodies.map((body, i) => message([1, i + 1], body));
}

const runRecord = (run: WandbRun, seconds: number): Uint8Array =>
  message(
    [1, run.id],
    [3, run.project],
    [4, message(...each(1, run.config))],
    [6, run.group],
    [7, run.job],
    [8, run.name],
    [9, run.notes],
    [17, timestamp(run.start)],
    [20, seconds],
  );

const timestamp = (milliseconds: number): Uint8Array =>
  message(
    [1, Math.floor(milliseconds / 1000)],
    [2, (milliseconds % 1000) * 1_000_000],
  );

/** Items of a config, a summary or a step, which are alike. */
const each = (field: number, items: Items): Field[] =>
  items.map(([key, value]) => [
    field,
    message([1, wellFormed(key)], [16, JSON.stringify(value)]),
  ]);

type Field = readonly [number: number, value: string | number | Uint8Array];

function message(...fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields)
    if (typeof value === "number")
      writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === "string")
      writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  return writer.finish();
}
