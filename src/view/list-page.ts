import { line } from "#core";
import type { Listed } from "./library.ts";
import { standingText } from "./live.ts";
import { page } from "./pages.ts";
import { moment } from "./words.ts";

/** All runs, or those of which some words are true, such as "flowers failed". */
export function listPage(all: readonly Listed[], asked: string): string {
  const rows = all.map(rowOf).filter(({ words }) => isMeant(words, asked));
  return page("list", {
    title: "Runs",
    script: "list.js",
    query: asked,
    rows,
    some: rows.length > 0,
    count: countOf(rows.length, all.length),
  });
}

function rowOf({ run, summary, why }: Listed) {
  const { id, name, standings } = run;
  const running = standings.map(standingText).join("; ");
  const row = {
    id,
    name: line(name),
    title: line(summary?.title ?? standings[0]?.title ?? name),
    suite: line(summary?.suite ?? ""),
    started: summary ? moment(summary.startedAt) : "",
    verdict: summary?.verdict ?? "",
    running,
    why: why && line(why),
    candidates: (summary?.candidates ?? []).map(line).join(", "),
    readable: summary !== null,
  };
  const words = [row.name, row.title, row.suite, row.started, row.verdict]
    .concat(row.candidates, running && "running", row.why ? "unreadable" : "")
    .join(" ")
    .toLowerCase();
  return { ...row, words };
}

/** Whether each word that is asked for is somewhere in a row. */
const isMeant = (words: string, asked: string): boolean =>
  asked
    .toLowerCase()
    .split(/\s+/)
    .every((word) => words.includes(word));

const countOf = (shown: number, all: number): string =>
  shown === all ? `${all} runs` : `${shown} of ${all} runs`;
