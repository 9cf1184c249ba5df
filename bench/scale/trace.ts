import {
  beliefsOf,
  costsOf,
  scheduleOf,
  timeLeftOf,
  type Usual,
  usual,
  type Work,
} from "#audit";

/** What works of a run took, one after the other in one process. */
export interface Trace {
  readonly suite: string;
  /** Each behind what it needs. */
  readonly works: readonly TracedWork[];
}

export interface TracedWork
  extends Pick<Work, "kind" | "sort" | "defense" | "size"> {
  /** Places of other works in the list. */
  readonly needs: readonly number[];
  readonly seconds: number;
  /**
   * What it said of how far it is: seconds since it began, and shares; 0 from where
   * that says nothing of the whole.
   */
  readonly said: readonly (readonly [after: number, share: number])[];
}

/** When the time left is read, as shares of the time of a run. */
export const SHARES = [0.1, 0.25, 0.5, 0.75];

/**
 * The time left that a run would say at shares of its time, over what would be left: by
 * the scheduler and the estimator of real runs, in virtual time. Null where nothing is
 * known yet.
 *
 * @param before runs that the machine has done before, one after the other
 */
export function leftSaid(
  trace: Trace,
  hands: number,
  before: readonly Trace[],
  shares: readonly number[] = SHARES,
  usually: Usual = usual,
): (number | null)[] {
  const rates: Rates = new Map();
  const costs = costsOf(rates, usually);
  for (const { works } of before)
    for (const work of works) costs.learn(work, work.seconds);
  const { end } = replayed(trace, hands, rates, usually, []);
  const times = shares.map((share) => share * end);
  return replayed(trace, hands, rates, usually, times).left.map((left, k) =>
    left === null ? null : left / (end - times[k]!),
  );
}

type Rates = NonNullable<Parameters<typeof costsOf>[0]>;

/** @param times when the time left is asked, in seconds and in their order */
function replayed(
  { works }: Trace,
  hands: number,
  rates: Rates,
  usually: Usual,
  times: readonly number[],
) {
  const costs = costsOf(new Map(rates), usually);
  const beliefs = beliefsOf(works, costs);
  const first = [0];
  for (const { needs } of works) first.push(first.at(-1)! + needs.length);
  const schedule = scheduleOf({
    first: Int32Array.from(first),
    needs: Int32Array.from(works.flatMap(({ needs }) => needs)),
    costs: beliefs.seconds,
  });
  const timeLeft = timeLeftOf(
    works,
    beliefs.seconds,
    schedule,
    { count: hands },
    costsOf(new Map(rates), usually),
  );
  const running = new Map<number, number>();
  const endOf = (work: number) => running.get(work)! + works[work]!.seconds;
  const underway = (now: number) =>
    Array.from(running, ([work, since]) => {
      const last = works[work]!.said.findLast(
        ([after]) => since + after <= now,
      );
      const said =
        last && last[1] > 0
          ? { at: since + last[0], share: last[1] }
          : undefined;
      return [work, { since, said }] as const;
    });
  const left: (number | null)[] = [];
  let now = 0;
  for (;;) {
    while (running.size < hands) {
      const work = schedule.next();
      if (work === undefined) break;
      running.set(work, now);
      timeLeft.started(work);
    }
    if (running.size === 0) return { end: now, left };
    const next = [...running.keys()].reduce((a, b) =>
      endOf(b) < endOf(a) ? b : a,
    );
    const then = endOf(next);
    for (let at = times[left.length]; at! < then; at = times[left.length])
      left.push(timeLeft.at(new Map(underway(at!)), at!));
    now = then;
    running.delete(next);
    schedule.done(next);
    timeLeft.ended(next, works[next]!.seconds);
    if (!beliefs.learn(next, works[next]!.seconds)) continue;
    schedule.reweigh();
    timeLeft.replanned();
  }
}
