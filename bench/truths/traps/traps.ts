import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "#core";
import type { Model } from "#model";
import type { Graph } from "#onnx";
import {
  audited,
  type Offence,
  type Said,
  standing,
  written,
} from "./audit.ts";
import { honest, learnedNet, PLAIN } from "./honest.ts";
import { masks } from "./masks.ts";
import { BUDGETS, type World, type WorldId, worldOf } from "./world.ts";

/** How far above the truth a trusted number may be, and up to where it is right. */
const FAR = 0.1;
const NEAR = 0.03;

/** A number, what is so, and whether the audit was right about it. */
export interface Verdict extends Said {
  readonly world: WorldId;
  readonly seed: number;
  readonly model: string;
  readonly isTrap: boolean;
  readonly attack: Offence;
  /** Robust accuracy that attacks of ours leave, which know what the model hides. */
  readonly truth: number;
  readonly verdict: "right" | "missed" | "false alarm";
  readonly seconds: number;
}

/** A model that is audited, and how its truth is found. */
interface Subject {
  readonly id: string;
  readonly isTrap: boolean;
  /** Whether there is a gradient to follow, or what looks like one. */
  readonly smooth: boolean;
  readonly eps: number;
  make(): Promise<Graph>;
  truth(model: Model): Promise<number>;
}

/** What of the traps is run. */
export interface Chosen {
  readonly seeds: readonly number[];
  readonly worlds: readonly WorldId[];
  /** Ids of models; all when left out. */
  readonly models?: readonly string[];
  readonly attacks: readonly Offence[];
}

/** Plants traps and honest models, and audits each under each attack. */
export async function* traps({
  seeds,
  worlds,
  models,
  attacks,
}: Chosen): AsyncGenerator<Verdict> {
  for (const seed of seeds)
    for (const id of worlds) {
      const folder = mkdtempSync(join(tmpdir(), "assay-traps-"));
      try {
        const world = await worldOf(id, seed, folder);
        for (const subject of await subjectsOf(world))
          if (!models || models.includes(subject.id))
            yield* verdictsOn(world, subject, attacks);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
}

async function* verdictsOn(
  world: World,
  { id: model, isTrap, smooth, eps, ...subject }: Subject,
  attacks: readonly Offence[],
): AsyncGenerator<Verdict> {
  const file = `${model}.onnx`;
  const truth = await subject.truth(
    await written(world, file, await subject.make()),
  );
  for (const attack of attacks) {
    // PGD on what has no gradient is refused without a try.
    if (attack === "pgd" && !smooth) continue;
    const begun = performance.now();
    const said = await audited(world, file, eps, attack);
    yield {
      world: world.id,
      seed: world.seed,
      model,
      isTrap,
      attack,
      ...said,
      truth,
      verdict: verdictOf(said, truth, isTrap),
      seconds: (performance.now() - begun) / 1000,
    };
  }
}

/**
 * A number that is far above the truth has to be withheld, and an honest one that is as
 * good as true must not be. To withhold one that is true by luck of a model that hides
 * something is no fault.
 */
function verdictOf(
  { robust, trusted }: Said,
  truth: number,
  isTrap: boolean,
): Verdict["verdict"] {
  if (robust === null) return "right";
  if (trusted) return robust - truth > FAR ? "missed" : "right";
  return !isTrap && robust - truth <= NEAR ? "false alarm" : "right";
}

/**
 * Networks behind each mask, of which the truth is what examples of the plain network
 * leave when they are only replayed (a bound from above); and honest models, of which
 * strong attacks tell it.
 */
async function subjectsOf(world: World): Promise<Subject[]> {
  const plain = await learnedNet(world, PLAIN);
  const replayed = { id: "base-pgd", steps: 50, relStepSize: 0.1 };
  const climbs = [
    { id: "apgd-ce", steps: 100, restarts: 2 },
    { id: "apgd-t", steps: 50 },
  ];
  const search = [
    { id: "square", queries: 5000 },
    { id: "noise", draws: 2000 },
  ];
  return [
    ...masks.map(
      ({ id, hide }): Subject => ({
        id,
        isTrap: true,
        smooth: true,
        eps: BUDGETS.large,
        make: async () => hide(plain, new Random(world.seed).fork(id)),
        truth: (model) =>
          standing(world, model, BUDGETS.large, [replayed], plain),
      }),
    ),
    ...honest.map(
      ({ id, smooth, make }): Subject => ({
        id,
        isTrap: false,
        smooth,
        eps: BUDGETS.small,
        make: () => make(world),
        truth: (model) =>
          standing(world, model, BUDGETS.small, smooth ? climbs : search),
      }),
    ),
  ];
}
