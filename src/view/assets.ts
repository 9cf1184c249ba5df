import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { packagePath } from "#core";

const SCRIPT = "text/javascript; charset=UTF-8";
const STYLE = "text/css; charset=UTF-8";
const OURS = "src/view/assets";

/** The files that pages load: by name, what they are and where. */
const assets: ReadonlyMap<string, readonly [type: string, folder: string]> =
  new Map([
    ["style.css", [STYLE, "reports/html/templates"]],
    ["view.css", [STYLE, OURS]],
    ["list.js", [SCRIPT, OURS]],
    ["run.js", [SCRIPT, OURS]],
    ["samples.js", [SCRIPT, OURS]],
    ["icon.svg", ["image/svg+xml", OURS]],
  ]);

/** A file that pages load; undefined where there is none of the name. */
export function asset(c: Context): Response | undefined {
  const name = c.req.param("name") ?? "";
  const found = assets.get(name);
  if (!found) return undefined;
  const [type, folder] = found;
  const path = packagePath(...folder.split("/"), name);
  return c.body(readFileSync(path, "utf8"), 200, { "Content-Type": type });
}
