import type { Command } from "commander";
import { catalog } from "#audit";
import { errorPlaces } from "#core";
import { reporters } from "#reports";
import { askedFor } from "./values.ts";

/**
 * What can follow on a command line: words, the name of a file or folder or of a suite,
 * or what the command says of the suite that is named there ("asked").
 */
export type Words =
  | readonly string[]
  | "file"
  | "suite"
  | "nothing"
  | { readonly asked: string };

/** An option, as a shell completes it. */
export interface CompletedOption {
  readonly flags: readonly string[];
  readonly description: string;
  /** What its value is; "nothing" where it has none, or one that nobody can guess. */
  readonly value: Words;
  readonly takesValue: boolean;
}

/** A command, as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  readonly operands: Words;
}

/** Commands of a program as shells complete them. */
export const completed = (program: Command): CompletedCommand[] =>
  program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [
      ...shownOptions(command).map(
        ({ short, long, description, ...option }) => ({
          flags: [short, long].filter((flag) => flag !== undefined),
          description,
          takesValue: option.required || option.optional,
          value: wordsFor(long ?? "", option.argChoices, option.flags),
        }),
      ),
      {
        flags: ["--help"],
        description: "display help for command",
        value: "nothing" as const,
        takesValue: false,
      },
    ],
    operands: operandsOf(command),
  }));

const shownOptions = ({ options }: Command) =>
  options.filter(({ hidden }) => !hidden);

const idsOf = (kinds: readonly string[]): string[] => [
  ...new Set(
    kinds.flatMap((kind) => catalog[kind]?.().map(({ id }) => id) ?? []),
  ),
];

/** Values that are names of units. */
const named: Readonly<Record<string, () => readonly string[]>> = {
  "--defense": () => idsOf(["defenses"]),
  "--reporter": () => reporters.map(({ id }) => id),
};

/** Values that are names of files, by how help writes them. */
const FILES = /[<[](file|folder|path|run|module)\b/;

function wordsFor(
  flag: string,
  choices: readonly string[] | undefined,
  flags: string,
): Words {
  if (askedFor.some((one) => one === flag)) return { asked: flag };
  if (flag === "--suite") return "suite";
  return choices ?? named[flag]?.() ?? (FILES.test(flags) ? "file" : "nothing");
}

const operands: Readonly<Record<string, () => readonly string[]>> = {
  list: () => Object.keys(catalog),
  explain: () => [
    ...idsOf(Object.keys(catalog)).filter((id) => !id.includes(":")),
    ...new Set(errorPlaces().map(({ code }) => code)),
  ],
};

/** What a command is given besides options. */
function operandsOf(command: Command): Words {
  if (command.commands.length > 0)
    return command.commands.map((one) => one.name());
  const [argument] = command.registeredArguments;
  if (!argument) return "nothing";
  if (argument.name() === "suites") return "suite";
  return operands[command.name()]?.() ?? argument.argChoices ?? "file";
}
