import type { z } from "zod";
import type { Random } from "#core";
import type { CompiledModel } from "#model";
import type { FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/** What inputs are crafted with. */
export interface CraftingInput<P> {
  /** The model that the attacker holds. */
  readonly base: CompiledModel;
  readonly params: P;
  readonly random: Random;
  /**
   * Called between steps with the share of the work that is done; throws when the
   * run is interrupted.
   */
  readonly onProgress: (share: number) => void;
}

/**
 * An attack that makes inputs from nothing but a public base, and then shows them
 * to the candidate.
 */
export interface Crafting<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  /** "activation" leads the candidate to its classes, "fingerprint" tells its base. */
  readonly kind: "activation" | "fingerprint";
  /** Inputs [N, ...shape] inside the bounds. */
  craft(input: CraftingInput<z.output<S>>): Promise<FloatTensor>;
}

/** Declares a crafting of inputs. */
export const defineCrafting = <S extends z.ZodObject>(
  unit: Omit<Crafting<S>, "needs">,
): Crafting<S> => ({
  needs: ["base", "unrelated", "one class", "numbers", "free inputs"],
  ...unit,
});
