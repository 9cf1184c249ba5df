import { ballOf, type Family } from "#attacks";
import { InterruptedError, Random } from "#core";
import { type CompiledModel, chanceOf } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { isFree } from "#tables";
import { type Bench, drawsFor, type Opened, probesOf } from "./bench.ts";
import type { Craft } from "./craft.ts";
import { decisions } from "./detection.ts";
import type { PlannedCell } from "./plan.ts";
import { PROBED, probeAttack, wrongAtMost } from "./probes/index.ts";
import { type AttackProbes, type Evidence, isRandom } from "./trust/index.ts";

/** What the trust checks look at. */
export async function gather(
  planned: PlannedCell,
  opened: Opened,
  bench: Bench,
  made: Craft & { examples: FloatTensor },
  clean: Int32Array,
  outcomes: string,
): Promise<Omit<Evidence, "faults">> {
  const { chosen, candidate, defense, attack, adaptive, norm, eps } = planned;
  const { examples } = made;
  const { model: scored } = opened;
  const { data } = bench;
  const [low, high] = scored.model.contract.bounds;
  const ball = ballOf(norm, eps, [low, high]);
  // What is clipped to a bound has it as float32 rounds it.
  const [least, most] = [Math.fround(low), Math.fround(high)];
  const n = data.y.length;
  const width = examples.data.length / n;
  const samplesWith = (test: (v: number) => boolean) =>
    Array.from({ length: n }, (_, i) =>
      examples.data.subarray(i * width, (i + 1) * width),
    ).filter((row) => row.some(test)).length;
  const usesGradient = chosen.unit.access === "gradient" && adaptive;
  const probe =
    usesGradient && made.noGradient === null
      ? await scored.lossGradient(
          data.x,
          data.y,
          { targets: data.targets },
          drawsFor(bench, "clean"),
        )
      : null;
  const seen = probe ? decisions(scored.model, probe, data.targets) : clean;
  const zero = probe
    ? Array.from({ length: n }, (_, i) =>
        probe.gradient.data.subarray(i * width, (i + 1) * width),
      ).filter((row) => row.every((g) => g === 0 || !Number.isFinite(g))).length
    : 0;
  const model = await probesOf(opened, bench);
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
    constrained: data.table !== undefined && !isFree(data.table),
    chance: chanceOf(scored.model, data.targets),
    outcomes,
    maxDistance: ball
      .distance(data.x, examples)
      .reduce((a, b) => Math.max(a, b), 0),
    outOfBounds: samplesWith((v) => v < least || v > most),
    nonFinite: samplesWith((v) => !Number.isFinite(v)),
    notes: made.notes,
    noGradient: made.noGradient,
    zeroGradientShare: probe ? zero / n : null,
    cleanMismatch: seen.filter((p, i) => p !== clean[i]).length,
    model,
    draws: drawsOf(chosen),
    searches: chosen.unit.searches?.(chosen.params) ?? false,
    named: planned.probed,
    probes: await probeCell(
      planned,
      scored,
      isRandom(model),
      bench,
      made,
      outcomes,
    ),
  };
}

/** How many calls an attack averages a gradient over. */
function drawsOf({ unit, params }: PlannedCell["chosen"]): number {
  const { eot = 1 } = params as { eot?: number };
  return unit.draws?.(params) ?? eot;
}

/** Tries to break what a white-box attack left standing, where its number counts and nothing limits it. */
async function probeCell(
  { id, chosen, probed, adaptive, norm, eps, queries }: PlannedCell,
  victim: CompiledModel,
  drawsAtRandom: boolean,
  { data, seed, onEvent, signal }: Bench,
  made: Craft & { examples: FloatTensor },
  outcomes: string,
): Promise<AttackProbes | null> {
  const { access, family } = chosen.unit;
  const iterates = family === "iterative" || family === "minimum-norm";
  if (!probed || !adaptive || access !== "gradient" || !iterates) return null;
  if (made.noGradient !== null) return null;
  if (queries !== null || norm === "none") return null;
  // What one draw of the model got right by luck does not stand.
  const wrong = await wrongAtMost(
    victim,
    made.examples,
    data,
    new Random(seed).fork(`standing ${id}`),
  );
  const standing = [...outcomes].flatMap((o, i) =>
    o === "1" && !wrong[i] ? [i] : [],
  );
  if (standing.length === 0) return null;
  const some = standing.slice(0, PROBED);
  const found = await probeAttack(
    {
      victim,
      chosen,
      table: data.table,
      norm,
      eps,
      x: takeRows(data.x, some),
      y: Int32Array.from(some, (i) => data.y[i] as number),
      targets: data.targets && takeRows(data.targets, some),
      examples: takeRows(made.examples, some),
      peaks: some.map((i) => made.peaks[i] ?? null),
      draws: drawsOf(chosen),
      drawsAtRandom,
      random: new Random(seed).fork(`probes ${id}`),
      onProgress() {
        if (signal?.aborted) throw new InterruptedError();
        onEvent({ kind: "progress", cell: id, share: 1 });
      },
    },
    (made.queries.gradient + made.queries.forward) / data.y.length,
  );
  return { ...found, standing: standing.length, rising: made.rising };
}
