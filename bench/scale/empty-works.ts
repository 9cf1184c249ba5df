import { openStore, type Work } from "#audit";

/** What a child of the pool needs to find the works again. */
export interface EmptyWorks {
  readonly folder: string;
  readonly count: number;
}

/** Works that compute nothing and keep a record, each behind one of those before it. */
export function emptyWorks({ folder, count }: EmptyWorks): Work[] {
  const store = openStore(folder);
  const works: Work[] = [];
  for (let i = 0; i < count; i++) {
    const record = `records/${i}.json`;
    works.push({
      id: `empty ${i}`,
      kind: "cell",
      record,
      needs: i === 0 ? [] : [works[i >> 1]!],
      size: 1,
      run: async () => store.write(record, { i }),
    });
  }
  return works;
}

/** What the children import. */
export const open = async (input: unknown) => ({
  works: new Map(
    emptyWorks(input as EmptyWorks).map((work) => [work.id, work]),
  ),
});
