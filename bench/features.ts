import { Random } from "#core";
import { dataset } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups, replaceHead } from "#model";
import { type FloatTensor, floats } from "#onnx";
import {
  evenly,
  settingsSchema,
  type Tuned,
  type TuneInput,
  tune,
} from "#tuning";
import { type Subject, subjects } from "./models/index.ts";
import { median } from "./steps.ts";

// Head-only fine-tuning with what the frozen body makes of each image computed once,
// beside the same with the body run in every epoch. Both take turns in every round.

const SAMPLES = { train: 600, validation: 100 };
const EPOCHS = 10;
const CLASSES = Array.from({ length: 10 }, (_, k) => `class ${k}`);

/** Prints seconds of each, their ratio, and the farthest that a weight is apart. */
export async function features(rounds: number): Promise<void> {
  const subject = subjects.find((s) => s.name === "resnet18") as Subject;
  const input = inputOf(subject);
  const kept: number[] = [];
  const run: number[] = [];
  let apart = 0;
  for (let round = 0; round < rounds; round++) {
    const once = await timed(input, kept);
    // A part that might look at inputs has the body run.
    const each = await timed({ ...input, parts: [() => ({})] }, run);
    apart = Math.max(apart, farthest(once, each));
  }
  const ratios = run.map((seconds, i) => seconds / kept[i]!);
  console.log(
    `${onnxruntime.title}, Node ${process.version}

head-only, ${subject.name}, ${SAMPLES.train} images of ${subject.shape.join("x")} and ${SAMPLES.validation} to validate, ${EPOCHS} epochs, ${rounds} rounds
body in every epoch   ${median(run).toFixed(2)} s
features kept         ${median(kept).toFixed(2)} s
ratio                 ${median(ratios).toFixed(1)}
farthest weights      ${apart.toExponential(1)}`,
  );
}

function inputOf(subject: Subject): TuneInput {
  const random = new Random(3);
  const model = replaceHead(subject.build(), CLASSES, random.fork("head"));
  const groups = layerGroups(model.graph);
  const images = (count: number) =>
    dataset(
      "noise",
      floats(
        [count, ...subject.shape],
        Float32Array.from(
          { length: count * subject.shape.reduce((p, d) => p * d, 1) },
          () => random.uniform(),
        ),
      ),
      Int32Array.from({ length: count }, (_, i) => i % CLASSES.length),
      CLASSES,
    );
  return {
    model,
    groups,
    train: images(SAMPLES.train),
    validation: images(SAMPLES.validation),
    stages: [{ epochs: EPOCHS, rates: evenly(groups.slice(-1)) }],
    settings: settingsSchema.parse({ epochs: EPOCHS }),
    engine: onnxruntime,
    random,
  };
}

async function timed(input: TuneInput, seconds: number[]): Promise<Tuned> {
  const start = performance.now();
  const tuned = await tune(input);
  seconds.push((performance.now() - start) / 1000);
  return tuned;
}

function farthest(a: Tuned, b: Tuned): number {
  let most = 0;
  for (const [name, { data, type }] of a.model.graph.constants) {
    const other = b.model.graph.constants.get(name) as FloatTensor;
    if (type !== "float32" || other.data === data) continue;
    (data as Float32Array).forEach((v, i) => {
      most = Math.max(most, Math.abs(v - other.data[i]!));
    });
  }
  return most;
}
