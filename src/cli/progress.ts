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
  let started: number | undefined;
  /** Cells that were computed in this run, not reused. */
  let fresh = 0;
  let last: { done: number; total: number } = { done: 0, total: 0 };
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
  const timeLeft = (share = 0): string => {
    if (started === undefined || fresh + share === 0) return "";
    const each = (now() - started) / (fresh + share);
    return left(each * (last.total - last.done - share));
  };
  /** When the training that is going on was first heard of, after its first epoch. */
  let training: { model: string; since: number } | undefined;
  const epochsLeft = (model: string, epoch: number, epochs: number): string => {
    if (training?.model !== model) training = { model, since: now() };
    if (epoch < 2) return "";
    const each = (now() - training.since) / (epoch - 1);
    return left(each * (epochs - epoch));
  };
  const show = (event: AuditEvent) => {
    switch (event.kind) {
      case "phase":
        if (["Attacking", "Trials"].includes(event.title)) {
          started = now();
          fresh = 0;
          last = { done: 0, total: 0 };
        }
        return line(pc.bold(event.title));
      case "epoch":
        return status(
          `  ${event.model}: epoch ${event.epoch}/${event.epochs}, validation ${percent(event.validationAccuracy)}${epochsLeft(event.model, event.epoch, event.epochs)}`,
        );
      case "model":
        return line(
          `  ${event.model}: ${percent(event.cleanAccuracy.value)} clean${event.reused ? pc.dim(" (kept)") : ""}`,
        );
      case "progress":
        return status(
          `  ${last.done + 1}/${last.total || "?"} ${event.cell} ${Math.round(100 * event.share)} %${timeLeft(event.share)}`,
        );
      case "cell": {
        last = event;
        if (!event.reused) fresh++;
        const { value, low, high } = event.robustAccuracy;
        const kept = event.reused ? pc.dim(" (kept)") : "";
        return line(
          `  ${event.done}/${event.total} ${event.cell}: ${percent(value)} robust [${percent(low)}, ${percent(high)}]${kept}${event.reused ? "" : pc.dim(timeLeft())}`,
        );
      }
      case "trial": {
        last = event;
        if (!event.reused) fresh++;
        const kept = event.reused ? pc.dim(" (kept)") : pc.dim(timeLeft());
        return line(
          `  ${event.done}/${event.total} ${event.trial}: ${event.found ? foundText(event.found) : "nothing to measure"}${kept}`,
        );
      }
      case "warning":
        return line(`${pc.yellow("warning")}: ${event.message}`);
    }
  };
  return { onEvent: (event) => show(lines(event)), end: clear };
}

/** To the minute, where there is one. */
function left(milliseconds: number): string {
  const seconds = Math.max(1, milliseconds / 1000);
  const about = seconds < 60 ? seconds : 60 * Math.round(seconds / 60);
  return ` · about ${duration(about)} left`;
}
