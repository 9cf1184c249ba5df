import { AssayError, UsageError } from "#core";
import { type Dataset, spelled } from "#data";
import {
  areLabels,
  embeddingTable,
  isPlaced,
  isPositioned,
  type Model,
  meaningOf,
  tooShortFor,
} from "#model";
import { isStreamed } from "#onnx";

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
  else if (!isStreamed(data.x) && data.x.data.some((v) => v > 1)) {
    throw new AssayError(
      "DATA_SHAPE",
      `${model} takes numbers, ${data.name} is of token ids`,
      "Use a text model, whose input is int64 or int32, or other data.",
    );
  } else if (bounds[0] !== 0 || bounds[1] !== 1) {
    const [low, high] = bounds;
    const width = Number((high - low).toPrecision(6));
    throw new UsageError(
      "DATA_BOUNDS",
      `${model} is stated to take values in [${low}, ${high}], the data is in [0, 1]`,
      `Leave input.bounds out and state input: { scale: ${width}, mean: ${0 - low} }, which makes [${low}, ${high}] of [0, 1]; eps is then in the unit of [0, 1], so divide it by ${width}.`,
    );
  }
  if (data.texts?.dialogues && classes.length !== data.classes.length)
    throw new UsageError(
      "DATA_CLASSES",
      `${model} gives ${classes.length} numbers at each position, ${data.name} has ${data.classes.length} tokens`,
      `Use a causal language model and its tokenizer; where it has logits of more tokens than that, state vocabulary: ${classes.length} in the data.`,
    );
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
  { name, targets, positions, classes: names }: Dataset,
  model: string,
): void {
  if (task?.kind === "ctc" || positions === "unaligned") {
    if (task?.kind !== "ctc" || positions !== "unaligned" || !targets)
      throw new UsageError(
        "DATA_TARGETS",
        `${model} ${task?.kind === "ctc" ? `says sequences, ${name} has other answers` : `says no sequences, ${name} has sequences without an alignment`}`,
        "State task: { kind: ctc } in the suite, and use data with answers: sequences, or source: transcripts.",
      );
    const [steps = Infinity] = task.shape ?? [];
    const short = tooShortFor(targets, steps);
    if (short)
      throw new UsageError(
        "DATA_LABEL",
        `${model} has ${short.steps} steps for the label ${spelled(short.label, names)} of ${name}, which takes at least ${short.needed}: a blank stands between two equal classes`,
        "Leave the sample out, or use a model with more steps.",
      );
    return;
  }
  if (isPlaced(task) || positions) {
    checkPositions(task, name, positions, model);
    return;
  }
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

/** Refuses a model that answers at other positions than the data has classes at. */
function checkPositions(
  task: Model["task"],
  data: string,
  positions: readonly number[] | undefined,
  model: string,
): void {
  if (!task || !isPositioned(task))
    throw new UsageError(
      "DATA_TARGETS",
      `${model} answers for a sample as a whole, ${data} has a class at each of [${positions?.join(", ")}] positions`,
      "State task: { kind: positions, least: 0.9 } in the suite, or { kind: lm } of a language model, or use data that fits the model.",
    );
  if (!positions)
    throw new UsageError(
      "DATA_TARGETS",
      `${model} answers at each position, ${data} has one answer for each sample`,
      "Use data with answers: positions, or source: image-masks.",
    );
  if (task.shape && task.shape.join() !== positions.join())
    throw new UsageError(
      "DATA_SHAPE",
      `${model} answers at positions [${task.shape.join(", ")}], ${data} has classes at [${positions.join(", ")}]`,
      "Bring the labels to the positions of the model, or export it with a Resize to those of the data.",
    );
}

/**
 * Refuses tables of which the same scaled number means two things: ranges are those of
 * each file where none are stated.
 */
export function requireSameUnits(
  { table }: Dataset,
  { table: other }: Dataset,
  key: string,
): void {
  const odd = table?.features.findIndex((feature, i) => {
    const { name, low, span } = other?.features[i] ?? feature;
    return (
      name !== feature.name || low !== feature.low || span !== feature.span
    );
  });
  if (!table || !other || odd === undefined || odd < 0) return;
  const told = [table, other].map(({ features }) => {
    const { name, low, span } = features[odd]!;
    return `${name} from ${low} to ${low + span}`;
  });
  throw new UsageError(
    "DATA_RANGES",
    `column ${odd + 1} is ${told[0]} in data and ${told[1]} in ${key}, so that a scaled number would mean two things`,
    "State the same columns with their ranges in both: columns: { age: { type: number, range: [18, 100] } }.",
  );
}
