import type { z } from "zod";
import type { CompiledModel } from "#model";
import type { FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/** What an inverter has. */
export interface InversionInput<P> {
  /** The released model, with its gradients. */
  readonly model: CompiledModel;
  readonly params: P;
  /** Called with the share that is done. */
  onProgress(share: number): void;
}

/** An attack that makes an input for each class from the model alone. */
export interface Inversion<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "inversion";
  /** [classes, ...shape], within the bounds. */
  invert(input: InversionInput<z.output<S>>): Promise<FloatTensor>;
}
