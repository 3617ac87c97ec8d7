#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# compare from the outside: recordings, commands that are measured for it, and pictures of the difference.
load ../helper
bats_require_minimum_version 1.5.0

GENERATOR=$ROOT/${B:-build}/tests/unit/test_export_svg_diff

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	"$GENERATOR" --record .
}

wrong_usage() # part of the message, arguments
{
	local part=$1
	shift
	run --separate-stderr "$CONCPROF" compare "$@"
	[ -z "$output" ] || { echo "a usage error wrote to standard output: $output"; return 1; }
	output=$stderr
	expect 2 "$part"
}

holds() # file, what Python is to find true of `doc` and its `c`omparison
{
	local file=$1 claim
	shift
	for claim in "$@"; do
		/usr/bin/python3 -c 'import json, sys
doc = json.load(open(sys.argv[1])); c = doc["comparison"]; assert eval(sys.argv[2]), (sys.argv[2], c["headline"], c.get("repeats"))' \
			"$file" "$claim" || return 1
	done
}

# Two runs of one recording: the baseline first.
two_runs()
{
	"$CONCPROF" threads-cpu --tasks 4 --iterations 2000 -o two.concprof >/dev/null
}

# A folder with a file for each run that was begun.
counting()
{
	mkdir -p ran && echo "mktemp ran/XXXXXX >/dev/null; $1"
}

@test "usage errors are named, before anything is measured" {
	wrong_usage "which two recordings"
	wrong_usage "more than two" before.concprof after.concprof third
	wrong_usage "second --run" --run "touch ran"
	wrong_usage "more than two" --run true --run true --run true
	wrong_usage "nothing to run" --run "touch ran" --run " "
	wrong_usage "beside --run" --run "touch ran" --run true before.concprof
	wrong_usage "1..1000" --repeat 0 --run "touch ran" --run true
	wrong_usage "1..1000" --repeat 5x --run "touch ran" --run true
	wrong_usage "1..1000" --repeat -1 --run "touch ran" --run true
	wrong_usage "neither before nor after" --flame x.svg --flame-by both before.concprof after.concprof
	wrong_usage "--by" --flame x.svg --by function before.concprof after.concprof
	wrong_usage "measured already" -o x before.concprof after.concprof
	wrong_usage "measured already" --no-stacks before.concprof after.concprof
	wrong_usage "measured already" -F 99 before.concprof after.concprof
	wrong_usage "measured already" --repeat 3 before.concprof after.concprof
	wrong_usage "more than one thing" --json - --flame - before.concprof after.concprof
	wrong_usage "--show-output" --json - --show-output --run "touch ran" --run true
	wrong_usage "workers" --run "touch ran" --run "threads-cpu --workers 0"
	wrong_usage "downloads" --run "touch ran" --run "threads-cpu --downloads 3"
	[ ! -e ran ]
}

@test "recordings: the report, and the first line does not claim to know the spread" {
	run --separate-stderr "$CONCPROF" compare before.concprof after.concprof
	expect 0 "the difference, summed over threads" "orders_lock"
	[[ "$output" == "orders: "*"One run each: nothing is known of the"* ]]
	[ -z "$stderr" ]
	run "$CONCPROF" compare before.concprof before.concprof
	expect 0 "no difference from the run before (1.00x)"
}

@test "JSON of two recordings: both runs, the items, and noise that nobody knows" {
	"$CONCPROF" compare --json d.json before.concprof after.concprof >/dev/null
	holds d.json 'len(doc["runs"]) == 2' 'c["noise"] is None' '[len(c["repeats"][s]["wall_ns"]) for s in ("before", "after")] == [1, 1]' \
		'c["repeats"]["before"]["wall_ns"] == [doc["runs"][0]["wall_ns"]]' \
		'sum(i["before_ns"] for i in c["items"]) == sum(sum(t["states"].values()) for t in doc["runs"][0]["threads"])'
	run --separate-stderr "$CONCPROF" compare --json - before.concprof after.concprof
	/usr/bin/python3 -m json.tool <<<"$output" >/dev/null
}

