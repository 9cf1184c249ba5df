import { peakOf } from "./peak-of.ts";
import type { Peaks } from "./peaks.ts";
import type { Hands } from "./work.ts";

/**
 * This process, which does one work after the other. A work in it ends by itself, or by
 * the signal that it was made with.
 *
 * @param onPeak told what memory works take
 * @param tidy called after each work
 */
export const ownHands = (
  onPeak?: Peaks["learn"],
  tidy: () => void = () => {},
): Hands => ({
  count: 1,
  perform: async (work, _signal, begun) => {
    begun();
    try {
      const peak = await peakOf(() => work.run());
      onPeak?.(work.kind, peak);
    } finally {
      tidy();
    }
  },
  close: async () => {},
});
