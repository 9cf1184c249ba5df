import type { Forecast } from "#audit";
import { duration } from "#core";
import { columns } from "./format.ts";

/** What a run comes to, for people. */
export function forecastText({ works, time }: Forecast): string {
  const all = works.reduce((sum, one) => sum + one.all, 0);
  const left = works.reduce((sum, one) => sum + one.left, 0);
  const rows = works.map((one) => [
    `  ${one.kind}`,
    String(one.all),
    String(one.left),
    one.seconds === null ? "not known yet" : about(one.seconds),
  ]);
  const unknown = works.flatMap((one) =>
    one.seconds === null ? one.kind : [],
  );
  return `${[
    "",
    `${all} works, ${left} of them left to do:`,
    columns([["  kind", "works", "left", "for one worker"], ...rows]),
    "",
    ...(unknown.length > 0
      ? [
          `Time: not known yet, since this machine has done no work of these kinds: ${unknown.join(", ")}. Every run learns it.`,
        ]
      : time.map(
          ({ workers, seconds }) =>
            `Time with ${workers} ${workers === 1 ? "worker" : "workers"}: ${about(seconds ?? 0)}`,
        )),
    "Memory: not known; --memory-limit of a run bounds that of each worker.",
  ].join("\n")}\n`;
}

const about = (seconds: number): string =>
  seconds === 0
    ? "nothing"
    : seconds < 1
      ? "less than 1 s"
      : `about ${duration(seconds)}`;
