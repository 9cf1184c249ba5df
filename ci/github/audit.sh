#!/usr/bin/env bash
# Runs an audit, one shard of it, or the end of a run whose shards are done. Its status
# goes to the step's outputs and not to the shell, so that what was found is kept, and
# said on the pull request, before the job fails.
set -uo pipefail

each_line() { # appends the lines of $1 that are not empty to the command
  local line
  while IFS= read -r line; do
    [ -z "$line" ] || command+=("$line")
  done <<<"$1"
}

command=(assay)
if [ -n "${ASSAY_SHARD:-}" ]; then
  # A shard has no verdict and no report.
  command+=(run "$ASSAY_SUITE" --out "$ASSAY_OUT" --shard "$ASSAY_SHARD")
else
  if [ -n "${ASSAY_MERGE:-}" ]; then
    command+=(merge)
    each_line "$ASSAY_MERGE"
    command+=(--suite "$ASSAY_SUITE" --out "$ASSAY_OUT")
  else
    command+=(run "$ASSAY_SUITE" --out "$ASSAY_OUT")
  fi
  for reporter in html json markdown pull-request junit sarif github:-; do
    command+=(--reporter "$reporter")
  done
fi
each_line "${ASSAY_ARGUMENTS:-}"

"${command[@]}"
status=$?
echo "status=$status" >>"$GITHUB_OUTPUT"
if [ -f "$ASSAY_OUT/summary.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  # A summary of more than a mebibyte is dropped whole.
  head -c 1000000 "$ASSAY_OUT/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit 0
