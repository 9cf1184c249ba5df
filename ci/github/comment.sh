#!/usr/bin/env bash
# comment.sh REPOSITORY NUMBER FILE: writes a file as a comment on a pull request. Its
# first line is a mark that no reader sees; a comment of a bot that begins with the same
# mark is rewritten instead.
set -euo pipefail
repository=$1 number=$2 file=$3

if [ ! -s "$file" ]; then
  echo "::notice::There is no $file to show on the pull request."
  exit 0
fi
body=$(cat "$file")
mark=$(head -n 1 "$file")

if ! earlier=$(
  gh api --paginate "repos/$repository/issues/$number/comments" \
    --jq '.[] | select(.user.type == "Bot") | "\(.id) \(.body | split("\n")[0] | rtrimstr("\r"))"'
); then
  echo "::warning::The comments of the pull request cannot be read; give the job pull-requests: write."
  exit 0
fi
target=(--method POST "repos/$repository/issues/$number/comments")
while read -r id first; do
  [ "$first" != "$mark" ] ||
    target=(--method PATCH "repos/$repository/issues/comments/$id")
done <<<"$earlier"

# A pull request from a fork gets a token that may only read.
gh api "${target[@]}" --raw-field "body=$body" --silent ||
  echo "::warning::The pull request gets no comment; give the job pull-requests: write."
