// A process with a pool, which does a work until it is killed.
import { openPool } from "../../../dist/src/audit/works/index.js";

const [folder, id] = process.argv.slice(2);
const pool = openPool({
  module: new URL("./child-works.mjs", import.meta.url),
  input: { folder, ids: [id] },
  count: 1,
  threads: 1,
  onEvent: () => {},
});
await pool.perform({ id, record: `${id}.done` }, new AbortController().signal);
