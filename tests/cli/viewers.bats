#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Exports for other viewers, from the outside: what they read is the account, and those that can be had here are asked what they show.
load ../helper
bats_require_minimum_version 1.5.0

GENERATOR=$ROOT/${B:-build}/tests/unit/test_export_perfetto
CHECK=$ROOT/tests/cli/viewers_check.py
PROTO=$ROOT/user/export
SPEEDSCOPE=$ROOT/build/viewers/node_modules/speedscope/dist/release

# Recordings of programs that are not ours, if we may; with waits of each kind that another thread ends.
setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return 1
	[ "$(id -u)" = 0 ] || return 0
	"$CONCPROF" run --timeline -o python.concprof -- /usr/bin/python3 -c '
import threading, time, queue, zlib
todo = queue.Queue()
def work():
    while todo.get() is not None:
        for i in range(20):
            zlib.crc32(b"x" * 100000)
            sum(range(3000))
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for i in range(40):
    todo.put(i)
    time.sleep(0.002)
for thread in threads: todo.put(None)
for thread in threads: thread.join()' 2>python.txt
	"$CONCPROF" run --timeline -o shell.concprof -- sh -c 'ls -lR /usr/share/doc | sort | xz -1 | wc -c' >shell.txt 2>&1
	"$CONCPROF" run --timeline -o exec.concprof -- "$PROGRAMS/exec_thread" >exec.txt 2>&1
	"$CONCPROF" run --timeline -o many.concprof -- "$PROGRAMS/many_threads" >many.txt 2>&1
	"$CONCPROF" threads-cpu --tasks 4 --iterations 20000 --timeline -o model.concprof 2>model.txt
}

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	"$GENERATOR" --record t.concprof
	"$GENERATOR" --record-hostile h.concprof
	cp "$BATS_FILE_TMPDIR"/*.concprof . 2>/dev/null || true
}

# Every recording: what the account is, and what is exported.
exported() # format
{
	local file
	for file in *.concprof; do
		"$CONCPROF" report "$file" --json "$file.json" >/dev/null 2>&1
		"$CONCPROF" export -f "$1" -o "$file.$1" "$file" 2>/dev/null || { echo "$1 of $file failed"; return 1; }
	done
}

checked() # what is checked, ending of the file
{
	local file
	for file in *.concprof; do
		/usr/bin/python3 "$CHECK" "$1" "$file.json" "$file.$2" || { echo "$1 of $file"; return 1; }
	done
}

@test "speedscope: weights of every profile sum to its thread's life, to the nanosecond" {
	exported speedscope
	checked speedscope speedscope
}

@test "pprof: threads and states sum to the account; what samples refer to is there" {
	command -v protoc >/dev/null || skip "there is no protoc (apt-get install protobuf-compiler)"
	exported pprof
	for file in *.pprof; do
		gunzip <"$file" | protoc --proto_path="$PROTO" --decode=perftools.profiles.Profile pprof.proto >"$file.text"
	done
	checked pprof pprof.text
}

@test "pprof: go tool pprof -top shows what the account has" {
	command -v go >/dev/null || skip "there is no go tool pprof (apt-get install golang-go, about 460 MB)"
	exported pprof
	for file in *.pprof; do
		PPROF_TMPDIR=$PWD go tool pprof -symbolize=none -top -unit=ns -nodecount=1000000 -nodefraction=0 "$file" >"$file.top"
	done
	checked top pprof.top
	grep -q '\[lock\] orders_lock' t.concprof.pprof.top
	PPROF_TMPDIR=$PWD go tool pprof -symbolize=none -traces -tagfocus=state=lock t.concprof.pprof >traces
	grep -qw worker traces
}

@test "Perfetto: slices of a thread follow each other and sum to its states; counters, too; every flow lands" {
	command -v protoc >/dev/null || skip "there is no protoc (apt-get install protobuf-compiler)"
	exported perfetto
	for file in *.perfetto; do
		protoc --proto_path="$PROTO" --decode=perfetto.protos.Trace perfetto.proto <"$file" >"$file.text"
		# Nothing that the subset does not name.
		! grep -qE '^ *[0-9]+:' "$file.text"
	done
	checked perfetto perfetto.text | tee flows
	! grep -q '^0 flows' flows
}

@test "Chrome's trace events: the same, with every time as it is written" {
	exported chrome
	checked chrome chrome
}

@test "CSV: rows sum to every thread's states, whatever names hold" {
	exported csv
	checked csv csv
	# Each record is a line.
	[ "$(wc -l <h.concprof.csv)" = "$(/usr/bin/python3 -c 'import csv; print(len(list(csv.reader(open("h.concprof.csv", newline="")))))')" ]
}

browse() # format, view: the page in the end
{
	printf 'speedscope.loadFileFromBase64("%s","%s")' "t.$1" "$(base64 -w0 "t.$1")" >"load-$1.js"
	timeout 120 "$CHROMIUM" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --user-data-dir="$PWD/chromium" --window-size=1300,1600 \
		--virtual-time-budget=20000 --dump-dom "file://$SPEEDSCOPE/index.html#localProfilePath=$PWD/load-$1.js&view=$2" 2>chromium.log
}

@test "in speedscope: its own format, pprof's and Chrome's are shown with the account's times" {
	CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
		skip "there is no Chromium to show it (apt-get install chromium)"
	if [ ! -d "$SPEEDSCOPE" ]; then
		command -v npm >/dev/null || skip "there is no npm to fetch speedscope with (apt-get install npm)"
		mkdir -p "$ROOT/build/viewers"
		timeout 120 npm install --ignore-scripts --no-audit --no-fund --cache "$ROOT/build/viewers/cache" \
			--prefix "$ROOT/build/viewers" speedscope@1.25.0 >npm.log 2>&1 || skip "npm could not fetch speedscope (offline?)"
	fi
	"$CONCPROF" report t.concprof --json t.json >/dev/null
	"$CONCPROF" export --by none -o t.speedscope.json t.concprof
	"$CONCPROF" export -o t.pb.gz t.concprof
	"$CONCPROF" export -o t.trace.json t.concprof
	for format in speedscope.json pb.gz; do
		browse $format sandwich >dom
		/usr/bin/python3 "$CHECK" dom t.json dom || { tail -3 chromium.log; return 1; }
		grep -q '\[lock\] orders_lock' dom
	done
	# Of one thread; no interval is inside another: the whole of each name is its own time.
	browse trace.json sandwich >dom
	/usr/bin/python3 "$CHECK" dom-flat t.json dom
}

@test "without a timeline, what shows time says how to get one; stacks and sums need none" {
	sqlite3 t.concprof "UPDATE run SET timeline = 0; DELETE FROM episode; DELETE FROM moment"
	for format in perfetto chrome; do
		run --separate-stderr "$CONCPROF" export -f $format -o x.$format t.concprof
		[ "$status" = 1 ]
		[ -z "$output" ]
		[[ "$stderr" == "concprof: "*"without a timeline"*"record it again with --timeline" ]]
		[ ! -e x.$format ]
	done
	for format in speedscope pprof csv; do
		"$CONCPROF" export -f $format -o x.$format t.concprof
		[ -s x.$format ]
	done
}

@test "the file's ending stands for the format, the longer one first; the help names all formats with theirs" {
	local name
	"$CONCPROF" export -o x.trace.json t.concprof
	grep -q traceEvents x.trace.json
	"$CONCPROF" export -o x.speedscope.json t.concprof
	grep -q 'file-format-schema' x.speedscope.json
	"$CONCPROF" export -o x.json t.concprof
	grep -q '"schema":1' x.json
	"$CONCPROF" export -o x.pb.gz t.concprof
	gunzip -t <x.pb.gz
	run "$CONCPROF" export -o x.gz t.concprof
	expect 2 "-f FORMAT"
	output=$("$CONCPROF" export --help | tr -s ' \n' ' ')
	for name in $(sed -n 's/^#define EXPORTERS(X) //p' "$ROOT/user/export/export.h" | tr -d 'X()'); do
		[[ "$output" == *" $name (."* ]] || { echo "the help lacks $name"; return 1; }
	done
}

@test "a full disk is an error in every format, and nothing is left behind" {
	local format
	for format in speedscope pprof perfetto chrome csv; do
		run sh -c '"$1" export -f "$2" t.concprof >/dev/full' sh "$CONCPROF" $format
		expect 1 "No space left"
	done
}

@test "of a model, the CSV has both runs, and the others the one that is asked for" {
	needs_root
	"$CONCPROF" export -o x.csv model.concprof
	[ "$(cut -d, -f1,2 x.csv | sort -u | tr -d '\r' | tr '\n' ' ')" = "1,serial-cpu 2,threads-cpu run,name " ]
	run --separate-stderr "$CONCPROF" export -f chrome --run serial-cpu model.concprof
	[ -z "$stderr" ]
	[[ "$output" == *'"run":"serial-cpu"'* ]]
}

@test "memory does not grow with the timeline that is written" {
	"$GENERATOR" --record big.concprof 7 30000
	/usr/bin/python3 - "$CONCPROF" <<-'EOF'
		import os, resource, subprocess, sys
		def peak(format):
		    with open("/dev/null", "w") as null:
		        child = subprocess.Popen([sys.argv[1], "export", "-f", format, "big.concprof"], stdout=null)
		        _, status, usage = os.wait4(child.pid, 0)
		    assert status == 0
		    return usage.ru_maxrss
		loaded = peak("csv")
		for format in "perfetto", "chrome":
		    assert peak(format) < 1.2 * loaded, (format, peak(format), loaded)
	EOF
}
