import { type Model, saveModel } from "#model";
import type { Epoch } from "#tuning";
import type { Store } from "./store.ts";
import type { Suite } from "./suite.ts";
import { isNamed } from "./tasks.ts";

/** Whether the suite asks for the robustness along the fine-tuning of a candidate. */
export function isFollowed(
  { trajectory, candidates }: Suite,
  id: string,
): boolean {
  const spec = candidates[id];
  return (
    trajectory !== undefined &&
    spec?.strategy !== undefined &&
    isNamed(trajectory.candidates, id, spec)
  );
}

/** Where the weights after an epoch are kept, beside the file of the model. */
export const epochFile = (file: string, epoch: number | "all"): string =>
  file.replace(
    /^models\/(.*)\.onnx$/,
    `epochs/$1/${epoch === "all" ? "all.json" : `${epoch}.onnx`}`,
  );

/** Keeps the weights after each epoch of a training. */
export function epochKeeper(store: Store, file: string) {
  return {
    /** Whether those of the whole training are there. */
    get isWhole(): boolean {
      return store.read(epochFile(file, "all")) !== undefined;
    },
    save({ epoch }: Epoch, model: Model): void {
      saveModel(store.path(epochFile(file, epoch)), model);
    },
    /** Written last: it means that all epochs are there. */
    finish(history: readonly Epoch[]): void {
      store.write(epochFile(file, "all"), { epochs: history.length });
    },
  };
}
