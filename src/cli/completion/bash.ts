import type { CompletedCommand, Words } from "./tree.ts";

/** A script that has bash complete `assay`; zsh takes it by bashcompinit. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ name, options, operands }) => {
    const values = options
      .filter(({ takesValue }) => takesValue)
      .map(
        ({ flags, value }) =>
          `        ${flags.join("|")}) ${completing(value)}; return ;;`,
      );
    const flags = options.flatMap((option) => option.flags).join(" ");
    return [
      `    ${name})`,
      ...(values.length > 0
        ? [`      case $before in`, ...values, "      esac"]
        : []),
      `      if [[ $word == -* ]]; then ${completing(flags.split(" "))}`,
      `      else ${completing(operands)}; fi ;;`,
    ].join("\n");
  });
  return `# Completion of assay for bash: source it, or write it to
# ~/.local/share/bash-completion/completions/assay
_assay_suites() {
  mapfile -t COMPREPLY < <(
    compgen -f -- "$word" | grep -E '\\.(ya?ml|[mc]?[jt]s)$'
    compgen -d -- "$word"
  )
}
# Names in the suite of the line. Half of what is completed is no whole value.
_assay_asked() {
  mapfile -t COMPREPLY < <(
    assay completion bash --for="$1" -- "\${COMP_WORDS[@]:2}" 2>/dev/null |
      while IFS= read -r one; do [[ $one == "$word"* ]] && printf '%s\\n' "$one"; done
  )
  compopt -o nospace 2>/dev/null
}
_assay() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    ${completing([...commands.map(({ name }) => name), "--help", "--version"])}
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join("\n")}
    help) ${completing(commands.map(({ name }) => name))} ;;
  esac
}
complete -o filenames -F _assay assay
`;
}

/** A command that offers what begins with the word so far. */
function completing(words: Words): string {
  if (words === "nothing") return ":";
  if (words === "suite") return "_assay_suites";
  if (words !== "file" && "asked" in words)
    return `_assay_asked ${words.asked}`;
  const offered =
    words === "file" ? "-f" : `-W ${JSON.stringify(words.join(" "))}`;
  return `mapfile -t COMPREPLY < <(compgen ${offered} -- "$word")`;
}
