import { dirname } from "node:path";
import type { z } from "zod";
import { readFile, sha256 } from "#core";
import type { ScheduleFunction } from "#tuning";
import { parseDocument } from "./document/index.ts";
import { importSuite, isModule } from "./module.ts";
import { type Suite, suiteSchema } from "./schema.ts";

/** A suite as it was read. */
export interface LoadedSuite {
  readonly suite: Suite;
  readonly file: string;
  /** Paths in the suite are relative to this. */
  readonly folder: string;
  readonly hash: string;
}

type Written = z.input<typeof suiteSchema>;

type Timed<T> = Omit<T, "schedule"> & {
  readonly schedule?:
    | string
    | { readonly id: string; readonly [parameter: string]: unknown }
    | ScheduleFunction;
};

/** What a person writes in a module, where a schedule may be a function. */
export type SuiteInput = Omit<Written, "candidates" | "base"> & {
  readonly candidates: Readonly<
    Record<string, Timed<Written["candidates"][string]>>
  >;
  readonly base?: Omit<NonNullable<Written["base"]>, "pretrain"> & {
    readonly pretrain?: Timed<
      NonNullable<NonNullable<Written["base"]>["pretrain"]>
    >;
  };
};

/**
 * Reads and checks a suite: YAML, or a module that exports one. Throws SUITE_INVALID
 * with file, line and key.
 */
export async function loadSuite(file: string): Promise<LoadedSuite> {
  const bytes = readFile(file);
  const hash = sha256(bytes);
  const suite = isModule(file)
    ? await importSuite(file, hash, suiteSchema)
    : parseDocument(new TextDecoder().decode(bytes), file, suiteSchema);
  return { suite, file, folder: dirname(file), hash };
}
