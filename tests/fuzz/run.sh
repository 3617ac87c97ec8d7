#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs each fuzz target for FUZZ_SECONDS (5), first over its seeds, then over what libFuzzer makes of them. Speaks TAP. What made one fail is kept in
# $B/fuzz/failed/, and belongs into tests/fuzz/corpus/NAME/ once it is mended.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
seconds=${FUZZ_SECONDS:-5}
kept=$B/fuzz/failed

targets=(tests/fuzz/fuzz_*.c)
if [ "$(cat "$B/fuzz/usable" 2>/dev/null)" != yes ]; then
	echo "1..0 # SKIP clang cannot link a fuzzer here (libclang-rt-dev)"
	exit 0
fi
echo "1..${#targets[@]}"
number=0 status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$kept"
for target in "${targets[@]}"; do
	number=$((number + 1))
	name=$(basename "$target" .c)
	seeds=tests/fuzz/corpus/${name#fuzz_}
	log=$work/$name.log
	mkdir -p "$work/$name"
	# One input may take 5 s at most, all of it 1 GB: nothing hostile hangs us or eats all memory.
	if "$B/fuzz/$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$kept/$name-" \
		"$work/$name" "$seeds" >"$log" 2>&1 </dev/null; then
		echo "ok $number - $name: $(awk '/number_of_executed_units/ { print $2 }' "$log") inputs, $(find "$seeds" -type f | wc -l) seeds"
	else
		echo "not ok $number - $name"
		grep -E 'ERROR|SUMMARY|runtime error|Test unit written|^ *#[0-9] ' "$log" | head -30 | sed 's/^/# /'
		status=1
	fi
done
exit $status
