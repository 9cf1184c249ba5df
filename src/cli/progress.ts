import type { AuditEvent, OnEvent } from "#audit";
import { duration, lines, percent } from "#core";
import { coloursFor } from "./colour.ts";
import { foundText } from "./format.ts";

/**
 * Where progress goes: a live line that is rewritten on a terminal, plain
 * lines elsewhere.
 */
export interface Progress {
  readonly onEvent: OnEvent;
  /** Removes the live line. */
  end(): void;
}

export const silent: Progress = { onEvent: () => {}, end: () => {} };

/** Milliseconds after which plain progress says where it is. */
const SILENCE = 30_000;

/** @param now milliseconds, for the time that is left; it decides nothing else */
export function progressOn(
  stream: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): Progress {
  const live = stream.isTTY === true;
  const pc = coloursFor(stream);
  let shown = false;
  /** Of all works, as they were told of last. */
  let last = { done: 0, total: 0, running: 0, left: null as number | null };
  const clear = () => {
    if (shown) stream.write("\r\x1b[2K");
    shown = false;
  };
  let spoke = now();
  const line = (text: string) => {
    clear();
    stream.write(`${text}\n`);
    spoke = now();
  };
  const status = (text: string) => {
    if (!live) {
      // A sign of life, so that nothing takes a long step for a dead one.
      if (now() - spoke > SILENCE) line(text);
      return;
    }
    clear();
    const width = (stream.columns || 80) - 1;
    stream.write(text.slice(0, width));
    shown = true;
  };
  /** When the training that is going on was first heard of, after its first epoch. */
  let training: { model: string; since: number } | undefined;
  const epochsLeft = (model: string, epoch: number, epochs: number): string => {
    if (training?.model !== model) training = { model, since: now() };
    if (epoch < 2) return "";
    const each = (now() - training.since) / (epoch - 1);
    return left((each * (epochs - epoch)) / 1000);
  };
  const where = (): string =>
    last.total > 0 ? `${last.done}/${last.total} ` : "";
  const show = (event: AuditEvent) => {
    switch (event.kind) {
      case "phase":
        return line(pc.bold(event.title));
      case "epoch":
        return status(
          `  ${where()}${event.model}: epoch ${event.epoch}/${event.epochs}, validation ${percent(event.validationAccuracy)}${epochsLeft(event.model, event.epoch, event.epochs)}`,
        );
      case "progress":
        return status(
          `  ${where()}${event.what} ${Math.round(100 * event.share)} %${left(last.left)}`,
        );
      case "work":
        last = event;
        return event.headline || event.state === "failed"
          ? line(
              `  ${where()}${event.work}: ${found(event)}${pc.dim(event.state === "kept" ? " (kept)" : left(event.left))}`,
            )
          : status(`  ${where()}${event.work}${left(event.left)}`);
      case "warning":
        return line(`${pc.yellow("warning")}: ${event.message}`);
    }
  };
  return { onEvent: (event) => show(lines(event)), end: clear };
}

/** What a work found, in short. */
function found({ headline }: Extract<AuditEvent, { kind: "work" }>): string {
  if (!headline) return "failed";
  if (headline.what === "finding")
    return headline.finding
      ? foundText(headline.finding)
      : "nothing to measure";
  const { value, low, high } = headline.rate;
  return `${percent(value)} ${headline.what} [${percent(low)}, ${percent(high)}]`;
}

/** To the minute, where there is one; nothing where it is not known. */
function left(seconds: number | null): string {
  if (seconds === null) return "";
  const most = Math.max(1, seconds);
  const about = most < 60 ? most : 60 * Math.round(most / 60);
  return ` · about ${duration(about)} left`;
}
