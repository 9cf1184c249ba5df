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
# Names in the suite of the line. Half of what is completed is no whole value.
_assay_asked() {
  local -a found
  found=(\${(f)"$(assay completion zsh --for=$1 -- \${(Q)words} 2>/dev/null)"})
  compadd -S '' -a found
}
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
    : words === "suite"
      ? '_files -g "*.(yaml|yml|mjs|cjs|js|mts|cts|ts)(-.)"'
      : words === "nothing"
        ? " "
        : "asked" in words
          ? `{_assay_asked ${words.asked}}`
          : `(${words.join(" ")})`;

const escaped = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
