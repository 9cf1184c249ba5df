import { Option } from "commander";

export const baselineOption = () =>
  new Option(
    "--baseline <run>",
    "results to compare with, or the folder of a run, instead of the suite's",
  );

export const noBaselineOption = () =>
  new Option(
    "--no-baseline",
    "compare with none; rules about regressions stay undecided",
  );
