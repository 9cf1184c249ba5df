import type { Undoing } from "#attacks";
import { type Dataset, stratifiedSample, takeSamples } from "#data";
import { type CompiledModel, compile, type Model } from "#model";
import { takeRows } from "#onnx";
import { openPlainStep } from "#tuning";
import type { Chart } from "../results.ts";
import { rate } from "../statistics.ts";
import { rightOf } from "./robustness.ts";
import {
  numberFinding,
  type Outcome,
  type Protocol,
  type Scene,
  shareFinding,
} from "./trial.ts";
import { openProperty, type Property } from "./undo-properties.ts";

type Params = ReturnType<Undoing["params"]["parse"]>;
type Undo = Scene<Undoing, Params>;

/** What was seen on the way of one training. */
interface Seen {
  readonly samples: number;
  readonly steps: number;
  /** Samples on which the property holds, and that are right. */
  readonly holds: number;
  readonly right: number;
}

/**
 * Climbs the ladder from the released model, looks after so many steps at what is
 * left of the property and at the accuracy, and reports the least cost at which it
 * is undone while the model still works.
 */
export const undo: Protocol<Undoing, Params> = async (
  scene,
): Promise<Outcome> => {
  const { victim, params } = scene;
  const property = await openProperty(scene);
  const released = property.start ?? victim.model;
  const start = await lookAt(released, property, scene);
  const goal = property.goal(start.holds / property.n);
  const isUndone = (s: Seen) =>
    property.attacker === "down"
      ? s.holds / property.n <= goal
      : s.holds / property.n >= goal;
  const works = (s: Seen) =>
    s.right >= start.right - params.keep * testSize(scene);
  // Of next to nothing, any change is half.
  const nothing =
    isUndone(start) ||
    (property.attacker === "down" && start.holds < property.n / 10);
  const climbed = nothing ? [] : await climb(released, property, scene);
  const undone = climbed.flat().filter((s) => isUndone(s) && works(s));
  const cheapest = least(undone, (s) => s.steps);
  const most = Math.max(...params.steps);
  const control =
    property.control && !nothing
      ? await climb(property.control, property, scene)
      : [];
  const controlCost = least(
    control.flat().filter(isUndone),
    (s) => s.steps,
  )?.steps;
  const title = `Steps until ${property.undone}`;
  const words = { id: "cost-to-undo", title, attacker: "down" } as const;
  const cost = (steps: number | undefined) =>
    nothing
      ? numberFinding({ ...words, role: "headline" }, 0)
      : numberFinding(
          { ...words, role: "headline" },
          steps ?? null,
          // Not within the ladder: more than its last rung.
          steps === undefined ? { low: most } : {},
        );
  return {
    findings: [
      cost(cheapest?.steps),
      numberFinding(
        {
          id: "samples-to-undo",
          title: `Labelled samples until ${property.undone}`,
          role: "detail",
          attacker: "down",
        },
        least(undone, (s) => s.samples)?.samples ?? null,
      ),
      shareFinding(
        {
          id: "ways-that-undo",
          title: "Trainings of the ladder that undo it",
          role: "detail",
          attacker: "up",
        },
        climbed.filter((way) => way.some((s) => isUndone(s) && works(s)))
          .length,
        climbed.length,
      ),
      shareFinding(
        {
          id: "property",
          title: `${property.title} as released`,
          role: "control",
          attacker: null,
        },
        start.holds,
        property.n,
      ),
      ...(control.length > 0
        ? [
            numberFinding(
              {
                id: "cost-to-undo",
                title: `${title}, ${property.controlTitle}`,
                role: "control",
                attacker: null,
              },
              controlCost ?? null,
              controlCost === undefined ? { low: most } : {},
            ),
          ]
        : []),
      shareFinding(
        {
          id: "accuracy",
          title: "Accuracy as released",
          role: "control",
          attacker: null,
        },
        start.right,
        testSize(scene),
      ),
    ],
    charts: nothing ? [] : [chartOf(start, climbed, control, property)],
    pictures: [],
    notes: [
      ...property.notes,
      ...(nothing
        ? [
            `there is nothing to undo: ${property.title.toLowerCase()} as released is ${start.holds} of ${property.n}`,
          ]
        : [
            `undone at ${Math.round(100 * goal)} % or ${property.attacker === "down" ? "less" : "more"}, while accuracy falls by at most ${Math.round(100 * params.keep)} points`,
            `the attacker's best of ${climbed.length} trainings counts, over ${params.learningRates.length} learning rates, ${params.samples.length} numbers of samples and ${params.seeds} seeds`,
          ]),
    ],
    checks: [],
  };
};

