#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Threads in time from the outside: lanes, export -f lanes, and parts of the time (--from, --to) of every verb that reads.
load ../helper
bats_require_minimum_version 1.5.0

GENERATOR=$ROOT/${B:-build}/tests/unit/test_report_lanes

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	"$GENERATOR" --record r.concprof
}

usage_error() # part of the message, arguments
{
	local part=$1
	shift
	run "$CONCPROF" "$@"
	expect 2 "$part"
}

longest() # of the lines of a file, in characters
{
	LC_ALL=C.UTF-8 awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }' "$1"
}

@test "every run under its name, in its order, as wide as it is told; no escape in a pipe" {
	"$CONCPROF" lanes r.concprof >out
	[ "$(grep -oE '^(serial-io|threads-io|threads-cpu):' out | tr '\n' ' ')" = "serial-io: threads-io: threads-cpu: " ]
	grep -qE '^worker/7003 +l?L+l?[Cc]+' out
	[ "$(longest out)" -le 120 ]
	[ "$(grep -c "$(printf '\033')" out)" = 0 ]
	local width
	for width in 80 200; do
		"$CONCPROF" lanes --width $width r.concprof >out
		[ "$(longest out)" -le $width ]
		[ "$(longest out)" -gt $((width - 30)) ]
	done
}

on_a_terminal() # environment and arguments
{
	env -u NO_COLOR -u COLORTERM "$@" /usr/bin/python3 "$ROOT/tests/cli/terminal.py" -- "$CONCPROF" lanes r.concprof
}

@test "a terminal gets the colours that it has, and none under NO_COLOR" {
	on_a_terminal TERM=xterm-256color LC_ALL=C >out
	grep -q "$(printf '\033')\[48;5;" out
	run ! grep -q "$(printf '\342\226')" out
	on_a_terminal TERM=xterm COLORTERM=truecolor LC_ALL=C.UTF-8 >out
	grep -q "$(printf '\033')\[48;2;" out
	grep -q "$(printf '\342\226')" out
	on_a_terminal TERM=linux LC_ALL=C.UTF-8 >out
	run ! grep -qE "$(printf '\033')\[[34]8;" out
	on_a_terminal TERM=xterm-256color NO_COLOR=1 >out
	run ! grep -q "$(printf '\033')" out
	grep -q 'worker/7002' out
}

@test "without a timeline: which run it is, and what to do" {
	"$GENERATOR" --record-sums sums.concprof
	run --separate-stderr "$CONCPROF" lanes sums.concprof
	[ "$status" = 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *threads-cpu*"without a timeline"*--timeline* ]]
	for arguments in "export -f lanes -o x.svg" "report --from 10%" "export -f folded --to 1ms"; do
		run "$CONCPROF" $arguments sums.concprof
		expect 1 threads-cpu "without a timeline" --timeline
	done
	[ ! -e x.svg ]
	run "$CONCPROF" report sums.concprof
	expect 0
}

@test "a part of the time: what is outside of it is not there, and where nothing is left that is said" {
	run --separate-stderr "$CONCPROF" lanes --from 60ms --to 95ms r.concprof
	[ "$status" = 0 ]
	[[ "$output" == *"from 60.0 ms to 95.0 ms of 100 ms"*"from 60.0 ms to 90.0 ms of 90.0 ms"* ]]
	[[ "$stderr" == *threads-io*"50.0 ms"*"60.0 ms"* ]]
	run "$CONCPROF" lanes --from 3s r.concprof
	expect 1 serial-io threads-cpu "after 3.00 s"
	run "$CONCPROF" lanes --from 50% --to 75% r.concprof
	expect 0 "from 50.0 ms to 75.0 ms of 100 ms" "from 25.0 ms to 37.5 ms of 50.0 ms"
}

@test "of runs that have such a part, each keeps its number" {
	"$CONCPROF" export -f folded --from 60ms --run 3 r.concprof >out
	grep -q '^threads-cpu' out
	run "$CONCPROF" export -f folded --from 60ms --run 2 r.concprof
	expect 1 "1 (serial-io) 3 (threads-cpu)"
}

@test "report and exports of a part of the time: windows sum to the run" {
	local from=0 to state
	for to in 13ms 29ms 60ms 100%; do
		"$CONCPROF" report --json $to.json --from $from --to $to r.concprof >out
		"$CONCPROF" export -f folded --run threads-cpu --from $from --to $to -o $to.folded r.concprof
		from=$to
	done
	"$CONCPROF" report --json whole.json r.concprof >out
	run ! grep -q "this is the part" out
	"$CONCPROF" report --from 13ms --to 29ms r.concprof >out
	grep -q "Of threads-cpu this is the part from 13.0 ms to 29.0 ms of 90.0 ms" out
	"$CONCPROF" export -f folded --run threads-cpu r.concprof >whole.folded
	/usr/bin/python3 - <<-'EOF'
		import json
		parts = ["13ms", "29ms", "60ms", "100%"]
		def sums(name):
		    run = [r for r in json.load(open(name + ".json"))["runs"] if r["name"] == "threads-cpu"][0]
		    return {(t["tid"], s): ns for t in run["threads"] for s, ns in t["states"].items()}, run
		whole, run = sums("whole")
		assert "window" not in run and sum(whole.values()) == 360000000, sum(whole.values())
		for key in whole:
		    assert whole[key] == sum(sums(part)[0].get(key, 0) for part in parts), key
		assert sums("29ms")[1]["window"] == {"from_ns": 13000000, "of_ns": 90000000}
		for part in parts:
		    assert all(t["residual_ns"] == 0 for t in sums(part)[1]["threads"]), part
		total = lambda name: sum(int(line.rsplit(" ", 1)[1]) for line in open(name + ".folded"))
		assert total("whole") == 360000 and abs(sum(map(total, parts)) - 360000) <= 4, [total(p) for p in parts]
	EOF
}

