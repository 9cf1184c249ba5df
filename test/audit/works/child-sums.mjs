// Works of a pool's children whose records are sums of those that they need.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../../dist/src/audit/store.js";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function open({ folder, works }) {
  const store = openStore(folder);
  const record = (id) => `records/${id}.json`;
  const made = works.map(({ id, needs }) => [
    id,
    {
      id,
      record: record(id),
      run: async () => {
        appendFileSync(join(folder, "pids"), `${process.pid}\n`);
        let sum = 1;
        for (const need of needs) {
          await sleep(15);
          sum += store.read(record(need)).sum;
        }
        store.writeTensor(`records/${id}.npy`, {
          type: "float32",
          dims: [1],
          data: Float32Array.of(sum),
        });
        await sleep(15);
        store.write(record(id), { sum }, [`records/${id}.npy`]);
      },
    },
  ]);
  return { works: new Map(made) };
}
