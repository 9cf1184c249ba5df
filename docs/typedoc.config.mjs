import { readFileSync } from "node:fs";

const { exports } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

/** Pages of the library: one for each door of the package. */
export default {
  name: "API",
  tsconfig: "tsconfig.json",
  entryPoints: Object.values(exports).flatMap(({ types }) =>
    types ? [types.replace("./", "../")] : [],
  ),
  plugin: ["typedoc-plugin-markdown"],
  outputFileStrategy: "modules",
  entryFileName: "index",
  out: "api",
  readme: "none",
  disableSources: true,
  excludeInternal: true,
  excludeExternals: true,
  skipErrorChecking: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  logLevel: "Error",
};
