/**
 * The places of the first `count` values from the largest to the smallest, the first
 * of equal ones; from a heap, since few are asked for.
 */
export function* largestFirst(
  values: Float64Array,
  count = values.length,
): Generator<number> {
  const heap = new Int32Array(count);
  for (let k = 0; k < count; k++) heap[k] = k;
  const isAbove = (a: number, b: number) => {
    const difference = values[a]! - values[b]!;
    return difference > 0 || (difference === 0 && a < b);
  };
  const sink = (from: number, size: number) => {
    const moved = heap[from]!;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      if (below + 1 < size && isAbove(heap[below + 1]!, heap[below]!)) below++;
      if (!isAbove(heap[below]!, moved)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = moved;
  };
  for (let at = (count >> 1) - 1; at >= 0; at--) sink(at, count);
  for (let held = count; held > 0; held--) {
    yield heap[0]!;
    heap[0] = heap[held - 1]!;
    sink(0, held - 1);
  }
}
