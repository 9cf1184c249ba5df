import type { Target } from "#model";
import type { AttackInput } from "../attack.ts";
import type { ApgdParams } from "./apgd-params.ts";

/** What an attack works on, without its parameters. */
export type AscentInput = Omit<
  AttackInput<unknown>,
  "params" | "onProgress" | "onNote"
>;

type Objective = NonNullable<Parameters<Target["lossGradient"]>[2]>;

/** One run of Auto-PGD. */
export interface Ascent extends Omit<ApgdParams, "restarts"> {
  readonly loss: Objective["loss"];
  /** The class that each sample is pushed to, where the loss aims at one. */
  readonly aims?: ReadonlyMap<number, number>;
  /** Names the draws. */
  readonly purpose: string;
  readonly onProgress: (share: number) => void;
}