@test "a missing file, a foreign one, a cut one, one of another version: said, status 1, nothing written" {
	echo "no recording" >foreign
	head -c 5000 after.concprof >cut
	cp after.concprof old && sqlite3 old "PRAGMA user_version = 1"
	for file in missing foreign cut old .; do
		run --separate-stderr "$CONCPROF" compare --json x.json --flame x.svg before.concprof $file
		[ "$status" = 1 ] && [ -z "$output" ] && [[ "$stderr" == *"concprof: "*"$file"* ]] || { echo "$file: $status $output $stderr"; return 1; }
	done
	run "$CONCPROF" compare missing before.concprof
	expect 1 missing
	[ ! -e x.json ] && [ ! -e x.svg ]
	run "$CONCPROF" compare before.concprof
	expect 1 "before.concprof holds 1 run"
}

@test "recordings of two versions of concprof and of two machines are compared, and the machines are named" {
	cp before.concprof other
	sqlite3 other "UPDATE meta SET value = 'v0.1' WHERE key = 'program'"
	run --separate-stderr "$CONCPROF" compare other after.concprof
	expect 0 orders_lock
	[ -z "$stderr" ]
	sqlite3 other "UPDATE meta SET value = '4.4.4' WHERE key = 'kernel'"
	run --separate-stderr "$CONCPROF" compare other after.concprof
	expect 0 orders_lock
	[[ "$stderr" == *"not the same machine"*4.4.4* ]]
}

@test "FILE:RUN takes a run by name or number; FILE alone is the last, and said; a colon in a file's name is no choice" {
	needs_root
	two_runs
	run --separate-stderr "$CONCPROF" compare two.concprof:1 two.concprof:threads-cpu
	[[ "$output" == "threads-cpu: "*serial-cpu* ]] && [ -z "$stderr" ]
	one=$output
	run --separate-stderr "$CONCPROF" compare two.concprof:serial-cpu two.concprof
	[[ "$stderr" == *"holds 2 runs; this is the last, threads-cpu"* ]]
	[ "$output" = "$one" ]
	run --separate-stderr "$CONCPROF" compare two.concprof
	[ "$output" = "$one" ] && [ -z "$stderr" ]
	run "$CONCPROF" compare two.concprof:2 two.concprof:1
	expect 0 "serial-cpu: "
	for wrong in 0 3 -1 1x nobody ""; do
		run "$CONCPROF" compare two.concprof before.concprof:$wrong
		expect 1 "before.concprof:$wrong" "1 (orders)"
	done
	cp two.concprof "a:1"
	run "$CONCPROF" compare "a:1" "a:1:1"
	expect 0 "serial-cpu: "
}

@test "the same command twice is noise, in the first line and in JSON" {
	needs_root
	# Three runs each of the same thing look different once in 50 times: two of three say it.
	local noise=0
	for try in 1 2 3; do
		run "$CONCPROF" compare --run "sleep 0.05" --run "sleep 0.05" --repeat 3 --json d.json
		expect 0 "3 runs each" "interval of the median"
		holds d.json 'c["noise"] in (True, False)' '[len(c["repeats"][s]["wall_ns"]) for s in ("before", "after")] == [3, 3]'
		if holds d.json 'c["noise"]' 2>/dev/null; then
			[[ "${lines[0]}" == "no difference: "*" within the spread of 3 runs each ("*" .. "*")"* ]]
			[[ "$output" != *speedup* ]]
			noise=$((noise + 1))
		fi
		[ $noise -lt 2 ] || return 0
	done
	false
}

@test "what takes six times as long is no noise; the items are of the run nearest the median, which -o keeps" {
	needs_root
	# On a machine that is busy enough, it is.
	for try in 1 2 3; do
		run "$CONCPROF" compare --run "sleep 0.05" --run "sleep 0.3" --repeat 3 --json d.json -o kept.concprof
		! holds d.json 'c["noise"] is False' 2>/dev/null || break
	done
	expect 0 "sleep 0.3: 0." "medians of 3 runs each" "beyond their spread" "speedup"
	holds d.json 'c["noise"] is False' 'c["repeats"]["speedup"] < 0.5' '[r["name"] for r in doc["runs"]] == ["sleep 0.05", "sleep 0.3"]' \
		'all(r["wall_ns"] == c["repeats"][s]["median_ns"] for r, s in zip(doc["runs"], ("before", "after")))' \
		'all(sorted(c["repeats"][s]["wall_ns"])[1] == c["repeats"][s]["median_ns"] for s in ("before", "after"))' \
		'c["before"] == "sleep 0.05" and c["after"] == "sleep 0.3"'
	run "$CONCPROF" compare kept.concprof
	expect 0 "sleep 0.3: 0." "One run each"
	[ "$(sqlite3 kept.concprof 'SELECT count(*) FROM run')" = 2 ]
}

