import type { CatalogEntry } from "#audit";
import { page, prose, table } from "./markdown.ts";

/** The page of one trust check. */
export const checkPage = ({
  id,
  title,
  summary,
  meaning,
  advice,
}: CatalogEntry) =>
  page(
    title,
    String(summary),
    `\`${id}\``,
    prose(String(summary)),
    `## What it means\n\n${prose(String(meaning))}`,
    `## What to do\n\n${prose(String(advice))}`,
    "Thresholds and sources: [of cells](../trust.md#trust-checks), [of trials](../attacks-on-fine-tuning.md).",
  );

/** The page that lists all trust checks. */
export const checksPage = (checks: readonly CatalogEntry[]) =>
  page(
    "Trust checks",
    "Mechanical tests that a number is not an artefact.",
    "A number whose check fails is not trusted: the report says why, and the gate is inconclusive where it would have passed. Thresholds stand in [what the numbers mean](../trust.md#trust-checks).",
    table(
      ["", "what it tests"],
      checks.map(({ id, title, summary }) => [
        `[${prose(title)}](./${id}.md) \`${id}\``,
        prose(String(summary)),
      ]),
    ),
  );
