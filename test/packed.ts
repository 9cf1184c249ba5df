import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "#core";

/**
 * An empty folder in which the packed package is installed. What was built is packed:
 * `npm test` builds first.
 */
export function installPacked(folder: string): string {
  const home = join(folder, "home");
  const modules = join(home, "node_modules");
  mkdirSync(modules, { recursive: true });
  execFileSync(
    "npm",
    ["pack", "--ignore-scripts", "--pack-destination", folder],
    { cwd: packagePath(), stdio: "pipe" },
  );
  const [packed = ""] = readdirSync(folder).filter((f) => f.endsWith(".tgz"));
  execFileSync("tar", ["-xzf", join(folder, packed), "-C", folder]);
  renameSync(join(folder, "package"), join(modules, "assay"));
  for (const name of readdirSync(packagePath("node_modules")))
    if (name !== "assay" && !name.startsWith("."))
      symlinkSync(packagePath("node_modules", name), join(modules, name));
  return home;
}
