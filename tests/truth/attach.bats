#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `concprof attach`: programs that live already. They are followed whole from one moment on, and go on as if nothing had been.
load helper
bats_require_minimum_version 1.5.0

setup()
{
	export LC_ALL=C
	needs_root
	cd "$BATS_TEST_TMPDIR" || return 1
	PIDS=()
}

teardown()
{
	local pid
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# In the background, as $PID; its standard output goes to ./out.
start()
{
	"$@" >out 3>&- &
	PID=$!
	PIDS+=("$PID")
}

until_there() # file
{
	local i
	for i in {1..500}; do
		[ ! -s "$1" ] && [ ! -e "$1.flag" ] || return 0
		sleep 0.02
	done
	echo "$1 did not appear"
	return 1
}

start_attached()
{
	export LEDGER=$BATS_TEST_TMPDIR/ledger
	start "$PROGRAMS/attached" "$BATS_TEST_TMPDIR/ready.flag"
	until_there "$BATS_TEST_TMPDIR/ready"
}

# What the kernel hides from probes is judged by the switches of ended threads; here none has ended.
check_live() # FILE
{
	run /usr/bin/python3 -B "$ROOT/tests/truth/check.py" --allow-loss wake_repaired --allow-loss switch_repaired "$1"
	expect 0
}

end_attached()
{
	kill -TERM "$PID"
	wait "$PID"
}

@test "waits that were open before are whole and have their names; those that began since are as the program measured" {
	start_attached
	run "$CONCPROF" attach -p "$PID" -d 1 --json run.json -o run.concprof
	expect 0
	end_attached
	run /usr/bin/python3 -B "$ROOT/tests/truth/attach_check.py" run.json run.concprof ledger
	expect 0
	holds run.json "the wall time is what was asked for" 'run["wall_ns"] == 1_000_000_000' 'run["wall_ns"]'
	holds run.json "nothing is lost" 'all(name.endswith("_repaired") for name in run["losses"])' 'run["losses"]'
	holds run.json "the process that a thread waits for is followed too" 'len(run["processes"]) == 2'
	check_live run.json
}

@test "without syscall hooks the waits are the same, but for epoll sets" {
	start_attached
	run "$CONCPROF" attach --no-syscalls -p "$PID" -d 1 --json run.json -o run.concprof
	expect 0
	end_attached
	run /usr/bin/python3 -B "$ROOT/tests/truth/attach_check.py" run.json run.concprof <(sed '/^parked.* epoll$/d' ledger)
	expect 0
	check_live run.json
	holds run.json "the side is not known" 'all(t["states"]["user"] == t["states"]["kernel"] == 0 for t in threads)'
}

@test "a program that comes to its end while it is followed: every thread's switches are the kernel's" {
	local json=run.json
	steal_begin
	LEDGER=/dev/null start sh -c "sleep 0.6; exec '$PROGRAMS/pingpong'"
	run "$CONCPROF" attach -p "$PID" --json "$json"
	expect 0
	check_recording "$json"
	holds "$json" "there is something to count" 'sum(t["switches"]["voluntary"] for t in threads) > 10000'
	LEDGER=/dev/null start "$PROGRAMS/lock"
	run "$CONCPROF" attach -p "$PID" --json "$json"
	expect 0
	check_recording "$json"
	holds "$json" "threads that lived before have ended" 'len(threads) >= 3 and all(t["ended"] for t in threads)' 'threads'
}

@test "attach in the middle of a storm of clones: no thread is missed, three times" {
	local turn i
	for turn in 1 2 3; do
		start "$PROGRAMS/clone_storm" 3000
		sleep 0.0$turn
		run "$CONCPROF" attach -p "$PID" -d 2 --json run.json
		expect 0
		until_there out
		ls "/proc/$PID/task" >tids
		[ "$(wc -l <tids)" = 3004 ]
		holds run.json "all threads are there" '{t["tid"] for t in threads} == {int(line) for line in open("tids")}' \
			'len(threads)' '{int(line) for line in open("tids")} ^ {t["tid"] for t in threads}'
		holds run.json "none is there twice" 'len({t["id"] for t in threads}) == len({t["tid"] for t in threads}) == len(threads)'
		check_live run.json
		kill -KILL "$PID"
		wait "$PID" || true
	done
}

@test "attach to a process that ends meanwhile: an account of it or one line, never a hang" {
	local i
	for i in {1..15}; do
		steal_begin
		start sh -c "sleep 0.$((RANDOM % 40 + 10)); true"
		run --separate-stderr timeout 20 "$CONCPROF" attach -p "$PID" --json run.json
		[ "$status" = 0 ] || [ "$status" = 1 ]
		if [ "$status" = 1 ]; then
			[[ "$stderr" == *"ended before"* || "$stderr" == *"no process"* ]] || echo "$stderr"
			[[ "$stderr" == *"ended before"* || "$stderr" == *"no process"* ]]
			[ "$(wc -l <<<"$stderr")" = 1 ]
		else
			check_recording run.json
		fi
	done
}

# Programs, maps and links, by their ids.
in_the_kernel()
{
	local kind
	{
		for kind in prog map link; do
			bpftool $kind list | sed -n "s/^\\([0-9]*\\):.*/$kind \\1/p"
		done
		ls /sys/fs/bpf
	} | LC_ALL=C sort
}

@test "the target is not touched: no tracer, no signal, the same state; and nothing is left in the kernel" {
	command -v bpftool >/dev/null || skip "no bpftool"
	start sleep 100
	in_the_kernel >before
	cp "/proc/$PID/status" status.before
	"$CONCPROF" attach -p "$PID" -d 2 2>/dev/null 3>&- &
	sleep 1.5
	in_the_kernel >during
	grep TracerPid "/proc/$PID/status" >tracer
	wait $!
	[ -n "$(comm -13 before during)" ]
	# Programs are freed a moment after their last reference is gone.
	for _ in {1..50}; do
		in_the_kernel >after
		[ -n "$(comm -12 <(comm -13 before during) after)" ] || break
		sleep 0.1
	done
	[ -z "$(comm -12 <(comm -13 before during) after)" ] || comm -12 <(comm -13 before during) after
	[ -z "$(comm -12 <(comm -13 before during) after)" ]
	[ "$(cut -f2 tracer)" = 0 ]
	diff <(grep -E '^(State|SigPnd|SigBlk|SigIgn|SigCgt|Shd|Cap|Threads|TracerPid|Seccomp|NoNewPrivs)' status.before) \
		<(grep -E '^(State|SigPnd|SigBlk|SigIgn|SigCgt|Shd|Cap|Threads|TracerPid|Seccomp|NoNewPrivs)' "/proc/$PID/status")
}

@test "killed itself, it leaves nothing and the target goes on" {
	start sleep 100
	ls /sys/fs/bpf >before
	"$CONCPROF" attach -p "$PID" 2>/dev/null 3>&- &
	local tracer=$!
	sleep 0.7
	kill -KILL $tracer
	wait $tracer || true
	[ "$(awk '/^State/ { print $2 }' "/proc/$PID/status")" = S ]
	diff before <(ls /sys/fs/bpf)
}

@test "Ctrl-C ends the measurement: a report, status 0, and the program goes on" {
	start sleep 100
	"$CONCPROF" attach -p "$PID" --json run.json 2>err 3>&- &
	local tracer=$!
	sleep 1
	kill -INT $tracer
	wait $tracer
	kill -0 "$PID"
	grep -q sleep err
	holds run.json "it slept all the time" 'threads[0]["states"]["sleep"] == run["wall_ns"] > 0'
}

@test "several processes, as a list and repeated: each is a root" {
	start sleep 100
	local first=$PID
	start sleep 101
	local second=$PID
	start sleep 102
	run "$CONCPROF" attach -p "$first,$second" -p "$PID" -p "$first" -d 0.3 --json run.json
	expect 0
	holds run.json "three processes, each once" "sorted(p['pid'] for p in run['processes']) == sorted([$first, $second, $PID])" 'run["processes"]'
	holds run.json "300 ms of each" 'all(t["states"]["sleep"] == 300_000_000 for t in threads)' 'threads'
}

@test "it ends when the last of several processes does" {
	start sleep 3
	local first=$PID
	start sleep 4
	run timeout 20 "$CONCPROF" attach -p "$first,$PID" --json run.json
	expect 0
	holds run.json "both ended, one before the other" 'sorted(t["life_ns"] < run["wall_ns"] for t in threads) == [False, True]' 'threads' 'run["wall_ns"]'
}

@test "what a process has created is followed, and what it creates; --pid-only leaves that out" {
	start sh -c 'sleep 50 & while :; do sleep 0.05; done'
	sleep 0.3
	run "$CONCPROF" attach -p "$PID" -d 0.5 --json run.json
	expect 0
	holds run.json "the shell, the one that slept before, and new ones" 'len(run["processes"]) > 4' 'len(run["processes"])'
	holds run.json "the one before, all the time" 'any(t["states"]["sleep"] == run["wall_ns"] for t in threads)'
	run "$CONCPROF" attach --pid-only -p "$PID" -d 0.5 --json run.json
	expect 0
	holds run.json "the shell alone" 'len(run["processes"]) == 1 and run["processes"][0]["comm"] == "sh"' 'run["processes"]'
	pkill -KILL -P "$PID" || true
}

@test "--include-comm: only processes of that name; a name that nobody has is said" {
	start sh -c 'sleep 50 & while :; do sleep 0.05; done'
	sleep 0.3
	run "$CONCPROF" attach --include-comm leep -p "$PID" -d 0.5 --json run.json
	expect 0
	holds run.json "sleeps, no shell" 'len(run["processes"]) > 3 and {p["comm"] for p in run["processes"]} == {"sleep"}' 'run["processes"]'
	run "$CONCPROF" attach --include-comm nobody -p "$PID" -d 0.2 --json none.json
	expect 1 nobody
	[ ! -e none.json ]
	pkill -KILL -P "$PID" || true
}

@test "in another pid namespace: the pids are those of the one who calls" {
	unshare --pid --fork --mount-proc true 2>/dev/null || skip "there can be no pid namespace of our own here"
	run unshare --pid --fork --mount-proc sh -c 'sleep 100 & "$1" attach -p $! -d 0.3 --json run.json; s=$?; kill $!; exit $s' sh "$CONCPROF"
	expect 0
	holds run.json "it slept" 'len(threads) == 1 and threads[0]["states"]["sleep"] == run["wall_ns"]' 'threads'
}

@test "2,000 threads that wait: all there, for all the time" {
	start "$PROGRAMS/clone_storm" 2000
	until_there out
	run "$CONCPROF" attach -p "$PID" -d 0.5 --json run.json
	expect 0
	holds run.json "all" 'len(threads) == 2004 and all(t["residual_ns"] == 0 and t["life_ns"] == run["wall_ns"] for t in threads)' 'len(threads)'
	holds run.json "they slept or did nearly nothing else" \
		'sum(t["states"]["sleep"] + t["states"]["run_queue"] for t in threads) > 0.95 * 2004 * run["wall_ns"]'
	holds run.json "nothing is lost" 'all(name.endswith("_repaired") for name in run["losses"])' 'run["losses"]'
}

@test "run --delay: the measurement begins later, with all that lives then; the switches are the kernel's" {
	local json=run.json
	steal_begin
	LEDGER=/dev/null run "$CONCPROF" run --delay 150ms --json "$json" -- "$PROGRAMS/lock"
	expect 0
	check_recording "$json"
	holds "$json" "five threads, less than their whole life" 'len(threads) == 5 and 200_000_000 < run["wall_ns"] < 900_000_000' 'run["wall_ns"]'
	LEDGER=/dev/null run "$CONCPROF" run --delay 0.3 --json "$json" -- "$PROGRAMS/many_processes"
	[ "$status" = 0 ] || [ "$status" = 125 ]
	run "$CONCPROF" run --delay 30 --json none.json -- true
	expect 125 "before the measurement began"
	[ ! -e none.json ]
	# The begin is told a tenth of a second ahead: it ends in between.
	run "$CONCPROF" run --delay 0.5 --json none.json -- sleep 0.45
	expect 125 "before the measurement began"
	[ ! -e none.json ]
}

@test "run -d: the report comes when the time is over, the command goes on, and its status is ours" {
	local json=run.json
	run "$CONCPROF" run -d 0.3 --json "$json" -- sh -c 'sleep 0.8; echo done >late; exit 7'
	expect 7
	[ "$(cat late)" = done ]
	holds "$json" "as long as asked for" 'run["wall_ns"] == 300_000_000' 'run["wall_ns"]'
	run "$CONCPROF" run -d 5 --json "$json" -- sh -c 'exit 8'
	expect 8
	holds "$json" "as long as it lasted" 'run["wall_ns"] < 5_000_000_000'
}

@test "run --pid-only: the command's own threads and time, without its children" {
	run "$CONCPROF" run --pid-only --json run.json -- sh -c 'sleep 0.2; sleep 0.2'
	expect 0
	holds run.json "one process, which waited for the others" 'len(run["processes"]) == 1 and threads[0]["states"]["child"] > 350_000_000' 'threads'
}
