import type { Forecast } from "#audit";
import { duration } from "#core";
import { columns } from "./format.ts";

/** What a run comes to, for people. */
export function forecastText({ works, time, memory, peak }: Forecast): string {
  const all = works.reduce((sum, one) => sum + one.all, 0);
  const left = works.reduce((sum, one) => sum + one.left, 0);
  const rows = works.map((one) => [
    `  ${one.kind}`,
    String(one.all),
    String(one.left),
    `${about(one.seconds)}${one.learned || one.left === 0 ? "" : " (a guess)"}`,
  ]);
  const isGuessed = works.some((one) => !one.learned && one.left > 0);
  return `${[
    "",
    `${all} works, ${left} of them left to do:`,
    columns([["  kind", "works", "left", "for one worker"], ...rows]),
    "",
    ...time.map(
      ({ workers, seconds }) =>
        `Time with ${workers} ${workers === 1 ? "worker" : "workers"}: ${about(seconds)}`,
    ),
    ...(isGuessed
      ? [
          "What this machine has not done yet is guessed by a pass of the first candidate, within a factor of three or so; every run learns it.",
        ]
      : []),
    `Memory of each worker: ${peak === null ? `${megabytes(memory)} at least, with the data and one model open` : `about ${megabytes(peak)}, which such works took here before`}; --memory-limit of a run bounds it.`,
  ].join("\n")}\n`;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

const about = (seconds: number): string =>
  seconds === 0
    ? "nothing"
    : seconds < 1
      ? "less than 1 s"
      : `about ${duration(seconds)}`;
