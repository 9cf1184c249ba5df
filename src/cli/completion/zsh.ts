import type { CompletedCommand, CompletedOption, Words } from "./tree.ts";

/** A script that has zsh complete `assay`, with what each command and option is for. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ name, options, operands }) =>
    [
      `    ${name})`,
      "      _arguments -s \\",
      ...options.flatMap(specsOf).map((spec) => `        ${spec} \\`),
      `        ${quoted(`*:${name}:${action(operands)}`)} ;;`,
    ].join("\n"),
  );
  return `#compdef assay
# Completion of assay for zsh: write it as _assay into a folder of $fpath.
_assay() {
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${escaped(description)}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join("\n")}
    help) _describe command commands ;;
  esac
}
if [ "$funcstack[1]" = "_assay" ]; then _assay "$@"; else compdef _assay assay; fi
`;
}

/** How _arguments says an option: one text for each of its flags. */
const specsOf = ({ flags, description, takesValue, value }: CompletedOption) =>
  flags.map((flag) =>
    quoted(
      `*${flag}[${escaped(description)}]${takesValue ? `:value:${action(value)}` : ""}`,
    ),
  );

/** What offers values: files, or words. */
const action = (words: Words): string =>
  words === "file"
    ? "_files"
    : words === "nothing"
      ? " "
      : `(${words.join(" ")})`;

const escaped = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
