import type { WriteStream } from "node:tty";
import pc from "picocolors";

/**
 * Colours for what is written to a stream: only on a terminal, unless
 * FORCE_COLOR or NO_COLOR say otherwise (no-color.org). The library's own
 * choice would also colour the logs of CI systems.
 */
export function coloursFor(stream: Pick<WriteStream, "isTTY">) {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== "0";
  const wanted = forced || (stream.isTTY === true && TERM !== "dumb");
  return pc.createColors(wanted && !NO_COLOR);
}
