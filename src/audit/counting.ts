/** The id of the defence that changes nothing. */
export const UNDEFENDED = "none";

/**
 * Whether a cell says how robust its target is: an attack that did not know the defence
 * says it only of the undefended candidate.
 */
export function counts(cell: { defense: string; adaptive: boolean }): boolean {
  return cell.adaptive || cell.defense === UNDEFENDED;
}
