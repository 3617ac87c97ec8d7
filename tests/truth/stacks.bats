#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whole user stacks of stripped programs, frame by frame against eu-stack's; and that what is remembered of a stack is never wrong.
load helper

# usage: parked [options of stacks.py] -- COMMAND
parked()
{
	needs_root
	run /usr/bin/python3 -B "$ROOT/tests/truth/stacks.py" "$CONCPROF" --quiet "$@"
	[ "$status" = 0 ] || echo "$output"
	[ "$status" = 0 ]
}

# Compiles tests/truth/programs/parked.c with these options to $BATS_TEST_TMPDIR/parked.
variant()
{
	gcc -O2 -fomit-frame-pointer -pthread "$@" -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/parked" "$ROOT/tests/truth/programs/parked.c"
}

query() # FILE SQL
{
	sqlite3 "$1" "$2"
}

@test "deep recursion, a signal handler, a callback of qsort, a realigned stack: position-independent and stripped" {
	variant -s
	parked --least 5 -- "$BATS_TEST_TMPDIR/parked"
}

@test "the same at a fixed address" {
	variant -no-pie
	parked --least 5 -- "$BATS_TEST_TMPDIR/parked"
}

@test "the same linked statically, with and without a fixed address" {
	variant -static -s
	parked --least 5 -- "$BATS_TEST_TMPDIR/parked"
	variant -static-pie
	parked --least 5 -- "$BATS_TEST_TMPDIR/parked"
}

@test "a program whose file is deleted while it starts" {
	variant
	parked --least 5 -- bash -c 'cp "$0" "$0.gone" && exec 3< "$0.gone" && rm "$0.gone" && exec /proc/self/fd/3' "$BATS_TEST_TMPDIR/parked"
}

# eu-stack reads files by the paths that we see: it is no help here.
@test "a program in a mount namespace of its own, where its path means something else" {
	needs_root
	variant -s
	run "$CONCPROF" run -o "$BATS_TEST_TMPDIR/run" -- timeout 1 unshare -m bash -c 'mount -t tmpfs none /mnt && cp "$0" /mnt/program && exec /mnt/program' "$BATS_TEST_TMPDIR/parked"
	expect 124
	query "$BATS_TEST_TMPDIR/run" "SELECT s.text FROM wait w JOIN stack_text s ON s.id = w.stack WHERE w.syscall = 'pause'" > "$BATS_TEST_TMPDIR/stacks"
	cat "$BATS_TEST_TMPDIR/stacks"
	# The stripped program's frames have addresses for names: a chain of 30 calls in `deep`, one of 100 in the main thread.
	[ "$(grep -c '^clone3;start_thread;program+0x' "$BATS_TEST_TMPDIR/stacks")" = 4 ]
	[ "$(grep -c '^program+0x.*;__libc_start_main;.*\(;program+0x[0-9a-f]*\)\{103\};pause;' "$BATS_TEST_TMPDIR/stacks")" = 1 ]
}

@test "python3: sleeping, a queue, a lock, a socket, the terminal's input" {
	cat > "$BATS_TEST_TMPDIR/park.py" <<'PY'
import queue, socket, sys, threading, time
lock, here, _ = threading.Lock(), *socket.socketpair()
lock.acquire()
for wait in (lambda: time.sleep(1000), queue.Queue().get, lock.acquire, lambda: here.recv(1)):
    threading.Thread(target=wait, daemon=True).start()
sys.stdin.read(1)
PY
	parked --least 5 -- /usr/bin/python3 "$BATS_TEST_TMPDIR/park.py"
}

@test "bash, perl, sqlite3, cat, xz and make with a child, each stripped by its distributor" {
	parked -- bash -c 'read line; true'
	parked -- perl -e 'sub f { sleep 1000 } f()'
	parked -- sqlite3
	parked -- cat
	parked -- xz -T2 -c
	printf 'all:\n\tsleep 1000\n' > "$BATS_TEST_TMPDIR/Makefile"
	parked --least 2 -- make -C "$BATS_TEST_TMPDIR"
}

