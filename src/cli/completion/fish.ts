import type { CompletedCommand, CompletedOption, Words } from "./tree.ts";

/** A script that has fish complete `assay`, with what each option is for. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, description, options, operands }) => {
    const within = `complete -c assay -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c assay -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
      ...options.map((option) => `${within} ${optionOf(option)}`),
      ...(operands === "file"
        ? [`${within} -F`]
        : operands === "nothing"
          ? []
          : [`${within} -a ${quoted(operands.join(" "))}`]),
    ];
  });
  return `# Completion of assay for fish: write it to ~/.config/fish/completions/assay.fish
complete -c assay -f
${lines.join("\n")}
`;
}

const optionOf = ({ flags, description, takesValue, value }: CompletedOption) =>
  [
    ...flags.map((flag) =>
      flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
    ),
    takesValue ? wordsFor(value) : "",
    `-d ${quoted(description)}`,
  ]
    .filter((part) => part !== "")
    .join(" ");

const wordsFor = (value: Words): string =>
  value === "file"
    ? "-r -F"
    : value === "nothing"
      ? "-x"
      : `-x -a ${quoted(value.join(" "))}`;

const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
