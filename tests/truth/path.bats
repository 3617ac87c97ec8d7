#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The critical path finds what was planted: in each program one cause makes the run longer, and is the first item of what did.
# What a busy machine adds (threads that were preempted) is left out, but where it is what was planted.
load helper

# Records the program with two doses of its cause: files A and B, and what compare says in DIFFERENCE, one item a line.
planted() # PROGRAM less more
{
	needs_root
	A=$BATS_TEST_TMPDIR/a B=$BATS_TEST_TMPDIR/b
	rm -f "$A" "$B"
	"$CONCPROF" run -o "$A" -- "$PROGRAMS/planted_$1" "$2" >/dev/null 2>&1
	"$CONCPROF" run -o "$B" -- "$PROGRAMS/planted_$1" "$3" >/dev/null 2>&1
	is_whole "$A"
	is_whole "$B"
	DIFFERENCE=$("$CONCPROF" compare "$A" "$B")
	[[ "$DIFFERENCE" != *"which is a defect"* ]]
	DIFFERENCE=$(sed -n "/^the wall time's difference, along the critical path/,/^= wall time/p" <<<"$DIFFERENCE")
	echo "$DIFFERENCE"
}

# Of every run: the rows sum to the wall time, and so do the threads.
is_whole() # FILE
{
	JSON=$BATS_TEST_TMPDIR/$(basename "$1").json
	"$CONCPROF" report "$1" --json - >"$JSON"
	holds "$JSON" "the critical path sums to the wall time" "$(tr '\n' ' ' <<-PY
		all(sum(row['ns'] for row in r['critical_path']['rows']) == r['wall_ns']
		    and sum(t['ns'] for t in r['critical_path']['threads'])
		        == r['wall_ns'] - sum(row['ns'] for row in r['critical_path']['rows'] if row['cause'] == 'no thread of the run')
		    for r in runs)
	PY
	)" "run['critical_path']"
}

# The first item of the difference, but for preemptions, makes the second run longer and matches the pattern.
first() # PATTERN
{
	local item
	item=$(grep -v -e "^the wall" -e "^= " -e "preempted" <<<"$DIFFERENCE" | head -1)
	[[ "$item" =~ $1 && "$item" =~ [[:space:]]\+[^[:space:]]+\ [mun]?s$ ]] || echo "the first item is: $item"
	[[ "$item" =~ $1 && "$item" =~ [[:space:]]\+[^[:space:]]+\ [mun]?s$ ]]
}

# A value of the last run's path.
path_of() # FILE words expression
{
	local rows="run['critical_path']"
	is_whole "$1"
	holds "$JSON" "$2" "(lambda path: $3)($rows)" "$rows"
}

@test "a lock that is held too long: what its holders did, and the lock that it was reached through" {
	planted lock 0 8
	first "^on CPU, user +keep_books "
	path_of "$B" "through the lock" \
		"[t for t in path['through'] if t['cause'] != 'join'][0]['cause'] == 'orders_lock' and path['through'][0]['count'] > 0"
	path_of "$B" "much of the path lies behind the lock" \
		"sum(t['ns'] for t in path['through'] if t['cause'] == 'orders_lock') > 0.5 * path['wall_ns']"
}

@test "a chatty protocol: the round trips, on both sides" {
	planted chatty 0 20
	first "^(for a CPU, after socket .*|on CPU, kernel) +(ask|serve_requests) "
	path_of "$B" "the path went to the server and back" \
		"sum(t['count'] for t in path['through'] if t['state'] == 'socket') > 2000 and len(path['threads']) == 2"
}

@test "a serial section before a parallel one" {
	planted serial 0 200
	first "^on CPU, user +load_input "
	path_of "$B" "the parallel part counts once" \
		"sum(r['ns'] for r in path['rows'] if r['function'] == 'work_on_part') < 0.5 * sum(r['ns'] for r in path['rows'] if r['function'] == 'load_input')"
}

@test "more busy threads than CPUs: waiting for a CPU, as others have it" {
	# What the rest of the machine does to it, it does to both: twelve threads have to wait for eleven.
	for _ in 1 2 3; do
		planted crowd 1 12
		grep -v "^the wall" <<<"$DIFFERENCE" | head -1 | grep -q "^for a CPU, preempted .* +" && break
	done
	grep -v "^the wall" <<<"$DIFFERENCE" | head -1 | grep "^for a CPU, preempted .* +"
	path_of "$B" "waiting for a CPU comes first" "path['rows'][0]['state'] == 'run_queue' and path['rows'][0]['cause'] == 'preempted'"
	path_of "$B" "one thread's computing is on the path, of twelve" \
		"sum(r['ns'] for r in path['rows'] if r['function'] == 'crunch') < 1.5 / 12 * run['cpu_ns']"
}

@test "a slow disk: syncing, where it was" {
	planted disk 0 30
	if ! holds "$BATS_TEST_TMPDIR/b.json" "the disk is waited for" "total('disk', 'fsync') > 0.1 * run['cpu_ns']" >/dev/null; then
		skip "this disk does not let anybody wait"
	fi
	first "^(for a CPU, after )?disk fsync .* save_record "
}

@test "one straggler for whom all others wait" {
	planted straggler 0 200
	first "^on CPU, user +do_the_rest "
	path_of "$B" "most of the path is the straggler's" \
		"[t for t in threads if t['id'] == path['threads'][0]['thread']][0]['comm'] == 'straggler' and path['threads'][0]['ns'] > 0.5 * path['wall_ns']"
}

@test "programs without a plan: whatever they do, the path is whole" {
	needs_root
	local file=$BATS_TEST_TMPDIR/stock
	for command in 'ls -lR /usr/share/doc | sort | gzip -9 | wc -c' 'sleep 0.2 & seq 200000 | sort -n | tail -1; wait' \
		'for i in 1 2 3 4 5 6 7 8; do /bin/true & done; wait' '(sleep 0.1; exit) & exit'; do
		rm -f "$file"
		"$CONCPROF" run -o "$file" -- sh -c "$command" >/dev/null 2>&1
		is_whole "$file"
		path_of "$file" "somebody of the run was always there" \
			"all(r['cause'] != 'no thread of the run' or r['ns'] < 0.01 * path['wall_ns'] for r in path['rows'])"
	done
}

@test "attached: it ends where work was last" {
	needs_root
	local file=$BATS_TEST_TMPDIR/attached
	# 0.8 s of work, of which a part is seen.
	"$PROGRAMS/planted_crowd" 16 &
	local pid=$!
	"$CONCPROF" attach -o "$file" -d 0.1 -p $pid >/dev/null 2>&1
	wait $pid
	is_whole "$file"
	path_of "$file" "crunching is on it" "any(r['function'] == 'crunch' for r in path['rows']) or path['samples'] == 0"
}
