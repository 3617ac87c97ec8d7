#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The timeline is the account: every time off a CPU is there once, and leads to its cause. It is whole, or there is none.
load helper

query() # FILE SQL
{
	sqlite3 "$1" "$2"
}

# The recording's episodes against its own sums, which were made beside them in the kernel; empty when all agree.
disagreements() # FILE
{
	query "$1" "
	WITH blocked AS (SELECT run, thread, class, sum(blocked_ns) AS ns FROM episode GROUP BY run, thread, class),
	     queued AS (SELECT run, thread, sum(queued_ns) AS ns FROM episode GROUP BY run, thread),
	     account AS (SELECT t.run, t.thread, t.class, t.ns, c.state FROM thread_time t JOIN class c ON c.id = t.class)
	SELECT 'blocked', a.thread, a.class, a.ns, b.ns FROM account a LEFT JOIN blocked b USING (run, thread, class)
		WHERE a.state NOT IN ('user', 'kernel', 'cpu', 'run_queue') AND a.ns <> coalesce(b.ns, 0)
	UNION ALL
	SELECT 'queued', a.thread, '', sum(a.ns), q.ns FROM account a LEFT JOIN queued q USING (run, thread)
		WHERE a.state = 'run_queue' GROUP BY a.run, a.thread HAVING sum(a.ns) <> coalesce(q.ns, 0)
	UNION ALL
	SELECT 'wait', w.thread, w.id, w.count || ' ' || w.total_ns, coalesce(e.n, 0) || ' ' || coalesce(e.ns, 0)
		FROM wait w JOIN class c ON c.id = w.class
		LEFT JOIN (SELECT run, wait, count(*) AS n, sum(blocked_ns) AS ns FROM episode GROUP BY run, wait) e
			ON e.run = w.run AND e.wait = w.id
		WHERE c.state <> 'run_queue' AND (w.count <> coalesce(e.n, 0) OR w.total_ns <> coalesce(e.ns, 0))
	UNION ALL
	SELECT 'life', t.id, '', t.life_ns, i.ns FROM thread t
		LEFT JOIN (SELECT run, thread, sum(ns) AS ns FROM intervals GROUP BY run, thread) i ON i.run = t.run AND i.thread = t.id
		WHERE t.life_ns <> coalesce(i.ns, 0)"
}

agrees() # FILE
{
	local found
	[ "$(query "$1" "SELECT min(timeline) FROM run")" = 1 ]
	found=$(disagreements "$1")
	echo "$found"
	[ -z "$found" ]
}

recorded() # options -- COMMAND
{
	needs_root
	rm -f "$BATS_TEST_TMPDIR/run"
	"$CONCPROF" run -o "$BATS_TEST_TMPDIR/run" "$@" >/dev/null 2>&1
	agrees "$BATS_TEST_TMPDIR/run"
}

@test "programs that wait for everything: each episode once, under its cause" {
	recorded -- sh -c 'ls -lR /usr/share/doc | sort | gzip -9 | wc -c'
	recorded -- /usr/bin/python3 -c 'import threading
threads = [threading.Thread(target=lambda: [sum(range(1000)) for _ in range(3000)]) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]'
	LEDGER=/dev/null recorded -- "$PROGRAMS/locks"
}

@test "hand-overs without number, and threads without number" {
	LEDGER=/dev/null recorded -- "$PROGRAMS/pingpong"
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) > 10000 FROM episode")" = 1 ]
	LEDGER=/dev/null recorded -- "$PROGRAMS/many_threads"
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(DISTINCT thread) > 2000 FROM episode")" = 1 ]
}

@test "without stacks, without syscall hooks, a part of a program: the timeline is the account's all the same" {
	recorded --no-stacks --no-syscalls -- sh -c 'sleep 0.1 | sleep 0.1; true'
	recorded --delay 100ms -d 200ms -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.02; done'
}

@test "attached: waits that were open before count from the begin, those that are open at the end up to it" {
	needs_root
	sleep 100 &
	local pid=$!
	run "$CONCPROF" attach -p $pid -d 0.3 -o "$BATS_TEST_TMPDIR/run"
	kill $pid
	expect 0
	agrees "$BATS_TEST_TMPDIR/run"
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) = 1 AND min(e.out_ns) = 0 AND min(e.blocked_ns) = max(r.end_ns - r.begin_ns) FROM episode e JOIN run r")" = 1 ]
}

