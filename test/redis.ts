import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll } from "vitest";

/** Debian's Redis, unless REDIS_SERVER says otherwise. */
const program = process.env.REDIS_SERVER ?? "redis-server";

/** True when there is no Redis; never in CI, where its absence has to fail. */
export const noRedis =
  !process.env.CI && spawnSync(program, ["--version"]).status !== 0;
if (noRedis)
  console.warn(
    `no ${program}: tests of the queue are skipped (install it, or set REDIS_SERVER)`,
  );

export const PASSWORD = "open%41sesame/:@";

/** A Redis of one test file, on the loopback and a port of its own. */
export interface TestRedis {
  readonly url: string;
  /** The same for another user, without the password. */
  readonly bare: string;
  /**
   * Kills it, and starts it again on what it had written.
   *
   * @param between done while it is away
   */
  restart(between?: () => Promise<void>): Promise<void>;
  /** Starts it again without what it had been told. */
  clear(): Promise<void>;
}

/**
 * To be called outside of hooks and tests, since it is ended behind them.
 *
 * @param folder where it keeps what it is told
 */
export async function startRedis(folder: string): Promise<TestRedis> {
  const log = join(folder, "appendonlydir");
  // Below what connections get by themselves: one that waits for Redis would get its
  // port, sooner or later, and be connected to itself.
  const port = 10_000 + (process.pid % 20_000);
  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn(
      program,
      [
        ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder],
        ...["--save", "", "--appendonly", "yes", "--requirepass", PASSWORD],
        ...["--user", "crew", "on", `>${PASSWORD}`, "~*", "&*", "+@all"],
      ],
      { stdio: "ignore" },
    );
    while (!(await answers(port))) {
      if (server.exitCode !== null) throw new Error(`no Redis at ${port}`);
      await wait(20);
    }
  };
  const stop = async () => {
    server?.kill("SIGKILL");
    if (server?.exitCode === null && server.signalCode === null)
      await once(server, "exit");
  };
  /** One after the other, also where a test that failed has left one behind. */
  let going = start();
  const again = (between?: () => Promise<void> | void) => {
    going = going.then(stop).then(between).then(start);
    return going;
  };
  await going;
  afterAll(() => going.finally(stop));
  const bare = `redis://crew@127.0.0.1:${port}`;
  return {
    url: `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    bare,
    restart: again,
    clear: () => again(() => rmSync(log, { recursive: true, force: true })),
  };
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