@test "they take turns, as often as asked, and read nothing; what they print is discarded unless it is asked for" {
	needs_root
	run --separate-stderr "$CONCPROF" compare --run 'echo -n a >>order; cat; echo loud; echo louder >&2' --run 'echo -n b >>order' --repeat 4 <<<typed
	[ "$status" = 0 ]
	[ "$(cat order)" = abababab ]
	[[ "$output$stderr" != *typed* && "$output" != *$'\nloud\n'* && "$stderr" != *louder* ]]
	run --separate-stderr "$CONCPROF" compare --run 'echo loud; echo louder >&2' --run true --repeat 2 --show-output
	[ "$(grep -c '^loud$' <<<"$output")" = 2 ]
	[ "$(grep -c '^louder$' <<<"$stderr")" = 2 ]
}

@test "one run each: nothing is known of the spread" {
	needs_root
	run "$CONCPROF" compare --run "sleep 0.05" --run "sleep 0.3" --repeat 1 --json d.json
	expect 0 "One run each: nothing is known of the"
	holds d.json 'c["noise"] is None'
}

@test "a command that fails is named with its status, and stops it; --ignore-failure does not mind" {
	needs_root
	run --separate-stderr "$CONCPROF" compare --run "$(counting true)" --run "$(counting 'exit 3')" --json x.json -o x.concprof
	[ "$status" = 1 ] && [ -z "$output" ]
	[[ "$stderr" == *"exit 3' failed: exit status 3 in run 1 of 5"* ]]
	[ "$(ls ran | wc -l)" = 2 ]
	[ ! -e x.json ] && [ ! -e x.concprof ]
	run "$CONCPROF" compare --run true --run 'kill -9 $$' --repeat 2
	expect 1 "exit status 137"
	run "$CONCPROF" compare --run true --run no-such-command-here --repeat 2
	expect 1 "no-such-command-here" "exit status 127"
	run "$CONCPROF" compare --run true --run 'exit 3' --repeat 2 --ignore-failure
	expect 0
	# Whatever the verdict on so short commands: both runs of it count.
	grep -qE '^exit 3 +2 ' <<<"$output"
}

@test "models are measured by their names and options" {
	needs_root
	run "$CONCPROF" compare --run "serial-cpu --tasks 4 --iterations 20000" --run "processes-cpu --tasks 4 --iterations 20000 --workers 2" \
		--repeat 3 --json d.json
	expect 0
	holds d.json 'doc["runs"][0]["ledger"]["hashes"] == 80000 == doc["runs"][1]["ledger"]["hashes"]' 'len(doc["runs"][1]["processes"]) == 3' \
		'c["after"].startswith("processes-cpu --tasks")'
	run "$CONCPROF" compare --run "threads-io --rounds 1 --cats 2 --downloads 1 --url http://127.0.0.1:1" --run true --repeat 1
	expect 1 "threads-io" "failed"
}

@test "Ctrl-C ends it, says so, and leaves nothing: no file, no process" {
	needs_root
	run /usr/bin/python3 -B "$ROOT/tests/cli/terminal.py" "begun=^C" -- "$CONCPROF" compare --run true --run "echo beg''un; sleep 31.4" \
		--repeat 9 --show-output --json x.json --flame x.svg -o x.concprof
	expect 130 "interrupted in run 1 of 9 of 'echo beg''un; sleep 31.4'"
	[ "$(ls -A | sort | tr '\n' ' ')" = "after.concprof before.concprof hostile.concprof " ]
	! pgrep -f '^sleep 31\.4$'
	# A command that makes an orderly end of itself is no reason to go on.
	run /usr/bin/python3 -B "$ROOT/tests/cli/terminal.py" "begun=^C" -- "$CONCPROF" compare --run 'trap "exit 0" INT; echo beg""un; sleep 31.4' \
		--run true --repeat 9 --show-output
	expect 130 "interrupted"
}

