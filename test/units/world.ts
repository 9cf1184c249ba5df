import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "#core";

/** The package of test/fixtures/plugin, as npm calls it. */
export const PLUGIN = "assay-plugin-corners";

/**
 * A project outside the repository, where Assay and the plugin are installed. What is
 * built is what they find.
 */
export function projectIn(folder: string, name: string): string {
  const project = join(folder, name);
  const modules = join(project, "node_modules");
  mkdirSync(modules, { recursive: true });
  symlinkSync(packagePath("."), join(modules, "assay"));
  cpSync(packagePath("test/fixtures/plugin"), join(modules, PLUGIN), {
    recursive: true,
  });
  return project;
}