@test "a wait leads to who ended it, and when: the waker was on a CPU at that moment" {
	LEDGER=/dev/null recorded -- "$PROGRAMS/pingpong"
	# Clocks of two CPUs may disagree by a little.
	[ "$(query "$BATS_TEST_TMPDIR/run" "
		WITH wake AS (SELECT w.waker AS thread, e.out_ns + e.blocked_ns AS at FROM episode e JOIN wait w ON w.run = e.run AND w.id = e.wait
			WHERE w.waker > 0 ORDER BY e.seq LIMIT 2000)
		SELECT count(*) > 1000 AND sum(EXISTS (SELECT 1 FROM episode o WHERE o.thread = wake.thread
			AND o.out_ns + 5000 < wake.at AND wake.at + 5000 < o.out_ns + o.blocked_ns + o.queued_ns)) = 0 FROM wake")" = 1 ]
}

@test "samples in time lie within their threads' time on a CPU" {
	recorded -- sh -c 'gzip -9 <"$0" | gzip -9 >/dev/null' "$CONCPROF"
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) > 20 FROM moment")" = 1 ]
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) FROM moment m WHERE EXISTS (SELECT 1 FROM episode e WHERE e.thread = m.thread
		AND e.out_ns + 5000 < m.at_ns AND m.at_ns + 5000 < e.out_ns + e.blocked_ns + e.queued_ns)")" = 0 ]
	# They are the aggregate's own.
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT (SELECT sum(count) FROM sample) = (SELECT count(*) FROM moment)")" = 1 ]
}

@test "beyond the budget there is none, unless it is asked for; and none where it is not wanted" {
	needs_root
	cat >"$BATS_TEST_TMPDIR/switch.py" <<-'PY'
		import os
		a, b = os.pipe(), os.pipe()
		if os.fork() == 0:
		    for i in range(130000):
		        os.read(a[0], 1)
		        os.write(b[1], b"x")
		    os._exit(0)
		for i in range(130000):
		    os.write(a[1], b"x")
		    os.read(b[0], 1)
	PY
	run "$CONCPROF" run --no-stacks --no-syscalls -o "$BATS_TEST_TMPDIR/run" -- taskset -c 0 /usr/bin/python3 "$BATS_TEST_TMPDIR/switch.py"
	expect 0
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT timeline + (SELECT count(*) FROM episode) + (SELECT count(*) FROM moment) FROM run")" = 0 ]
	recorded --no-stacks --no-syscalls --timeline -- taskset -c 0 /usr/bin/python3 "$BATS_TEST_TMPDIR/switch.py"
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) > 250000 FROM episode")" = 1 ]
	run "$CONCPROF" run --no-timeline -o "$BATS_TEST_TMPDIR/none" -- true
	expect 0
	[ "$(query "$BATS_TEST_TMPDIR/none" "SELECT timeline FROM run")" = 0 ]
}

@test "interrupted, a recording is whole up to the interruption" {
	needs_root
	run /usr/bin/python3 -B "$ROOT/tests/truth/interrupt.py" "$CONCPROF" run -o "$BATS_TEST_TMPDIR/run" -- \
		sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do true | true; done; sleep 100; true'
	[ "$status" = 130 ]
	agrees "$BATS_TEST_TMPDIR/run"
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) > 20 FROM episode")" = 1 ]
}

@test "a full disk: the run is told as not kept, the program is not disturbed, nothing half-written is left" {
	needs_root
	unshare -m true 2>/dev/null || skip "there can be no mount of our own here"
	mkdir "$BATS_TEST_TMPDIR/small"
	run unshare -m sh -c 'cd "$0" && mount -t tmpfs -o size=300k none small &&
		"$1" run --no-stacks -o small/run -- perl -e "select undef, undef, undef, 0.00001 for 1 .. 10000; print qq(done\n)"
		s=$?; echo "left: $(ls -A small)"; exit $s' "$BATS_TEST_TMPDIR" "$CONCPROF"
	expect 125 "small/run" "done"
	[ "${lines[-1]}" = "left: " ]
}