@test "--thread and --state" {
	run "$CONCPROF" lanes --thread worker/7003 r.concprof
	expect 0 worker/7003
	[[ "$output" != *serial-io* && "$output" != *worker/7002* ]]
	run "$CONCPROF" lanes --thread nobody r.concprof
	expect 1 --thread nobody
	run "$CONCPROF" lanes --state lock --width 80 r.concprof
	expect 0 "....lLLL"
}

@test "wrong options are named, with what would be right" {
	usage_error "a recording, a model" lanes
	usage_error "80" lanes --width 20 r.concprof
	usage_error "--from" lanes --from soon r.concprof
	usage_error "--from" lanes --from 120% r.concprof
	usage_error "--from" lanes --from -1s r.concprof
	usage_error "--to" lanes --from 2s --to 1s r.concprof
	usage_error "--to" report --from 50% --to 50% r.concprof
	usage_error "socket" lanes --state sleeping r.concprof
	usage_error "too much" lanes r.concprof r.concprof
	usage_error "too much" lanes threads-cpu -- true
	usage_error "downloads" lanes threads-cpu --downloads 5
	run "$CONCPROF" lanes no-such-file
	expect 1 no-such-file
	run "$CONCPROF" lanes --svg no/such/x.svg r.concprof
	expect 1 no/such/x.svg
	run sh -c '"$1" lanes r.concprof >/dev/full' sh "$CONCPROF"
	expect 1 "No space left"
}

@test "the picture is XML that any viewer reads, also when names are hostile; whole or not there" {
	"$GENERATOR" --record-hostile h.concprof
	local file
	for file in r h; do
		"$CONCPROF" lanes --svg $file.svg $file.concprof
		"$CONCPROF" export -f lanes -o again.svg $file.concprof
		cmp $file.svg again.svg
		/usr/bin/python3 - $file.svg <<-'EOF'
			import sys, xml.etree.ElementTree as tree
			root = tree.parse(sys.argv[1]).getroot()
			names = {e.tag.split("}")[1] for e in root.iter()}
			assert names <= {"svg", "title", "style", "defs", "marker", "path", "g", "rect", "text"}, names
			assert not [k for e in root.iter() for k in e.attrib if k.startswith("on") or "href" in k]
			width, height = float(root.get("width")), float(root.get("height"))
			for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
			    x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
			    assert x >= 0 and y >= 0 and w >= 0 and x + w <= width and y + h <= height, rect.attrib
		EOF
	done
	"$CONCPROF" lanes --svg - r.concprof | head -1 | grep -q '^<?xml'
	head -c 5000 r.concprof >cut
	echo precious >kept.svg
	run "$CONCPROF" lanes --svg kept.svg cut
	expect 1 cut
	[ "$(cat kept.svg)" = precious ]
}

@test "in a browser: it is drawn without scripting, in light and in dark" {
	local chromium
	chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
		skip "there is no Chromium to draw it (apt-get install chromium)"
	"$CONCPROF" lanes --svg r.svg r.concprof
	# As an image: there nothing is run.
	echo '<body style="margin:0"><img src="r.svg"></body>' >page.html
	local scheme
	for scheme in 1 0; do
		timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --user-data-dir="$BATS_TEST_TMPDIR/chromium" --hide-scrollbars \
			--window-size=1200,700 --blink-settings=preferredColorScheme=$scheme --screenshot=$scheme.png \
			"file://$PWD/page.html" 2>chromium.log
		# on a CPU, lock, sync, socket
		/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" --colours $scheme.png 81c784 e53935 8e24aa 1e88e5
	done
	/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" --colours 1.png ffffff
	/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" --colours 0.png 16181c
}

@test "a command is measured and shown on standard error; its output and status are its own" {
	needs_root
	run --separate-stderr "$CONCPROF" lanes -o kept.concprof -- sh -c 'sleep 0.2; echo done; exit 7'
	[ "$status" = 7 ]
	[ "$output" = done ]
	[[ "$stderr" == *"sh: 2 threads in "*"sleep/"*Z* ]]
	# The recording has the timeline: the same again.
	"$CONCPROF" lanes kept.concprof 2>&1 | diff - <(echo "$stderr")
	run -127 "$CONCPROF" lanes --svg y.svg -- no-such-command-here
	[ ! -e y.svg ]
}

@test "a model and its baseline: the workers of threads-cpu take turns" {
	needs_root
	run --separate-stderr "$CONCPROF" lanes threads-cpu --tasks 5 --iterations 30000 -o m.concprof
	[ "$status" = 0 ]
	[[ "$output" == *"serial-cpu: 1 thread"*"threads-cpu: 6 threads"*"worker-1/"*'lock "GIL"'* ]]
	"$CONCPROF" lanes --svg m.svg m.concprof
	grep -q 'class="handoff"\|too many to draw' m.svg
	run "$CONCPROF" lanes --no-baseline threads-cpu --tasks 5 --iterations 1000
	expect 0 "threads-cpu: 6 threads"
	[[ "$output" != *serial-cpu* ]]
}
