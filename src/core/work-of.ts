/** Which of the works that run tells how far something is, of an event of a run. */
export const workOf = (
  { work }: { readonly work?: string },
  what: string,
  running: readonly string[],
): string | undefined =>
  work ??
  // In one process works run one after the other.
  (running.length === 1
    ? running[0]
    : running.find((one) => one.endsWith(what)));
