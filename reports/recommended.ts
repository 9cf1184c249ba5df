import type { Results } from "#results";
import { unbroken } from "./format.ts";

/** What is recommended of a task, for people to read. */
export interface Recommended {
  /** Null where the run has one task. */
  readonly task: string | null;
  readonly what: string;
  readonly why: string;
}

/** What a run recommends, task by task; empty where it says nothing. */
export function recommended({ recommendations = [] }: Results): Recommended[] {
  return recommendations.map(({ task, sentences: [what, why] }) => ({
    task: recommendations.length > 1 ? unbroken(task) : null,
    what: unbroken(what),
    why: unbroken(why),
  }));
}
