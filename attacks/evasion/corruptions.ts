import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { corruptions as all, type Corruption } from "../corruptions/index.ts";
import { imageShape } from "../images.ts";
import { rowOf } from "./vectors.ts";

const ids = all.map(({ id }) => id) as [string, ...string[]];

/**
 * Common corruptions at five severities (Hendrycks and Dietterich 2019,
 * arXiv:1903.12261), with their constants for small images (CIFAR-10-C): eight
 * of the paper's fifteen. There is no adversary: a sample counts as robust if it
 * withstands every one, and the accuracy under each, whose mean the
 * literature reports, is in the cell's breakdown.
 */
export const corruptions = defineAttack({
  id: "corruptions",
  title: "Common corruptions",
  summary:
    "Eight common corruptions at five severities; a sample is robust if it withstands all of them. There is no adversary.",
  caution:
    "Robust here is the worst of forty changes; the mean accuracy that the literature reports is in the breakdown. Severities are those for images of 32 pixels, and seven of the paper's corruptions are left out.",
  access: "label",
  family: "corruption",
  norms: ["none"],
  reference: "Hendrycks and Dietterich 2019, arXiv:1903.12261",
  taxonomy: {
    atlas: ["AML.T0015"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.025"],
  },
  needs: ["images"],
  params: z.strictObject({
    kinds: z
      .array(z.enum(ids))
      .min(1)
      .default([...ids])
      .describe("which corruptions"),
    severities: z
      .array(z.int().min(1).max(5))
      .min(1)
      .default([1, 2, 3, 4, 5])
      .describe("how strong, from 1 to 5"),
  }),
  async run({
    target,
    x,
    y,
    ball,
    params,
    random,
    onProgress,
    onNote,
    onMeasure,
  }) {
    const [channels, height, width] = imageShape("corruptions", x);
    const [low, high] = ball.bounds;
    const chosen = all.filter(({ id }) => params.kinds.includes(id));
    const total = chosen.length * params.severities.length;
    let done = 0;
    for (const corruption of chosen)
      for (const severity of params.severities) {
        onProgress(done++ / total);
        // Every sample is asked about each, whatever broke it before: the
        // mean needs them all.
        const samples = Array.from(y.keys());
        if (samples.length === 0) continue;
        if (!samples.every((i) => target.affords(i, 1))) {
          onNote?.(
            `corruptions: the queries of a sample ended after ${done - 1} of ${total} corruptions`,
          );
          return target.examples();
        }
        const rows = takeRows(x, samples);
        for (const sample of samples) {
          const row = rowOf(rows, sample);
          const image = row.map((v) => (v - low) / (high - low));
          const stream = random[sample]!.fork(`${corruption.id} ${severity}`);
          const corrupted = corruption.apply(
            { channels, height, width, data: image },
            constantOf(corruption, severity),
            stream,
          );
          for (let i = 0; i < row.length; i++) {
            const v = Math.min(1, Math.max(0, corrupted[i]!));
            row[i] = Math.min(high, low + (high - low) * v);
          }
        }
        const predicted = await target.predict(rows, samples);
        onMeasure?.({
          name: corruption.id,
          level: severity,
          robust: samples.filter((i) => predicted[i] === y[i]).length,
        });
      }
    return target.examples();
  },
});

const constantOf = ({ severities }: Corruption, severity: number) =>
  severities[severity - 1]!;
