#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Samples divide the time on a CPU that was measured: none is from outside of it, and every thread on a CPU has its share.
load helper

# Samples of a recording for every 100 that the measured time on a CPU should have, at 997 Hz.
percent_sampled() # FILE
{
	sqlite3 "$1" "SELECT CAST((SELECT sum(count) FROM sample) * 100 / (997e-9 * (SELECT sum(t.ns) FROM thread_time t JOIN class c ON c.id = t.class
		WHERE c.name IN ('user', 'kernel', 'cpu'))) AS INTEGER)"
}

@test "run --delay: what was on a CPU before the measurement began is not sampled" {
	needs_root
	"$CONCPROF" run --delay 1.5 -d 0.5 -F 997 -o "$BATS_TEST_TMPDIR/run" -- timeout 3 sh -c 'while :; do :; done' 2>/dev/null || true
	run percent_sampled "$BATS_TEST_TMPDIR/run"
	echo "$output samples for 100"
	# A hypervisor that takes the CPU away takes samples, too. With those of the delay there were four times as many.
	[ "$output" -ge 5 ] && [ "$output" -le 150 ]
}

# Of real-time priority, lest something else should take the CPU: from its first switch on it would be sampled anyhow.
@test "attach: a thread that is on a CPU already, and stays there, is sampled" {
	needs_root
	[ "$(nproc)" -gt 1 ] || skip "one CPU is not enough for a thread that keeps it and for who looks at it"
	chrt --fifo 1 true || skip "no real-time priority to be had"
	chrt --fifo 1 sh -c 'ulimit -t 10; while :; do :; done' 3>&- &
	local busy=$! switches
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		"$CONCPROF" attach -d 0.1 -F 997 -o "$BATS_TEST_TMPDIR/run" -p "$busy" 2>/dev/null
		switches=$(sqlite3 "$BATS_TEST_TMPDIR/run" "SELECT voluntary + involuntary FROM thread")
		[ "$switches" = 0 ] && break
	done
	kill "$busy"
	[ "$switches" = 0 ] || skip "something took its CPU in each of 10 tries"
	run percent_sampled "$BATS_TEST_TMPDIR/run"
	echo "$output samples for 100"
	[ "$output" -ge 5 ] && [ "$output" -le 150 ]
}
