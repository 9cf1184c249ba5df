import type { Redis } from "ioredis";
import { AssayError, messageOf, UsageError } from "#core";

/** BullMQ and a connection for it. */
export interface Connected {
  readonly bull: typeof import("bullmq");
  readonly redis: Redis;
  /** Another connection, for what waits on it. */
  another(): Redis;
  /** The address as it may be shown: without user and password. */
  readonly shown: string;
  /** Ends all connections. */
  disconnect(): void;
}

/** Milliseconds in which a first connection has to come about. */
const PATIENCE = 10_000;

/** The variable that a password may come by, so that no list of processes shows it. */
const PASSWORD = "ASSAY_QUEUE_PASSWORD";

/**
 * Connects to Redis or Valkey. A connection that is lost later is made again, for as
 * long as it takes.
 *
 * @param url such as redis://host:6379/0, or rediss://user:password@host for TLS
 * @throws QUEUE_MISSING where BullMQ is not installed, QUEUE_URL, QUEUE_UNREACHABLE
 */
export async function connected(url: string): Promise<Connected> {
  const shown = shownOf(url);
  const { bull, Redis } = await packages();
  let ready = false;
  const redis = new Redis(withPassword(url), {
    lazyConnect: true,
    connectTimeout: PATIENCE,
    // Commands wait for the connection, however long it is lost.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (ready ? Math.min(100 * times, 2000) : null),
  });
  let why: unknown;
  redis.on("error", (error) => {
    why ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new AssayError(
      "QUEUE_UNREACHABLE",
      `the queue at ${shown} cannot be used (${messageOf(why ?? error)})`,
      `See that Redis or Valkey runs there, and that user, password (also in ${PASSWORD}) and TLS (rediss://) are right.`,
      { cause: error },
    );
  }
  ready = true;
  const all = [redis];
  const another = () => {
    const made = redis.duplicate();
    made.on("error", () => {});
    all.push(made);
    return made;
  };
  const disconnect = () => {
    for (const one of all) one.disconnect();
  };
  return { bull, redis, another, shown, disconnect };
}

/** An address with the password of the environment, where it has none itself. */
function withPassword(url: string): string {
  const address = new URL(url);
  address.password ||= encodeURIComponent(process.env[PASSWORD] ?? "");
  return address.href;
}

function shownOf(url: string): string {
  if (URL.canParse(url)) {
    const { protocol, hostname, host, pathname } = new URL(url);
    if (/^rediss?:$/.test(protocol) && hostname)
      return `${protocol}//${host}${pathname}`;
  }
  throw new UsageError(
    "QUEUE_URL",
    "the address of the queue is none of Redis",
    "Write redis://host:6379, or rediss://host:6379 for TLS.",
  );
}

/** They are optional: nobody should have to install a queue to audit on one machine. */
async function packages() {
  try {
    const [bull, { Redis }] = await Promise.all([
      import("bullmq"),
      import("ioredis"),
    ]);
    return { bull, Redis };
  } catch (error) {
    throw new AssayError(
      "QUEUE_MISSING",
      `a queue needs bullmq and ioredis, which cannot be loaded (${messageOf(error).split("\n")[0]})`,
      "npm install bullmq ioredis",
      { cause: error },
    );
  }
}
