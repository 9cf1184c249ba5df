import { corruptions } from "#attacks";
import { type Random, UsageError } from "#core";
import { type Dataset, dataset } from "#data";
import { isStreamed, Streamed, sizeOf, span } from "#onnx";
import type { Suite } from "../suite/index.ts";

/**
 * The same samples in another domain: inverted, or under common corruptions
 * (Hendrycks and Dietterich 2019, arXiv:1903.12261). Of samples that are streamed each
 * is shifted whenever it is read, to the same values.
 *
 * @param random each sample draws from a generator of its own
 * @throws DATA_SHIFT when the samples are not images
 */
export function shifted(
  data: Dataset,
  shifts: Suite["shift"],
  random: Random,
): Dataset {
  const { x } = data;
  const [channels, height, width, ...more] = x.dims.slice(1);
  if (!channels || !height || !width || more.length > 0) {
    throw new UsageError(
      "DATA_SHIFT",
      `shift needs images of shape [C, H, W], ${data.name} has shape [${x.dims.slice(1).join(", ")}]`,
      "Leave shift out, and state sourceData.",
    );
  }
  const shape = { channels, height, width };
  const size = sizeOf(x.dims.slice(1));
  /** Changes images that stand one behind the other in place. */
  const change = (rows: ArrayLike<number>, pixels: Float32Array) => {
    for (let i = 0; i < rows.length; i++) {
      const one = pixels.subarray(i * size, (i + 1) * size);
      one.set(moved({ ...shape, data: one }, shifts, random.fork(rows[i]!)));
    }
  };
  return dataset(
    `${data.name}, shifted`,
    isStreamed(x)
      ? new Streamed(x.dims, {
          range: [0, 1],
          ahead: (rows) => x.ahead(rows),
          read(rows, to) {
            x.read(rows, to);
            change(rows, to);
          },
        })
      : { ...x, data: changed(x.data) },
    data.y,
    data.classes,
    data.targets,
    undefined,
    undefined,
    undefined,
    data.positions,
  );

  function changed(pixels: Float32Array): Float32Array {
    const own = Float32Array.from(pixels);
    change(span(0, data.y.length), own);
    return own;
  }
}

/** An image under one shift after the other. */
function moved(
  { data, ...shape }: Parameters<(typeof corruptions)[number]["apply"]>[0],
  shifts: Suite["shift"],
  random: Random,
): Float32Array {
  let image = data;
  for (const [k, shift] of shifts.entries()) {
    if (shift === "invert") {
      image = image.map((v) => 1 - v);
      continue;
    }
    const { apply, severities } = corruptions.find(
      (c) => c.id === shift.corruption,
    ) as (typeof corruptions)[number];
    image = apply(
      { ...shape, data: image },
      severities[shift.severity - 1]!,
      random.fork(k),
    ).map((v) => Math.min(1, Math.max(0, v)));
  }
  return image;
}
