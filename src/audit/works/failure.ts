import { AssayError, line, messageOf } from "#core";
import type { Failure, Work } from "./work.ts";

/** Why a work has no result, by what it threw. */
export function failureOf({ id, kind, record }: Work, error: unknown): Failure {
  const known = error instanceof AssayError;
  return {
    work: id,
    record,
    kind,
    code: known ? error.code : "UNEXPECTED",
    message: known ? error.message : line(messageOf(error)),
    hint: known ? error.hint : "This is a fault in Assay; please report it.",
    because: null,
  };
}

/** Why a work has no result where something that it needs has none. */
export function failureBehind(
  { id, kind, record }: Work,
  need: Failure,
): Failure {
  const root = need.because ?? need.work;
  return {
    work: id,
    record,
    kind,
    code: "NEED_FAILED",
    message: `it needs ${root}, which failed`,
    hint: need.hint,
    because: root,
  };
}
