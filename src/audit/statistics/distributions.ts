/** The regularised incomplete beta function I_x(a, b) for a, b > 0 and x in [0, 1]. */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The continued fraction converges fast only below the mean.
  return x <= (a + 1) / (a + b + 2)
    ? (density(x, a, b) * betaFraction(x, a, b)) / a
    : 1 - (density(x, a, b) * betaFraction(1 - x, b, a)) / b;
}

/** The standard normal quantile of p in (0, 1). */
export function normalQuantile(p: number): number {
  if (p < 0.5) return -normalQuantile(1 - p);
  return bisect((x) => normalCdf(x) < p, 0, 9);
}

/**
 * The quantile of p in [0.5, 1) of Student's t with so many degrees of freedom, which
 * may be a fraction.
 */
export function studentQuantile(p: number, freedom: number): number {
  const above = (t: number) =>
    betaCdf(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
  let high = 1;
  while (above(high) > 1 - p) high *= 2;
  return bisect((t) => above(t) > 1 - p, 0, high);
}

/** The point of [low, high] where `below` turns from true to false, to the last bit. */
export function bisect(
  below: (x: number) => boolean,
  low: number,
  high: number,
): number {
  let [left, right] = [low, high];
  for (;;) {
    const middle = left + (right - left) / 2;
    if (middle <= left || middle >= right) return left;
    if (below(middle)) left = middle;
    else right = middle;
  }
}

/**
 * x^a (1-x)^b / B(a, b), arranged so that no two large logarithms of
 * factorials are subtracted.
 */
function density(x: number, a: number, b: number): number {
  const sum = a + b;
  const exponent =
    a * Math.log((x * sum) / a) +
    b * Math.log(((1 - x) * sum) / b) +
    stirlingError(sum) -
    stirlingError(a) -
    stirlingError(b);
  return Math.sqrt((a / sum) * b * (0.5 / Math.PI)) * Math.exp(exponent);
}

/** The logarithm of the beta function, for a, b > 0. */
export function lnBeta(a: number, b: number): number {
  const lnGamma = (z: number) =>
    (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + stirlingError(z);
  return lnGamma(a) + lnGamma(b) - lnGamma(a + b);
}

/** ln Gamma(z) less Stirling's (z - 1/2) ln z - z + ln(2 pi) / 2, for z > 0. */
function stirlingError(z: number): number {
  let shifted = z;
  let error = 0;
  for (; shifted < 16; shifted++) {
    error += (shifted + 0.5) * Math.log1p(1 / shifted) - 1;
  }
  const inverse = 1 / (shifted * shifted);
  const series =
    1 / 12 -
    inverse *
      (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)));
  return error + series / shifted;
}

/** The continued fraction of the incomplete beta function, by Lentz's method. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const awayFromZero = (value: number) =>
    Math.abs(value) < tiny ? tiny : value;
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  // It takes about sqrt(max(a, b)) steps. The bound only ends a loop fed with NaN.
  for (let m = 1; m < 1e6; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    fraction *= d * c;
    if (!(Math.abs(d * c - 1) > 1e-16)) break;
  }
  return fraction;
}

/**
 * The standard normal distribution at x >= 0, by Marsaglia's series (2004): phi(x) (x +
 * x^3/3 + x^5/(3*5) + ...).
 */
export function normalCdf(x: number): number {
  if (x > 9) return 1;
  let term = x;
  let sum = x;
  for (let k = 3; term > sum * 1e-17; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/**
 * The distribution function of the gamma distribution at x, for a shape and
 * a scale above 0.
 */
export function gammaCdf(x: number, shape: number, scale: number): number {
  const z = x / scale;
  if (!(z > 0)) return 0;
  // The series converges fast below the mean, the fraction above.
  return z < shape + 1
    ? gammaDensity(z, shape) * gammaSeries(z, shape)
    : 1 - gammaDensity(z, shape) * gammaFraction(z, shape);
}

/**
 * The gamma distribution of greatest likelihood: ln k - digamma(k) = ln mean - mean ln.
 *
 * @param values above 0, not all the same
 */
export function fitGamma(values: readonly number[]): {
  shape: number;
  scale: number;
} {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const logs = values.reduce((sum, v) => sum + Math.log(v), 0) / values.length;
  const spread = Math.log(mean) - logs;
  const above = (log: number) => log - digamma(Math.exp(log)) > spread;
  const shape = Math.exp(bisect(above, -30, 30));
  return { shape, scale: mean / shape };
}

/** The derivative of ln Gamma(z), for z > 0. */
function digamma(z: number): number {
  let shifted = z;
  let below = 0;
  for (; shifted < 16; shifted++) below += 1 / shifted;
  const inverse = 1 / (shifted * shifted);
  const series =
    inverse *
    (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse / 240)));
  return Math.log(shifted) - 0.5 / shifted - series - below;
}

/** z^a e^-z / Gamma(a), arranged as the density of beta is. */
const gammaDensity = (z: number, a: number): number =>
  Math.sqrt(a / (2 * Math.PI)) *
  Math.exp(a * Math.log(z / a) - (z - a) - stirlingError(a));

/** 1/a (1 + z/(a+1) + z^2/((a+1)(a+2)) + ...) */
function gammaSeries(z: number, a: number): number {
  let term = 1 / a;
  let sum = term;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= z / (a + k);
    sum += term;
  }
  return sum;
}

/** The continued fraction of the upper incomplete gamma function, by Lentz's method. */
function gammaFraction(z: number, a: number): number {
  let b = z + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let k = 1; k < 1e6; k++) {
    const step = -k * (k - a);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    fraction *= d * c;
    if (!(Math.abs(d * c - 1) > 1e-16)) break;
  }
  return fraction;
}
