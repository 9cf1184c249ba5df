import { plain } from "../format.ts";

/**
 * Outside text inside a Markdown table or line. A comment behind "@" keeps forges from
 * telling people of that name.
 */
export const escaped = (text: string): string =>
  plain(text.replace(/[\t\r\n\u0085\u2028\u2029]+/g, " "))
    .replace(/[\\`*_{}[\]<>|#~&]/g, (c) =>
      c === "<" ? "&lt;" : c === ">" ? "&gt;" : c === "&" ? "&amp;" : `\\${c}`,
    )
    .replace(/(?<!\w)@/g, "@<!-- -->");

/** A line by which a comment of this suite is found again and replaced. */
export const mark = (title: string): string =>
  `<!-- assay:${plain(title).replace(/[^\p{L}\p{N} .,:-]/gu, "")} -->`;
