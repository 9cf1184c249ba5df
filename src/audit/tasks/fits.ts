import { AssayError, UsageError } from "#core";
import type { Dataset } from "#data";
import { areLabels, embeddingTable, type Model, meaningOf } from "#model";

/** Refuses data that a model cannot take. */
export function checkFits(
  data: Dataset,
  { graph, embedding, contract: { shape, bounds } }: Model,
  classes: readonly string[],
  model: string,
): void {
  const seen = data.x.dims.slice(1);
  if (seen.join() !== shape.join()) {
    throw new AssayError(
      "DATA_SHAPE",
      `${model} takes inputs of shape [${shape.join(", ")}], the data has [${seen.join(", ")}]`,
      "Set data.size and data.channels, or use the data that the model was made for.",
    );
  }
  if (embedding) checkTokens(data, graph, embedding, model);
  else if (data.x.data.some((v) => v > 1)) {
    throw new AssayError(
      "DATA_SHAPE",
      `${model} takes numbers, ${data.name} is of token ids`,
      "Use a text model, whose input is int64 or int32, or other data.",
    );
  } else if (bounds[0] > 0 || bounds[1] < 1) {
    throw new AssayError(
      "DATA_BOUNDS",
      `${model} takes values in [${bounds.join(", ")}], the data is in [0, 1]`,
      "Set input.bounds to [0, 1] and describe the model's own range with input.scale, input.mean and input.std.",
    );
  }
  if (classes.length !== data.classes.length) {
    throw new UsageError(
      "DATA_CLASSES",
      `${model} has ${classes.length} classes (${classes.join(", ")}), the task has ${data.classes.length} (${data.classes.join(", ")})`,
      "State classes in the suite: one name for each output of the model, in its order.",
    );
  }
}

/** Refuses token ids that are not in a model's table of embeddings. */
function checkTokens(
  { x }: Dataset,
  graph: Model["graph"],
  embedding: string,
  model: string,
): void {
  const known = embeddingTable(graph, embedding)?.dims[0] ?? Infinity;
  const bad = x.data.find((v) => !(Number.isInteger(v) && v < known));
  if (bad !== undefined)
    throw new AssayError(
      "DATA_TOKENIZER",
      `${model} knows the tokens 0 to ${known - 1}, the data has ${bad}`,
      "Use data with source: text and the tokenizer that was saved with the model.",
    );
}

/** Refuses data that says of its samples something else than a model does. */
export function checkTargets(
  { task, classes }: Model,
  { name, targets }: Dataset,
  model: string,
): void {
  const { targets: needed } = meaningOf({ task, classes });
  if (needed !== (targets !== undefined)) {
    throw new UsageError(
      "DATA_TARGETS",
      needed
        ? `${model} is a model of ${task?.kind}, ${name} has one class for each sample`
        : `${model} is a classifier, ${name} has a row of ${targets?.dims[1]} targets for each sample`,
      needed
        ? "Use data with a row of targets for each sample, or state task: { kind: classes }."
        : "State task: { kind: multi-label } or { kind: regression, tolerance: ... } in the suite, or use data of classes.",
    );
  }
  if (task?.kind === "multi-label" && targets && !areLabels(targets)) {
    throw new UsageError(
      "DATA_TARGETS",
      `${name} has targets other than 0 and 1, ${model} is a model of labels`,
      "Write 1 where a label holds and 0 where it does not, or state task: { kind: regression, tolerance: ... }.",
    );
  }
}
