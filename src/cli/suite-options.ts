import { Option } from "commander";

/** `--no-use`, the same in every command that reads a suite. */
export const noUseOption = () =>
  new Option(
    "--no-use",
    "refuse a suite that runs code: a module, or one that uses modules",
  );

/** `--set`, the same in every command that plans or runs a suite. */
export const setOption = () =>
  new Option(
    "--set <path=value>",
    "put this over the suite, such as candidates.full.epochs=3; the value is YAML; may be repeated",
  ).argParser((text, before: readonly string[] = []) => [...before, text]);
