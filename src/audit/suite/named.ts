import type { Task } from "#model";
import type { LoadedSuite } from "./load.ts";
import type { CandidateSpec, Suite } from "./schema.ts";
import { MAIN, type Member } from "./tasks.ts";

/** Whether the suite asks for the robustness along the fine-tuning of a candidate. */
export function isFollowed(
  { trajectory, candidates }: Suite,
  id: string,
): boolean {
  const spec = candidates[id];
  return (
    trajectory !== undefined &&
    spec !== undefined &&
    spec.model === undefined &&
    isNamed(trajectory.candidates, id, spec)
  );
}

/** What tells the trunk of an audited task from others; nothing for a candidate that has no tasks. */
export function trunkOf({ candidates }: Suite, id: string): string | null {
  const { member, replica } = candidates[id] ?? {};
  return member ? JSON.stringify([member.of, replica?.index]) : null;
}

/** Whether names speak of a candidate, by its own or by one for all of its trainings or tasks; those that are left out speak of all. */
export function isNamed(
  names: readonly string[] | undefined,
  id: string,
  spec: {
    readonly replica: { readonly of: string } | null;
    readonly member: Member | null;
  },
): boolean {
  const own = [id, spec.replica?.of, spec.member?.of];
  return !names || names.some((name) => own.includes(name));
}

/** What the outputs of a task mean, as the suite says. */
export const taskNamed = (
  { suite }: LoadedSuite,
  name: string,
): Task | undefined => (name === MAIN ? suite.task : suite.tasks[name]?.task);

/** Whether trials can fine-tune a candidate again. */
export const isTunable = (spec: CandidateSpec): boolean =>
  spec.strategy !== undefined && !spec.member;
