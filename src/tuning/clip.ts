/**
 * Scales all gradients together, in place, so that their joint length is at
 * most `limit` (Pascanu et al. 2013, arXiv:1211.5063).
 */
export function clip(gradients: readonly Float32Array[], limit: number): void {
  let squares = 0;
  for (const g of gradients) for (const v of g) squares += v * v;
  const factor = limit / (Math.sqrt(squares) + 1e-6);
  if (factor >= 1) return;
  for (const g of gradients)
    for (let i = 0; i < g.length; i++) g[i] = g[i]! * factor;
}
