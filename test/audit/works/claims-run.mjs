// A command that does works on a folder beside others; each tells that it was done.
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../../dist/src/audit/store.js";
import { openClaims, perform } from "../../../dist/src/audit/works/index.js";

const [folder, count, milliseconds] = process.argv.slice(2);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const store = openStore(folder);
const works = [];
for (let i = 0; i < Number(count); i++) {
  const record = `records/w${i}.json`;
  works.push({
    id: `w${i}`,
    kind: "cell",
    record,
    needs: i < 4 ? [] : [works[i - 4], works[i >> 1]],
    size: 1,
    async run() {
      appendFileSync(join(folder, "begun"), `w${i} ${process.pid}\n`);
      await sleep(Number(milliseconds));
      appendFileSync(join(folder, "done"), `w${i} ${process.pid}\n`);
      store.write(record, { i });
    },
  });
}
const claims = openClaims(folder);
// Two begin together.
const ready = join(folder, "ready");
appendFileSync(ready, ".");
while (readFileSync(ready).length < 2) await sleep(5);
const failures = await perform(works, {
  hands: { count: 2, perform: (work) => work.run(), close: async () => {} },
  store,
  claims,
  onEvent: () => {},
});
await claims.close();
process.exitCode = failures.length;
