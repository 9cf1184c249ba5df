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
