import type { Task } from "#model";
import type { Candidate } from "./candidates.ts";
import type { LoadedSuite } from "./load.ts";
import type { Suite } from "./schema.ts";
import { MAIN } from "./tasks.ts";

/** Whether the run makes the weights of a candidate, by fine-tuning or adaptation. */
export const isTrained = ({ kind }: Candidate): boolean =>
  kind !== "given" && kind !== "base";

/** Whether the suite asks for the robustness along the fine-tuning of a candidate. */
export const isFollowed = (
  { trajectory }: Suite,
  candidate: Candidate,
): boolean =>
  trajectory !== undefined &&
  isTrained(candidate) &&
  isNamed(trajectory.candidates, candidate);

/**
 * What tells the trunk of an audited task from others; nothing for a candidate
 * that has no tasks.
 */
export function trunkOf({ candidates }: Suite, id: string): string | null {
  const { trunk, replica } = candidates[id] ?? {};
  return trunk ? JSON.stringify([trunk.of, replica?.index]) : null;
}

/**
 * Whether names speak of a candidate, by its own or by one for all of its trainings or
 * tasks; those that are left out speak of all.
 */
export function isNamed(
  names: readonly string[] | undefined,
  { id, replica, trunk }: Candidate,
): boolean {
  const own = [id, replica?.of, trunk?.of];
  return !names || names.some((name) => own.includes(name));
}

/** What the outputs of a task mean, as the suite says. */
export const taskNamed = (
  { suite }: LoadedSuite,
  name: string,
): Task | undefined => (name === MAIN ? suite.task : suite.tasks[name]?.task);

/** Whether a run of a suite takes gradients of its models: of attacks, or to train. */
export const followsGradients = ({
  attacks,
  candidates,
  trials,
}: Suite): boolean =>
  Object.values(attacks).some(({ unit }) => unit.access === "gradient") ||
  Object.values(candidates).some(isTrained) ||
  Object.keys(trials).length > 0;
