import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a server got. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, unknown>;
  readonly body: never;
}

/**
 * A server on this machine while something is done.
 *
 * @param answer status and body for each request
 */
export async function withServer(
  answer: (request: Seen) => readonly [status: number, body: unknown],
  work: (address: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const text = Buffer.concat(parts).toString();
      const seen: Seen = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: (text ? JSON.parse(text) : undefined) as never,
      };
      const [status, body] = answered(() => answer(seen));
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  try {
    await work(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

/** What fails while it is answered is the answer, so that the test fails by it. */
function answered(answer: () => readonly [number, unknown]) {
  try {
    return answer();
  } catch (error) {
    return [500, { message: String(error) }] as const;
  }
}
