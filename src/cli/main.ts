#!/usr/bin/env node
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { coloursFor } from "./colour.ts";
import { exitCodes } from "./exit-codes.ts";

// Commands run in a process of their own: onnxruntime aborts the one it is in when a
// model is damaged in ways that it does not foresee, and no error can be caught.
const child = spawn(
  process.execPath,
  [
    ...process.execArgv,
    fileURLToPath(new URL("./program.js", import.meta.url)),
    ...process.argv.slice(2),
  ],
  // A group of its own, so that a key on the terminal reaches it once, through here.
  { stdio: ["inherit", "inherit", "inherit", "ipc"], detached: true },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => child.kill(signal));
// Ctrl-Z reaches this process alone, and what is in a group of its own cannot be
// stopped by the signal of a terminal.
process.on("SIGTSTP", () => {
  signalGroup("SIGSTOP");
  process.kill(process.pid, "SIGSTOP");
});
process.on("SIGCONT", () => signalGroup("SIGCONT"));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? exitCodes.runError;
  // With a status of 128 and more, a shell or Node says that a signal ended it.
  const ended = signal ?? signalOf(code ?? 0);
  if (ended === undefined || ended === "SIGINT") return;
  process.exitCode = exitCodes.runError;
  process.stderr.write(
    `${coloursFor(process.stderr).red("error")}: the process that reads and runs models was ended by ${ended}\n  ${
      ended === "SIGKILL" || ended === "SIGTERM"
        ? "Another process ended it, or the system for want of memory."
        : "A model broke what runs it: do not use one that does this; `assay inspect` tells which it is."
    }\n`,
  );
});

function signalGroup(signal: NodeJS.Signals): void {
  if (child.pid !== undefined && child.exitCode === null)
    process.kill(-child.pid, signal);
}

function signalOf(code: number): string | undefined {
  return Object.entries(constants.signals).find(
    ([, number]) => code === 128 + number,
  )?.[0];
}
