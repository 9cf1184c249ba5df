import { AssayError, duration } from "#core";
import { after } from "./after.ts";
import { HandDied } from "./hand-errors.ts";
import type { Hands, Work } from "./work.ts";

/**
 * Does a work, and once more where the hand died under it.
 *
 * @param stop stops it
 * @param seconds that it may take from when it begins
 * @param begun told when it does, and when it does again
 * @throws TIME_LIMIT where it took longer and was stopped; else what the hand threw
 */
export async function attempt(
  work: Work,
  hands: Hands,
  stop: AbortSignal,
  seconds: number | undefined,
  begun: () => void,
): Promise<void> {
  try {
    await within(work, hands, stop, seconds, begun);
  } catch (error) {
    if (!(error instanceof HandDied) || stop.aborted) throw error;
    await within(work, hands, stop, seconds, begun);
  }
}

async function within(
  work: Work,
  hands: Hands,
  stop: AbortSignal,
  seconds: number | undefined,
  begun: () => void,
): Promise<void> {
  const control = new AbortController();
  const end = () => control.abort();
  let late = false;
  let disarm = () => {};
  const start = () => {
    disarm();
    disarm = after(seconds, () => {
      late = true;
      end();
    });
    begun();
  };
  stop.addEventListener("abort", end);
  try {
    await hands.perform(work, control.signal, start);
  } catch (error) {
    if (!late || stop.aborted) throw error;
    throw new AssayError(
      "TIME_LIMIT",
      `it took longer than a work may (${duration(seconds!)})`,
      "Allow it more time, or ask for less of it.",
      { cause: error },
    );
  } finally {
    disarm();
    stop.removeEventListener("abort", end);
  }
}
