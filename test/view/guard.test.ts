import { expect, test } from "vitest";
import { exampleResults } from "../reports/results.ts";
import { ask, opened } from "./opened.ts";

const { view } = await opened({ one: exampleResults() });
const { port, searchParams } = new URL(view.address);
const token = searchParams.get("token")!;

test("the token of the address becomes a cookie that no script and no other page has", async () => {
  const { status, headers, body } = await ask(view, `/?token=${token}`, {
    known: false,
  });
  expect(status).toBe(200);
  expect(headers["set-cookie"]).toEqual([
    `assay-view-${port}=${token}; Path=/; HttpOnly; SameSite=Strict`,
  ]);
  expect(body).not.toContain(token);
});

test.each([
  "/",
  "/?token=",
  `/?token=${"0".repeat(token.length)}`,
  `/?token=${token.slice(1)}`,
  "/?once=",
  `/runs/x?token=${token}`,
  "/assets/view.css",
])("without the token, %s is refused", async (path) => {
  const { status, headers, body } = await ask(view, path, { known: false });
  expect(status).toBe(403);
  expect(headers["set-cookie"]).toBeUndefined();
  expect(body).not.toContain("<");
});

test("a ticket opens the view once", async () => {
  const { pathname, search } = new URL(view.ticket());
  const asked = () => ask(view, pathname + search, { known: false });
  expect((await asked()).status).toBe(200);
  expect((await asked()).status).toBe(403);
});

test("a cookie with another value is refused", async () => {
  const { status } = await ask(view, "/", {
    headers: { Cookie: `assay-view-${port}=${"0".repeat(token.length)}` },
    known: false,
  });
  expect(status).toBe(403);
});

test.each([
  "rebound.example",
  "rebound.example:80",
  "127.0.0.1",
  "127.0.0.1:1",
])(
  "a name that was made to lead here, %s, is refused with the right token",
  async (host) => {
    const headers = { Host: host };
    expect((await ask(view, "/", { headers })).status).toBe(403);
    const entering = await ask(view, `/?token=${token}`, { headers });
    expect(entering.status).toBe(403);
    expect(entering.headers["set-cookie"]).toBeUndefined();
  },
);

test.each(["cross-site", "same-site"])(
  "what a page of another place asks (%s) is refused",
  async (site) => {
    const headers = { "Sec-Fetch-Site": site };
    expect((await ask(view, "/", { headers })).status).toBe(403);
  },
);

test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])(
  "%s is refused: nothing is written",
  async (method) => {
    const { status, headers } = await ask(view, "/", { method });
    expect(status).toBe(405);
    expect(headers.allow).toBe("GET, HEAD");
  },
);

test("HEAD has the headers, and nothing else", async () => {
  const { status, body } = await ask(view, "/", { method: "HEAD" });
  expect(status).toBe(200);
  expect(body).toBe("");
});

test("every answer forbids scripts from elsewhere, and being framed or kept", async () => {
  for (const path of ["/", "/nothing", "/assets/view.css", "/compare"]) {
    const { headers } = await ask(view, path);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http/);
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["referrer-policy"]).toBe("no-referrer");
  }
});

test.each([
  "/runs/..%2f..%2fetc%2fpasswd",
  "/runs/%2e%2e/results.json",
  "/assets/../package.json",
  "/assets/..%2f..%2f..%2fpackage.json",
  "/assets/%2e%2e%2fserver.ts",
  "/assets/view.css%00.js",
  "/runs/0000000000000000/results.json",
])("%s leads nowhere", async (path) => {
  const { status, body } = await ask(view, path);
  expect(status).toBe(404);
  expect(body).not.toMatch(/root:|"name": "assay"|import /);
});
