/**
 * Privacy of the sampled Gaussian mechanism, which DP-SGD repeats: each sample
 * is in a batch with probability `q`, and noise of `sigma` times the clipping
 * bound is added (Mironov, Talwar and Zhang 2019, arXiv:1908.10530).
 */
export interface Mechanism {
  readonly q: number;
  readonly sigma: number;
  readonly steps: number;
}

/**
 * The orders that are tried: near to 1, where little noise needs them, in
 * tenths, and whole ones.
 */
const orders = [
  ...[1.001, 1.002, 1.005, 1.01, 1.02, 1.03, 1.05, 1.07],
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[72, 80, 96, 128, 160, 192, 256, 384, 512, 1024],
];

/**
 * Renyi divergence of an order alpha > 1 after one step (theorems 4 and 5 of the
 * paper): log E[(1 - q + q exp((2 z - 1) / (2 sigma^2)))^alpha] / (alpha - 1), z
 * normal with deviation sigma.
 */
export function renyi(
  { q, sigma }: Pick<Mechanism, "q" | "sigma">,
  alpha: number,
): number {
  if (q === 0) return 0;
  if (q === 1) return alpha / (2 * sigma ** 2);
  const log = Number.isInteger(alpha)
    ? logMomentOfWhole(q, sigma, alpha)
    : logMoment(q, sigma, alpha);
  return Math.max(0, log) / (alpha - 1);
}

/**
 * Of a whole order: log(sum_k binomial(alpha, k) (1 - q)^(alpha - k) q^k exp(k (k -
 * 1) / (2 sigma^2))).
 */
function logMomentOfWhole(q: number, sigma: number, alpha: number): number {
  let logBinomial = 0;
  let total = Number.NEGATIVE_INFINITY;
  for (let k = 0; k <= alpha; k++) {
    const term =
      logBinomial +
      (alpha - k) * Math.log1p(-q) +
      k * Math.log(q) +
      (k * (k - 1)) / (2 * sigma ** 2);
    total = logAdd(total, term);
    logBinomial += Math.log((alpha - k) / (k + 1));
  }
  return total;
}

/**
 * Of any order, by the trapezoid rule. It is exact to rounding for a smooth function on
 * the whole line: the step is small beside sigma and beside pi sigma^2, which is how
 * far from the line the nearest singularity lies.
 */
function logMoment(q: number, sigma: number, alpha: number): number {
  const step = Math.min(sigma / 6, sigma ** 2 / 3);
  // Mass lies about 0, and about alpha where the second part of the mixture rules.
  const [from, to] = [-12 * sigma, alpha + 12 * sigma];
  const count = Math.ceil((to - from) / step);
  let total = Number.NEGATIVE_INFINITY;
  for (let i = 0; i <= count; i++) {
    const z = from + i * step;
    const ratio = logAdd(
      Math.log1p(-q),
      Math.log(q) + (2 * z - 1) / (2 * sigma ** 2),
    );
    total = logAdd(total, alpha * ratio - (z / sigma) ** 2 / 2);
  }
  return total + Math.log(step / (sigma * Math.sqrt(2 * Math.PI)));
}

/**
 * The epsilon of (epsilon, delta)-differential privacy, the least over the
 * orders: T D - (log delta + log alpha) / (alpha - 1) + log((alpha - 1) / alpha)
 * (Balle et al. 2020, arXiv:1905.09982; as Opacus and TensorFlow Privacy).
 */
export function epsilonOf(mechanism: Mechanism, delta: number): number {
  const found = orders.map(
    (alpha) =>
      mechanism.steps * renyi(mechanism, alpha) -
      (Math.log(delta) + Math.log(alpha)) / (alpha - 1) +
      Math.log((alpha - 1) / alpha),
  );
  return Math.max(0, Math.min(...found));
}

/** log(exp(a) + exp(b)) */
function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY
    ? high
    : high + Math.log1p(Math.exp(low - high));
}
