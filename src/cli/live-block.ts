/** Lines at the end of a terminal that are rewritten in place. */
export interface LiveBlock {
  show(lines: readonly string[]): void;
  /** Removes them, so that others can be written. */
  clear(): void;
}

/** To the beginning of the line, and nothing from there on. */
const CLEAR = "\r\x1b[0J";

const UP = "\x1b[1A";

export function liveBlock(
  stream: Pick<NodeJS.WriteStream, "write" | "columns">,
): LiveBlock {
  let height = 0;
  const clear = () => {
    if (height > 0) stream.write(UP.repeat(height - 1) + CLEAR);
    height = 0;
  };
  return {
    clear,
    show(lines) {
      clear();
      const width = (stream.columns || 80) - 1;
      // A line that wraps could not be found again.
      stream.write(lines.map((text) => text.slice(0, width)).join("\n"));
      height = lines.length;
    },
  };
}
