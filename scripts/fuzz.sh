#!/bin/sh
# Runs every fuzzer of a fuzz build over its stored corpus:   fuzz.sh BUILD_FOLDER SECONDS_EACH [SEED]
# With a SEED the inputs are those of the last run with it, as far as time allows; without one they are new.
# New inputs go to a temporary folder; a finding is left in BUILD_FOLDER/findings and fails the run.
set -eu
[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: fuzz.sh BUILD_FOLDER SECONDS_EACH, e.g. build/fuzz 600" >&2; exit 2; }
build=$1 seconds=$2 seed=${3:-0}
source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$build/findings"
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for fuzzer in "$build"/bin/*_fuzz; do
  name=$(basename "$fuzzer" _fuzz)
  mkdir -p "$new/$name"
  "$fuzzer" -max_total_time="$seconds" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$name-" "$new/$name" "$source/tests/fuzz/corpus/$name" \
    >"$build/findings/$name.log" 2>&1 || { tail -40 "$build/findings/$name.log"; exit 1; }
  echo "$name: $(grep -o 'number_of_executed_units: .*' "$build/findings/$name.log"), no finding"
done
