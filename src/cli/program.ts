import { Command, CommanderError } from "commander";
import { packageVersion } from "#core";
import { exitCodes } from "./exit-codes.ts";
import { printError } from "./print-error.ts";

/**
 * The commands, what each is for, and where it is: only the one that is asked for is
 * loaded, since most of the time that a short command takes is loading.
 */
const commands: readonly [string, string, () => Promise<Command>][] = [
  [
    "init",
    "write a suite for the models and data of a folder, and a workflow that runs it",
    async () => (await import("./commands/init.ts")).initCommand,
  ],
  [
    "run",
    "fine-tune, attack and defend as a suite says; write the report; judge the gate",
    async () => (await import("./commands/run.ts")).runCommand,
  ],
  [
    "merge",
    "put together what the shards of a run have found; write the report; judge the gate",
    async () => (await import("./commands/merge.ts")).mergeCommand,
  ],
  [
    "report",
    "write the results of a run in other forms; computes nothing",
    async () => (await import("./commands/report.ts")).reportCommand,
  ],
  [
    "compare",
    "what became better or worse between two runs, sample by sample",
    async () => (await import("./commands/compare.ts")).compareCommand,
  ],
  [
    "baseline",
    "results to compare later runs with",
    async () => (await import("./commands/baseline.ts")).baselineCommand,
  ],
  [
    "history",
    "many runs in one page: a chart of each candidate, run by run",
    async () => (await import("./commands/history.ts")).historyCommand,
  ],
  [
    "view",
    "look at runs in a browser: search, compare, follow, sample by sample; writes nothing",
    async () => (await import("./commands/view.ts")).viewCommand,
  ],
  [
    "validate",
    "check that suites are well-formed and name only what they have; nothing is opened or computed",
    async () => (await import("./commands/validate.ts")).validateCommand,
  ],
  [
    "plan",
    "check a suite, its data and its models, and list its cells and trials without running anything",
    async () => (await import("./commands/plan.ts")).planCommand,
  ],
  [
    "worker",
    "do the work of runs that were started with --queue, until it is interrupted",
    async () => (await import("./commands/worker.ts")).workerCommand,
  ],
  [
    "inspect",
    "what a model is, what can be trained, whether its gradient is right, and what is in the way",
    async () => (await import("./commands/inspect.ts")).inspectCommand,
  ],
  [
    "scan",
    "look for backdoors and cargo in a base before it is tuned",
    async () => (await import("./commands/scan.ts")).scanCommand,
  ],
  [
    "list",
    "what a suite or the command line can name: attacks, defenses, suites, reporters, ...",
    async () => (await import("./commands/list.ts")).listCommand,
  ],
  [
    "explain",
    "what an attack, defence, strategy, trust check, ... is, when to trust it, and what to do",
    async () => (await import("./commands/explain.ts")).explainCommand,
  ],
  [
    "harden",
    "put sanitizers and detectors in front of a model and save it as one .onnx that runs anywhere",
    async () => (await import("./commands/harden.ts")).hardenCommand,
  ],
  [
    "doctor",
    "what this machine has for an audit, what is missing, and what is slow",
    async () => (await import("./commands/doctor.ts")).doctorCommand,
  ],
];

const program = new Command("assay")
  .description(
    "Audits fine-tuned ONNX models: fine-tune, attack, defend, report.",
  )
  .version(packageVersion())
  .configureHelp({ subcommandTerm: (command) => command.name() })
  .showHelpAfterError("(assay --help shows the usage)");
const asked = process.argv
  .slice(2)
  .find((word) => word !== "help" && !word.startsWith("-"));
for (const [name, description, load] of commands) {
  const command = name === asked ? await load() : new Command(name);
  program.addCommand(command.description(description).exitOverride());
}
program.exitOverride();

// Nobody is left to print for when main.ts was killed.
process.on("disconnect", () => process.exit());
// That may have been before this line.
if (process.connected === false) process.exit();
process.channel?.unref();

// A reader such as `head` may close the pipe early.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** The exit status after an error, which is printed. */
function report(error: unknown): number {
  if (!(error instanceof CommanderError)) return printError(error);
  return error.exitCode === 0 ? exitCodes.passed : exitCodes.usage;
}
