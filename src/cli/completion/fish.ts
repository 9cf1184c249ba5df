import type { CompletedCommand, CompletedOption, Words } from "./tree.ts";

/** A script that has fish complete `assay`, with what each option is for. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, description, options, operands }) => {
    const within = `complete -c assay -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c assay -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
      ...options.map((option) => `${within} ${optionOf(option)}`),
      ...(operands === "file" || operands === "suite"
        ? [`${within} -F`]
        : operands === "nothing" || "asked" in operands
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
  value === "file" || value === "suite"
    ? "-r -F"
    : value === "nothing"
      ? "-x"
      : "asked" in value
        ? `-x -a ${quoted(`(assay completion fish --for=${value.asked} -- (commandline -opc) 2>/dev/null)`)}`
        : `-x -a ${quoted(value.join(" "))}`;

const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
