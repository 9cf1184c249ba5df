import { Argument, Command, Option } from "commander";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { completed } from "../completion/tree.ts";
import { askedFor, valuesFor } from "../completion/values.ts";
import { zshScript } from "../completion/zsh.ts";

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** Name, description and loader of each command of the program. */
type Commands = readonly (readonly [string, string, () => Promise<Command>])[];

export const completionCommand = (commands: Commands) =>
  new Command("completion")
    .addArgument(
      new Argument("<shell>", "which shell it is for").choices(
        Object.keys(shells),
      ),
    )
    .addArgument(new Argument("[words...]", "of the line so far"))
    .addOption(
      new Option(
        "--for <option>",
        "print values of an option, as scripts ask it",
      )
        .choices(askedFor)
        .hideHelp(),
    )
    .addHelpText(
      "after",
      `
Examples:
  assay completion bash > ~/.local/share/bash-completion/completions/assay
  assay completion zsh > ~/.zfunc/_assay
  assay completion fish > ~/.config/fish/completions/assay.fish

Commands, options, files, suites, names of units, checks and error codes are completed, and
behind --set and --only what the suite of the line has. The script is one of this
version: write it again after an update.`,
    )
    .action(async (shell: keyof typeof shells, words, { for: asked }) => {
      if (asked) {
        const values = await valuesFor(asked, words);
        process.stdout.write(values.map((value) => `${value}\n`).join(""));
        return;
      }
      const program = new Command("assay");
      for (const [, description, load] of commands)
        program.addCommand((await load()).description(description));
      process.stdout.write(shells[shell](completed(program)));
    });
