import { corruptions } from "#attacks";
import { type Random, UsageError } from "#core";
import { type Dataset, dataset } from "#data";
import type { Suite } from "../suite/index.ts";

/**
 * The same samples in another domain: inverted, or under common corruptions
 * (Hendrycks and Dietterich 2019, arXiv:1903.12261).
 *
 * @param random each sample draws from a generator of its own
 * @throws DATA_SHIFT when the samples are not images
 */
export function shifted(
  data: Dataset,
  shifts: Suite["shift"],
  random: Random,
): Dataset {
  const [channels, height, width, ...more] = data.x.dims.slice(1);
  if (!channels || !height || !width || more.length > 0) {
    throw new UsageError(
      "DATA_SHIFT",
      `shift needs images of shape [C, H, W], ${data.name} has shape [${data.x.dims.slice(1).join(", ")}]`,
      "Leave shift out, and state sourceData.",
    );
  }
  const size = channels * height * width;
  const x = Float32Array.from(data.x.data);
  for (let i = 0; i < data.y.length; i++) {
    const own = random.fork(i);
    let image = x.subarray(i * size, (i + 1) * size);
    for (const [k, shift] of shifts.entries()) {
      if (shift === "invert") {
        image = image.map((v) => 1 - v);
        continue;
      }
      const { apply, severities } = corruptions.find(
        (c) => c.id === shift.corruption,
      ) as (typeof corruptions)[number];
      image = apply(
        { channels, height, width, data: image },
        severities[shift.severity - 1]!,
        own.fork(k),
      ).map((v) => Math.min(1, Math.max(0, v)));
    }
    x.set(image, i * size);
  }
  return dataset(
    `${data.name}, shifted`,
    { ...data.x, data: x },
    data.y,
    data.classes,
    data.targets,
    undefined,
    undefined,
    undefined,
    data.positions,
  );
}
