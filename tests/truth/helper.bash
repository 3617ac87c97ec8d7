# SPDX-License-Identifier: Apache-2.0
load ../helper

# Runs a truth program under concprof and checks the recording against the program's ledger.
# usage: truth [concprof options] -- PROGRAM [arguments]; exit status of the program in $WANT (default 0)
truth()
{
	local options=() json=$BATS_TEST_TMPDIR/run.json
	needs_root
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	local program=$1
	shift
	export LEDGER=$BATS_TEST_TMPDIR/ledger
	rm -f "$LEDGER" "$json"
	steal_begin
	run "${BINARY:-$CONCPROF}" run --json "$json" "${options[@]}" -- "$PROGRAMS/$program" "$@"
	expect "${WANT:-0}"
	check_recording "$json" "$LEDGER"
}

# What the hypervisor takes from this machine's CPUs is only known to the tick (10 ms).
steal_ticks() { awk '/^cpu / { print $9 }' /proc/stat; }
steal_begin() { STEAL_BEFORE=$(steal_ticks); }

check_recording() # FILE [LEDGER]
{
	local steal=$(($(steal_ticks) - STEAL_BEFORE + 1))
	run /usr/bin/python3 -B "$ROOT/tests/truth/check.py" --steal "${steal}0000000" "$@"
	[ "$status" = 0 ] || echo "$output"
	[ "$status" = 0 ]
}

# Evaluates a Python expression over the recording: `runs`, `run` (the last one), `threads`, `waits`, `doc`.
holds() # FILE words expression
{
	/usr/bin/python3 -B - "$@" <<'PY'
import json, sys
doc = json.load(open(sys.argv[1]))
runs = doc["runs"]
run = runs[-1]
threads, waits = run["threads"], run["waits"]
def total(state, cause="", ids=None):
    return sum(w["total_ns"] for w in waits if w["state"] == state and cause in w["cause"] and (ids is None or w["thread"] in ids))
if not eval(sys.argv[3]):
    print(f"does not hold: {sys.argv[2]}: {sys.argv[3]}")
    for part in sys.argv[4:]:
        print(f"  {part} = {eval(part)}")
    sys.exit(1)
PY
}
