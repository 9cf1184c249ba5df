import type { Store } from "../../../src/audit/store.ts";
import type { Hands, Work, WorkKind } from "../../../src/audit/works/index.ts";

/** A work that writes what it is called, after what `act` does. */
export function fakeWork(
  store: Store,
  id: string,
  {
    needs = [],
    act = () => {},
    kind = "cell",
    size = 1,
  }: {
    readonly needs?: readonly Work[];
    readonly act?: () => unknown;
    readonly kind?: WorkKind;
    readonly size?: number;
  } = {},
): Work {
  const record = `records/${id}.json`;
  return {
    id,
    kind,
    record,
    needs,
    size,
    async run() {
      await act();
      store.write(record, { id });
    },
  };
}

/** Hands that do several works at once in this process, each from when it is asked. */
export const manyHands = (
  count: number,
  perform: (work: Work, signal: AbortSignal) => Promise<void> = (work) =>
    work.run(),
): Hands => ({
  count,
  perform(work, signal, begun) {
    begun();
    return perform(work, signal);
  },
  close: async () => {},
});

export const moment = (milliseconds = 1) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