const testSize = ({ victim }: Undo) => victim.attacked.y.length;

const least = <T>(all: readonly T[], of: (one: T) => number): T | undefined =>
  all.reduce<T | undefined>(
    (best, one) => (best === undefined || of(one) < of(best) ? one : best),
    undefined,
  );

async function lookAt(
  model: Model,
  property: Property,
  scene: Undo,
): Promise<Seen> {
  const compiled = await compile(model, scene.engine);
  const seen = await look(compiled, property, scene, 0, 0);
  await compiled.release();
  return seen;
}

async function look(
  model: CompiledModel,
  property: Property,
  { victim: { attacked } }: Undo,
  samples: number,
  steps: number,
): Promise<Seen> {
  const right = await rightOf(model, attacked.x, attacked.y);
  return {
    samples,
    steps,
    holds: await property.count(model),
    right: right.reduce((a, b) => a + b, 0),
  };
}

/** Every training of the ladder, with what was seen on its way. */
async function climb(
  start: Model,
  property: Property,
  scene: Undo,
): Promise<Seen[][]> {
  const { samples, learningRates, seeds } = scene.params;
  const counts = [
    ...new Set(samples.map((n) => Math.min(n, property.data.y.length))),
  ];
  const ways = counts.flatMap((count) =>
    learningRates.flatMap((rate) =>
      Array.from({ length: seeds }, (_, seed) => ({ count, rate, seed })),
    ),
  );
  const climbed: Seen[][] = [];
  for (const way of ways) {
    climbed.push(await trainOn(start, way, property, scene));
    scene.onProgress(climbed.length / ways.length);
  }
  return climbed;
}

async function trainOn(
  start: Model,
  {
    count,
    rate: learningRate,
    seed,
  }: { count: number; rate: number; seed: number },
  property: Property,
  scene: Undo,
): Promise<Seen[]> {
  const { params, engine } = scene;
  const random = scene.random.fork(`ladder ${count} ${seed}`);
  const data = takeSamples(
    property.data,
    stratifiedSample(property.data, count, random.fork("samples")),
  );
  const step = await openPlainStep(start, engine);
  // The weights that the step moves are those that the model is run with.
  const model = await compile(start, engine, { weights: step.weights });
  const seen: Seen[] = [];
  try {
    const last = Math.max(...params.steps);
    for (let s = 1; s <= last; s++) {
      await step.take(batchAt(data, s, params.batchSize, random), learningRate);
      if (params.steps.includes(s))
        seen.push(await look(model, property, scene, count, s));
    }
  } finally {
    await model.release();
    await step.release();
  }
  return seen;
}

/** The batch of a step, from 1: a new order of all samples in every pass. */
function batchAt(
  data: Dataset,
  step: number,
  size: number,
  random: Scene<unknown>["random"],
) {
  const perPass = Math.ceil(data.y.length / size);
  const pass = Math.floor((step - 1) / perPass);
  const from = ((step - 1) % perPass) * size;
  const rows = random
    .fork(`order ${pass}`)
    .permutation(data.y.length)
    .slice(from, from + size);
  return {
    x: takeRows(data.x, rows),
    y: Int32Array.from(rows, (i) => data.y[i] as number),
  };
}

/** What the attacker reached at best after so many steps, a line for each number of samples. */
function chartOf(
  start: Seen,
  climbed: readonly Seen[][],
  control: readonly Seen[][],
  property: Property,
): Chart {
  const lineOf = (name: string, ways: readonly Seen[][]) => {
    const steps = [...new Set(ways.flat().map((s) => s.steps))].sort(
      (a, b) => a - b,
    );
    const reached = steps.map((at) => {
      const here = ways.flat().filter((s) => s.steps === at);
      const sign = property.attacker === "down" ? 1 : -1;
      return least(here, (s) => sign * s.holds) as Seen;
    });
    return {
      name,
      points: reached.map((s) => {
        const { value, low, high } = rate(s.holds, property.n);
        return { x: s.steps, y: value, low, high };
      }),
    };
  };
  const counts = [...new Set(climbed.flat().map((s) => s.samples))];
  const from = rate(start.holds, property.n);
  return {
    id: "ladder",
    title: `${property.title} after further steps, at the attacker's best; ${Math.round(100 * from.value)} % as released`,
    x: { label: "steps of further training", scale: "log" },
    y: { label: property.title.toLowerCase(), scale: "share" },
    lines: [
      ...counts.map((count) =>
        lineOf(
          `${count} samples`,
          climbed.filter((way) => way[0]?.samples === count),
        ),
      ),
      ...(control.length > 0
        ? [lineOf(property.controlTitle ?? "control", control)]
        : []),
    ],
  };
}
