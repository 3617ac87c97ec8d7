#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Flame graphs from the outside: export -f folded|svg, flame -- CMD, and the picture in a browser.
load ../helper
bats_require_minimum_version 1.5.0

GENERATOR=$ROOT/${B:-build}/tests/unit/test_export_svg

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

# In headless Chromium, with a profile of its own; the document as it is in the end goes to standard output.
browse() # options and address
{
	local chromium
	chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || return 1
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$BATS_TEST_TMPDIR/chromium" "$@" 2>chromium.log
}

@test "folded: every line is a stack and microseconds; on-cpu and off-cpu make up wall" {
	local state
	for state in wall on-cpu off-cpu; do
		"$CONCPROF" export -f folded --state $state r.concprof >$state
		[ -z "$(grep -vE '^[^ ;].*[^;] [1-9][0-9]*$' $state)" ]
	done
	/usr/bin/python3 - <<-'EOF'
		total = lambda name: sum(int(line.rsplit(" ", 1)[1]) for line in open(name))
		assert total("wall") == 14250000, total("wall")
		assert abs(total("on-cpu") + total("off-cpu") - total("wall")) <= 1
		import sqlite3
		lives = sqlite3.connect("r.concprof").execute("SELECT sum(life_ns) FROM thread").fetchone()[0]
		assert abs(lives / 1000 - total("wall")) <= 1, lives
	EOF
}

@test "the frames of a line are those of the recording's own view of stacks" {
	"$CONCPROF" export -f folded --state lock --by none r.concprof | sed -E 's/_\[[ki]\]//g; s/;\[lock\].*//' | sort -u >folded
	sqlite3 r.concprof "SELECT DISTINCT text FROM stack_text t JOIN wait w ON w.run = t.run AND w.stack = t.id
		WHERE w.symbol IN ('orders_lock', 'log_lock')" | sort -u >view
	[ -s view ]
	diff folded view
}

@test "the format may be said by the file's ending; what is asked for appears whole or not at all" {
	run "$CONCPROF" export -o x.svg r.concprof
	expect 0
	[ "$(head -c 5 x.svg)" = '<?xml' ]
	run "$CONCPROF" export -o x.folded r.concprof
	expect 0
	grep -q '^worker (7002);' x.folded
	run "$CONCPROF" export -o no/such/x.svg r.concprof
	expect 1 no/such/x.svg
	head -c 5000 r.concprof >cut
	echo precious >kept.svg
	run "$CONCPROF" export -o kept.svg cut
	expect 1 cut
	[ "$(cat kept.svg)" = precious ]
	run sh -c '"$1" export -f svg r.concprof >/dev/full' sh "$CONCPROF"
	expect 1 "No space left"
	[ "$(ls | sort | tr '\n' ' ')" = "cut kept.svg r.concprof x.folded x.svg " ]
}

@test "wrong options are named, with what would be right" {
	usage_error "off-cpu" export -f svg --state sleeping r.concprof
	usage_error "lock" export -f svg --state lock,nothing r.concprof
	usage_error "cause" export -f svg --by function r.concprof
	usage_error "300" export -f svg --width 20 r.concprof
	usage_error "300" export -f svg --width wide r.concprof
	usage_error "folded" export -f flame r.concprof
	usage_error "-f FORMAT" export r.concprof
	usage_error "which command" flame
	run "$CONCPROF" export -f svg --run other r.concprof
	expect 1 other orders
}

@test "of several runs the last is shown, and said; --run takes another by number or name" {
	needs_root
	run "$CONCPROF" threads-cpu --tasks 4 --iterations 2000 -o two.concprof
	expect 0
	run --separate-stderr "$CONCPROF" export -f folded two.concprof
	[[ "$output" == *"threads-cpu ("* ]]
	[[ "$stderr" == *"2 runs"*threads-cpu* ]]
	for wanted in 1 serial-cpu; do
		run --separate-stderr "$CONCPROF" export -f folded --run $wanted two.concprof
		[[ "$output" == *"serial-cpu ("* && "$output" != *"threads-cpu ("* ]]
		[ -z "$stderr" ]
	done
}

@test "the picture is XML in which every box lies on its parent and is as wide as its time, also when names are hostile" {
	"$GENERATOR" --record-hostile h.concprof
	local file by
	for file in r h; do
		for by in thread process name cause none; do
			"$CONCPROF" export --by $by -o $file-$by.svg $file.concprof
			/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" $file-$by.svg
		done
	done
}

@test "flame: the picture of a command, its exit status, and two lines about it" {
	needs_root
	run --separate-stderr "$CONCPROF" flame -- sh -c 'sleep 0.2; echo done; exit 7'
	[ "$status" = 7 ]
	[ "$output" = done ]
	[ "$(wc -l <<<"$stderr")" = 2 ]
	[[ "$stderr" == *flame.svg* ]]
	/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" flame.svg
	grep -q '\[sleep\]' flame.svg
	run -127 "$CONCPROF" flame -o y.svg -- no-such-command-here
	expect 127 no-such-command-here
	[ ! -e y.svg ]
	run "$CONCPROF" flame -o no/such/y.svg -- touch ran
	expect 125 no/such/y.svg
	[ ! -e ran ]
	run --separate-stderr "$CONCPROF" flame --state sleep --title Naps -o - -- sleep 0.1
	[[ "$output" == *">Naps<"*"[sleep]"* ]]
}

@test "in a browser: zoom, breadcrumbs, search, keyboard" {
	command -v chromium chromium-browser google-chrome >/dev/null || skip "there is no Chromium to draw it (apt-get install chromium)"
	local file
	"$GENERATOR" --record-hostile h.concprof
	for file in r h; do
		"$CONCPROF" export -o $file.svg $file.concprof
		(sed '$d' $file.svg && echo '<script><![CDATA[' && cat "$ROOT/tests/cli/flame_drive.js" && echo ']]></script></svg>') >driven.svg
		browse --window-size=1300,300 --dump-dom "file://$PWD/driven.svg" >dom
		grep -q 'id="verdict"' dom || { tail -5 chromium.log; return 1; }
		grep -o '<text id="verdict">[^<]*' dom
		grep -q '<text id="verdict">all [1-9][0-9]* checks hold<' dom
	done
}

@test "in a browser: it is drawn without scripting, too, in light and in dark" {
	command -v chromium chromium-browser google-chrome >/dev/null || skip "there is no Chromium to draw it (apt-get install chromium)"
	"$CONCPROF" export -o r.svg r.concprof
	# As an image, an SVG runs no script.
	echo '<body style="margin:0"><img src="r.svg"></body>' >page.html
	browse --hide-scrollbars --window-size=1200,500 --screenshot=light.png "file://$PWD/page.html"
	browse --hide-scrollbars --window-size=1200,500 --blink-settings=preferredColorScheme=0 --screenshot=dark.png "file://$PWD/page.html"
	/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" --colours light.png e53935 1e88e5 8e24aa ffb300
	/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" --colours light.png ffffff
	/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" --colours dark.png 16181c
}