@test "two ways into a wait that differ in one return address are told apart every time" {
	needs_root
	local often seldom
	"$CONCPROF" run -F 0 -o "$BATS_TEST_TMPDIR/run" -- "$PROGRAMS/paths" 2>/dev/null
	often=$(query "$BATS_TEST_TMPDIR/run" "SELECT sum(w.count) FROM wait w JOIN stack_text s ON s.id = w.stack WHERE s.text LIKE '%;path_often;middle;wait_here;%' AND w.syscall = 'clock_nanosleep'")
	seldom=$(query "$BATS_TEST_TMPDIR/run" "SELECT sum(w.count) FROM wait w JOIN stack_text s ON s.id = w.stack WHERE s.text LIKE '%;path_seldom;middle;wait_here;%' AND w.syscall = 'clock_nanosleep'")
	echo "often $often seldom $seldom"
	# What the generator gives is 315 and 85. The first waits may come before the program's mappings are known: then they are unfinished.
	[ "$often" -le 315 ] && [ "$seldom" -le 85 ] && [ $((often + seldom)) -ge 390 ]
	# Nearly all were known to be the same as before: the point is that they were known rightly.
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT value > 300 FROM figure WHERE name = 'same'")" = 1 ]
}

@test "code made at run time: followed by frame pointers, named by the process's perf map" {
	needs_root
	"$CONCPROF" run -o "$BATS_TEST_TMPDIR/run" -- "$PROGRAMS/jit" 2>/dev/null
	query "$BATS_TEST_TMPDIR/run" "SELECT s.text FROM wait w JOIN stack_text s ON s.id = w.stack WHERE w.syscall = 'clock_nanosleep'"
	# The first call may come before the new code is known of: that stack is unfinished.
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT sum(w.count) BETWEEN 18 AND 20 FROM wait w JOIN stack_text s ON s.id = w.stack WHERE s.text LIKE '\_start;%;main;jit\_outer;jit\_inner;sleep\_here;%' ESCAPE '\'")" = 1 ]
}

@test "posix_spawn: the wait until the child has exec'd has its callers, although glibc's clone has no unwind information there" {
	needs_root
	local spawned="FROM wait w LEFT JOIN stack_text s ON s.id = w.stack WHERE w.thread = 1 AND w.syscall IN ('clone', 'clone3')"
	"$CONCPROF" run -F 0 -o "$BATS_TEST_TMPDIR/run" -- "$PROGRAMS/spawn" 2>/dev/null
	query "$BATS_TEST_TMPDIR/run" "SELECT w.count, s.text $spawned"
	# 20 children, and the parent cannot go on while they run; but one may have exec'd before the parent looks.
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT sum(w.count) >= 15 $spawned")" = 1 ]
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT count(*) $spawned AND (s.text IS NULL OR s.text NOT LIKE '\_start;%;main;spawn\_here;%' ESCAPE '\')")" = 0 ]
}

