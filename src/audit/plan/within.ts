import { AssayError, UsageError } from "#core";

/**
 * Runs a check. What it throws says the file and the place in the suite, unless it says
 * the file itself.
 */
export function within<T>(file: string, key: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw placed(file, key, error);
  }
}

/** The same of a check that takes its time. */
export const withinLater = <T>(
  file: string,
  key: string,
  check: () => Promise<T>,
): Promise<T> =>
  check().catch((error: unknown) => {
    throw placed(file, key, error);
  });

function placed(file: string, key: string, error: unknown): unknown {
  if (!(error instanceof AssayError)) return error;
  const Kind = error instanceof UsageError ? UsageError : AssayError;
  const { code, message, hint } = error;
  const place = message.startsWith(file) ? "" : `${file}: ${key}: `;
  return new Kind(code, `${place}${message}`, hint, { cause: error });
}
