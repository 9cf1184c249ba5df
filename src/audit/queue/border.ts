import { setTimeout as wait } from "node:timers/promises";
import { AssayError } from "#core";
import type { Store } from "../store.ts";
import { type Work, worksBehind } from "../works/index.ts";
import type { Depot } from "./depot.ts";

/**
 * Milliseconds in which a record has to be seen here that was written elsewhere: file
 * systems of networks remember for up to a minute that a file is not there.
 */
const PATIENCE = 70_000;

/** Milliseconds between looks. */
const LOOK = 200;

/**
 * Waits until a record that was written elsewhere is seen in a folder that is shared.
 *
 * @throws STORE_APART where it is not
 */
export async function seen(
  store: Store,
  record: string,
  signal?: AbortSignal,
): Promise<void> {
  for (let waited = 0; store.read(record) === undefined; waited += LOOK) {
    if (waited >= PATIENCE)
      throw new AssayError(
        "STORE_APART",
        `${record} was made elsewhere and is not in ${store.folder}: that folder is not shared`,
        "Give all machines the same folder at this path, or a bucket with --store s3://bucket/prefix.",
      );
    await wait(LOOK, undefined, { signal });
  }
}

/**
 * A work as a worker of a queue does it: what it needs is brought here before, and what
 * it finds is handed on behind it. One that was done meanwhile is not done again.
 *
 * @param depot what folders are kept alike by, where they are not one
 */
export function atBorder(work: Work, store: Store, depot?: Depot): Work {
  const { id, kind, record, needs, size } = work;
  return {
    ...{ id, kind, record, needs, size },
    async run() {
      if (depot)
        for (const need of worksBehind(needs).values())
          if (!(await depot.bring(need.record))) throw lacking(need, work);
      for (const need of needs) await seen(store, need.record);
      const isDone = depot
        ? await depot.bring(record)
        : store.read(record) !== undefined;
      if (!isDone) await work.run();
      if (depot && !(isDone && (await depot.has(record))))
        await depot.hand(record);
    },
  };
}

const lacking = (need: Work, work: Work) =>
  new AssayError(
    "STORE_LACKS",
    `${work.id} needs ${need.id}, which is not in the bucket as it was written`,
    "Run the same command again: it makes what is missing.",
  );
