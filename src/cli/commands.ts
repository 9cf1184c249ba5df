import type { Command } from "commander";

/**
 * The commands, what each is for, and where it is: only the one that is asked for is
 * loaded, since most of the time that a short command takes is loading.
 */
export const commands: readonly [string, string, () => Promise<Command>][] = [
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
  [
    "completion",
    "a script that has a shell complete commands, options, names of units and files",
    async () =>
      (await import("./commands/completion.ts")).completionCommand(commands),
  ],
];
