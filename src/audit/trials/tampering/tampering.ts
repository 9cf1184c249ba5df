import type { Tampering } from "#attacks";
import type { Dataset } from "#data";
import { type CompiledModel, compile, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { Check, Finding } from "../../results/index.ts";
import {
  type Outcome,
  type Protocol,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import {
  answered,
  attackedBy,
  type Budget,
  countOf,
  inWords,
  rightOf,
  sizeOfLook,
  standing,
} from "./robustness.ts";

type Params = { readonly examples: Budget };

/** What is seen of a model that was tampered with. */
interface Seen {
  readonly level: number;
  readonly right: number;
  /**
   * Answered as the released model does: the same class or labels, or values
   * within the tolerance.
   */
  readonly same: number;
  /** Right on the examples that were made on the released model, and on its own. */
  readonly replayed: number;
  readonly own: number;
}

/** What the released model is compared by. */
interface Released {
  /** The attacked samples, as it answers them. */
  readonly answers: Dataset;
  /** Made on it. */
  readonly examples: FloatTensor;
}

/**
 * Tampers more and more, and measures on the attacked samples what is left: of the
 * accuracy, of the released model's answers, and of its robustness, against examples
 * that were made on the released model and against new ones.
 */
export const tampering: Protocol<Tampering, Params> = {
  kind: "tampering",
  stages({ unit, params, data: { test } }) {
    const size = sizeOfLook(test, params.examples.steps);
    return [
      [{ name: "as released", size }],
      levelsOf(unit, params).map((level) => ({ name: nameOf(level), size })),
    ];
  },
  run,
};

/** A level of the tampering, or of its control. */
interface Level {
  readonly by: Tampering;
  readonly level: number;
}

function levelsOf(unit: Tampering, params: Params): Level[] {
  const levels = unit.levels(params).toSorted((a, b) => a - b);
  return [unit, ...(unit.control ? [unit.control] : [])].flatMap((by) =>
    levels.map((level) => ({ by, level })),
  );
}

const nameOf = ({ by, level }: Level): string => `${by.id} at ${level}`;

async function run(input: TrialInput<Tampering, Params>): Promise<Outcome> {
  const { unit, params, victim, engine, random } = input;
  const { attacked } = victim;
  const n = attacked.y.length;
  const asReleased = async () => {
    const released = await compile(victim.model, engine);
    const { y, targets } = await answered(released, attacked);
    const { examples, right, robust } = await attackedBy(
      released,
      attacked,
      params.examples,
      random.fork("examples"),
    );
    await released.release();
    const own = countOf(robust);
    return { y, targets, examples, right: countOf(right), own };
  };
  const [released] = await input.each(
    ["as released"],
    (name) => name,
    asReleased,
  );
  const { y, targets, examples, right, own } = released!;
  const before = { level: 0, right, same: n, replayed: own, own };
  const at = { answers: { ...attacked, y, targets }, examples };
  const levels = levelsOf(unit, params);
  const seen = await input.each(levels, nameOf, async ({ by, level }) => {
    const model = await tampered(by, level, input);
    const one = await look(model, level, at, input);
    await model.release();
    input.onProgress(1);
    return one;
  });
  const count = levels.filter(({ by }) => by === unit).length;
  const [chosen, control] = [seen.slice(0, count), seen.slice(count)];
  return outcomeOf({ before, chosen, control, n }, input);
}

/**
 * What was seen of the released model, and after each level of the tampering
 * and of its control.
 */
interface Levels {
  readonly before: Seen;
  readonly chosen: readonly Seen[];
  readonly control: readonly Seen[];
  /** Samples. */
  readonly n: number;
}

const titles = {
  right: "Accuracy after tampering",
  same: "Same answers as the released model",
  replayed: "Accuracy on examples made on the released model",
  own: "Robust accuracy after tampering",
} as const;

function outcomeOf(
  { before, chosen, control, n }: Levels,
  { unit, params, victim }: TrialInput<Tampering, Params>,
): Outcome {
  const worst = chosen.at(-1) as Seen;
  const finding = (
    id: keyof Omit<Seen, "level">,
    title: string,
    of: Seen,
    role: Finding["role"],
  ) =>
    shareFinding(
      { id, title, role, attacker: "down", at: `${of.level} ${unit.unit}` },
      of[id],
      n,
    );
  const measures = Object.entries(titles) as [keyof typeof titles, string][];
  const beforeFinding = (id: "right" | "own", title: string) =>
    shareFinding(
      { id, title, role: "control", attacker: "down" },
      before[id],
      n,
    );
  return {
    findings: [
      finding("right", titles.right, worst, "headline"),
      beforeFinding("right", "Accuracy as released"),
      beforeFinding("own", "Robust accuracy as released"),
      ...chosen.flatMap((of) =>
        measures
          .filter(([id]) => id !== "right" || of !== worst)
          .map(([id, title]) => finding(id, title, of, "detail")),
      ),
      ...control.map((of) =>
        finding(
          "right",
          `${titles.right}: ${unit.control?.title}`,
          of,
          "control",
        ),
      ),
    ],
    charts:
      chosen.length < 2
        ? []
        : [
            {
              id: "tampering",
              title: "What is left",
              x: { label: unit.unit, scale: "linear" },
              y: { label: "share of the attacked samples", scale: "share" },
              lines: [
                line("accuracy", [before, ...chosen], "right", n),
                line("robust accuracy", [before, ...chosen], "own", n),
                ...(control.length > 0
                  ? [
                      line(
                        `accuracy, ${unit.control?.title.toLowerCase()}`,
                        [before, ...control],
                        "right",
                        n,
                      ),
                    ]
                  : []),
              ],
            },
          ],
    pictures: [],
    notes: [`examples: ${inWords(victim.attacked, params.examples)}`],
    checks: control.length > 0 ? [beatsChance(chosen, control, unit)] : [],
  };
}

async function tampered(
  unit: Tampering,
  level: number,
  { victim, params, engine, random }: TrialInput<Tampering, Params>,
): Promise<CompiledModel> {
  const model: Model = await unit.tamper({
    model: victim.model,
    base: victim.base,
    level,
    data: victim.data.validation,
    engine,
    params,
    random: random.fork(`tamper ${unit.id}`),
  });
  return compile(model, engine);
}

async function look(
  model: CompiledModel,
  level: number,
  released: Released,
  { victim: { attacked }, params, random }: TrialInput<Tampering, Params>,
): Promise<Seen> {
  const { right, robust } = await attackedBy(
    model,
    attacked,
    params.examples,
    random.fork("examples"),
  );
  const { answers, examples } = released;
  return {
    level,
    right: countOf(right),
    same: countOf(await rightOf(model, answers)),
    replayed: countOf(await standing(model, attacked, examples)),
    own: countOf(robust),
  };
}

const line = (
  name: string,
  seen: readonly Seen[],
  id: "right" | "own",
  n: number,
) => ({
  name,
  points: seen.map((one) => {
    const { value, low, high } = shareFinding(
      { id, title: name, role: "detail", attacker: "down" },
      one[id],
      n,
    );
    return { x: one.level, y: value ?? 0, low, high };
  }),
});

/** A search that does no more than chance shows nothing. */
function beatsChance(
  chosen: readonly Seen[],
  control: readonly Seen[],
  unit: Tampering,
): Check {
  const worse = chosen.filter((of, i) => of.right > (control[i]?.right ?? 0));
  return {
    id: "beats-chance",
    title: "Beats chance",
    status: worse.length === 0 ? "passed" : "warned",
    message:
      worse.length === 0
        ? `At every level ${unit.title.toLowerCase()} leaves no more accuracy than ${unit.control?.title.toLowerCase()}.`
        : `At ${worse.map((w) => w.level).join(", ")} ${unit.unit} chance does more harm than the search: give it more samples.`,
  };
}
