import { spawn } from "node:child_process";
import { once } from "node:events";
import { Command, InvalidArgumentError } from "commander";
import { messageOf } from "#core";
import { openView, readFrom } from "#view";
import { exitCodes } from "../exit-codes.ts";
import { warn } from "../reporters.ts";

interface ViewOptions {
  port: number;
  open?: boolean;
  use?: boolean;
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new InvalidArgumentError("Expected a whole number below 65536.");
}

export const viewCommand = new Command("view")
  .argument("[runs...]", "folders of runs, or folders that hold some", ["runs"])
  .option(
    "--port <n>",
    "where to listen (default: any that is free)",
    portOf,
    0,
  )
  .option("--open", "open the page in the browser")
  .option(
    "--use",
    "show samples also of runs whose suite runs code: a module, or one that uses some",
  )
  .addHelpText(
    "after",
    `
Examples:
  assay view
  assay view runs/main runs/mine --open
  assay view /srv/audits --port 8080

Samples are read by the suite of their run: start it in the folder where that was started.
The page is for this machine alone (127.0.0.1), and for whoever has its address: the token
in it is new each time. It only reads. Ctrl-C ends it with status 130; 2 usage or files.`,
  )
  .action(async (paths: string[], { port, open, use = false }: ViewOptions) => {
    const view = await openView({ paths, port, examples: readFrom(use) });
    const interrupted = Promise.race(
      ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)),
    );
    const { runs } = view;
    process.stdout.write(
      `${runs} ${runs === 1 ? "run" : "runs"}: ${view.address}\n  Ctrl-C ends it.\n`,
    );
    if (open) openBrowser(view.ticket());
    await interrupted;
    await view.close();
    process.exitCode = exitCodes.interrupted;
  });

/** What opens an address on a system. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens the browser of the user, by no shell; where there is none, that is said. */
function openBrowser(address: string): void {
  const [command, ...args] = openers[process.platform] ?? ["xdg-open"];
  const child = spawn(command!, [...args, address], {
    stdio: "ignore",
    detached: true,
  });
  child.on("error", (error) =>
    warn(`no browser was opened (${messageOf(error)}); open the address above`),
  );
  child.unref();
}
