import { InterruptedError, type Random, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import { argmaxRows, labelTensor, loadGradient, type Model } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  graft,
  int,
  sizeOf,
  takeRows,
} from "#onnx";
import { adamw } from "#tuning";

export interface InversionSettings {
  readonly steps: number;
  /** Of Adam. */
  readonly rate: number;
  readonly batchSize: number;
  /** The share of samples that the trigger has to turn. */
  readonly threshold: number;
  /** Where the weight of the size of the mask begins. */
  readonly lambda: number;
  /** Steps after which that weight moves. */
  readonly patience: number;
  readonly signal?: AbortSignal;
}

/** A trigger that turns samples into a class. */
export interface Trigger {
  readonly label: number;
  /** [1, 1, H, W] in [0, 1] */
  readonly mask: FloatTensor;
  /** [1, C, H, W], within the bounds of the input */
  readonly pattern: FloatTensor;
  /** Sum of the mask. */
  readonly size: number;
  /** Share of the samples that it turned when it was found. */
  readonly success: number;
  /**
   * How far its size is from the median of all classes, in scaled median deviations.
   */
  readonly anomaly: number;
  /** Far below the median: no clean model has so short a way into a class. */
  readonly flagged: boolean;
}

/**
 * An anomaly beyond this is one, in about 5 % of classes of normal sizes
 * (Wang et al. 2019).
 */
const ANOMALOUS = 2;

function requireImages({ contract }: Model): void {
  if (contract.shape.length === 3) return;
  throw new UsageError(
    "REPAIR_INPUT",
    "triggers are looked for in images, the model takes other inputs",
    "Use another repair, such as fine-tuning.",
  );
}

/**
 * Looks for the smallest trigger into each class: a mask and a pattern, by Adam on
 * the cross-entropy to the class and lambda times the size of the mask; lambda grows
 * while the trigger works and falls while it does not (Wang et al. 2019, Neural
 * Cleanse, IEEE S&P). A step takes one batch, where the authors' code takes several.
 * Sizes are compared by the median absolute deviation with the factor 1.4826.
 *
 * @param clean images that the model knows
 * @throws REPAIR_INPUT for inputs that are not images
 */
export async function invertTriggers(
  model: Model,
  clean: Dataset,
  settings: InversionSettings,
  engine: Engine,
  random: Random,
): Promise<Trigger[]> {
  requireImages(model);
  const found = [];
  for (const label of clean.classes.keys())
    found.push(
      await invert(
        model,
        clean,
        label,
        settings,
        engine,
        random.fork(`class ${label}`),
      ),
    );
  return withAnomalies(found);
}

type Found = Omit<Trigger, "anomaly" | "flagged">;

