import type { Undoing } from "#attacks";
import type { Chart, Finding } from "../../results/index.ts";
import { rate } from "../../statistics/index.ts";
import {
  numberFinding,
  type Outcome,
  type Protocol,
  shareFinding,
} from "../trial.ts";
import { sizeOfLook } from "./robustness.ts";
import { climb, lookAt, type Seen, wayName, waysOf } from "./undo-ladder.ts";
import { openProperty, type Property, type Undo } from "./undo-properties.ts";

/** What was seen of a property. */
interface Climbed {
  readonly property: Property;
  readonly start: Seen;
  /** The share at which it is undone. */
  readonly goal: number;
  /**
   * The trainings of the ladder from the released model; none where there is
   * nothing to undo.
   */
  readonly ways: readonly Seen[][];
  /**
   * The same from the model that never had what was done; none where there
   * is no such model.
   */
  readonly control: readonly Seen[][];
}

/**
 * Climbs the ladder from the released model, looks after so many steps at what is
 * left of the property and at the accuracy, and reports the least cost at which it
 * is undone while the model still works.
 */
export const undo: Protocol<Undoing, Undo["params"]> = {
  kind: "undo",
  stages({ params, data: { test } }) {
    const { undo, steps, batchSize } = params;
    const look = sizeOfLook(test, undo.what === "robustness" ? undo.steps : 0);
    const size = Math.max(...steps) * batchSize + steps.length * look;
    return [
      [{ name: AS_RELEASED, size: look }],
      [RELEASED, CONTROL].flatMap((from) =>
        waysOf(params).map((way) => ({ name: wayName(from, way), size })),
      ),
    ];
  },
  run,
};

const AS_RELEASED = "as released";
const RELEASED = "from the released model";
const CONTROL = "from the control";

async function run(input: Undo): Promise<Outcome> {
  const property = await openProperty(input);
  const released = property.start ?? input.victim.model;
  const [start] = (await input.each(
    [AS_RELEASED],
    (name) => name,
    () => lookAt(released, property, input),
  )) as [Seen];
  const goal = property.goal(start.holds / property.n);
  // Of next to nothing, any change is half.
  const nothing =
    isUndone(start, property, goal) ||
    (property.attacker === "down" && start.holds < property.n / 10);
  const starts = [
    [RELEASED, released] as const,
    ...(property.control ? [[CONTROL, property.control] as const] : []),
  ];
  const [ways = [], control = []] = nothing
    ? []
    : await climb(starts, property, input);
  return outcomeOf({ property, start, goal, ways, control }, input);
}

const isUndone = (
  { holds }: Seen,
  { attacker, n }: Property,
  goal: number,
): boolean => (attacker === "down" ? holds / n <= goal : holds / n >= goal);

const least = <T>(all: readonly T[], of: (one: T) => number): T | undefined =>
  all.reduce<T | undefined>(
    (best, one) => (best === undefined || of(one) < of(best) ? one : best),
    undefined,
  );

function outcomeOf(climbed: Climbed, { victim, params }: Undo): Outcome {
  const { property, start, goal, ways, control } = climbed;
  const samples = victim.attacked.y.length;
  const nothing = ways.length === 0;
  const done = (s: Seen) => isUndone(s, property, goal);
  const works = (s: Seen) => s.right >= start.right - params.keep * samples;
  const undone = ways.flat().filter((s) => done(s) && works(s));
  const stepsOf = (all: readonly Seen[]) => least(all, (s) => s.steps)?.steps;
  const title = `Steps until ${property.undone}`;
  /** Where nothing of the ladder does it: more than its last rung. */
  const cost = (
    steps: number | undefined,
    words: Pick<Finding, "title" | "role" | "attacker">,
  ) =>
    numberFinding(
      { id: "cost-to-undo", ...words },
      steps ?? null,
      steps === undefined ? { low: Math.max(...params.steps) } : {},
    );
  const asReleased = (id: string, title: string, k: number, n: number) =>
    shareFinding({ id, title, role: "control", attacker: null }, k, n);
  return {
    findings: [
      cost(nothing ? 0 : stepsOf(undone), {
        title,
        role: "headline",
        attacker: "down",
      }),
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
        ways.filter((way) => way.some((s) => done(s) && works(s))).length,
        ways.length,
      ),
      asReleased(
        "property",
        `${property.title} as released`,
        start.holds,
        property.n,
      ),
      ...(control.length > 0
        ? [
            cost(stepsOf(control.flat().filter(done)), {
              title: `${title}, ${property.controlTitle}`,
              role: "control",
              attacker: null,
            }),
          ]
        : []),
      asReleased("accuracy", "Accuracy as released", start.right, samples),
    ],
    charts: nothing ? [] : [chartOf(climbed)],
    pictures: [],
    notes: [
      ...property.notes,
      ...(nothing
        ? [
            `there is nothing to undo: ${property.title.toLowerCase()} as released is ${start.holds} of ${property.n}`,
          ]
        : [
            `undone at ${Math.round(100 * goal)} % or ${property.attacker === "down" ? "less" : "more"}, while accuracy falls by at most ${Math.round(100 * params.keep)} points`,
            `the attacker's best of ${ways.length} trainings counts, over ${counted(params.learningRates.length, "learning rate")}, ${counted(params.samples.length, "number of samples", "numbers of samples")} and ${counted(params.seeds, "seed")}`,
          ]),
    ],
    checks: [],
  };
}

/**
 * What the attacker reached at best after so many steps, a line for each
 * number of samples.
 */
function chartOf(climb: Climbed): Chart {
  const { start, goal, ways: climbed, control, property } = climb;
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
    title: `${property.title} after further steps, at the attacker's best`,
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
    levels: [
      { label: "as released", y: from.value },
      { label: "undone", y: goal },
    ],
  };
}

const counted = (n: number, one: string, many = `${one}s`): string =>
  `${n} ${n === 1 ? one : many}`;
