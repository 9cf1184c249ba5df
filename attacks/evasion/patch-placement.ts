/** Where a round patch lies in an image. */
export interface Placement {
  /** Its middle, in pixels. */
  readonly row: number;
  readonly column: number;
  /** Counter-clockwise, in degrees. */
  readonly angle: number;
  /** How many pixels it covers: those nearest to its middle. */
  readonly pixels: number;
}

/** A pixel that the patch covers: a weighted mean of four numbers of the patch. */
export interface Covered {
  readonly pixel: number;
  readonly from: readonly number[];
  readonly weights: readonly number[];
}

/** Diameter of a disc of so many pixels. */
export const diameterOf = (pixels: number) => 2 * Math.sqrt(pixels / Math.PI);

/**
 * The pixels that a patch covers, and the numbers of it that each shows
 * (bilinear): a linear map, which the gradient goes back through.
 *
 * @param side of the patch, whose inscribed circle is what is placed
 */
export function covered(
  height: number,
  width: number,
  side: number,
  { row, column, angle, pixels }: Placement,
): Covered[] {
  const reach = diameterOf(pixels) / 2 + 1.5;
  const inside = (n: number, middle: number) => {
    const first = Math.max(0, Math.ceil(middle - reach));
    const last = Math.min(n - 1, Math.floor(middle + reach));
    return Array.from(
      { length: Math.max(0, last - first + 1) },
      (_, i) => first + i,
    );
  };
  const near = inside(height, row).flatMap((r) =>
    inside(width, column).map((c) => ({
      r,
      c,
      far: (r - row) ** 2 + (c - column) ** 2,
    })),
  );
  near.sort((a, b) => a.far - b.far || a.r - b.r || a.c - b.c);
  const turn = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const scale = side / diameterOf(pixels);
  const middle = (side - 1) / 2;
  const within = (v: number) => Math.min(side - 1, Math.max(0, v));
  return near.slice(0, pixels).map(({ r, c }) => {
    // Where in the patch the pixel is: moved back, turned back, and scaled.
    const [y, x] = [r - row, c - column];
    const down = within(middle + scale * (cos * y + sin * x));
    const right = within(middle + scale * (cos * x - sin * y));
    const [top, left] = [Math.floor(down), Math.floor(right)];
    const [dy, dx] = [down - top, right - left];
    const [below, beside] = [within(top + 1), within(left + 1)];
    return {
      pixel: r * width + c,
      from: [
        top * side + left,
        top * side + beside,
        below * side + left,
        below * side + beside,
      ],
      weights: [(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx],
    };
  });
}

/** Puts a patch [C, side, side] onto an image [C, H, W], in place. */
export function lay(
  image: Float32Array,
  patch: Float64Array,
  channels: number,
  places: readonly Covered[],
): void {
  const [area, plane] = [image.length / channels, patch.length / channels];
  for (let c = 0; c < channels; c++)
    for (const { pixel, from, weights } of places)
      image[c * area + pixel] = from.reduce(
        (sum, at, k) => sum + weights[k]! * patch[c * plane + at]!,
        0,
      );
}

/**
 * Adds to `sum`, in the shape of the patch, the gradient of an image that it lies on.
 */
export function lift(
  sum: Float64Array,
  gradient: Float32Array,
  channels: number,
  places: readonly Covered[],
): void {
  const [area, plane] = [gradient.length / channels, sum.length / channels];
  for (let c = 0; c < channels; c++)
    for (const { pixel, from, weights } of places)
      for (const [k, at] of from.entries())
        sum[c * plane + at] =
          sum[c * plane + at]! + weights[k]! * gradient[c * area + pixel]!;
}
