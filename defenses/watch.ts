import { AssayError } from "#core";
import { addFlag, type Model } from "#model";
import { floats, GraphBuilder, graft, prune } from "#onnx";
import { copyAt } from "./copy.ts";
import type { ChosenDetector } from "./detector.ts";
import type { Fitted } from "./fit.ts";

/** What a calibration found: see `Detector` of a model. */
export interface Calibration {
  readonly threshold: number;
  readonly scale: number;
  readonly weight: number;
}

/** A calibration among what a fit found. */
export const fromCalibration = (c: Calibration): Fitted =>
  new Map(
    (["threshold", "scale", "weight"] as const).map((name) => [
      name,
      floats([1], [c[name]]),
    ]),
  );

/**
 * A model with a detector's score behind its logits.
 *
 * @param bare the model without any defence, whose values the score is made of; the
 *   model is that one, or it with other detectors
 */
export function watch(
  model: Model,
  chosen: ChosenDetector,
  bare: Model,
): Model {
  const { unit, params } = chosen;
  const number = (name: keyof Calibration) => foundIn(chosen, name).data[0]!;
  const b = new GraphBuilder(model.graph, `detect/${unit.id}/`);
  const straightThrough = [...model.straightThrough];
  const fitted = (name: string) => foundIn(chosen, name);
  const value = unit.build(
    {
      b,
      x: bare.input,
      logits: bare.logits,
      model: bare,
      fitted,
      sanitised(sanitizer, given) {
        const { input } = bare;
        const output = sanitizer.build(b, input, given, bare, {
          fitted,
          draw() {
            throw new Error(`${sanitizer.id} draws at random`);
          },
        });
        if (sanitizer.gradient !== "exact")
          straightThrough.push({ input, output });
        return output;
      },
      copy(graph, x) {
        const renamed = copyAt(b, bare, graph, x);
        straightThrough.push(...renamedPairs(bare, renamed));
        return renamed;
      },
      again(x, copies = 1) {
        const renamed = copyOf(b, bare, inputsOf(b, bare, x, copies));
        straightThrough.push(...renamedPairs(bare, renamed));
        return renamed(bare.logits);
      },
    },
    params,
  );
  const score = unusedName(b, unit.id);
  b.rename(value, score);
  const detector = {
    id: unit.id,
    score,
    threshold: number("threshold"),
    scale: number("scale"),
    weight: number("weight"),
    rejects: params.policy === "reject",
  };
  const detectors = [detector, ...(model.detectors ?? [])];
  return {
    ...model,
    graph: b.build([model.logits, ...detectors.map((d) => d.score)]),
    straightThrough,
    detectors,
  };
}

/**
 * A watched model that answers as another does: always, or only to what is
 * flagged where the detector does not reject it.
 *
 * @param other the same model behind other defences
 */
export function answerBy(watched: Model, other: Model): Model {
  const [detector] = watched.detectors ?? [];
  if (!detector) throw new Error("a watched model has a detector");
  const b = new GraphBuilder(watched.graph, "answer/");
  for (const [name, value] of other.graph.constants)
    if (!b.constantOf(name)) b.define(name, value);
  for (const { name, type, dims } of other.graph.inputs)
    if (!watched.graph.inputs.some((i) => i.name === name))
      b.input({ name, type, dims });
  const renamed = copyOf(b, other, new Map());
  const answered = renamed(other.logits);
  const logits = detector.rejects
    ? answered
    : b.where(
        b.unsqueeze(addFlag(b, detector.score, detector.threshold), [1]),
        answered,
        watched.logits,
      );
  const later = (other.detectors ?? []).map((d) => {
    const score = unusedName(b, d.id);
    b.rename(renamed(d.score), score);
    return { ...d, score };
  });
  const detectors = [...(watched.detectors ?? []), ...later];
  return {
    ...watched,
    graph: b.build([logits, ...detectors.map((d) => d.score)]),
    logits,
    detectors,
    straightThrough: [
      ...watched.straightThrough,
      ...renamedPairs(other, renamed),
    ],
    noise: other.noise ?? watched.noise,
  };
}

/** The nodes of a model that its logits and scores need, once more. */
const copyOf = (
  b: GraphBuilder,
  { graph, logits, detectors = [] }: Model,
  inputs: ReadonlyMap<string, string>,
) => {
  const names = new Set([logits, ...detectors.map((d) => d.score)]);
  const outputs = graph.outputs.filter(({ name }) => names.has(name));
  return graft(b, prune({ ...graph, outputs }), inputs);
};

const renamedPairs = (
  { straightThrough }: Model,
  renamed: (name: string) => string,
) =>
  straightThrough.map(({ input, output }) => ({
    input: renamed(input),
    output: renamed(output),
  }));

function foundIn({ unit, fitted }: ChosenDetector, name: string) {
  const found = fitted?.get(name);
  if (found) return found;
  throw new AssayError(
    "DEFENSE_FIT",
    `${unit.id} has to be fitted to the model's data before it can watch the model`,
    "Audit it by a suite, or give `assay harden` the suite whose data it is to be fitted on: --suite.",
  );
}

/** What a copy of the model reads in place of its inputs. */
function inputsOf(
  b: GraphBuilder,
  model: Model,
  x: string,
  copies: number,
): Map<string, string> {
  const noise = copies === 1 ? [] : (model.noise ?? []);
  return new Map([
    [model.input, x],
    ...noise.map(({ name, dims }): [string, string] => [
      name,
      b.op("Tile", [name, b.ints([copies, ...dims.map(() => 1)])]),
    ]),
  ]);
}

/** "score", or what tells it from the score of another detector. */
function unusedName(b: GraphBuilder, id: string): string {
  const stem = `score.${id}`;
  for (const name of ["score", stem]) if (!b.has(name)) return name;
  for (let i = 2; ; i++) if (!b.has(`${stem}.${i}`)) return `${stem}.${i}`;
}
