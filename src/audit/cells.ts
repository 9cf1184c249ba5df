import { ballOf, type Family } from "#attacks";
import { hashOf, InterruptedError, packageVersion, Random } from "#core";
import type { Dataset } from "#data";
import { defend } from "#defenses";
import type { Engine } from "#engine";
import {
  argmaxRows,
  type CompiledModel,
  compile,
  grantAccess,
  type Queries,
} from "#model";
import { copyOf, type FloatTensor, putRows, takeRows } from "#onnx";
import type { OnEvent } from "./events.ts";
import { describe, type ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import type { Cell } from "./results.ts";
import { rate } from "./statistics.ts";
import type { Store } from "./store.ts";
import type { Evidence } from "./trust/index.ts";

/** The examples of one attack, and how they were made. */
interface Craft {
  readonly queries: Queries;
  /** Of each sample; empty for an attack that does not query the target. */
  readonly queriesToBreak: readonly number[];
  readonly seconds: number;
}

/** A cell as it is stored: all but what depends on other cells. */
export interface ComputedCell {
  readonly cell: Omit<Cell, "trusted" | "checks" | "reproduce">;
  readonly evidence: Evidence;
  /** Name in the store of the examples that were scored. */
  readonly examples: string;
}

/** What computing cells needs. */
export interface Bench {
  readonly data: Dataset;
  readonly seed: number;
  readonly base: ReadyModel | null;
  readonly store: Store;
  readonly engine: Engine;
  readonly onEvent: OnEvent;
  readonly signal?: AbortSignal;
  /** Compiled models by hash; see `release`. */
  readonly compiled: Map<string, CompiledModel>;
}

/** Releases the models that were compiled for cells. */
export async function release(bench: Bench): Promise<void> {
  for (const model of bench.compiled.values()) await model.release();
  bench.compiled.clear();
}

/** A cell's result from the store, or computed and kept there. */
export async function computeCell(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
): Promise<ComputedCell & { reused: boolean }> {
  const craft = craftKey(planned, candidate, bench);
  const key = hashOf({
    craft,
    candidate: candidate.hash,
    defense: planned.sanitizers.map(describe),
    id: planned.id,
  });
  const name = `cells/${key}.json`;
  const before = bench.store.read<ComputedCell>(name);
  if (before && bench.store.readTensor(before.examples))
    return { ...before, reused: true };
  const computed = await attackAndScore(planned, candidate, bench, craft);
  bench.store.write(name, computed);
  return { ...computed, reused: false };
}

/** The hash of all that the examples of a cell depend on. Attacks through the base share theirs. */
function craftKey(
  { chosen, norm, eps, queries, sanitizers, adaptive }: PlannedCell,
  candidate: ReadyModel,
  { data, seed, base, engine }: Bench,
): string {
  const throughBase = chosen.unit.access === "base";
  return hashOf({
    attack: describe(chosen),
    norm,
    eps,
    queries,
    against: throughBase ? base?.hash : candidate.hash,
    defense: throughBase || !adaptive ? [] : sanitizers.map(describe),
    data: data.fingerprint,
    seed,
    version: packageVersion(),
    engine: engine.title,
  });
}

async function attackAndScore(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
  key: string,
): Promise<ComputedCell> {
  const { data, onEvent } = bench;
  const started = performance.now();
  const scored = await compiledFor(candidate, planned.sanitizers, bench);
  const { examples, queries, queriesToBreak } = await craft(
    planned,
    candidate,
    bench,
    key,
  );
  const clean = argmaxRows(await scored.logits(data.x));
  const attacked = argmaxRows(await scored.logits(examples));
  const outcomes = Array.from(data.y, (label, i) =>
    clean[i] !== label ? "-" : attacked[i] === label ? "1" : "0",
  ).join("");
  const n = data.y.length;
  const right = n - outcomes.replaceAll(/[^-]/g, "").length;
  const robust = outcomes.replaceAll(/[^1]/g, "").length;
  const { unit } = planned.chosen;
  onEvent({ kind: "progress", cell: planned.id, share: 1 });
  return {
    cell: {
      id: planned.id,
      candidate: planned.candidate,
      defense: planned.defense,
      attack: planned.attack,
      threatModel: {
        id: planned.threatModel,
        norm: planned.norm,
        eps: planned.eps,
        access: unit.access,
        steps: limitOf(planned, "steps"),
        restarts: limitOf(planned, "restarts"),
        queries: planned.queries,
      },
      adaptive: planned.adaptive,
      cleanAccuracy: rate(right, n),
      robustAccuracy: rate(robust, n),
      attackSuccess: right > 0 ? rate(right - robust, right) : null,
      queries,
      outcomes,
      queriesToBreak: [...queriesToBreak],
      seconds: (performance.now() - started) / 1000,
    },
    evidence: await gather(planned, scored, bench, examples, clean, outcomes),
    examples: `examples/${key}.npy`,
  };
}

/** Runs the attack, or takes its examples from the store. */
async function craft(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
  key: string,
): Promise<Craft & { examples: FloatTensor }> {
  const { store, data, seed, base, onEvent, signal } = bench;
  const known = store.read<Craft>(`examples/${key}.json`);
  const kept = known && store.readTensor(`examples/${key}.npy`);
  if (kept) return { ...known, examples: kept };

  const { chosen, norm, eps, sanitizers, adaptive } = planned;
  const { unit, params } = chosen;
  const started = performance.now();
  const victim = await compiledFor(
    candidate,
    adaptive ? sanitizers : [],
    bench,
  );
  const surrogate =
    unit.access === "base" && base
      ? await compiledFor(base, [], bench)
      : undefined;
  // An attacker without access to the target cannot leave out what it gets wrong.
  const all = Array.from(data.y, (_, i) => i);
  const blind = unit.access === "base" || unit.access === "none";
  const predicted = blind ? null : argmaxRows(await victim.logits(data.x));
  const chosenRows = predicted
    ? all.filter((i) => predicted[i] === data.y[i])
    : all;
  const x = takeRows(data.x, chosenRows);
  const y = Int32Array.from(chosenRows, (i) => data.y[i] as number);
  const ball = ballOf(norm, eps, victim.model.contract.bounds);
  const target = grantAccess(victim, {
    access: unit.access,
    x,
    y,
    limit: ball,
    queries: planned.queries ?? undefined,
    base: surrogate,
  });
  const examples = copyOf(data.x);
  if (chosenRows.length > 0) {
    const stream = new Random(seed).fork(`attack ${unit.id} ${norm} ${eps}`);
    const found = await unit.run({
      target,
      x,
      y,
      ball,
      params,
      random: chosenRows.map((i) => stream.fork(i)),
      onProgress(share) {
        if (signal?.aborted) throw new InterruptedError();
        onEvent({ kind: "progress", cell: planned.id, share });
      },
    });
    putRows(examples, chosenRows, found);
  }
  const made: Craft = {
    queries: { ...target.queries },
    queriesToBreak: blind ? [] : spread(target.brokenAt, chosenRows, all),
    seconds: (performance.now() - started) / 1000,
  };
  store.writeTensor(`examples/${key}.npy`, examples);
  // Written last: a record means that the examples are whole.
  store.write(`examples/${key}.json`, made);
  return { ...made, examples };
}

/** How many steps or restarts an attack really had. */
function limitOf({ chosen }: PlannedCell, key: "steps" | "restarts") {
  const stated = (chosen.params as Record<string, unknown>)[key];
  return typeof stated === "number" ? stated : null;
}

/** Numbers of some samples among all of them. */
function spread(
  values: Int32Array,
  rows: readonly number[],
  all: readonly number[],
): number[] {
  const whole = all.map(() => 0);
  rows.forEach((row, i) => {
    whole[row] = values[i] as number;
  });
  return whole;
}

/** What the trust checks look at. */
async function gather(
  { chosen, candidate, defense, attack, adaptive, norm, eps }: PlannedCell,
  scored: CompiledModel,
  { data }: Bench,
  examples: FloatTensor,
  clean: Int32Array,
  outcomes: string,
): Promise<Evidence> {
  const [low, high] = scored.model.contract.bounds;
  const ball = ballOf(norm, eps, [low, high]);
  const n = data.y.length;
  const width = examples.data.length / n;
  const samplesWith = (test: (v: number) => boolean) =>
    Array.from({ length: n }, (_, i) =>
      examples.data.subarray(i * width, (i + 1) * width),
    ).filter((row) => row.some(test)).length;
  const usesGradient = chosen.unit.access === "gradient" && adaptive;
  const probe = usesGradient ? await scored.lossGradient(data.x, data.y) : null;
  const seen = probe ? argmaxRows(probe.logits) : clean;
  const zero = probe
    ? Array.from({ length: n }, (_, i) =>
        probe.gradient.data.subarray(i * width, (i + 1) * width),
      ).filter((row) => row.every((g) => g === 0 || !Number.isFinite(g))).length
    : 0;
  return {
    candidate,
    defense,
    attack,
    access: chosen.unit.access,
    adaptive,
    norm,
    eps,
    family: chosen.unit.family satisfies Family,
    boundsWidth: high - low,
    chance: 1 / scored.model.classes.length,
    outcomes,
    maxDistance: ball
      .distance(data.x, examples)
      .reduce((a, b) => Math.max(a, b), 0),
    outOfBounds: samplesWith((v) => v < low || v > high),
    nonFinite: samplesWith((v) => !Number.isFinite(v)),
    zeroGradientShare: probe ? zero / n : null,
    cleanMismatch: seen.filter((p, i) => p !== clean[i]).length,
  };
}

/** The model behind its sanitizers, ready to run; compiled once for all the cells of a run. */
async function compiledFor(
  ready: ReadyModel,
  sanitizers: PlannedCell["sanitizers"],
  { compiled, engine }: Bench,
): Promise<CompiledModel> {
  const key = hashOf({ model: ready.hash, defense: sanitizers.map(describe) });
  const known = compiled.get(key);
  if (known) return known;
  const fresh = await compile(defend(ready.model, sanitizers), engine);
  compiled.set(key, fresh);
  return fresh;
}
