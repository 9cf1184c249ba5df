import { mkdirSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openClaims } from "../../src/audit/works/index.ts";
import { launch, noChromium } from "../chromium.ts";
import { entered, faultsOf, overhang } from "./browser.ts";
import { ask, opened } from "./opened.ts";

const standing = {
  title: "A run that goes on",
  done: 3,
  total: 10,
  waiting: 4,
  failed: 1,
  running: [{ work: "examples full/none/pgd@linf", far: "40 %" }],
  failures: [{ work: "model <b>", why: "it broke" }],
  left: 90,
};

test("a run that goes on is listed, and its page follows it to its end", async () => {
  const { view, folder } = await opened({});
  const run = join(folder, "mine");
  mkdirSync(run);
  const claims = openClaims(run);
  expect((await ask(view, "/")).body).toContain("0 runs");
  claims.tell(standing);
  const { body } = await ask(view, "/?q=running");
  expect(body).toContain("A run that goes on");
  expect(body).toContain(
    "3 of 10 works done, 1 running, 4 waiting, 1 failed, about 1",
  );
  const [, id] = /href="\/runs\/(\w+)"/.exec(body)!;
  const page = await ask(view, `/runs/${id}`);
  expect(page.body).toContain("examples full/none/pgd@linf");
  expect(page.body).toContain("model &lt;b&gt;");

  const heard = follow(view, `/runs/${id}/live`);
  await heard.until("3 of 10");
  claims.tell({ ...standing, done: 9, running: [] });
  await heard.until("9 of 10");
  await claims.close();
  await heard.until("event: ended");
  expect((await ask(view, "/")).body).toContain("0 runs");
});

test.skipIf(noChromium)(
  "a page in Chromium shows how far its run is",
  async () => {
    const browser = await launch();
    onTestFinished(() => browser.close());
    const { view, folder } = await opened({});
    const run = join(folder, "mine");
    mkdirSync(run);
    const claims = openClaims(run);
    claims.tell(standing);
    const { page, complaints } = await entered(browser, view, { width: 390 });
    await page.click("text=A run that goes on");
    await page.waitForSelector("text=3 of 10 works done");
    expect(await faultsOf(page)).toEqual([]);
    claims.tell({ ...standing, done: 8 });
    await page.waitForSelector("text=8 of 10 works done");
    expect(await page.locator("progress").getAttribute("value")).toBe("8");
    await claims.close();
    await page.waitForSelector("text=Nobody works on it any more");
    expect(await overhang(page)).toBe(0);
    expect(complaints).toEqual([]);
  },
);

test("what is no telling is passed over", async () => {
  const { view, folder } = await opened({});
  const run = join(folder, "mine");
  mkdirSync(run);
  const claims = openClaims(run);
  claims.tell({ ...standing, done: "three" } as never);
  expect((await ask(view, "/")).body).toContain("0 runs");
  await claims.close();
});

/** Listens to what the server sends. */
function follow({ address }: { address: string }, path: string) {
  const { port, searchParams } = new URL(address);
  let text = "";
  let look = () => {};
  get(
    {
      host: "127.0.0.1",
      port,
      path,
      headers: { Cookie: `assay-view-${port}=${searchParams.get("token")}` },
    },
    (answer) => {
      answer.on("data", (part) => {
        text += part;
        look();
      });
    },
  );
  return {
    until: (words: string) =>
      new Promise<void>((resolve) => {
        look = () => text.includes(words) && resolve();
        look();
      }),
  };
}
