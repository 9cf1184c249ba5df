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

/** The orders that are tried; whole numbers, for which the divergence has a closed form. */
const orders = [
  ...Array.from({ length: 62 }, (_, i) => i + 2),
  ...[72, 80, 96, 128, 160, 192, 256, 384, 512, 1024],
];

/**
 * Renyi divergence of a whole order alpha >= 2 after one step:
 * log(sum_k binomial(alpha, k) (1 - q)^(alpha - k) q^k exp(k (k - 1) / (2 sigma^2))) / (alpha - 1).
 */
export function renyi(
  { q, sigma }: Pick<Mechanism, "q" | "sigma">,
  alpha: number,
): number {
  if (q === 0) return 0;
  if (q === 1) return alpha / (2 * sigma ** 2);
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
  return total / (alpha - 1);
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
