import { expect, test } from "vitest";
import { tfjsEngine } from "#engine";
import type { Tensor } from "#onnx";
import {
  differentiate,
  exportedNames,
  readExported,
  relative,
  toDifferentiate,
} from "../exported.ts";

const tfjs = await tfjsEngine();

/** Of every gradient, and of every output that is not rounded to eight bits. */
const TOLERANCE = 1e-4;

test.each(exportedNames)(
  "%s: the tape's gradients are the framework's, and so are those of our graph on this engine",
  async (name) => {
    const model = readExported(name);
    const { graph: whole, output, places, request } = toDifferentiate(model);
    const ours = differentiate(model);
    const taken = await tfjs.differentiate?.(whole, request);
    if (!taken) throw new Error("no tape");
    const session = await tfjs.load(ours.graph);
    for (const [how, run, gradients] of [
      ["tape", taken.session, taken.gradients],
      ["graph", session, ours.gradients],
    ] as const) {
      const seen = await run.run({
        ...model.inputs,
        cotangent: model.cotangent,
      });
      await run.release();
      expect(relative(seen[output], model.output), how).toBeLessThan(
        model.tolerance ?? TOLERANCE,
      );
      const wanted = [
        ...[...places].map(([place, value]) => [value, model.gradients[place]]),
        ...Object.entries(model.weights),
      ] as [string, Tensor][];
      for (const [value, gradient] of wanted)
        expect(
          relative(seen[gradients.get(value) as string], gradient),
          `${how}: gradient of ${value}`,
        ).toBeLessThan(TOLERANCE);
    }
  },
);
