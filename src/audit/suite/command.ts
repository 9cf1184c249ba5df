import { quoted } from "#core";
import type { LoadedSuite } from "./load.ts";

/** The command that computes one cell or trial of a suite alone. */
export const commandFor = (
  { file, settings }: Pick<LoadedSuite, "file" | "settings">,
  id: string,
): string =>
  [
    ...["npx", "assay", "run", quoted(file)],
    ...settings.flatMap((one) => ["--set", quoted(one)]),
    ...["--only", `'${id}'`],
  ].join(" ");
