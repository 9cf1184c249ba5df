import type { OnEvent } from "#audit";
import type { WorkTime } from "#reports";

/** Notes when works begin and end, by what a run tells. */
export function stopwatchOf(onEvent: OnEvent) {
  const began = new Map<string, number>();
  const works: WorkTime[] = [];
  const watched: OnEvent = (event) => {
    onEvent(event);
    if (event.kind !== "work") return;
    const { work, of: kind, state, failure } = event;
    const now = performance.timeOrigin + performance.now();
    if (state === "started") began.set(work, now);
    const start = began.get(work);
    if (start === undefined || state === "started") return;
    began.delete(work);
    if (state === "kept") return;
    works.push({
      work,
      kind,
      start,
      end: now,
      failure: failure?.message ?? null,
    });
  };
  return { works, watched };
}
