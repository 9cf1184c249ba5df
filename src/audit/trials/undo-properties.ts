import type { Undoing } from "#attacks";
import { UsageError } from "#core";
import { type Dataset, takeSamples } from "#data";
import { type CompiledModel, compile, type Model } from "#model";
import { type Budget, examplesAgainst, rightOf } from "./robustness.ts";
import type { Scene } from "./trial.ts";

/** What a tamperer wants to undo, as it can be counted. */
export interface Property {
  readonly title: string;
  /** "the robustness is undone" */
  readonly undone: string;
  /** Which way the attacker wants it. */
  readonly attacker: "up" | "down";
  /** Of how many samples. */
  readonly n: number;
  /** On how many of them it holds. */
  count(model: CompiledModel): Promise<number>;
  /** The share at which it is undone, from that of the released model. */
  goal(start: number): number;
  /** What the attacker trains on. */
  readonly data: Dataset;
  /** A model that never had what was done to it, and how it is called: the same training of it is the control. */
  readonly control?: Model;
  readonly controlTitle?: string;
  readonly notes: readonly string[];
}

type Undo = Scene<Undoing, ReturnType<Undoing["params"]["parse"]>>;

export const openProperty = (scene: Undo): Promise<Property> =>
  scene.params.undo.what === "robustness"
    ? robustness(scene, scene.params.undo)
    : unlearnt(scene, scene.params.undo.class);

async function robustness(
  { victim, params, random }: Undo,
  { norm, eps, steps }: Budget,
): Promise<Property> {
  const { attacked } = victim;
  return {
    title: "Robust accuracy",
    undone: "half of the robustness is gone".replace(
      "half",
      shareText(params.share),
    ),
    attacker: "down",
    n: attacked.y.length,
    async count(model) {
      const examples = await examplesAgainst(
        model,
        attacked,
        { norm, eps, steps },
        random.fork("examples"),
      );
      const right = await rightOf(model, examples, attacked.y);
      return right.reduce((a, b) => a + b, 0);
    },
    goal: (start) => (1 - params.share) * start,
    data: victim.data.train,
    notes: [
      `robust accuracy: APGD-CE, ${norm} ${eps}, ${steps} steps, one restart`,
    ],
  };
}

const shareText = (share: number): string =>
  share === 0.5 ? "half" : `${Math.round(100 * share)} %`;

/** A class that a repair made the model forget; its accuracy on that class before is the whole way. */
async function unlearnt(
  { victim, surrogate, params, engine }: Undo,
  name: string,
): Promise<Property> {
  const { train, test } = victim.data;
  const label = train.classes.indexOf(name);
  if (label < 0)
    throw new UsageError(
      "SUITE_INVALID",
      `a trial is to bring back class "${name}", the task has ${train.classes.join(", ")}`,
      "Name one of these.",
    );
  const rows = (data: Dataset, keep: boolean) =>
    takeSamples(
      data,
      [...data.y.keys()].filter((i) => (data.y[i] === label) === keep),
    );
  const own = rows(test, true);
  const count = async (model: CompiledModel) => {
    const right = await rightOf(model, own.x, own.y);
    return right.reduce((a, b) => a + b, 0);
  };
  const before = await compile(await surrogate({}), engine);
  const known = (await count(before)) / own.y.length;
  await before.release();
  return {
    title: `Accuracy on class ${name}`,
    undone: `${shareText(params.share)} of class ${name} is back`,
    attacker: "up",
    n: own.y.length,
    count,
    goal: () => params.share * known,
    // The tamperer has a few samples of every class, that one among them.
    data: train,
    control: await surrogate({ train: rows(train, false) }),
    controlTitle: "of a model that never learnt it",
    notes: [
      `accuracy on class ${name} before it was unlearnt: ${Math.round(100 * known)} %`,
    ],
  };
}
