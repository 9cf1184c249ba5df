import { choiceOf, hashOf, Random } from "#core";
import { sanitizers } from "#defenses";
import { sizeOf } from "#onnx";
import { UNDEFENDED } from "../counting.ts";
import { decisions, type ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { describe } from "../suite/index.ts";
import {
  type Attempt,
  type BrokenControl,
  brokenControl,
  controlBits,
  isRandom,
  PROBED,
  partOf,
} from "../trust/index.ts";
import { type Bench, openFor } from "./bench.ts";
import { cleanAnswers, keptOf, knownOf, probesOf } from "./seen.ts";

const sanitizer = choiceOf(sanitizers);

/**
 * How the attack of a cell behind a defence does on the same candidate behind
 * rounding, which is known to be broken; found once for all defences of a
 * candidate. null for rows of tables, and where rounding could take the budget away.
 */
export async function controlOf(
  planned: PlannedCell,
  ready: ReadyModel,
  attempt: Attempt,
  bench: Bench,
): Promise<BrokenControl | null> {
  const { chosen, norm, eps, defense } = planned;
  const { data, seed } = bench;
  if (defense === UNDEFENDED || data.table || ready.model.embedding)
    return null;
  const [low, high] = ready.model.contract.bounds;
  const count = sizeOf(data.x.dims.slice(1));
  const bits = controlBits(attempt.ball.norm, eps, high - low, count);
  if (bits === null) return null;
  const opened = await openFor(ready, [], bench);
  const key = hashOf({ attack: describe(chosen), norm, eps });
  const { controls } = knownOf(opened, bench);
  const known = controls.get(key);
  if (known) return known;
  const found = await keptOf(`control ${key}`, opened, bench, async () => {
    const part = sanitizer.parse({ id: "bit-depth", bits });
    const { model } = await openFor(ready, [part], bench);
    const predicted = decisions(
      opened.model.model,
      await cleanAnswers(opened, bench),
      data.targets,
    );
    const drawsAtRandom = isRandom(await probesOf(opened, bench));
    const right = Array.from(data.y.keys()).filter(
      (i) => predicted[i] === data.y[i],
    );
    return brokenControl(
      {
        ...partOf(attempt, right.slice(0, PROBED)),
        model,
        // Of the bare candidate, so that it is the same whatever the defence.
        drawsAtRandom,
        random: new Random(seed).fork(`control ${key}`),
      },
      opened.model,
      bits,
    );
  });
  controls.set(key, found);
  return found;
}
