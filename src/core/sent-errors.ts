import {
  AssayError,
  InterruptedError,
  messageOf,
  UsageError,
} from "./errors.ts";

/** An error on its way between threads or processes, which costs it its class. */
export interface SentError {
  readonly name: string;
  readonly code: string;
  /** A list has a line each. */
  readonly message: string;
  readonly hint: string;
  readonly stack: string;
}

/** The code of what is no AssayError. */
const UNEXPECTED = "UNEXPECTED";

/** Anything thrown, ready to be sent. */
export function sentError(error: unknown): SentError {
  const known = error instanceof AssayError;
  return {
    name: known ? error.name : "Error",
    code: known ? error.code : UNEXPECTED,
    message: messageOf(error),
    hint: known ? error.hint : "",
    stack: error instanceof Error ? (error.stack ?? "") : "",
  };
}

/** The error that was sent: in its class, or as an AssayError where it has another. */
export function revived({
  name,
  code,
  message,
  hint,
  stack,
}: SentError): Error {
  if (name === "InterruptedError") return new InterruptedError();
  const said = message.split("\n");
  if (name === "UsageError") return new UsageError(code, said, hint);
  if (code !== UNEXPECTED) return new AssayError(code, said, hint);
  const error = new Error(message);
  error.stack = stack;
  return error;
}
