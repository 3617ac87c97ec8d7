#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `concprof attach`: processes that cannot be followed are refused in one line, status 1, and at once.
load ../helper
bats_require_minimum_version 1.5.0

refused() # pid, words
{
	local pid=$1 word
	shift
	run --separate-stderr timeout 20 "$CONCPROF" attach -p "$pid" -d 1 --json "$BATS_TEST_TMPDIR/f.json"
	[ "$status" = 1 ] || echo "status $status: $stderr"
	[ "$status" = 1 ] && [ "$(wc -l <<<"$stderr")" = 1 ] && [ -z "$output" ] && [ ! -e "$BATS_TEST_TMPDIR/f.json" ]
	for word in "$@"; do
		[[ "$stderr" == *"$word"* ]] || echo "no '$word' in: $stderr"
		[[ "$stderr" == *"$word"* ]]
	done
}

@test "no such process" {
	needs_root
	sh -c 'exit 0' &
	local pid=$!
	wait $pid
	refused $pid $pid "no process"
}

@test "a process that has ended, while its parent does not care" {
	needs_root
	# exec: the parent becomes a program that waits for nobody.
	sh -c 'sleep 0.1 & echo $!; exec sleep 20' >"$BATS_TEST_TMPDIR/pid" 3>&- &
	local parent=$!
	sleep 0.3
	refused "$(cat "$BATS_TEST_TMPDIR/pid")" "has ended"
	kill $parent
}

@test "a kernel thread" {
	needs_root
	local pid
	pid=$(pgrep -x kthreadd) || skip "none is to be seen here"
	refused "$pid" kthreadd "kernel thread"
}

@test "a thread that is not a process: says which process it belongs to" {
	needs_root
	/usr/bin/python3 -c 'import threading, time
t = threading.Thread(target=time.sleep, args=(20,), daemon=True); t.start(); print(t.native_id, flush=True); time.sleep(20)' >"$BATS_TEST_TMPDIR/tid" 3>&- &
	local pid=$!
	until [ -s "$BATS_TEST_TMPDIR/tid" ]; do sleep 0.02; done
	refused "$(cat "$BATS_TEST_TMPDIR/tid")" "thread of process $pid"
	kill $pid
}

@test "concprof itself" {
	needs_root
	run sh -c 'exec "$1" attach -p $$ -d 1' sh "$CONCPROF"
	expect 1 "concprof itself"
}

@test "without privileges: what to do" {
	needs_root
	local public
	public=$(public_folder)
	chmod 755 "$public" && cp "$CONCPROF" "$public/concprof"
	run as_nobody "$public/concprof" attach -p 1 -d 1
	rm -rf "$public"
	expect 1 sudo
}
