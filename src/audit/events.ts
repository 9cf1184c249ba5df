import type { Finding, Rate } from "./results/index.ts";

/** What a run tells while it goes on. */
export type AuditEvent =
  /** A new part of the work begins. */
  | { readonly kind: "phase"; readonly title: string }
  /** Epochs of a training. */
  | {
      readonly kind: "epoch";
      readonly model: string;
      readonly epoch: number;
      readonly epochs: number;
      readonly validationAccuracy: number;
    }
  /** A model is ready; `reused` when an earlier run had made it. */
  | {
      readonly kind: "model";
      readonly model: string;
      readonly cleanAccuracy: Rate;
      readonly reused: boolean;
    }
  /** Steps inside the cell that is being computed. */
  | { readonly kind: "progress"; readonly cell: string; readonly share: number }
  | {
      readonly kind: "cell";
      readonly cell: string;
      readonly done: number;
      readonly total: number;
      readonly robustAccuracy: Rate;
      readonly reused: boolean;
    }
  | {
      readonly kind: "trial";
      readonly trial: string;
      readonly done: number;
      readonly total: number;
      /** Its headline. */
      readonly found: Finding | undefined;
      readonly reused: boolean;
    }
  /**
   * A work begins or ends; `kept` where its record was there, or was made by another
   * command meanwhile. Numbers are those of all works of the run: `done` counts what is
   * kept, and `failed` what cannot be done for want of what failed.
   */
  | {
      readonly kind: "work";
      readonly work: string;
      /** Its kind. */
      readonly of: string;
      readonly state: "started" | "done" | "kept" | "failed";
      readonly done: number;
      readonly total: number;
      readonly running: number;
      readonly failed: number;
      readonly waiting: number;
      /** That it took. */
      readonly seconds: number;
      /** Seconds until all is done, as far as is known. */
      readonly left: number | null;
    }
  | { readonly kind: "warning"; readonly message: string };

export type OnEvent = (event: AuditEvent) => void;
