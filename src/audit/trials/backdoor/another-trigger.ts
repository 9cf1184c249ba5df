import type { Trigger } from "#attacks";
import type { Random } from "#core";

/**
 * A trigger that changes samples by as much at other places: the changes of the pixels
 * of every sample in another order, the same for all.
 */
export const anotherTrigger =
  (trigger: Trigger, random: Random): Trigger =>
  (x) => {
    const n = x.dims[0] ?? 0;
    const width = x.data.length / Math.max(1, n);
    const order = random.fork("order").permutation(width);
    const marked = trigger(x).data;
    const data = Float32Array.from(x.data);
    for (let i = 0; i < n; i++)
      for (const [to, from] of order.entries()) {
        const at = i * width + from;
        const change = marked[at]! - x.data[at]!;
        const moved = data[i * width + to]! + change;
        data[i * width + to] = Math.min(1, Math.max(0, moved));
      }
    return { ...x, data };
  };
