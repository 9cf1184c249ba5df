import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packagePath } from "#core";
import { temporaryFolder } from "../folder.ts";
import { makeReviews } from "./reviews.ts";

const kept = packagePath("suites", "texts");
const made = temporaryFolder();
if (process.env.UPDATE_TEXTS) makeReviews(kept);
makeReviews(made);

/** A file's bytes; of JSON, which the formatter writes its own way, what it says. */
function contentOf(folder: string, name: string): unknown {
  const bytes = readFileSync(join(folder, name));
  return name.endsWith(".json")
    ? JSON.parse(bytes.toString("utf8"))
    : bytes.toString("base64");
}

test.each(readdirSync(made))(
  "suites/texts/%s is what the tests make (UPDATE_TEXTS=1 rewrites it)",
  (name) => {
    expect(contentOf(kept, name)).toEqual(contentOf(made, name));
  },
);
