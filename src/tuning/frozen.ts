import { hashOf, InterruptedError, sha256 } from "#core";
import type { Session } from "#engine";
import {
  asFed,
  type CompiledModel,
  type Divided,
  divide,
  gradientRows,
  type Model,
} from "#model";
import {
  type FloatTensor,
  floats,
  type Graph,
  isStreamed,
  sizeOf,
  type Tensor,
  takeRows,
} from "#onnx";
import { evenParts } from "./batches.ts";
import type { KeptRows } from "./kept-rows.ts";
import type { TrainingPart } from "./part.ts";
import type { TrainingSettings } from "./settings.ts";
import type { Shelf } from "./shelf.ts";
import type { Run } from "./training.ts";
import { viewed } from "./views.ts";

/** What lies before all that a stage trains, computed once for each sample. */
export interface Frozen {
  /** What is trained, as a model of what was kept. */
  readonly rest: Model;
  /** What was kept of training samples in a pass over the data, as `rest` takes it. */
  train(rows: readonly number[], pass: number): FloatTensor;
  /** What `rest` says of validation samples. */
  validation(
    rest: CompiledModel,
    rows: readonly number[],
  ): Promise<FloatTensor>;
  /** How many of them the body computed at once. */
  readonly most: number;
  release(): void;
}

/**
 * Whether a training may learn from what a frozen body made of its samples: nothing of
 * it looks at inputs or between the two, and what augments makes the same views again.
 */
function mayKeep({ augmenting, others, settings }: Run): boolean {
  const preparesOnly = (p: TrainingPart) =>
    !(p.views || p.loss || p.gradient || p.inputGradient || p.judge || p.check);
  return (
    others.every((p) => p.isBlind) &&
    augmenting.every(preparesOnly) &&
    (augmenting.length === 0 || settings.views !== undefined)
  );
}

/**
 * Keeps what a model computes before the weights that a stage trains.
 *
 * @param epochs of the stage; where no view is seen twice, nothing is kept
 * @returns undefined where nothing can be kept, or nothing is won by it
 */
export async function openFrozen(
  run: Run,
  model: Model,
  trained: Iterable<string>,
  epochs: number,
): Promise<Frozen | undefined> {
  const { settings, shelf } = run;
  const views = settings.views ?? 1;
  if (epochs <= views || !shelf || !mayKeep(run)) return undefined;
  const divided = divide(model, trained);
  if (!divided) return undefined;
  const kept: KeptRows[] = [];
  const release = () => {
    for (const rows of kept) shelf.giveBack(rows);
  };
  const body = openBody(run, model, divided);
  try {
    for (let view = 0; view <= views; view++) {
      const rows = await body.kept(shelf, view);
      if (!rows) {
        release();
        return undefined;
      }
      kept.push(rows);
    }
  } catch (error) {
    release();
    throw error;
  } finally {
    await body.release();
  }
  const [judged, ...learned] = kept as [KeptRows, ...KeptRows[]];
  const shaped = (rows: KeptRows, indices: readonly number[]) =>
    floats([indices.length, ...divided.shape], rows.take(indices));
  return {
    rest: divided.rest,
    train: (indices, pass) => shaped(learned[(pass - 1) % views]!, indices),
    validation: (compiled, rows) => compiled.logits(shaped(judged, rows)),
    most: body.most,
    release,
  };
}

/** The first part of a model, which is loaded when it is first needed. */
function openBody(run: Run, model: Model, divided: Divided) {
  const { train, validation, settings, random, engine, signal } = run;
  const most = gradientRows(divided.body, engine);
  let loaded: Promise<Session> | undefined;
  const fill = (view: number) => async (rows: KeptRows) => {
    loaded ??= engine.load(divided.body);
    const session = await loaded;
    const { x: all, y } = view === 0 ? validation : train;
    const parts = evenParts(y.length, most);
    for (const [i, part] of parts.entries()) {
      if (signal?.aborted) throw new InterruptedError();
      if (isStreamed(all)) all.ahead(parts[i + 1] ?? []);
      const x =
        view === 0 ? takeRows(all, part) : await viewed(run, part, view);
      const packed = await passed(session, model, divided, x);
      if (!packed) return false;
      rows.add(packed);
    }
    return true;
  };
  /** Augmented views are drawn from the seed of the training. */
  const drawn = (view: number) =>
    settings.views === undefined || view === 0
      ? null
      : [view, random.fork("views").uniform(), settings.augment.map(named)];
  return {
    most,
    /** Of the validation samples as view 0, else of a view of the training samples. */
    kept(shelf: Shelf, view: number) {
      const { x } = view === 0 ? validation : train;
      const key = hashOf([
        graphKey(divided.body),
        contentOf(x),
        ...[drawn(view), most, engine.title],
      ]);
      return shelf.borrow(key, x.dims[0] ?? 0, divided.width, fill(view));
    },
    async release() {
      await (await loaded?.catch(() => undefined))?.release();
    },
  };
}

/** An augmentation as it goes into a key. */
const named = ({ unit, params }: TrainingSettings["augment"][number]) => [
  idOf(unit),
  params,
];

const ids = new WeakMap<object, number | string>();
let objects = 0;

/** What stands for a value in a key as long as the value lives. */
function idOf(value: object): number | string {
  const id = ids.get(value) ?? ++objects;
  ids.set(value, id);
  return id;
}

/**
 * The same of numbers that may be there more than once, as weights of a file that was
 * read again. What is streamed is not read for it.
 */
function contentOf(value: Tensor): number | string {
  if (!ids.has(value) && ArrayBuffer.isView(value.data) && !isStreamed(value)) {
    const { buffer, byteOffset, byteLength } = value.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    ids.set(value, hashOf([value.type, value.dims, sha256(bytes)]));
  }
  return idOf(value);
}

/** What a graph computes, as it goes into a key. */
const graphKey = ({ nodes, constants, outputs }: Graph) => [
  nodes.map(({ op, domain, inputs, outputs, attributes }) => [
    ...[op, domain, inputs, outputs],
    Object.entries(attributes).map(([name, { kind, value }]) => [
      name,
      typeof value === "object" && !Array.isArray(value) ? idOf(value) : value,
      kind,
    ]),
  ]),
  [...constants].map(([name, value]) => [name, contentOf(value)]),
  outputs.map(({ name }) => name),
];

/**
 * What crosses for each of some samples, side by side; undefined where a number is no
 * float, so that it could not be kept as it is.
 */
async function passed(
  body: Session,
  { graph, input }: Model,
  { body: { outputs: names }, crossings, width }: Divided,
  x: FloatTensor,
): Promise<Float32Array | undefined> {
  const outputs = await body.run({ [input]: asFed(x, graph, input) });
  const count = x.dims[0] ?? 0;
  const packed = new Float32Array(count * width);
  let at = 0;
  for (const [c, { dims }] of crossings.entries()) {
    const { data, type } = outputs[names[c]!.name] as FloatTensor;
    const size = sizeOf(dims);
    const numbers = type === "float32" ? data : Float32Array.from(data, Number);
    // Of what was rounded, some number is another one.
    if (numbers !== data && numbers.some((v, i) => v !== Number(data[i])))
      return undefined;
    for (let i = 0; i < count; i++)
      packed.set(numbers.subarray(i * size, (i + 1) * size), i * width + at);
    at += size;
  }
  return packed;
}
