import type { Hands } from "./work.ts";

/**
 * This process, which does one work after the other. A work in it ends by itself, or by
 * the signal that it was made with.
 */
export const ownHands = (): Hands => ({
  count: 1,
  perform: (work, _signal, begun) => {
    begun();
    return work.run();
  },
  close: async () => {},
});
