import { basename, extname, join } from "node:path";

/** The folder of a run, unless a person names another. */
export const outOf = (suite: string, named?: string): string =>
  named ?? join("runs", basename(suite, extname(suite)));
