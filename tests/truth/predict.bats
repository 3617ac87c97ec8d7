#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Predictions beside what then was measured. The values are printed; the bound is wide, as a machine with other work to do differs that much
# from one run to the next: what it catches is a model that is wrong, not one that is a little off.
load helper

BOUND=0.25
CPU=(--tasks 20 --iterations 200000 --no-baseline)
IO=(--cats 10 --downloads 5 --rounds 3 --no-baseline)

setup()
{
	needs_root
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A recording of what concprof measures; its wall time in WALL, its CPU time in RUN_CPU. The options of concprof go behind its verb.
record() # FILE command...
{
	local file=$1 command=()
	shift
	while [ "$1" != "$CONCPROF" ]; do
		command+=("$1")
		shift
	done
	command+=("$1" "$2" -o "$file" --json "$file.json")
	shift 2
	run "${command[@]}" "$@"
	expect 0
	WALL=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runs"][-1]["wall_ns"])' "$file.json")
	RUN_CPU=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runs"][-1]["cpu_ns"])' "$file.json")
}

# One value of a prediction.
predict() # key FILE change...
{
	local key=$1 file=$2
	shift 2
	"$CONCPROF" predict "$file" "$@" --json - 2>/dev/null |
		/usr/bin/python3 -c 'import json, sys; p = json.load(sys.stdin)["prediction"]; print(p[sys.argv[1]] if not p["refused"] else p["refused"])' "$key"
}

# True if the prediction is within the bound of what was measured; prints both.
compare() # words predicted measured
{
	/usr/bin/python3 - "$BOUND" "$@" <<'PY' >&3
import sys
bound, words, predicted, measured = float(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
print(f"# {words}: predicted {predicted / 1e9:.3f} s, measured {measured / 1e9:.3f} s ({predicted / measured - 1:+.1%})")
sys.exit(abs(predicted / measured - 1) > bound)
PY
}

# CPU time used on the machine so far, by anybody, and taken from it, in ns (known to the tick).
machine_cpu_ns() { awk '/^cpu / { print ($2 + $3 + $4 + $7 + $8 + $9) "0000000" }' /proc/stat; }

# Records one command, predicts from it what another takes, and measures that; up to three times: others may use the machine meanwhile.
foretold() # words, the change as one word, then the command, `--`, the other command
{
	local words=$1 change before=() busy=0 used clock
	read -ra change <<<"$2"
	shift 2
	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	for _ in 1 2 3; do
		used=$(machine_cpu_ns) clock=${EPOCHREALTIME/./}
		record before "${before[@]}"
		used=$((used + RUN_CPU))
		record after "$@"
		used=$(($(machine_cpu_ns) - used - RUN_CPU)) clock=$(((${EPOCHREALTIME/./} - clock) * 1000))
		echo "# replay without a change: $(predict replay_error before "${change[@]}")" >&3
		compare "$words" "$(predict predicted_ns before "${change[@]}")" "$WALL" && return
		# Reading what was measured, and the server, are others too.
		[ $used -gt $((clock * $(nproc) / 2)) ] && busy=$((busy + 1))
	done
	[ $busy = 3 ] && skip "the machine is busy with other work"
	return 1
}

two_cpus()
{
	[ "$(nproc)" -ge 2 ] || skip "there is one CPU"
}

@test "threads-cpu without its lock: as threads-cpu --no-gil" {
	two_cpus
	foretold "without the GIL" "--without-lock GIL" "$CONCPROF" threads-cpu "${CPU[@]}" -- "$CONCPROF" threads-cpu "${CPU[@]}" --no-gil
}

@test "threads on one CPU instead of two, and on two instead of one" {
	two_cpus
	foretold "1 CPU instead of 2" "--cpus 1" taskset -c 0,1 "$CONCPROF" threads-cpu "${CPU[@]}" --no-gil -- \
		taskset -c 0 "$CONCPROF" threads-cpu "${CPU[@]}" --no-gil
	foretold "2 CPUs instead of 1" "--cpus 2" taskset -c 0 "$CONCPROF" threads-cpu "${CPU[@]}" --no-gil -- \
		taskset -c 0,1 "$CONCPROF" threads-cpu "${CPU[@]}" --no-gil
}

@test "a lock that lets one thread run at a time: a second CPU is of no use" {
	two_cpus
	foretold "under the GIL, 1 CPU instead of 2" "--cpus 1" taskset -c 0,1 "$CONCPROF" threads-cpu "${CPU[@]}" -- \
		taskset -c 0 "$CONCPROF" threads-cpu "${CPU[@]}"
}

@test "downloads: a server that takes half the time" {
	foretold "half the delay" "--scale-wait 127.0.0.1=0.5" "$CONCPROF" threads-io "${IO[@]}" --delay 20ms -- \
		"$CONCPROF" threads-io "${IO[@]}" --delay 10ms
}

@test "downloads: 1, 2 and 10 workers instead of 5" {
	for workers in 1 2 10; do
		foretold "$workers workers instead of 5" "--threads $workers" "$CONCPROF" threads-io "${IO[@]}" --delay 20ms --workers 5 -- \
			"$CONCPROF" threads-io "${IO[@]}" --delay 20ms --workers $workers
	done
}

@test "workers whose items are not recorded: no number is made up" {
	record before "$CONCPROF" threads-cpu "${CPU[@]}" --no-gil
	run "$CONCPROF" predict before --threads 2
	expect 1 "cannot be cut into items"
}

@test "programs that were not written for it: a replay without a change is near what was measured" {
	head -c 4000000 /dev/urandom >data
	record pipes "$CONCPROF" run -- sh -c 'cat data data data data | gzip -1 | gzip -d | sha256sum'
	compare "a pipeline" "$(predict replayed_ns pipes --cpus 1)" "$WALL"
	record python "$CONCPROF" run -- /usr/bin/python3 -c '
import hashlib, threading
def work():
    for i in range(100000):
        hashlib.sha256(b"x" * 16).digest()
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()'
	compare "python3, 4 threads" "$(predict replayed_ns python --cpus 1)" "$WALL"
}
