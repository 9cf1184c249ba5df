import { line } from "./visible.ts";

/**
 * The one error type of the project. Only the command line prints it, as
 * one line: what was found and where, and a hint that says what to do. Whatever a
 * file puts into a message, it stays one visible line of at most 300 characters.
 */
export class AssayError extends Error {
  override name = "AssayError";
  readonly code: string;
  readonly hint: string;

  /**
   * @param code stable upper-case identifier, such as `MODEL_TRUNCATED`
   * @param message what was found, where, and what was expected; a list has a line each
   * @param hint what the reader should do next
   */
  constructor(
    code: string,
    message: string | readonly string[],
    hint: string,
    options?: ErrorOptions,
  ) {
    super([message].flat().map(line).join("\n"), options);
    this.code = code;
    this.hint = line(hint);
  }
}

/** An error in what the user asked for: exit code 2 rather than 1. */
export class UsageError extends AssayError {
  override name = "UsageError";
}

/** The run was interrupted. What is finished is kept. Exit code 130. */
export class InterruptedError extends AssayError {
  override name = "InterruptedError";

  constructor() {
    super(
      "INTERRUPTED",
      "the run was interrupted; finished cells are kept",
      "Run the same command again to continue.",
    );
  }
}

/** The message of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
