import type { Check } from "../results/index.ts";

/** What a check looks for, and what it means when it is there. */
export interface Looked {
  readonly id: string;
  readonly title: string;
  /** The status where something was found. */
  readonly otherwise: "warned" | "failed";
  /** Said where nothing was found. */
  readonly clean: string;
}

/**
 * @param found what was seen and where, each as a few words; nothing when all is well
 * @param so what it means and what to do, a sentence's second half
 */
export function checkOf(
  { id, title, otherwise, clean }: Looked,
  found: readonly string[],
  so: string,
): Check {
  return found.length === 0
    ? { id, title, status: "passed", message: clean }
    : { id, title, status: otherwise, message: `${listed(found)}: ${so}` };
}

/** As many are named; of more it is said how many. */
const NAMED = 3;

const listed = (found: readonly string[]) =>
  found.slice(0, NAMED).join(", ") +
  (found.length > NAMED ? ` and ${found.length - NAMED} more` : "");
