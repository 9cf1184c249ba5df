import { errorPlaces } from "#core";
import { page, prose } from "./markdown.ts";

/** The page of all error codes. */
export function errorsPage(): string {
  const all = errorPlaces();
  const codes = [...new Set(all.map(({ code }) => code))];
  const sections = codes.map((code) => {
    const places = all.filter((place) => place.code === code);
    const lines = places
      .filter(({ message, hint }) => message !== null || hint !== null)
      .map(
        ({ message, hint }) =>
          `- ${prose(message ?? "...")}${hint === null ? "" : `  \n  *${prose(hint)}*`}`,
      );
    const asked = places.filter(({ usage }) => usage).length;
    const kind =
      asked === 0
        ? "Something failed: exit status 1."
        : asked === places.length
          ? "What was asked for is wrong: exit status 2."
          : "Exit status 2 where what was asked for is wrong, else 1.";
    return [`## ${code}`, kind, [...new Set(lines)].join("\n")].join("\n\n");
  });
  return page(
    "Error codes",
    "Every error code of Assay, what it says and what to do.",
    "Every error is a line that says what was found and where, and a hint that says what to do. A program reads its `code`. Here is every one, with ... where something is filled in. What the exit status says stands in [the command line](./command-line.md#exit-status).",
    ...sections,
  );
}
