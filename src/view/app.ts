import { type Context, Hono } from "hono";
import { compareResults } from "#audit";
import { AssayError, jsonText, line, messageOf } from "#core";
import { reportHtml, runsHtml } from "#reports";
import { asset } from "./assets.ts";
import { cellRoutes } from "./cell-routes.ts";
import type { ExamplesAtHand } from "./examples.ts";
import { type Gate, guard } from "./guard.ts";
import type { Library } from "./library.ts";
import { listPage } from "./list-page.ts";
import { follow } from "./live.ts";
import { page } from "./pages.ts";
import { runPage } from "./run-page.ts";
import type { FoundRun } from "./runs.ts";

/**
 * What the view answers. An address names a run and a cell by what was found, never by
 * a path.
 */
export function appOf(
  library: Library,
  examples: ExamplesAtHand,
  gate: Gate,
): Hono {
  const app = new Hono();
  app.use(guard(gate));
  app.get("/", async (c) =>
    c.html(listPage(await library.list(), c.req.query("q") ?? "")),
  );
  app.get("/assets/:name", (c) => asset(c) ?? c.notFound());
  app.get("/runs/:run", (c) => {
    const run = library.find(c.req.param("run"));
    if (!run) return c.notFound();
    return c.html(
      runPage(run, run.file === null ? null : library.results(run)),
    );
  });
  app.get("/runs/:run/live", (c) => {
    const run = library.find(c.req.param("run"));
    return run ? follow(c, run) : c.notFound();
  });
  app.get("/runs/:run/report", async (c) => {
    const run = c.req.param("run");
    const results = resultsOf(run, library);
    if (!results) return c.notFound();
    const back = [ALL, { href: `/runs/${run}`, text: "This run" }];
    return report(c, await reportHtml(results, back));
  });
  app.get("/runs/:run/results.json", (c) => {
    const results = resultsOf(c.req.param("run"), library);
    if (!results) return c.notFound();
    c.header("Content-Disposition", 'attachment; filename="results.json"');
    c.header("Content-Type", "application/json");
    return c.body(jsonText(results));
  });
  cellRoutes(app, library, examples);
  app.get("/compare", (c) => {
    const ids = [c.req.query("old") ?? "", c.req.query("new") ?? ""];
    const [old, now] = ids.map((id) => resultsOf(id, library));
    const back = ["The run before", "The run now"].map((text, i) => ({
      href: `/runs/${ids[i]}`,
      text,
    }));
    return old && now
      ? report(c, runsHtml(compareResults(old, now), [ALL, ...back]))
      : c.html(
          faultPage(
            "Two runs are compared",
            "Choose one as before and one as now.",
          ),
          400,
        );
  });
  app.notFound((c) =>
    c.html(
      faultPage(
        "There is no such page",
        "The run may have been moved or removed.",
      ),
      404,
    ),
  );
  app.onError((error, c) =>
    error instanceof AssayError
      ? c.html(faultPage(line(error.message), line(error.hint)), 422)
      : c.html(
          faultPage(
            `unexpected: ${line(messageOf(error))}`,
            "This is a fault in Assay.",
          ),
          500,
        ),
  );
  return app;
}

/** The way back to the list. */
const ALL = { href: "/", text: "All runs" };

const resultsOf = (id: string, library: Library) => {
  const run: FoundRun | undefined = library.find(id);
  return run && library.results(run);
};

const faultPage = (title: string, hint: string): string =>
  page("fault", { title, hint, script: null });

/** What a page of the reports may not do, beside what its own policy forbids. */
const REPORT =
  "connect-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A page of the reports, which is whole in itself and has a policy of its own. */
function report(c: Context, html: string): Response {
  c.header("Content-Security-Policy", REPORT);
  return c.body(html, 200, { "Content-Type": "text/html; charset=UTF-8" });
}
