#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The built-in models: every account is whole, and the explanation is the true one. Smaller than the defaults, so that all run.
load helper

CPU=(--tasks 20 --iterations 60000)
IO=(--cats 5 --downloads 5 --rounds 2 --delay 10ms)

# CPU time used on the machine so far, by anybody, in ns (known to the tick).
machine_cpu_ns() { awk '/^cpu / { print ($2 + $3 + $4 + $7 + $8 + $9) "0000000" }' /proc/stat; }

# Runs a model (with its baseline unless told otherwise) and checks the recording.
model() # NAME options...
{
	needs_root
	JSON=$BATS_TEST_TMPDIR/$1.json
	steal_begin
	local before clock=$EPOCHREALTIME
	before=$(machine_cpu_ns)
	run "${BINARY:-$CONCPROF}" "$@" --json "$JSON"
	MACHINE_NS=$(($(machine_cpu_ns) - before))
	ELAPSED_NS=$(((${EPOCHREALTIME/./} - ${clock/./}) * 1000))
	expect 0
	[ "${BROKEN-}" ] || check_recording "$JSON"
}

# Fails unless the machine had other work than the last model: then nothing can be said of what ran at once.
machine_was_busy()
{
	holds "$JSON" "others used more than 10% of the CPUs" "$MACHINE_NS - sum(r['cpu_ns'] for r in runs) > 0.1 * $(nproc) * $ELAPSED_NS" \
		>/dev/null
}

# Tries a claim on a fresh run of a model up to three times; skips if the machine had other work each time that it did not hold.
claim() # words expression model options...
{
	local words=$1 expression=$2 busy=0
	shift 2
	for _ in 1 2 3; do
		model "$@"
		holds "$JSON" "$words" "$expression" "run['overlap']" "run['budget']" "doc['comparison']" && return
		machine_was_busy && busy=$((busy + 1))
	done
	[ $busy = 3 ] && skip "the machine is busy with other work"
	return 1
}

# By the model's own clock, which is read just before the exec from which wall time counts: on a busy machine, 3 ms lie between.
own_clock()
{
	holds "$JSON" "wall time within 0.5% of the model's own clock" \
		'all(abs(r["wall_ns"] - r["ledger"]["wall_ns"]) <= 0.005 * r["wall_ns"] + 3e6 for r in runs)' \
		'[(r["wall_ns"], r["ledger"]["wall_ns"]) for r in runs]'
}

WORKERS='[t for t in threads if t["id"] != 1]'
# The workers' life, less what they waited for a CPU: others may use those too.
OWN_TIME="sum(t['life_ns'] - t['states']['run_queue'] for t in $WORKERS)"

@test "threads-cpu: at least 0.7 of the workers' life is waiting for the lock GIL, and one runs at a time" {
	model threads-cpu --workers 5 "${CPU[@]}"
	own_clock
	holds "$JSON" "five workers" "len($WORKERS) == 5"
	holds "$JSON" "workers wait for the GIL" \
		"total('lock', 'GIL', {t['id'] for t in $WORKERS}) >= 0.7 * $OWN_TIME" \
		"run['budget']"
	holds "$JSON" "no other lock" "total('lock') <= 1.01 * total('lock', 'GIL')" \
		"[(w['cause'], w['total_ns']) for w in waits if w['state'] == 'lock']"
	holds "$JSON" "one at a time" "run['overlap'] < 1.2" "run['overlap']"
}

@test "threads-cpu: the time at the lock is what the workers measured themselves" {
	model threads-cpu --workers 5 "${CPU[@]}" --no-baseline
	holds "$JSON" "lock time and run queue hold what the model's ledger says" \
		"abs(total('lock', 'GIL') - run['ledger']['lock_wait_ns']) <= 0.02 * run['ledger']['lock_wait_ns'] + sum(t['states']['run_queue'] + t['states']['kernel'] for t in threads)" \
		"total('lock', 'GIL')" "run['ledger']"
}

@test "threads-cpu --no-gil: no such lock, and at least 1.7 at once and 1.5 times as fast on two CPUs" {
	[ "$(nproc)" -ge 2 ] || skip "there is one CPU"
	claim "at once" "run['overlap'] >= 1.7 and doc['comparison']['speedup'] >= 1.5" threads-cpu --no-gil "${CPU[@]}"
	own_clock
	holds "$JSON" "no lock GIL" "total('lock', 'GIL') == 0"
}