/** Says of each trigger how unusual its size is. */
function withAnomalies(found: readonly Found[]): Trigger[] {
  const sizes = found.map((t) => t.size);
  const middle = median(sizes);
  const deviation = 1.4826 * median(sizes.map((s) => Math.abs(s - middle)));
  return found.map((t) => {
    const far = Math.abs(t.size - middle);
    const anomaly = far === 0 ? 0 : far / Math.max(deviation, 1e-12);
    return { ...t, anomaly, flagged: anomaly > ANOMALOUS && t.size < middle };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1
    ? upper
    : (upper + (sorted[half - 1] ?? 0)) / 2;
}

async function invert(
  model: Model,
  clean: Dataset,
  label: number,
  settings: InversionSettings,
  engine: Engine,
  random: Random,
): Promise<Found> {
  const step = await openInversion(model, engine);
  const params = adamw.params.parse({ beta1: 0.5, beta2: 0.9, weightDecay: 0 });
  const moved = step.start(random.fork("start"));
  const states = moved.map(({ data }) =>
    adamw.state.map(() => new Float32Array(data.length)),
  );
  // Samples of the class itself are there already.
  const others = [...clean.y.keys()].filter((i) => clean.y[i] !== label);
  let { lambda } = settings;
  let [worked, failed] = [0, 0];
  let best: Omit<Found, "label"> | undefined;
  try {
    for (let s = 1; s <= settings.steps; s++) {
      if (settings.signal?.aborted) throw new InterruptedError();
      const order = random.fork(`batch ${s}`).permutation(others.length);
      const rows = order.slice(0, settings.batchSize).map((i) => others[i]!);
      const seen = await step.take(
        takeRows(clean.x, rows),
        moved,
        label,
        lambda,
      );
      const works = seen.success >= settings.threshold;
      if (
        !best ||
        (works &&
          (best.success < settings.threshold || seen.size < best.size)) ||
        (!works &&
          seen.success > best.success &&
          best.success < settings.threshold)
      )
        best = seen;
      moved.forEach(({ data: weight }, k) => {
        const gradient = seen.gradients[k]!;
        adamw.update(
          {
            weight,
            gradient,
            state: states[k] as Float32Array[],
            rate: settings.rate,
            decays: false,
            steps: s,
          },
          params,
        );
      });
      [worked, failed] = works ? [worked + 1, 0] : [0, failed + 1];
      if (worked >= settings.patience) {
        lambda *= 2;
        worked = 0;
      }
      if (failed >= settings.patience) {
        lambda /= 2 ** 1.5;
        failed = 0;
      }
    }
  } finally {
    await step.release();
  }
  const { mask, pattern, size, success } = best as Omit<Found, "label">;
  return { label, mask, pattern, size, success };
}

/**
 * The model behind a trigger that can be moved: tanh keeps mask and pattern
 * within their bounds.
 */
async function openInversion(model: Model, engine: Engine) {
  const [channels = 1, height = 1, width = 1] = model.contract.shape;
  const [low, high] = model.contract.bounds;
  const b = new GraphBuilder(
    { ...emptyGraph("inversion"), constants: model.graph.constants },
    "inversion/",
  );
  const x = b.input({
    name: "x",
    type: "float32",
    dims: ["batch", channels, height, width],
  });
  const input = (name: string, dims: number[]) =>
    b.input({ name, type: "float32", dims });
  const maskDims = [1, 1, height, width];
  const patternDims = [1, channels, height, width];
  const [m, p] = [input("m", maskDims), input("p", patternDims)];
  const lambda = input("lambda", []);
  const labels = b.input({ name: "labels", type: "int64", dims: ["batch"] });
  const unit = (v: string) => b.add(b.mul(b.op("Tanh", [v]), 0.5), 0.5);
  const mask = unit(m);
  const pattern = b.add(b.mul(unit(p), high - low), low);
  const stamped = b.add(b.mul(x, b.sub(1, mask)), b.mul(pattern, mask));
  const copy = graft(b, model.graph, new Map([[model.input, stamped]]));
  const logits = copy(model.logits);
  const logProbabilities = b.op("LogSoftmax", [logits], { axis: int(1) });
  const picked = b.op(
    "GatherElements",
    [logProbabilities, b.op("Unsqueeze", [labels, b.ints([1])])],
    { axis: int(1) },
  );
  const crossEntropy = b.op("Neg", [
    b.op("ReduceMean", [picked], { keepdims: int(0) }),
  ]);
  const size = b.reduceSum(mask);
  const loss = b.add(crossEntropy, b.mul(size, lambda));
  const graph = b.build([loss, logits, mask, pattern, size]);
  const { session, gradients } = await loadGradient(engine, graph, {
    of: loss,
    wrt: [m, p],
    straightThrough: model.straightThrough.map((s) => ({
      input: copy(s.input),
      output: copy(s.output),
    })),
  });
  return {
    start: (random: Random): FloatTensor[] =>
      [maskDims, patternDims].map((dims) =>
        floats(
          dims,
          Float32Array.from(
            { length: sizeOf(dims) },
            () => 0.1 * random.normal(),
          ),
        ),
      ),
    async take(
      rows: FloatTensor,
      moved: FloatTensor[],
      label: number,
      weight: number,
    ) {
      const n = rows.dims[0] ?? 0;
      const out = await session.run({
        x: rows,
        m: moved[0]!,
        p: moved[1]!,
        lambda: floats([], [weight]),
        labels: labelTensor(new Int32Array(n).fill(label)),
      });
      const tensor = (name: string) => out[name] as FloatTensor;
      const said = argmaxRows(tensor(logits));
      return {
        mask: tensor(mask),
        pattern: tensor(pattern),
        size: tensor(size).data[0]!,
        success: said.filter((v) => v === label).length / n,
        gradients: [m, p].map(
          (name) => tensor(gradients.get(name) as string).data,
        ),
      };
    },
    release: () => session.release(),
  };
}
