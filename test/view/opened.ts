import { request } from "node:http";
import { afterAll } from "vitest";
import type { Results } from "#results";
import { openView, type ReadExamples, type View } from "#view";
import { put, temporaryFolder } from "../folder.ts";

/** Puts runs into a folder of their own, and opens the view on it. */
export async function opened(
  runs: Readonly<Record<string, Results | string>>,
  examples: ReadExamples = () => async () => undefined,
): Promise<{ view: View; folder: string }> {
  const folder = temporaryFolder();
  for (const [name, results] of Object.entries(runs))
    put(
      folder,
      `${name}/results.json`,
      typeof results === "string" ? results : JSON.stringify(results),
    );
  const view = await openView({ paths: [folder], port: 0, examples });
  afterAll(() => view.close());
  return { view, folder };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** False leaves the cookie out. */
  readonly known?: boolean;
}

/** Asks the server of a view as a browser does that has its cookie. */
export async function ask(
  view: Pick<View, "address">,
  path: string,
  how: Asked = {},
): Promise<Answer> {
  const { bytes, ...answer } = await asked(view, path, how);
  return { ...answer, body: bytes.toString("utf8") };
}

/** The same of what is no text. */
export function asked(
  { address }: Pick<View, "address">,
  path: string,
  { method = "GET", headers = {}, known = true }: Asked = {},
): Promise<Omit<Answer, "body"> & { bytes: Buffer }> {
  const { port, searchParams } = new URL(address);
  const cookie = `assay-view-${port}=${searchParams.get("token")}`;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        headers: { ...(known ? { Cookie: cookie } : {}), ...headers },
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            bytes: Buffer.concat(parts),
          }),
        );
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** The address of the page of a run, by what the list calls it. */
export async function addressOf(view: View, title: string): Promise<string> {
  const { body } = await ask(view, "/");
  const found = [
    ...body.matchAll(/<a href="(\/runs\/[0-9a-f]{16})">([^<]*)</g),
  ];
  return found.find(([, , text]) => text === title)![1]!;
}