@test "without privileges commands are refused before they run; recordings are compared all the same" {
	needs_root
	local folder
	folder=$(public_folder)
	chmod 777 "$folder"
	cp "$CONCPROF" "$folder/concprof"
	cp before.concprof after.concprof "$folder" && chmod 644 "$folder"/*.concprof
	cd "$folder"
	run as_nobody ./concprof compare before.concprof after.concprof
	expect 0 orders_lock
	run as_nobody ./concprof compare --run "touch ran" --run "touch ran"
	[ ! -e ran ]
	cd /
	rm -rf "$folder"
	expect 1 privileges
}

@test "pictures: XML whose boxes are as wide as their times, of either side, by any root, also when names are hostile" {
	local other by side
	for other in after hostile; do
		for by in thread process name cause none; do
			for side in before after; do
				"$CONCPROF" compare --flame d.svg --flame-by $side --by $by before.concprof $other.concprof >/dev/null
				/usr/bin/python3 "$ROOT/tests/cli/flame_check.py" d.svg
			done
		done
	done
}

@test "the picture and the folded stacks hold all the time of both runs" {
	"$CONCPROF" compare --flame d.svg --folded d.folded before.concprof after.concprof >/dev/null
	/usr/bin/python3 - <<-'EOF'
		import re, sqlite3
		lives = [sqlite3.connect(f"{name}.concprof").execute("SELECT sum(life_ns) FROM thread").fetchone()[0] for name in ("before", "after")]
		sums = [0, 0]
		for line in open("d.folded"):
		    _, before, after = line.rsplit(" ", 2)
		    sums = [sums[0] + int(before), sums[1] + int(after)]
		assert all(abs(us - ns / 1000) <= 1 for us, ns in zip(sums, lives)), (sums, lives)
		titles = re.findall(r"<title>([^<]*)</title>", open("d.svg").read())
		times = {t.split("\n")[0]: [int(n.replace(",", "")) for n in re.findall(r"\(([0-9,]+) ns\)", t)[:3]] for t in titles if "\nbefore " in t}
		assert times["all"][1:] == lives, (times["all"], lives)
		assert times["after: orders"][0] == lives[1]
		assert times["all"][0] == lives[1] + times["only before: orders"][0]
	EOF
	run --separate-stderr "$CONCPROF" compare --flame - before.concprof after.concprof
	[ "${output:0:5}" = '<?xml' ]
	[[ "$output" != *"summed over threads"* ]]
	run "$CONCPROF" compare --flame no/such/x.svg before.concprof after.concprof
	expect 1 no/such/x.svg
}

@test "in a browser: colours say what has become more and less, and both parts zoom" {
	command -v chromium chromium-browser google-chrome >/dev/null || skip "there is no Chromium to draw it (apt-get install chromium)"
	local chromium
	chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
	"$CONCPROF" compare --flame d.svg before.concprof after.concprof >/dev/null
	(sed '$d' d.svg && echo '<script><![CDATA[' && cat "$ROOT/tests/cli/compare_drive.js" && echo ']]></script></svg>') >driven.svg
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --user-data-dir="$PWD/chromium" --window-size=1300,600 --dump-dom "file://$PWD/driven.svg" \
		>dom 2>chromium.log
	grep -o '<text id="verdict">[^<]*' dom || { tail -5 chromium.log; return 1; }
	grep -q '<text id="verdict">all [1-9][0-9]* checks hold<' dom
}

@test "of long lines that differ only at their ends, the names show where" {
	local line='true --host 127.0.0.1 --port 6379 --requests 20000 --quiet --clients 50'
	run --separate-stderr "$CONCPROF" compare --run "$line" --run "$line --pipeline 16" --repeat 1 --json both.json
	[ "$status" -eq 0 ]
	holds both.json 'doc["runs"][0]["name"] == "true ... --clients 50"' \
		'doc["runs"][1]["name"] == "true ... --clients 50 --pipeline 16"'
	# One that fits is whole; one that differs early is cut at its end, as it was.
	run --separate-stderr "$CONCPROF" compare --run 'true 1' --run "true 2 ${line#true }" --repeat 1 --json both.json
	[ "$status" -eq 0 ]
	holds both.json 'doc["runs"][0]["name"] == "true 1"' 'doc["runs"][1]["name"].startswith("true 2 --host 127")'
}