@test "processes-cpu: no such lock, and at least 1.7 times as fast as serial-cpu on two CPUs" {
	[ "$(nproc)" -ge 2 ] || skip "there is one CPU"
	claim "faster" "run['overlap'] >= 1.7 and doc['comparison']['speedup'] >= 1.7" processes-cpu "${CPU[@]}"
	own_clock
	holds "$JSON" "no lock GIL" "total('lock', 'GIL') == 0"
}

@test "speedup is progress ratio times overlap ratio, and the progress items add up to the difference" {
	model processes-cpu "${CPU[@]}"
	holds "$JSON" "product" 'abs(doc["comparison"]["speedup"] / (doc["comparison"]["progress_ratio"] * doc["comparison"]["overlap_ratio"]) - 1) < 1e-3' \
		'doc["comparison"]'
	holds "$JSON" "sum" 'abs(sum(i["before_ns"] - i["after_ns"] for i in doc["comparison"]["items"] if i["progress"]) - (runs[0]["progress_ns"] - runs[1]["progress_ns"])) <= 1000' \
		'runs[0]["progress_ns"] - runs[1]["progress_ns"]' 'doc["comparison"]["items"]'
}

@test "serial-cpu: one thread, all of it on a CPU; a planted sleep is found as sleep" {
	model serial-cpu "${CPU[@]}"
	own_clock
	holds "$JSON" "one thread" "len(threads) == 1"
	model serial-cpu "${CPU[@]}" --plant-sleep 20ms
	holds "$JSON" "20 sleeps of 20 ms" "20 * 20e6 <= total('sleep') <= 20 * 30e6" "total('sleep')"
}

@test "a planted sleep that is taken out again: the first line says that waiting fell, not that more ran at once" {
	needs_root
	cd "$BATS_TEST_TMPDIR" || return 1
	"$CONCPROF" serial-cpu "${CPU[@]}" --plant-sleep 20ms -o before.concprof 2>/dev/null
	"$CONCPROF" serial-cpu "${CPU[@]}" -o after.concprof 2>/dev/null
	run "$CONCPROF" compare before.concprof after.concprof
	expect 0 sleep
	[[ "${lines[0]}" == *"sleep"* ]]
	[[ "${lines[0]}" != *"at once"* ]]
}

@test "I/O models: the wait is the socket's, under the server's address; threads overlap it" {
	for name in threads-io session-io; do
		model $name "${IO[@]}"
		own_clock
		holds "$JSON" "threads wait for the server" "total('socket', '127.0.0.1:') >= 0.98 * total('socket') > 0" \
			"[(w['cause'], w['total_ns']) for w in waits if w['state'] == 'socket']"
		holds "$JSON" "more at once than one by one" "runs[1]['overlap'] > 1.5 * runs[0]['overlap']" "[r['overlap'] for r in runs]"
	done
}

@test "session-io connects once a thread and round, threads-io for every download" {
	model session-io "${IO[@]}" --no-baseline
	holds "$JSON" "connects" "sum(t['connects'] for t in threads) == run['ledger']['connections'] == 2 * 5" "run['ledger']"
	model threads-io "${IO[@]}" --no-baseline
	holds "$JSON" "connects" "sum(t['connects'] for t in threads) == run['ledger']['connections'] == run['ledger']['downloads']" "run['ledger']"
}

@test "async-io: one thread, whose socket wait is its poll set's" {
	model async-io "${IO[@]}"
	own_clock
	holds "$JSON" "one thread" "len(threads) == 1" "threads"
	holds "$JSON" "socket" "total('socket', '127.0.0.1:') > 0 and total('socket') > total('sleep') + total('other')" "run['budget']"
}

@test "with another name for the lock the wait becomes sync under that name, and --lock NAME moves it back" {
	BINARY=$ROOT/build/broken/concprof BROKEN=1
	[ -x "$BINARY" ] || skip "build/broken is not built (make test-builds)"
	model threads-cpu --workers 5 "${CPU[@]}" --no-baseline
	holds "$JSON" "nothing is called GIL" "total('lock', 'GIL') == 0"
	holds "$JSON" "it is sync, by its own name" \
		"total('sync', 'renamed_lock', {t['id'] for t in $WORKERS}) >= 0.6 * $OWN_TIME" \
		"[(w['state'], w['cause'], w['total_ns']) for w in waits]"
	model threads-cpu --workers 5 "${CPU[@]}" --no-baseline --lock renamed_lock
	holds "$JSON" "it is a lock again" \
		"total('lock', 'renamed_lock', {t['id'] for t in $WORKERS}) >= 0.7 * $OWN_TIME" \
		"[(w['state'], w['cause'], w['total_ns']) for w in waits]"
}
