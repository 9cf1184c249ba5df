/** Weights of the scales, from fine to coarse (Wang et al. 2003). */
const WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const WINDOW = 11;
const DEVIATION = 1.5;
/**
 * Below this a mean similarity is taken for it, so that powers stay real and the
 * slope leads back.
 */
const LEAST = 1e-6;

/** Channels, height and width. */
type Shape = readonly [channels: number, height: number, width: number];

/** How unlike an image is, and how that changes with each of its numbers. */
export interface Dissimilarity {
  readonly value: number;
  readonly gradient: Float64Array;
}

/**
 * Structural dissimilarity to an image, (1 - MS-SSIM) / 2: 0 for the image
 * itself. MS-SSIM is that of Wang, Simoncelli and Bovik 2003 ("Multi-scale
 * structural similarity for image quality assessment") as Wang et al. 2018 use
 * it: five scales by means of 2x2, and a Gaussian window of 11 and deviation
 * 1.5 that shrinks, with its deviation, to what fits into a small image.
 *
 * @param range the highest value less the lowest
 */
export function dissimilarityTo(
  reference: ArrayLike<number>,
  shape: Shape,
  range: number,
): (image: ArrayLike<number>) => Dissimilarity {
  const scales: Scale[] = [];
  let size = shape;
  let pixels: Float64Array = Float64Array.from(reference);
  for (const _ of WEIGHTS) {
    scales.push(scaleOf(pixels, size, range));
    pixels = pooled(pixels, size);
    size = halved(size);
  }
  return (image) => {
    const levels: Float64Array[] = [];
    let at: Float64Array = Float64Array.from(image);
    for (const { shape } of scales) {
      levels.push(at);
      at = pooled(at, shape);
    }
    const last = scales.length - 1;
    const parts = scales.map((scale, k) =>
      compare(scale, levels[k]!, k === last),
    );
    const means = parts.map(({ mean }) => Math.max(mean, LEAST));
    const similarity = means.reduce(
      (product, mean, k) => product * mean ** WEIGHTS[k]!,
      1,
    );
    let gradient: Float64Array = new Float64Array(0);
    for (let k = last; k >= 0; k--) {
      const { shape } = scales[k]!;
      const { slope } = parts[k]!;
      const factor = (-0.5 * similarity * WEIGHTS[k]!) / means[k]!;
      const coarser = k === last ? null : spread(gradient, shape);
      gradient = slope.map((g, i) => factor * g + (coarser?.[i] ?? 0));
    }
    return { value: (1 - similarity) / 2, gradient };
  };
}

/** The reference at one scale, with its local means and variances. */
interface Scale {
  readonly shape: Shape;
  readonly pixels: Float64Array;
  readonly window: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** What keeps quotients of means, and of variances, stable. */
  readonly stable: readonly [number, number];
}

function scaleOf(pixels: Float64Array, shape: Shape, range: number): Scale {
  const size = Math.min(WINDOW, shape[1], shape[2]);
  const deviation = (size * DEVIATION) / WINDOW;
  const raw = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * deviation ** 2)),
  );
  const total = raw.reduce((sum, v) => sum + v, 0);
  const window = raw.map((v) => v / total);
  const mean = blurred(pixels, shape, window);
  const squares = blurred(
    pixels.map((v) => v * v),
    shape,
    window,
  );
  return {
    shape,
    pixels,
    window,
    mean,
    variance: squares.map((v, i) => v - mean[i]! ** 2),
    stable: [(0.01 * range) ** 2, (0.03 * range) ** 2],
  };
}

interface Compared {
  readonly mean: number;
  /** Of the mean, by each number of the image. */
  readonly slope: Float64Array;
}

/**
 * The mean over windows of contrast and structure, at the last scale times luminance.
 */
