import type { SentError } from "#core";
import type { AuditEvent, OnEvent } from "../events.ts";
import type { Work } from "./work.ts";

/** What a child of a pool imports, by the name of `open`: it finds the works again. */
export type OpenWorks = (
  input: unknown,
  place: {
    /** Threads that an engine may use. */
    readonly threads: number;
    readonly onEvent: OnEvent;
    readonly signal: AbortSignal;
  },
) => Promise<{
  /** By id, the same as the parent has. */
  readonly works: ReadonlyMap<string, Work>;
  /** Called after each work: lets go of what the last ones had no use for. */
  tidy?(): void;
}>;

/** From a pool to its child. */
export type Order =
  | {
      readonly kind: "open";
      readonly module: string;
      readonly input: unknown;
      readonly threads: number;
    }
  | {
      readonly kind: "do";
      readonly work: string;
      /** Its record, which has the hash of all that it depends on. */
      readonly record: string;
    }
  | { readonly kind: "stop" };

/** From a child to its pool. An order to open or to do ends in "done" or "error". */
export type Report =
  | {
      readonly kind: "done";
      /** Bytes that the process had at most since it was ordered. */
      readonly peak: number;
    }
  | { readonly kind: "error"; readonly error: SentError }
  | { readonly kind: "event"; readonly event: AuditEvent }
  | { readonly kind: "memory"; readonly bytes: number };
