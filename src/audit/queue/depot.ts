import { randomUUID } from "node:crypto";
import { createWriteStream, openAsBlob, renameSync, rmSync } from "node:fs";
import { join, normalize } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { AssayError, messageOf, UsageError, writeFile } from "#core";
import { namedIn, type Store } from "../store.ts";

/** A place by which folders of one run on several machines are kept alike. */
export interface Depot {
  /**
   * Brings a record here with its files, where it is not here.
   *
   * @returns whether it is here now, as it was written
   */
  bring(record: string): Promise<boolean>;
  /** Whether a record is there. */
  has(record: string): Promise<boolean>;
  /** Hands on a record that is here, behind its files. */
  hand(record: string): Promise<void>;
}

/**
 * A bucket of S3, or of what speaks its protocol (MinIO, Garage, R2, ...). Its address
 * and who asks come by the variables that AWS's own tools read: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3.
 *
 * @param url s3://bucket, or s3://bucket/prefix
 * @throws STORE_URL, STORE_KEYS, STORE_MISSING where aws4fetch is not installed; each
 *   call STORE_UNREACHABLE
 */
export async function openDepot(
  url: string,
  store: Store,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Depot> {
  const fetched = await bucketOf(url, env);
  const here = new Set<string>();
  const get = async (name: string): Promise<Response | undefined> => {
    const answer = await fetched(name, { method: "GET" });
    if (answer.ok) return answer;
    await answer.body?.cancel();
    return undefined;
  };
  const put = async (name: string): Promise<void> => {
    const body = await openAsBlob(store.path(name));
    await fetched(name, { method: "PUT", body });
  };
  const bring = async (record: string): Promise<boolean> => {
    if (here.has(record)) return true;
    if (store.read(record) === undefined) {
      const text = await (await get(record))?.text();
      if (text === undefined) return false;
      for (const name of namedIn(text) ?? []) {
        const file = await get(inside(name));
        if (file?.body)
          await save(file.body as ReadableStream, store.path(name));
      }
      writeFile(store.path(record), text);
      if (store.read(record) === undefined) return false;
    }
    here.add(record);
    return true;
  };
  const has = async (record: string): Promise<boolean> =>
    (await fetched(record, { method: "HEAD" })).ok;
  const hand = async (record: string): Promise<void> => {
    for (const name of store.filesOf(record)) await put(name);
    await put(record);
  };
  return { bring, has, hand };
}

/** Asks a bucket; an answer is one of success, or says that the thing is not there. */
async function bucketOf(url: string, env: NodeJS.ProcessEnv) {
  const [, bucket, prefix = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*?))?\/?$/.exec(url) ?? [];
  if (bucket === undefined)
    throw new UsageError(
      "STORE_URL",
      `the store ${url} is no bucket`,
      "Write s3://bucket/prefix; a folder that all machines share is named by --out.",
    );
  const client = await clientOf(env);
  const { region } = client;
  const endpoint =
    env.AWS_ENDPOINT_URL_S3 ||
    env.AWS_ENDPOINT_URL ||
    `https://s3.${region}.amazonaws.com`;
  const key = (name: string) =>
    [bucket, ...prefix.split("/"), ...name.split("/")]
      .filter((part) => part !== "")
      .map(encodeURIComponent)
      .join("/");
  return async (name: string, init: RequestInit): Promise<Response> => {
    const place = `${endpoint.replace(/\/$/, "")}/${key(name)}`;
    let answer: Response;
    try {
      answer = await client.fetch(place, init);
    } catch (error) {
      const { cause } = error as Error;
      throw unreachable(url, messageOf(cause ?? error), error);
    }
    if (answer.ok || (answer.status === 404 && init.method !== "PUT"))
      return answer;
    const said = /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1];
    throw unreachable(url, [answer.status, said].join(" ").trim());
  };
}

async function clientOf(env: NodeJS.ProcessEnv) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = env;
  if (!id || !secret)
    throw new UsageError(
      "STORE_KEYS",
      "a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      "Set them, and AWS_SESSION_TOKEN where keys are for a time only.",
    );
  let AwsClient: typeof import("aws4fetch").AwsClient;
  try {
    ({ AwsClient } = await import("aws4fetch"));
  } catch (error) {
    throw new AssayError(
      "STORE_MISSING",
      "a bucket needs aws4fetch, which is not installed",
      "npm install aws4fetch",
      { cause: error },
    );
  }
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1";
  const client = new AwsClient({
    accessKeyId: id,
    secretAccessKey: secret,
    sessionToken: env.AWS_SESSION_TOKEN || undefined,
    service: "s3",
    region,
    retries: 6,
  });
  return Object.assign(client, { region });
}

const unreachable = (url: string, why: string, cause?: unknown) =>
  new AssayError(
    "STORE_UNREACHABLE",
    `the store ${url} cannot be used (${why})`,
    "See that the bucket is there, that the keys may read and write in it, and that AWS_REGION and AWS_ENDPOINT_URL_S3 are right.",
    { cause },
  );

/** The name of a file below the folder; what leads out of it comes from no run. */
function inside(name: string): string {
  if (!join("/", name).startsWith(`/${normalize(name)}`))
    throw new AssayError(
      "STORE_LACKS",
      `a record in the bucket names ${name}, which is outside of its folder`,
      "Use a bucket that only those can write to who are trusted.",
    );
  return name;
}

/** Writes what comes as a file, whole or not at all. */
async function save(body: ReadableStream, path: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.part`;
  writeFile(draft, "");
  try {
    await pipeline(Readable.fromWeb(body), createWriteStream(draft));
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
