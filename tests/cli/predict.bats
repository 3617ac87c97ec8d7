#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# predict from the outside: what is refused before anything is read, what is said, and what programs read.
load ../helper
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

wrong_usage() # part of the message, arguments
{
	local part=$1
	shift
	run "$CONCPROF" predict "$@"
	expect 2 "$part"
}

recording()
{
	needs_root
	"$CONCPROF" run -o r.concprof -- sh -c 'sleep 0.3; sleep 0.1' 2>/dev/null
}

@test "what is changed, and of which recording, must be said; one change at a time" {
	wrong_usage "which recording" --cpus 2
	wrong_usage "what is changed" r.concprof
	wrong_usage "one change at a time" --cpus 2 --without-lock GIL r.concprof
	wrong_usage "more than one file: 'b'" --cpus 2 a b
}

@test "numbers and factors out of their range are named" {
	local value
	for value in 0 -1 x 2x 4097 "" 1.5; do
		wrong_usage "'$value'" --cpus "$value" r.concprof
		wrong_usage "'$value'" --threads "$value" r.concprof
	done
	for value in sleep =2 sleep= sleep=x sleep=-1 sleep=1001 sleep=1e3 sleep=1.2.3 sleep=nan; do
		wrong_usage "'$value'" --scale-wait "$value" r.concprof
	done
}

@test "a recording without a timeline is refused in words" {
	"$ROOT/${B:-build}/tests/unit/test_export_svg" --record r.concprof
	run "$CONCPROF" predict --cpus 2 r.concprof
	expect 1 "without a timeline"
}

@test "half of a sleep: the prediction, its calibration and what is assumed; needs no privileges" {
	recording
	chmod 644 r.concprof
	run --separate-stderr "$CONCPROF" predict --scale-wait sleep=0.5 r.concprof
	expect 0 "With waits for sleep taking 0.50 of their time" "Replay without a change" "Assumed:"
	[ -z "$stderr" ]
	[[ "$("$CONCPROF" predict --no-wait "300 m" r.concprof)" == "Without waits for sleep 300 ms"* ]]
	"$CONCPROF" predict --scale-wait sleep=0.5 --json - r.concprof >half.json
	"$CONCPROF" predict --scale-wait sleep=1 --json same.json r.concprof
	/usr/bin/python3 - <<-'EOF'
		import json
		half, same = (json.load(open(name))["prediction"] for name in ("half.json", "same.json"))
		assert half["refused"] is None and half["assumptions"] and half["limit"] and half["sentence"]
		assert abs(same["replayed_ns"] / same["measured_ns"] - 1) < 0.25, same
		# Two sleeps, one after the other, of 0.4 s in all.
		saved = same["predicted_ns"] - half["predicted_ns"]
		assert 0.199e9 < saved < 0.25e9, saved
		assert abs(half["speedup"] * half["predicted_ns"] - half["measured_ns"]) < 1000
	EOF
}

@test "what is not there is refused, and what is there is told" {
	recording
	run --separate-stderr "$CONCPROF" predict --without-lock GIL r.concprof
	[ "$status" = 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *'no lock of this run is called "GIL"'* ]]
	run "$CONCPROF" predict --no-wait disk-of-mine r.concprof
	expect 1 'no wait of this run is called "disk-of-mine"' "sleep"
	run "$CONCPROF" predict --threads 4 r.concprof
	expect 1 "No pool of workers"
	"$CONCPROF" predict --threads 4 --json - r.concprof >refused.json || true
	/usr/bin/python3 -c 'import json; p = json.load(open("refused.json"))["prediction"]; assert "No pool" in p["refused"] and "predicted_ns" not in p'
	run "$CONCPROF" predict --cpus 2 --run nothing r.concprof
	expect 1 "'nothing' is none of the recording's"
}
