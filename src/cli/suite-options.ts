import { Option } from "commander";
import { loadModules, ownUnits, type Units, withModules } from "#units";

/** `--use`, where there is no suite that names modules. */
export const useOption = () =>
  new Option(
    "--use <module>",
    "a module or package with units besides, as a suite names it; its code runs; may be repeated",
  )
    .argParser((name, before: readonly string[]) => [...before, name])
    .default([], "none");

/** Our own units, and those of modules that are named from the current folder. */
export const unitsOf = async (use: readonly string[]): Promise<Units> =>
  withModules(ownUnits, await loadModules(use, "."));

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
