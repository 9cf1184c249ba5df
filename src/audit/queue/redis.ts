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

/** Milliseconds that a first connection may take. */
const PATIENCE = 10_000;

/** The variable that a password may come by, so that no list of processes shows it. */
const PASSWORD = "ASSAY_QUEUE_PASSWORD";

/** What is said while a connection is not there. */
export const waitingFor = (shown: string, why: string) =>
  `Waiting for the queue at ${shown}: ${why}`;

/**
 * Connects to Redis or Valkey. A first connection is waited for as long as machines
 * that start together need; one that is lost later is made again, for as long as it
 * takes.
 *
 * @param url such as redis://host:6379/0, or rediss://user:password@host for TLS
 * @param onWait told, in a sentence, why the first connection is not there yet
 * @param patience milliseconds that it may take
 * @throws QUEUE_MISSING where BullMQ is not installed, QUEUE_URL, QUEUE_UNREACHABLE
 */
export async function connected(
  url: string,
  onWait: (line: string) => void,
  patience = PATIENCE,
): Promise<Connected> {
  const shown = shownOf(url);
  const { bull, Redis } = await packages();
  const redis = new Redis(withPassword(url), {
    lazyConnect: true,
    connectTimeout: PATIENCE,
    // Commands wait for the connection, however long it is lost.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
  try {
    await firstReady(redis, patience, (why) => onWait(waitingFor(shown, why)));
  } catch (error) {
    redis.disconnect();
    throw new AssayError(
      "QUEUE_UNREACHABLE",
      `the queue at ${shown} cannot be used (${messageOf(error)})`,
      `See that Redis or Valkey runs there, and that user, password (also in ${PASSWORD}) and TLS (rediss://) are right.`,
      { cause: error },
    );
  }
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

/**
 * Waits for a first connection.
 *
 * @throws what Redis answers where it lets nobody in, and what is wrong last where
 *   that lasts
 */
async function firstReady(
  redis: Redis,
  patience: number,
  onWait: (why: string) => void,
): Promise<void> {
  let why: Error = new Error("no answer");
  let isWaiting = true;
  await new Promise<void>((ready, failed) => {
    const timer = setTimeout(() => end(() => failed(why)), patience);
    const end = (how: () => void) => {
      isWaiting = false;
      clearTimeout(timer);
      how();
    };
    redis.once("ready", () => end(ready));
    redis.on("error", (error) => {
      if (!isWaiting) return;
      if (messageOf(error) !== why.message) onWait(messageOf(error));
      why = error;
      if (error.name === "ReplyError") end(() => failed(error));
    });
    // What is wrong is told as an event.
    redis.connect().catch(() => {});
  });
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
