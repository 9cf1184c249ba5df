import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attackOn, attacks, ballOf } from "#attacks";
import { type Results, runAudit } from "#audit";
import { AssayError, choiceOf, Random } from "#core";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, loadModel, type Model } from "#model";
import { type FloatTensor, type Graph, takeRows, writeModel } from "#onnx";
import { SAMPLES, spec, type World } from "./world.ts";

/** Attacks that a suite may have. */
export const offences = {
  pgd: { id: "pgd", steps: 50, restarts: 2, relStepSize: 0.1 },
  autoattack: { id: "autoattack", steps: 50, queries: 1000 },
};

export type Offence = keyof typeof offences;

/** What an audit of one model said. */
export interface Said {
  /** Null where the model was refused. */
  readonly robust: number | null;
  readonly trusted: boolean;
  /** Checks that failed, and those that warned. */
  readonly failed: readonly string[];
  readonly warned: readonly string[];
  readonly refused?: string;
}

/** The audit of a file of the world's folder, as anyone would run it. */
export async function audited(
  { folder, seed }: World,
  file: string,
  eps: number,
  attack: Offence,
): Promise<Said> {
  const suite = join(folder, "suite.yaml");
  const out = join(folder, "out");
  writeFileSync(
    suite,
    JSON.stringify({
      version: 1,
      title: file,
      seed,
      data: spec,
      split: {
        train: "train.txt",
        validation: "validation.txt",
        test: "test.txt",
      },
      samples: SAMPLES,
      candidates: { model: { model: file } },
      threatModels: { budget: { norm: "linf", eps } },
      attacks: { [attack]: offences[attack] },
    }),
  );
  rmSync(out, { recursive: true, force: true });
  try {
    return saidBy(await runAudit({ suite, out }));
  } catch (error) {
    // A refusal is as good as a number that is withheld.
    if (!(error instanceof AssayError) || error.code !== "PREFLIGHT")
      throw error;
    return {
      robust: null,
      trusted: false,
      failed: [],
      warned: [],
      refused: error.code,
    };
  }
}

function saidBy({ worstCases, cells }: Results): Said {
  const checks = cells.flatMap((cell) => cell.checks);
  const which = (status: "failed" | "warned") =>
    checks.flatMap((check) => (check.status === status ? [check.id] : []));
  const [worst] = worstCases;
  return {
    robust: worst?.robustAccuracy.value ?? null,
    trusted: worst?.trusted ?? false,
    failed: which("failed"),
    warned: which("warned"),
  };
}

/** Writes a model where the audit finds it. */
export async function written(
  { folder, test }: World,
  name: string,
  graph: Graph,
): Promise<Model> {
  mkdirSync(folder, { recursive: true });
  writeModel(join(folder, name), graph);
  return loadModel(join(folder, name), { classes: test.classes });
}

/** The attacked samples. */
const attacked = ({ test }: World) => {
  const rows = Array.from({ length: SAMPLES }, (_, i) => i);
  return {
    x: takeRows(test.x, rows),
    y: Int32Array.from(rows, (i) => test.y[i]!),
  };
};

/** The share that is right clean and under each of the attacks. */
export async function standing(
  world: World,
  model: Model,
  eps: number,
  tried: readonly { id: string; [name: string]: unknown }[],
  through?: Model,
): Promise<number> {
  const { x, y } = attacked(world);
  const compiled = await compile(model, onnxruntime);
  const base = through && (await compile(through, onnxruntime));
  const right = async (at: FloatTensor) =>
    argmaxRows(await compiled.logits(at)).map((said, i) =>
      Number(said === y[i]),
    );
  const ball = ballOf("linf", eps, model.contract.bounds);
  let stands = Array.from(await right(x));
  for (const stated of tried) {
    const { run } = attackOn(
      compiled,
      { x, y },
      choiceOf(attacks).parse(stated),
      { ball },
      { random: new Random(world.seed), base },
    );
    const then = await right((await run()) as FloatTensor);
    stands = stands.map((before, i) => before * then[i]!);
  }
  await compiled.release();
  await base?.release();
  return stands.reduce((sum, one) => sum + one, 0) / y.length;
}
