import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packagePath } from "#core";
import { temporaryFolder } from "../data/tiny.ts";
import { makeReviews } from "./reviews.ts";

const kept = packagePath("suites", "texts");
const made = temporaryFolder();
if (process.env.UPDATE_TEXTS) makeReviews(kept);
makeReviews(made);

test.each(readdirSync(made))(
  "suites/texts/%s is what the tests make (UPDATE_TEXTS=1 rewrites it)",
  (name) => {
    const [ours, theirs] = [kept, made].map((folder) =>
      readFileSync(join(folder, name)),
    );
    expect(ours?.equals(theirs as Buffer)).toBe(true);
  },
);
