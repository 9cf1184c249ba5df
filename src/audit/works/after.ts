/** The most milliseconds that a timer takes. */
const LONGEST = 2 ** 31 - 1;

/**
 * Calls once so many seconds have passed, or never where they are left out.
 *
 * @returns what takes it back
 */
export function after(seconds: number | undefined, call: () => void) {
  if (seconds === undefined) return () => {};
  const timer = setTimeout(call, Math.min(1000 * seconds, LONGEST));
  return () => clearTimeout(timer);
}
