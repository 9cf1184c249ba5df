import { type Model, saveModel } from "#model";
import type { Epoch } from "#tuning";
import type { Lineage } from "../results/index.ts";
import { kept } from "../workplace.ts";
import type { ReadyModel, Workshop } from "./ready.ts";
import {
  filesOfModel,
  recordOf,
  type Trained,
  trainOnce,
} from "./train-once.ts";

/** Where the weights after an epoch are kept, beside the file of the model. */
export const epochFile = (file: string, epoch: number | "all"): string =>
  file.replace(
    /^models\/(.*)\.onnx$/,
    `epochs/$1/${epoch === "all" ? "all.json" : `${epoch}.onnx`}`,
  );

/** Gets what would be released after each epoch. */
export type OnModel = (epoch: Epoch, model: Model) => void;

/**
 * Trains a model unless its file is there, and keeps it; where it is followed, the
 * weights after each epoch too.
 */
export async function trainFollowed(
  shop: Workshop,
  file: string,
  lineage: Lineage,
  isFollowed: boolean,
  train: (onModel?: OnModel) => ReturnType<Parameters<typeof trainOnce>[3]>,
  stated?: ReadyModel["stated"],
): Promise<Trained> {
  if (!isFollowed)
    return (await trainOnce(shop, file, lineage, train, stated)).trained;
  const { store } = shop;
  const run = () =>
    train(({ epoch }, model) =>
      saveModel(store.path(epochFile(file, epoch)), model),
    );
  const { trained, reused } = await trainOnce(shop, file, lineage, run, stated);
  await kept(
    shop,
    epochFile(file, "all"),
    async () => {
      // Trained before anyone asked for its epochs: the same training gives them again.
      if (reused) await run();
      return { epochs: trained.history.length };
    },
    () => [
      recordOf(file),
      ...filesOfModel(store, file),
      ...trained.history.flatMap(({ epoch }) =>
        filesOfModel(store, epochFile(file, epoch)),
      ),
    ],
  );
  return trained;
}
