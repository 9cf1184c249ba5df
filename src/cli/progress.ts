import type { AuditEvent, OnEvent } from "#audit";
import { duration, lines, percent, workOf } from "#core";
import { coloursFor } from "./colour.ts";
import { foundText } from "./format.ts";
import { liveBlock } from "./live-block.ts";

/**
 * Where progress goes: what all workers do, in a block that is rewritten on a terminal,
 * below lines of what was found; plain lines elsewhere.
 */
export interface Progress {
  readonly onEvent: OnEvent;
  /** Removes the live block. */
  end(): void;
}

export const silent: Progress = { onEvent: () => {}, end: () => {} };

/** Milliseconds after which plain progress says where it is. */
const SILENCE = 30_000;

/** Works that are shown while they run; of more there is the number. */
const SHOWN = 8;

type Told = Parameters<typeof workOf>[0];

type WorkEvent = Extract<AuditEvent, { kind: "work" }>;

/** @param now milliseconds, for the time that is left; it decides nothing else */
export function progressOn(
  stream: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): Progress {
  const pc = coloursFor(stream);
  const live = stream.isTTY === true ? liveBlock(stream) : null;
  /** What runs, with how far it is. */
  const running = new Map<string, string>();
  let last: WorkEvent | undefined;
  let secondsLeft: number | null = null;
  let kept = 0;
  let spoke = now();
  const line = (text: string) => {
    live?.clear();
    stream.write(`${text}\n`);
    spoke = now();
    if (live) live.show(block());
  };
  const block = (): string[] => [
    ...(last ? [`  ${countsOf(last)}${left(secondsLeft)}`] : []),
    ...[...running].slice(0, SHOWN).map(([work, far]) => `    ${work}${far}`),
    ...(running.size > SHOWN ? [`    and ${running.size - SHOWN} more`] : []),
  ];
  const status = () => {
    if (live) return live.show(block());
    // A sign of life, so that nothing takes a long step for a dead one.
    if (now() - spoke <= SILENCE) return;
    const all = [...running].map(([work, far]) => `${work}${far}`);
    const counts = last ? [countsOf(last) + left(secondsLeft)] : [];
    line(`  ${[...counts, ...all].join("; ")}`);
  };
  /** Says how far something is, at the work that runs it. */
  const far = (event: Told, what: string, text: string) => {
    const own = workOf(event, what, [...running.keys()]);
    const place = own ?? what;
    const isNamed = place === what || place.endsWith(what);
    running.set(place, isNamed ? text : `: ${what}${text}`);
    status();
    if (!own && place === what) running.delete(what);
  };
  /** When each training that goes on was first heard of, after its first epoch. */
  const trainings = new Map<string, number>();
  const epochsLeft = (model: string, epoch: number, epochs: number): string => {
    const since = trainings.get(model);
    if (since === undefined || epoch < 2) {
      trainings.set(model, now());
      return "";
    }
    const each = (now() - since) / (epoch - 1);
    return left((each * (epochs - epoch)) / 1000);
  };
  const work = (event: WorkEvent) => {
    last = event;
    secondsLeft = event.left;
    if (event.state === "started") running.set(event.work, "");
    else running.delete(event.work);
    if (event.state === "kept") {
      kept++;
      return;
    }
    if (kept > 0) line(pc.dim(`  ${kept} of ${event.total} works are kept`));
    kept = 0;
    const { failure, headline, done, total } = event;
    const name = `  ${done}/${total} ${event.work}`;
    if (failure) {
      const behind =
        failure.behind > 0 ? ` (${failure.behind} more need it)` : "";
      line(`${name}: ${pc.red("failed")}: ${failure.message}${behind}`);
    } else if (headline) line(`${name}: ${found(headline)}`);
    else status();
  };
  const show = (event: AuditEvent) => {
    switch (event.kind) {
      case "phase":
        return line(pc.bold(event.title));
      case "epoch": {
        const { model, epoch, epochs, validationAccuracy } = event;
        return far(
          event,
          model,
          `: epoch ${epoch}/${epochs}, validation ${percent(validationAccuracy)}${epochsLeft(model, epoch, epochs)}`,
        );
      }
      case "progress":
        return far(event, event.what, ` ${Math.round(100 * event.share)} %`);
      case "left":
        secondsLeft = event.seconds;
        return status();
      case "work":
        return work(event);
      case "warning":
        return line(`${pc.yellow("warning")}: ${event.message}`);
    }
  };
  return {
    onEvent: (event) => show(lines(event)),
    end: () => live?.clear(),
  };
}

/** How far all works are. */
const countsOf = (event: WorkEvent): string =>
  [
    `${event.done}/${event.total} done`,
    ...(event.running > 0 ? [`${event.running} running`] : []),
    ...(event.waiting > 0 ? [`${event.waiting} waiting`] : []),
    ...(event.failed > 0 ? [`${event.failed} failed`] : []),
  ].join(", ");

/** What a work found, in short. */
function found(headline: NonNullable<WorkEvent["headline"]>): string {
  if (headline.what === "finding")
    return headline.finding
      ? foundText(headline.finding)
      : "nothing to measure";
  const { value, low, high } = headline.rate;
  return `${percent(value)} ${headline.what} [${percent(low)}, ${percent(high)}]`;
}

/** To the minute, where there is one; nothing where it is not known, or all is done. */
function left(seconds: number | null): string {
  if (seconds === null || seconds === 0) return "";
  const most = Math.max(1, seconds);
  const about = most < 60 ? most : 60 * Math.round(most / 60);
  return ` · about ${duration(about)} left`;
}
