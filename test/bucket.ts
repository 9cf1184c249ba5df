import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

const keys = { id: "KEY", secret: "secret/key", session: "for+a/time" };

const REGION = "eu-north-1";

/**
 * The signature that a request has to have by AWS's Signature Version 4, of the headers
 * that it says are signed.
 */
function signatureOf({ method, url = "", headers }: IncomingMessage): string {
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1];
  const date = String(headers["x-amz-date"]);
  const scope = `${date.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const names = (signed ?? "").split(";");
  const canonical = [
    ...[method, url, ""],
    ...names.map((name) => `${name}:${headers[name]}`),
    ...["", signed, headers["x-amz-content-sha256"]],
  ].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const hmac = (key: string | Buffer, text: string) =>
    createHmac("sha256", key).update(text).digest();
  const key = scope
    .split("/")
    .reduce<string | Buffer>(hmac, `AWS4${keys.secret}`);
  const text = ["AWS4-HMAC-SHA256", date, scope, hash].join("\n");
  return `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${signed}, Signature=${hmac(key, text).toString("hex")}`;
}

/** A bucket of one test file, on the loopback, for what a depot asks. */
export interface TestBucket {
  /** What its address and keys come by. */
  readonly env: NodeJS.ProcessEnv;
  /** By the paths of their addresses. */
  readonly objects: Map<string, Buffer>;
  /** Methods and paths, as they were asked. */
  readonly asked: string[];
  /** Statuses that it answers by first. */
  readonly faults: number[];
}

/**
 * Opens a bucket that looks at every signature. To be called outside of hooks and
 * tests, since it is closed behind them.
 */
export async function startBucket(): Promise<TestBucket> {
  const objects = new Map<string, Buffer>();
  const asked: string[] = [];
  const faults: number[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { method = "", url = "", headers } = request;
    asked.push(`${method} ${url}`);
    const fault = faults.shift();
    if (fault !== undefined) return response.writeHead(fault).end();
    const isTheirs = headers.authorization === signatureOf(request);
    if (!isTheirs || headers["x-amz-security-token"] !== keys.session)
      return response
        .writeHead(403)
        .end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
    if (method === "PUT") objects.set(url, Buffer.concat(parts));
    const found = objects.get(url);
    if (!found) return response.writeHead(404).end();
    return response.writeHead(200).end(method === "GET" ? found : undefined);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const env = {
    AWS_ACCESS_KEY_ID: keys.id,
    AWS_SECRET_ACCESS_KEY: keys.secret,
    AWS_SESSION_TOKEN: keys.session,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
  };
  return { env, objects, asked, faults };
}
