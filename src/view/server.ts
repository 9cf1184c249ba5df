import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { messageOf, UsageError } from "#core";
import { appOf } from "./app.ts";
import { ExamplesAtHand, type ReadExamples } from "./examples.ts";
import { Library } from "./library.ts";

export interface ViewOptions {
  /** Folders of runs, or folders that hold some. */
  readonly paths: readonly string[];
  /** 0 for any that is free. */
  readonly port: number;
  /** Reads the examples of runs. */
  readonly examples: ReadExamples;
}

/** A view that is open. */
export interface View {
  /** With the token that opens it. */
  readonly address: string;
  /** An address that opens it once, for a command line that others may read. */
  ticket(): string;
  /** How many runs there are. */
  readonly runs: number;
  close(): Promise<void>;
}

/**
 * Shows runs to a browser of this machine, until it is closed. Nothing is written, and
 * nobody else can connect.
 *
 * @throws FILE_UNREADABLE where a path is not there, PORT_TAKEN
 */
export async function openView({
  paths,
  port,
  examples,
}: ViewOptions): Promise<View> {
  const library = new Library(paths);
  const gate = {
    token: secret(),
    tickets: new Set<string>(),
    hosts: [] as string[],
  };
  const app = appOf(library, new ExamplesAtHand(examples), gate);
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(taken(port, error)));
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  gate.hosts.push(`127.0.0.1:${bound}`, `localhost:${bound}`);
  // What takes longest is done before a browser asks.
  void library.list();
  const home = `http://127.0.0.1:${bound}/`;
  return {
    address: `${home}?token=${gate.token}`,
    ticket() {
      const ticket = secret();
      gate.tickets.add(ticket);
      return `${home}?once=${ticket}`;
    },
    runs: library.all().length,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

const secret = (): string => randomBytes(24).toString("hex");

const taken = (port: number, error: Error): UsageError =>
  new UsageError(
    "PORT_TAKEN",
    `nothing can listen at port ${port} (${messageOf(error)})`,
    "Name another port, or none: a free one is taken then.",
  );
