/**
 * Runs a task for each item, at most `lanes` at a time. Rejects with the
 * failure of the earliest item that failed, whichever failed first.
 */
export async function concurrently<Item>(
  items: readonly Item[],
  lanes: number,
  task: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const failures = new Map<number, unknown>();
  let next = 0;
  const lane = async () => {
    // Items start in order, so all before a failed one have been started too.
    while (next < items.length && failures.size === 0) {
      const index = next++;
      try {
        await task(items[index] as Item, index);
      } catch (error) {
        failures.set(index, error);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
}
