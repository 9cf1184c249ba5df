import { AssayError, type Random } from "#core";
import type { Dataset } from "#data";
import {
  type InversionSettings,
  invertTriggers,
  type Trigger,
} from "#defenses";
import type { Engine } from "#engine";
import { evaluate, type Model, penultimate, pooled } from "#model";
import type { FloatTensor } from "#onnx";
import type { Check } from "../results/index.ts";

/**
 * Neural Cleanse as a check: the smallest trigger into each class, and whether one
 * is far smaller than the others (see `invertTriggers`).
 */
export async function triggerCheck(
  model: Model,
  clean: Dataset,
  settings: InversionSettings,
  engine: Engine,
  random: Random,
): Promise<{ check: Check; triggers: Trigger[] }> {
  const triggers = await invertTriggers(model, clean, settings, engine, random);
  const small = triggers.filter((t) => t.flagged);
  const told = small.map(
    (t) =>
      `"${clean.classes[t.label]}" (${t.size.toFixed(1)} pixels, anomaly index ${t.anomaly.toFixed(1)})`,
  );
  const known = {
    id: "triggers",
    title: "No class has an unusually small trigger (Neural Cleanse)",
  };
  const check: Check =
    small.length > 0
      ? {
          ...known,
          status: "failed",
          message: `The smallest trigger into class ${told.join(", ")} is far smaller than those into the others: a backdoor looks like that. Look at its picture (--out), and do not tune the base before you know.`,
        }
      : {
          ...known,
          status: "passed",
          message: "The smallest triggers into all classes are of usual sizes.",
        };
  return { check, triggers };
}

/**
 * How many channels under the head the clean samples never excite: where fine-pruning
 * would begin. Told, and no check: clean models have some.
 */
export async function dormantNote(
  model: Model,
  clean: Dataset,
  engine: Engine,
): Promise<string> {
  try {
    const value = penultimate(model);
    const [seen] = await evaluate(model, engine, clean.x, (b) => [
      pooled(b, b.op("Relu", [value])),
    ]);
    const { data, dims } = seen as FloatTensor;
    const channels = dims[1] ?? 0;
    const awake = new Set<number>();
    data.forEach((v, i) => {
      if (v > 0) awake.add(i % channels);
    });
    return `${channels - awake.size} of ${channels} channels under the head are never excited by ${dims[0]} clean samples.`;
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "NO_FEATURES")
      throw error;
    return `Dormant channels were not counted: ${error.message}.`;
  }
}
