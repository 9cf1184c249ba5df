export { type CatalogEntry, catalog } from "./catalog.ts";
export type { AuditEvent, OnEvent } from "./events.ts";
export { fitToSuite, learns } from "./fit.ts";
export { checkReferences, type PlannedCell, planCells } from "./plan.ts";
export type { Results } from "./results.ts";
export { type AuditOptions, runAudit } from "./run.ts";
export { type Scan, scanModel, writeScan } from "./scan.ts";
export { loadSuite, type SuiteInput, suiteSchema } from "./suite.ts";
export { planTrials } from "./trials/index.ts";
