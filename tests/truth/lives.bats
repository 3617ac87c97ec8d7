#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Threads and processes are all there, whole, whatever becomes of them; and on-CPU time is what the kernel and they measure.
load helper

@test "three threads that compute: CPU time by their own clocks, in user" {
	truth -- busy
}

@test "threads in the kernel: CPU time by their own clocks, in kernel" {
	truth -- spin_syscalls
}

@test "CPU time without syscall hooks" {
	truth --no-syscalls -- busy
	holds "$BATS_TEST_TMPDIR/run.json" "the side is not known" 'all(t["states"]["kernel"] == 0 for t in threads)'
}

@test "2,000 threads created and ended within a second" {
	truth -- many_threads
}

@test "4,000 processes that die as the measurement ends: each is counted once, be it by its end or as alive" {
	needs_root
	local json=$BATS_TEST_TMPDIR/run.json
	# Of six times two or three have the ring overflow after they were met alive.
	for i in {1..6}; do
		"$CONCPROF" run --json "$json" -- sh -c "'$PROGRAMS/felled' 4000; true" 2>/dev/null
		holds "$json" "a thread each, or its time" \
			"len(run['processes']) == 4002 and len(threads) + run['losses'].get('thread_undelivered', 0) == 4002" "len(threads)" "run['losses']"
	done
}

@test "nobody reads the records: threads without room are counted, and their time is their process's to the nanosecond" {
	needs_root
	local json=$BATS_TEST_TMPDIR/run.json i pid shell=
	# Far more threads than the ring holds records of, while concprof is stopped: until the shell is dead and not yet reaped.
	"$CONCPROF" run --json "$json" -- sh -c "sleep 0.5; for i in 1 2 3; do LEDGER=/dev/null '$PROGRAMS/many_threads'; done; sleep 0.1" 2>/dev/null &
	pid=$!
	for i in {1..100}; do
		shell=$(pgrep -P $pid -x sh) && break
		sleep 0.02
	done
	[ -n "$shell" ]
	kill -STOP $pid
	for i in {1..300}; do
		[[ "$(cat "/proc/$shell/stat" 2>/dev/null)" == *") Z "* ]] && break
		sleep 0.1
	done
	kill -CONT $pid
	wait $pid
	holds "$json" "some found no room" "run['losses'].get('thread_undelivered', 0) > 100" "run['losses']"
	holds "$json" "none is missing" "len(threads) + run['losses']['thread_undelivered'] == 3 * 2001 + 3" "len(threads)" "run['losses']"
	holds "$json" "each process has the time of its threads and of those that were not delivered" "all(
		sum(p['states'].values()) == sum(sum(t['states'].values()) for t in threads if t['process'] == p['id']) + p['undelivered_ns']
		for p in run['processes'])"
	holds "$json" "the undelivered time is there" "sum(p['undelivered_ns'] for p in run['processes']) > 1000000"
}

@test "200 processes" {
	truth -- many_processes
}

@test "40,000 hand-overs of a byte: every switch is counted" {
	truth -- pingpong
}

@test "a thread that is not the leader execs" {
	truth -- exec_thread
}

@test "a process killed in mid-run, and a program that kills itself" {
	WANT=143 truth -- killed
}

@test "Ctrl-C during a run: what was measured until then is whole" {
	needs_root
	local json=$BATS_TEST_TMPDIR/run.json
	steal_begin
	run /usr/bin/python3 -B "$ROOT/tests/truth/interrupt.py" "$CONCPROF" run --json "$json" -- sh -c 'sleep 100; true'
	expect 130
	[ -s "$json" ]
	check_recording "$json"
	holds "$json" "both processes are there" 'len(run["processes"]) == 2' 'run["processes"]'
}

@test "a kernel side that does not count every switch is found out by the kernel's count" {
	needs_root
	local json=$BATS_TEST_TMPDIR/run.json broken=$ROOT/build/broken/concprof
	[ -x "$broken" ] || skip "build/broken is not built (make test-builds)"
	run "$broken" run --json "$json" -- "$PROGRAMS/pingpong"
	expect 0
	run /usr/bin/python3 -B "$ROOT/tests/truth/check.py" "$json"
	expect 1 "switches counted, and by the kernel"
}
