import type { Random } from "#core";

/** A draw from Beta(a, b), both above 0, as a share of two gamma draws. */
export function beta(a: number, b: number, random: Random): number {
  const x = gamma(a, random);
  const y = gamma(b, random);
  // Shapes near zero round to 0 and 0: either end is as likely.
  if (x + y === 0) return random.uniform() < a / (a + b) ? 1 : 0;
  return x / (x + y);
}

/** Marsaglia and Tsang 2000. */
function gamma(shape: number, random: Random): number {
  if (shape < 1)
    return gamma(shape + 1, random) * (1 - random.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = random.normal();
    const v = (1 + c * z) ** 3;
    if (v <= 0) continue;
    const u = 1 - random.uniform();
    if (Math.log(u) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v;
  }
}
