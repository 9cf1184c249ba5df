import type { Random } from "#core";
import type { FloatTensor } from "#onnx";

/** How the size of a perturbation is measured. */
export type Norm = "linf" | "l2";

/**
 * The geometry of a threat model: what is within eps of a sample and inside
 * the input bounds. All methods work on batches [N, ...shape], sample by
 * sample, and return new tensors.
 */
export interface Ball {
  readonly norm: Norm;
  /** In the unit of the bounds. */
  readonly eps: number;
  readonly bounds: readonly [number, number];
  /** The nearest allowed point to each x around its centre: into the ball first, then into the bounds. */
  project(centre: FloatTensor, x: FloatTensor): FloatTensor;
  /** x moved by `size` in the direction in which a linear loss with this gradient rises fastest; not projected. */
  ascend(x: FloatTensor, gradient: FloatTensor, size: number): FloatTensor;
  /** A uniformly random point of the ball around each centre, inside the bounds. One generator a sample. */
  randomPoint(centre: FloatTensor, random: readonly Random[]): FloatTensor;
  /** The distance of each x from its centre. */
  distance(centre: FloatTensor, x: FloatTensor): Float64Array;
}

/** The ball of a norm. */
export function ballOf(
  norm: Norm,
  eps: number,
  bounds: readonly [number, number],
): Ball {
  const { shrink, direction, draw, length } = norms[norm];
  const [low, high] = bounds;
  return {
    norm,
    eps,
    bounds,
    project(centre, x) {
      return perSample(x, (from, to, out) => {
        const c = centre.data.subarray(from, to);
        const delta = Float64Array.from(
          x.data.subarray(from, to),
          (v, i) => v - (c[i] as number),
        );
        shrink(delta, eps);
        for (let i = 0; i < delta.length; i++) {
          out[from + i] = Math.min(
            high,
            Math.max(low, (c[i] as number) + (delta[i] as number)),
          );
        }
      });
    },
    ascend(x, gradient, size) {
      return perSample(x, (from, to, out) => {
        const d = Float64Array.from(gradient.data.subarray(from, to));
        direction(d);
        for (let i = 0; i < d.length; i++)
          out[from + i] =
            (x.data[from + i] as number) + size * (d[i] as number);
      });
    },
    randomPoint(centre, random) {
      return perSample(centre, (from, to, out, sample) => {
        const delta = new Float64Array(to - from);
        draw(delta, eps, random[sample] as Random);
        for (let i = 0; i < delta.length; i++) {
          out[from + i] = Math.min(
            high,
            Math.max(
              low,
              (centre.data[from + i] as number) + (delta[i] as number),
            ),
          );
        }
      });
    },
    distance(centre, x) {
      const n = x.dims[0] ?? 0;
      const width = x.data.length / Math.max(1, n);
      return Float64Array.from({ length: n }, (_, s) => {
        const c = centre.data.subarray(s * width, (s + 1) * width);
        return length(
          Float64Array.from(
            x.data.subarray(s * width, (s + 1) * width),
            (v, i) => v - (c[i] as number),
          ),
        );
      });
    },
  };
}

interface NormGeometry {
  /** Moves a difference to the nearest one of at most this length, in place. */
  shrink(delta: Float64Array, eps: number): void;
  /** Replaces a gradient by the unit step along which it rises most, in place; a zero or non-finite gradient gives no step. */
  direction(gradient: Float64Array): void;
  /** Fills with a uniformly random difference of at most this length. */
  draw(delta: Float64Array, eps: number, random: Random): void;
  length(delta: Float64Array): number;
}

const l2Length = (v: Float64Array) =>
  Math.sqrt(v.reduce((sum, d) => sum + d * d, 0));

const norms: Readonly<Record<Norm, NormGeometry>> = {
  linf: {
    shrink: (delta, eps) => {
      for (let i = 0; i < delta.length; i++)
        delta[i] = Math.min(eps, Math.max(-eps, delta[i] as number));
    },
    direction: (gradient) => {
      for (let i = 0; i < gradient.length; i++)
        gradient[i] = Math.sign(gradient[i] as number) || 0;
    },
    draw: (delta, eps, random) => {
      for (let i = 0; i < delta.length; i++)
        delta[i] = (2 * random.uniform() - 1) * eps;
    },
    length: (delta) => delta.reduce((max, d) => Math.max(max, Math.abs(d)), 0),
  },
  l2: {
    shrink: (delta, eps) => {
      const size = l2Length(delta);
      if (size > eps)
        for (let i = 0; i < delta.length; i++)
          (delta[i] as number) *= eps / size;
    },
    direction: (gradient) => {
      const size = l2Length(gradient);
      const scale = size > 0 && Number.isFinite(size) ? 1 / size : 0;
      for (let i = 0; i < gradient.length; i++)
        gradient[i] = scale === 0 ? 0 : (gradient[i] as number) * scale;
    },
    // A normal vector has a uniform direction; the d-th root makes the radius uniform in volume.
    draw: (delta, eps, random) => {
      for (let i = 0; i < delta.length; i++) delta[i] = random.normal();
      const radius = eps * random.uniform() ** (1 / delta.length);
      const size = l2Length(delta) || 1;
      for (let i = 0; i < delta.length; i++)
        (delta[i] as number) *= radius / size;
    },
    length: l2Length,
  },
};

function perSample(
  like: FloatTensor,
  fill: (from: number, to: number, out: Float32Array, sample: number) => void,
): FloatTensor {
  const n = like.dims[0] ?? 0;
  const width = like.data.length / Math.max(1, n);
  const data = new Float32Array(like.data.length);
  for (let s = 0; s < n; s++) fill(s * width, (s + 1) * width, data, s);
  return { type: "float32", dims: like.dims, data };
}
