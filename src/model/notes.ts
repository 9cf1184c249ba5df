import type { Operators } from "./operators.ts";
import { ONLY } from "./outputs/choose.ts";
import type { Reading } from "./reading.ts";
import type { Stored } from "./stored.ts";
import type { Reason } from "./weights.ts";

/** What notes are made of. */
export interface Findings {
  readonly reading: Reading | null;
  readonly stored: Stored;
  readonly operators: Operators;
  /** Whether there is a gradient. */
  readonly supported: boolean;
  readonly left: ReadonlyMap<string, Reason>;
  /** Numbers in the bodies of loops and conditions. */
  readonly inBodies: number;
  readonly trainable: number;
  /** Why the head cannot be replaced by one for other classes; null when it can. */
  readonly headProblem: string | null;
}

/** What is good to know of how a model was read, a sentence each. */
export function notesOf(f: Findings): string[] {
  return [
    ...(f.reading ? readingNotes(f.reading) : []),
    ...storedNotes(f.stored),
    ...(f.supported ? gradientNotes(f.operators, f.stored) : []),
    ...trainingNotes(f),
  ];
}

function readingNotes(r: Reading): string[] {
  const notes: string[] = [];
  if (r.point === "embeddings")
    notes.push(
      "The input is token ids: gradients are taken where the tokens have become vectors.",
    );
  if (r.scale !== 1)
    notes.push(
      `Values from ${r.bounds[0]} to ${r.bounds[1]} are multiplied by ${r.scale} before the model gets them.`,
    );
  if (r.layout === "NHWC")
    notes.push(
      "The model takes images with their channels last; data and attacks have them first.",
    );
  if (r.fixedBatch !== null)
    notes.push(
      `It was exported for batches of ${r.fixedBatch} and opened for any size: two random samples came out the same alone and together.`,
    );
  if (r.logits.from === "features")
    notes.push(
      `Output "${r.logits.output}" gives features, since ${r.logits.why}: as a base it gets a head; it cannot be audited as it is.`,
    );
  if (r.logits.from === "softmax")
    notes.push(
      `The Softmax at the end is left out: the logits are "${r.logits.value}", which goes into it.`,
    );
  if (r.logits.from === "log-softmax")
    notes.push(
      `The LogSoftmax at the end is left out: the logits are "${r.logits.value}", which goes into it.`,
    );
  if (r.logits.from === "sigmoid")
    notes.push(
      `The Sigmoid at the end is left out: the logits are "${r.logits.value}", which goes into it.`,
    );
  if (r.logits.from === "one logit")
    notes.push(
      "The model gives one logit z, that of the second of two classes: it is opened as the two logits -z/2 and z/2.",
    );
  if (r.logits.from === "probabilities")
    notes.push(
      "The model gives probabilities: their logarithms are taken as logits.",
    );
  if (r.logits.reversed)
    notes.push(
      "The two scores stand in the other order than the file's own label says: they are swapped.",
    );
  if (r.logits.unused.length > 0 && r.logits.from !== "features")
    notes.push(
      r.logits.why === ONLY
        ? `Not used: output ${quoted(r.logits.unused)}.`
        : `Of ${r.logits.unused.length + 1} outputs "${r.logits.output}" is judged, since ${r.logits.why}; not used: ${quoted(r.logits.unused)} (--output names another).`,
    );
  return notes;
}

function storedNotes(s: Stored): string[] {
  const notes: string[] = [];
  if (s.widened.length > 0)
    notes.push(
      `Weights are stored as ${s.widened.join(" and ")}; everything is computed in float32.`,
    );
  if (s.eightBits > 0)
    notes.push(
      `${count(s.eightBits, "weight is", "weights are")} stored in 8 bits and stay as they are.`,
    );
  for (const [one, other] of s.copies)
    notes.push(
      `"${one}" and "${other}" hold the same numbers: one weight of two layers, written down twice. Trained, they part.`,
    );
  return notes;
}

function gradientNotes(o: Operators, s: Stored): string[] {
  const notes: string[] = [];
  if (o.passedOver.length > 0)
    notes.push(`Gradients pass over ${o.passedOver.join(", ")} unchanged.`);
  if (o.steps.length > 0)
    notes.push(
      `No gradient passes ${o.steps.join(", ")}, where the result moves in steps; attacks see what goes around.`,
    );
  if (s.eightBits > 0)
    notes.push(
      "Gradients pass the rounding to 8 bits unchanged, so they differ from differences of the loss, which sees steps.",
    );
  return notes;
}

const reasons: Readonly<Record<Reason, string>> = {
  preprocessing: "before the first layer, as means and deviations of the input",
  mask: "an attention mask",
  angles: "a table of sines or cosines",
  "no gradient": "no gradient reaches it",
};

function trainingNotes(f: Findings): string[] {
  const notes: string[] = [];
  for (const [reason, what] of Object.entries(reasons)) {
    const names = [...f.left].filter(([, r]) => r === reason).map(([n]) => n);
    if (names.length > 0)
      notes.push(`Not trained: ${quoted(names)} (${what}).`);
  }
  if (f.inBodies > 0)
    notes.push(
      `${count(f.inBodies, "number", "numbers")} inside the bodies of loops or conditions stay as they are.`,
    );
  if (f.reading && f.trainable > 0 && f.headProblem)
    notes.push(
      `To be fine-tuned to other classes it needs a cut: ${f.headProblem}. Attacks and defences work without.`,
    );
  return notes;
}

const count = (n: number, one: string, more: string) =>
  `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

/** Up to three names, and how many more there are. */
function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