@test "more libraries than files may be open: each is named, and the program has the caller's limit" {
	needs_root
	local files=() i
	cd "$BATS_TEST_TMPDIR"
	echo 'int visits; void visit(void (*f)(void)); void visit(void (*f)(void)) { f(); visits++; }' >visit.c
	# Without build ids they are different objects, as they would be with different ones.
	gcc -O2 -shared -fPIC -nostdlib -Wl,--build-id=none -o visit.so visit.c
	for i in {1..80}; do
		cp visit.so "visit$i.so"
		files+=("./visit$i.so")
	done
	run bash -c 'ulimit -Sn 64; exec "$@"' bash "$CONCPROF" run -F 0 -o run -- bash -c 'ulimit -Sn; exec "$@"' bash "$PROGRAMS/libraries" "${files[@]}"
	expect 0 "64"
	[ "${lines[0]}" = 64 ]
	query run "SELECT name, value FROM figure WHERE kind = 'loss'"
	[ "$(query run "SELECT count(DISTINCT f.object) FROM frame f WHERE f.function = 'visit' AND f.object LIKE 'visit%.so'")" = 80 ]
	[ "$(query run "SELECT sum(w.count) FROM wait w JOIN stack_text s ON s.id = w.stack WHERE s.text LIKE '%;main;visit;sleep\_here;%' ESCAPE '\'")" = 80 ]
	# More than ever may be open: names are lost, which is told, and nothing else.
	run bash -c 'ulimit -n 128; exec "$@"' bash "$CONCPROF" run -F 0 -o few -- "$PROGRAMS/libraries" "${files[@]}"
	expect 0 "object_unnamed"
	[ "$(query few "SELECT sum(w.count) FROM wait w JOIN stack_text s ON s.id = w.stack WHERE s.text LIKE '%sleep\_here;%' ESCAPE '\'")" = 80 ]
}

@test "vfork: its caller waits with the return address in a register, and is known" {
	needs_root
	"$CONCPROF" run -F 0 -o "$BATS_TEST_TMPDIR/run" -- dash -c 'for i in 1 2 3 4 5; do /bin/sleep 0.01; done' 2>/dev/null
	query "$BATS_TEST_TMPDIR/run" "SELECT w.count, s.text FROM wait w JOIN stack_text s ON s.id = w.stack WHERE w.syscall = 'vfork'" > "$BATS_TEST_TMPDIR/stacks"
	cat "$BATS_TEST_TMPDIR/stacks"
	[ -s "$BATS_TEST_TMPDIR/stacks" ]
	! grep -v '^[0-9]*|dash+0x[^;]*;__libc_start_main.*;__libc_start_call_main;dash+.*;dash+0x[^;]*;vfork;' "$BATS_TEST_TMPDIR/stacks"
}

# usage: waits FILE PATTERN: how many waits have a stack that is LIKE it
waits()
{
	query "$1" "SELECT coalesce(sum(w.count), 0) FROM wait w JOIN stack_text s ON s.id = w.stack WHERE s.text LIKE '$2' ESCAPE '\'"
}

@test "nobody looks while a program starts, forks, vforks, loads a library and waits: each wait has its whole stack" {
	needs_root
	cd "$BATS_TEST_TMPDIR"
	echo 'int visits; void visit(void (*f)(void)); void visit(void (*f)(void)) { f(); visits++; }' >visit.c
	gcc -O2 -shared -fPIC -nostdlib -o visit.so visit.c
	run "$CONCPROF" run -F 0 -o run -- "$PROGRAMS/starved" ./visit.so
	expect 0
	query run "SELECT t.comm, sum(w.count), s.text FROM wait w JOIN thread t ON t.id = w.thread JOIN stack_text s ON s.id = w.stack GROUP BY t.comm, s.text"
	[ "$(waits run '\_start;%;main;sleep\_here;%')" = 20 ]
	[ "$(waits run '\_start;%;main;born\_here;sleep\_here;%')" = 20 ]
	[ "$(waits run '\_start;%;main;spawn\_here;vfork;%')" = 20 ]
	[ "$(waits run '\_start;%;main;visit;sleep\_here;%')" = 20 ]
	[ "$(waits run 'sleep+0x%;\_\_libc\_start\_main%;clock\_nanosleep;%')" = 20 ]
	[ "$(query run "SELECT count(*) FROM frame WHERE kind = 2")" = 0 ]
	[ "$(query run "SELECT coalesce(sum(value), 0) FROM figure WHERE name LIKE 'unfinished%'")" = 0 ]
	# What it works meanwhile is sampled, and nobody has to be met again for that.
	run "$CONCPROF" run -F 199 -o sampled -- "$PROGRAMS/starved" ./visit.so
	expect 0
	query sampled "SELECT p.count, s.text FROM sample p LEFT JOIN stack_text s ON s.id = p.stack WHERE p.thread = 1"
	[ "$(query sampled "SELECT sum(p.count) >= 10 FROM sample p JOIN stack_text s ON s.id = p.stack WHERE p.thread = 1 AND s.text LIKE '\_start;%;main;burn\_here%' ESCAPE '\'")" = 1 ]
	[ "$(query sampled "SELECT coalesce(sum(p.count), 0) FROM sample p JOIN stack_text s ON s.id = p.stack WHERE p.thread = 1 AND s.text LIKE 'no tables yet;%'")" -le 1 ]
}

@test "nobody looks while a shell calls short commands: nearly all of their waits, and of its own, have whole stacks" {
	needs_root
	"$CONCPROF" run -F 0 -o "$BATS_TEST_TMPDIR/run" -- dash -c 'kill -STOP $PPID; for i in $(seq 50); do /bin/sleep 0.001; done; kill -CONT $PPID' 2>/dev/null
	query "$BATS_TEST_TMPDIR/run" "SELECT name, value FROM figure WHERE name LIKE 'unfinished%' OR name = 'whole' OR kind = 'loss'"
	[ "$(waits "$BATS_TEST_TMPDIR/run" 'sleep+0x%;\_\_libc\_start\_main%;clock\_nanosleep;%')" = 50 ]
	[ "$(waits "$BATS_TEST_TMPDIR/run" 'dash+0x%;\_\_libc\_start\_main%;vfork;%')" = 50 ]
	[ "$(query "$BATS_TEST_TMPDIR/run" "SELECT coalesce(sum(value), 0) <= 2 FROM figure WHERE name LIKE 'unfinished%'")" = 1 ]
}
