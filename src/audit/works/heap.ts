/** Numbers, of which the first in an order is at the top. */
export interface Heap {
  /** How many there are. */
  readonly size: number;
  top(): number | undefined;
  push(item: number): void;
  pop(): number | undefined;
  /** The order is another now. */
  reorder(): void;
}

/** A binary heap of at most `room` numbers. */
export function heapOf(
  room: number,
  isBefore: (a: number, b: number) => boolean,
): Heap {
  const items = new Int32Array(room);
  let size = 0;
  const settle = (item: number, from: number) => {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(item, items[above]!)) break;
      items[at] = items[above]!;
      at = above;
    }
    items[at] = item;
  };
  return {
    get size() {
      return size;
    },
    top: () => (size === 0 ? undefined : items[0]),
    push(item) {
      settle(item, size++);
    },
    pop() {
      if (size === 0) return undefined;
      const top = items[0]!;
      const last = items[--size]!;
      // The hole at the top sinks to the ground, and the last one rises from there.
      let hole = 0;
      for (let below = 1; below < size; below = 2 * hole + 1) {
        if (below + 1 < size && isBefore(items[below + 1]!, items[below]!))
          below++;
        items[hole] = items[below]!;
        hole = below;
      }
      settle(last, hole);
      return top;
    },
    reorder() {
      // What rises stays among those that were there before it.
      for (let at = 1; at < size; at++) settle(items[at]!, at);
    },
  };
}
