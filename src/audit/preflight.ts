import { AssayError } from "#core";
import type { Dataset } from "#data";
import { argmaxRows, type CompiledModel } from "#model";
import { rows } from "#onnx";
import { rate } from "./statistics.ts";

/** Samples that are compared one by one with the batch. */
const PROBES = 8;

/**
 * Checks a model before anything counts: finite logits, the same logits alone
 * and in a batch, more than one class predicted.
 *
 * @returns a sentence for each thing that is odd but not wrong
 * @throws PREFLIGHT when numbers from this model would mean nothing
 */
export async function preflight(
  model: CompiledModel,
  data: Dataset,
  name: string,
): Promise<string[]> {
  const logits = await model.logits(data.x);
  const bad = logits.data.findIndex((z) => !Number.isFinite(z));
  if (bad >= 0) {
    const sample = Math.floor(bad / (logits.dims[1] ?? 1));
    throw new AssayError(
      "PREFLIGHT",
      `${name}: the logits of test sample ${sample} are not finite`,
      "Check the model's preprocessing (input.scale, mean, std) and its weights.",
    );
  }
  const classes = logits.dims[1] ?? 1;
  for (let i = 0; i < Math.min(PROBES, data.y.length); i++) {
    const alone = (await model.logits(rows(data.x, i, i + 1))).data;
    const scale = Math.max(1, ...alone.map(Math.abs));
    const apart = Math.max(
      ...alone.map((z, k) =>
        Math.abs(z - (logits.data[i * classes + k] as number)),
      ),
    );
    if (apart > 1e-3 * scale) {
      throw new AssayError(
        "PREFLIGHT",
        `${name}: test sample ${i} has other logits alone than in a batch (they differ by ${apart.toPrecision(3)})`,
        "Export the model in evaluation mode and with a free batch dimension; a batch must not change its answers.",
      );
    }
  }
  const predicted = argmaxRows(logits);
  const right = predicted.filter((p, i) => p === data.y[i]).length;
  const warnings: string[] = [];
  if (predicted.every((p) => p === predicted[0])) {
    warnings.push(
      `${name} predicts the same class for every test sample; check its preprocessing.`,
    );
  } else if (rate(right, data.y.length).low <= 1 / classes) {
    warnings.push(
      `${name} is right on ${right} of ${data.y.length} test samples, which guessing could be; check its preprocessing and the order of the classes.`,
    );
  }
  return warnings;
}
