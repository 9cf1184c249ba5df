import { Command } from "commander";
import { baselineOf, readResults } from "#audit";
import { jsonText, line, writeFile } from "#core";

const EXAMPLES = `
Examples:
  assay baseline save runs/main
  assay run audit.yaml --baseline baseline.json

A suite names it by \`baseline: baseline.json\`, and limits what may become worse by rules
such as \`regression: { robustAccuracy: { max: 0.02 } }\`. The file is results as any others
are, without pictures and curves. Nothing but this command changes it.`;

export const baselineCommand = new Command("baseline")
  .addHelpText("after", EXAMPLES)
  .addCommand(
    new Command("save")
      .description(
        "keep of a run what a comparison needs, in a small file that can be committed",
      )
      .argument("<run>", "results.json of a finished run, or its folder")
      .argument("[file]", "the file to write", "baseline.json")
      .addHelpText("after", EXAMPLES)
      .exitOverride()
      .action((run: string, file: string) => {
        writeFile(file, jsonText(baselineOf(readResults(run))));
        process.stdout.write(`Saved: ${line(file)}\n`);
      }),
  );
