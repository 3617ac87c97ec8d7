#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `concprof run`: the command is as it would be without concprof.
load ../helper
bats_require_minimum_version 1.5.0

setup()
{
	needs_root
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "the command's exit status is ours" {
	run "$CONCPROF" run -- sh -c 'exit 7'
	expect 7
	run "$CONCPROF" run -- true
	expect 0
}

@test "a command ended by signal n: 128 + n" {
	run "$CONCPROF" run -- sh -c 'kill -TERM $$'
	expect 143
	run "$CONCPROF" run -- sh -c 'kill -KILL $$'
	expect 137
}

@test "a command that is not found: 127; one that cannot be executed: 126; both are named" {
	run -127 "$CONCPROF" run -- no-such-command-here
	expect 127 no-such-command-here
	run -127 "$CONCPROF" run -- ./no/such/path
	expect 127 ./no/such/path
	echo text >plain
	run -126 "$CONCPROF" run -- ./plain
	expect 126 ./plain
	run -126 "$CONCPROF" run -- "$BATS_TEST_TMPDIR"
	expect 126
}

@test "the command's arguments, streams, folder and environment are its own" {
	run --separate-stderr env COLOUR='light blue' "$CONCPROF" run -- sh -c 'cat; echo "$0|$1|$COLOUR|$(pwd)"; echo oops >&2' \
		'a  b' '*' <<<'from standard input'
	[ "$status" = 0 ]
	[ "${lines[0]}" = 'from standard input' ]
	[ "${lines[1]}" = "a  b|*|light blue|$BATS_TEST_TMPDIR" ]
	[ "${#lines[@]}" = 2 ]
	[[ "$stderr" == *oops* ]]
}

@test "the command inherits no descriptor of ours, and no blocked signal" {
	run --separate-stderr "$CONCPROF" run -- sh -c 'ls /proc/self/fd | wc -l; grep -E "^Sig(Blk|Ign)" /proc/self/status'
	local with=$output
	run --separate-stderr sh -c 'ls /proc/self/fd | wc -l; grep -E "^Sig(Blk|Ign)" /proc/self/status'
	[ "$with" = "$output" ] || echo "with: $with; without: $output"
	[ "$with" = "$output" ]
}

@test "the report goes to standard error" {
	run --separate-stderr "$CONCPROF" run -- sleep 0.1
	[ -z "$output" ]
	[[ "$stderr" == *sleep* ]]
}

@test "--json -: the object alone on standard output, no text beside it" {
	run --separate-stderr "$CONCPROF" run --json - -- sleep 0.1
	[ "$status" = 0 ]
	/usr/bin/python3 -c 'import json, sys; assert json.loads(sys.stdin.read())["schema"] == 1' <<<"$output"
	[ -z "$stderr" ] || echo "$stderr"
	[ -z "$stderr" ]
}

@test "what is asked for appears whole or not at all: a folder that is not there" {
	run "$CONCPROF" run --json no/such/folder/f.json -- true
	[ "$status" = 125 ]
	[[ "$output" == *no/such/folder* ]]
	run "$CONCPROF" run -o no/such/folder/f.concprof -- true
	[ "$status" = 125 ]
	[ -z "$(ls)" ]
}

@test "a full disk: an error that names the file, nothing half-written, and the command's run is not taken for measured" {
	# A mount of our own, gone with the process.
	unshare -m true 2>/dev/null || skip "there can be no mount of our own here"
	mkdir small
	run unshare -m sh -c 'mount -t tmpfs -o size=4k none small && "$1" run --json small/f.json -- sh -c "for i in 1 2 3 4 5 6 7 8; do sleep 0.01; done"; s=$?; ls small; exit $s' \
		sh "$CONCPROF"
	expect 125 small/f.json
	[ "${lines[-1]}" != f.json ]
}

@test "--json - to a full standard output is an error" {
	run sh -c '"$1" run --json - -- true >/dev/full' sh "$CONCPROF"
	expect 125
}

@test "a file that is there keeps its content when the run fails" {
	echo precious >f.json
	run -127 "$CONCPROF" run --json f.json -- no-such-command-here
	[ "$status" = 127 ]
	[ "$(cat f.json)" = precious ]
	[ "$(ls)" = f.json ]
}

@test "-o: a recording; report prints the same from it, without root, elsewhere" {
	local public
	public=$(public_folder)
	run "$CONCPROF" run -o "$public/r.concprof" -- sleep 0.2
	local first=$status report=$output
	chmod 755 "$public" && chmod 644 "$public/r.concprof" && cp "$CONCPROF" "$public/concprof"
	run as_nobody "$public/concprof" report "$public/r.concprof"
	local second=$status again=$output
	run as_nobody "$public/concprof" report --json - "$public/r.concprof"
	rm -rf "$public"
	[ "$first" = 0 ]
	[ "$second" = 0 ] || echo "$again"
	[ "$second" = 0 ]
	[[ "$again" == *sleep* ]]
	diff <(grep -v r.concprof <<<"$report") <(grep -v r.concprof <<<"$again")
	[ "$status" = 0 ]
	/usr/bin/python3 -c 'import json, sys; assert json.loads(sys.stdin.read())["schema"] == 1' <<<"$output"
}

@test "report of what is no recording: an error that names the file, status 1" {
	head -c 5000 /dev/urandom >noise
	: >empty
	for file in noise empty nothing-there .; do
		run "$CONCPROF" report "$file"
		expect 1 "$file"
	done
}

@test "report of a recording that was cut off: an error, never nonsense" {
	"$CONCPROF" run -o whole -- sleep 0.05 2>/dev/null
	local size
	size=$(stat -c %s whole)
	for part in 100 4096 $((size / 2)) $((size - 1)); do
		head -c "$part" whole >cut
		run "$CONCPROF" report cut
		expect 1 cut
	done
}