function compare(
  { shape, pixels, window, mean, variance, stable: [c1, c2] }: Scale,
  image: Float64Array,
  luminance: boolean,
): Compared {
  const blur = (v: Float64Array) => blurred(v, shape, window);
  const own = blur(image);
  const squares = blur(image.map((v) => v * v));
  const products = blur(image.map((v, i) => v * pixels[i]!));
  const n = own.length;
  const [byMean, bySquare, byProduct] = [0, 0, 0].map(
    () => new Float64Array(n),
  ) as [Float64Array, Float64Array, Float64Array];
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const [m, r] = [own[i]!, mean[i]!];
    const common = 2 * (products[i]! - m * r) + c2;
    const both = squares[i]! - m * m + variance[i]! + c2;
    const structure = common / both;
    const bright = luminance ? (2 * m * r + c1) / (m * m + r * r + c1) : 1;
    sum += structure * bright;
    byProduct[i] = (2 * bright) / (both * n);
    bySquare[i] = (-bright * structure) / (both * n);
    const slope = luminance
      ? (structure * 2 * (r - bright * m)) / ((m * m + r * r + c1) * n)
      : 0;
    byMean[i] = slope - 2 * m * bySquare[i]! - r * byProduct[i]!;
  }
  const back = (v: Float64Array) => blurredBack(v, shape, window);
  const [g, s, p] = [back(byMean), back(bySquare), back(byProduct)];
  return {
    mean: sum / n,
    slope: g.map((v, i) => v + 2 * image[i]! * s[i]! + pixels[i]! * p[i]!),
  };
}

const halved = ([c, h, w]: Shape): Shape => [
  c,
  Math.ceil(h / 2),
  Math.ceil(w / 2),
];

/** Means of 2x2; at an odd border of what there is. */
function pooled(image: Float64Array, shape: Shape): Float64Array {
  const sums = new Float64Array(halved(shape).reduce((p, d) => p * d));
  eachPixel(shape, (from, to, share) => {
    sums[to] = sums[to]! + share * image[from]!;
  });
  return sums;
}

/** The adjoint of `pooled`. */
function spread(gradient: Float64Array, shape: Shape): Float64Array {
  const out = new Float64Array(shape[0] * shape[1] * shape[2]);
  eachPixel(shape, (from, to, share) => {
    out[from] = share * gradient[to]!;
  });
  return out;
}

function eachPixel(
  [channels, height, width]: Shape,
  visit: (from: number, to: number, share: number) => void,
): void {
  const [, rows, columns] = halved([channels, height, width]);
  let from = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [r, q] = [y >> 1, x >> 1];
        const tall = Math.min(2, height - 2 * r);
        const wide = Math.min(2, width - 2 * q);
        visit(from++, (c * rows + r) * columns + q, 1 / (tall * wide));
      }
}

/** A window that slides along one axis of an image, where it fits in whole. */
interface Slide {
  /**
   * Places that it makes, in blocks of `inner` of `outer` numbers, each from
   * numbers `stride` apart.
   */
  readonly count: number;
  readonly inner: number;
  readonly outer: number;
  readonly stride: number;
}

/** Along rows, then down columns. */
function slidesOf([channels, height, width]: Shape, size: number) {
  const [rows, columns] = [height - size + 1, width - size + 1];
  const across: Slide = {
    count: channels * height * columns,
    inner: columns,
    outer: width,
    stride: 1,
  };
  const down: Slide = {
    count: channels * rows * columns,
    inner: rows * columns,
    outer: height * columns,
    stride: columns,
  };
  return { across, down };
}

/** A convolution with the window by its rows and columns. */
function blurred(
  image: Float64Array,
  shape: Shape,
  window: Float64Array,
): Float64Array {
  const { across, down } = slidesOf(shape, window.length);
  return slid(slid(image, across, window), down, window);
}

/** The adjoint of `blurred`. */
function blurredBack(
  gradient: Float64Array,
  shape: Shape,
  window: Float64Array,
): Float64Array {
  const { across, down } = slidesOf(shape, window.length);
  const size = shape[0] * shape[1] * shape[2];
  const between = slidBack(gradient, down, window, across.count);
  return slidBack(between, across, window, size);
}

function slid(
  from: Float64Array,
  { count, inner, outer, stride }: Slide,
  window: Float64Array,
): Float64Array {
  const to = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const first = Math.floor(i / inner) * outer + (i % inner);
    let sum = 0;
    for (let k = 0; k < window.length; k++)
      sum += window[k]! * from[first + k * stride]!;
    to[i] = sum;
  }
  return to;
}

function slidBack(
  from: Float64Array,
  { count, inner, outer, stride }: Slide,
  window: Float64Array,
  size: number,
): Float64Array {
  const to = new Float64Array(size);
  for (let i = 0; i < count; i++) {
    const first = Math.floor(i / inner) * outer + (i % inner);
    const g = from[i]!;
    for (let k = 0; k < window.length; k++) {
      const at = first + k * stride;
      to[at] = to[at]! + window[k]! * g;
    }
  }
  return to;
}
