import type { Tampering } from "#attacks";
import { type CompiledModel, compile, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { Check, Finding } from "../../results/index.ts";
import {
  type Outcome,
  type Protocol,
  type Scene,
  shareFinding,
} from "../trial.ts";
import {
  type Budget,
  examplesAgainst,
  labelsOf,
  rightOf,
} from "./robustness.ts";

type Params = { readonly examples: Budget };

/** What is seen of a model that was tampered with. */
interface Seen {
  readonly level: number;
  readonly right: number;
  /** Same label as the released model. */
  readonly same: number;
  /** Right on the examples that were made on the released model, and on its own. */
  readonly replayed: number;
  readonly own: number;
}

/**
 * Tampers more and more, and measures on the attacked samples what is left: of the
 * accuracy, of the released model's answers, and of its robustness, against examples
 * that were made on the released model and against new ones.
 */
export const tampering: Protocol<Tampering, Params> = {
  kind: "tampering",
  run,
};

async function run(scene: Scene<Tampering, Params>): Promise<Outcome> {
  const { unit, params, victim, engine, random } = scene;
  const { attacked } = victim;
  const n = attacked.y.length;
  const released = await compile(victim.model, engine);
  const labels = await labelsOf(released, attacked.x);
  const stream = random.fork("examples");
  const examples = await examplesAgainst(
    released,
    attacked,
    params.examples,
    stream,
  );
  const at = { labels, examples };
  const before = await look(released, 0, at, scene, examples);
  await released.release();

  const levels = unit.levels(params).toSorted((a, b) => a - b);
  const units = [unit, ...(unit.control ? [unit.control] : [])];
  const seen: Seen[][] = [];
  for (const [u, one] of units.entries()) {
    const row: Seen[] = [];
    for (const [i, level] of levels.entries()) {
      const model = await tampered(one, level, scene);
      row.push(await look(model, level, at, scene));
      await model.release();
      scene.onProgress(
        (u * levels.length + i + 1) / (units.length * levels.length),
      );
    }
    seen.push(row);
  }
  const [chosen = [], control = []] = seen;
  return told({ before, chosen, control, n }, scene);
}

/** What was seen of the released model, and after each level of the tampering and of its control. */
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

function told(
  { before, chosen, control, n }: Levels,
  { unit, params }: Scene<Tampering, Params>,
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
    notes: [
      `examples: APGD-CE, ${params.examples.norm} ${params.examples.eps}, ${params.examples.steps} steps, one restart`,
    ],
    checks: control.length > 0 ? [beatsChance(chosen, control, unit)] : [],
  };
}

async function tampered(
  unit: Tampering,
  level: number,
  { victim, params, engine, random }: Scene<Tampering, Params>,
): Promise<CompiledModel> {
  const model: Model = await unit.tamper({
    model: victim.model,
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
  { labels, examples }: { labels: ArrayLike<number>; examples: FloatTensor },
  { victim: { attacked }, params, random }: Scene<Tampering, Params>,
  own?: FloatTensor,
): Promise<Seen> {
  const sum = (rows: Uint8Array) => rows.reduce((a, b) => a + b, 0);
  const { y } = attacked;
  const said = await labelsOf(model, attacked.x);
  const anew =
    own ??
    (await examplesAgainst(
      model,
      attacked,
      params.examples,
      random.fork("examples"),
    ));
  return {
    level,
    right: y.filter((label, i) => said[i] === label).length,
    same: y.filter((_, i) => said[i] === labels[i]).length,
    replayed: sum(await rightOf(model, examples, y)),
    own: sum(await rightOf(model, anew, y)),
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
