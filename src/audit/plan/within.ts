import { AssayError, UsageError } from "#core";

/** Runs a check; what it throws says the file and the place in the suite, unless it says the file itself. */
export function within<T>(file: string, key: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const Kind = error instanceof UsageError ? UsageError : AssayError;
    const { code, message, hint } = error;
    const place = message.startsWith(file) ? "" : `${file}: ${key}: `;
    throw new Kind(code, `${place}${message}`, hint, { cause: error });
  }
}
