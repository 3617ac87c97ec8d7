#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `concprof run` by an ordinary user who may use sudo: the command runs as that user, where they are; only the tracer is root.
load ../helper
bats_require_minimum_version 1.5.0

setup_file()
{
	[ "$(id -u)" = 0 ] || return 0
	PUBLIC=$(public_folder)
	export PUBLIC
	chmod 755 "$PUBLIC"
	cp "$CONCPROF" "$PUBLIC/concprof"
	mkdir "$PUBLIC/etc" && mkdir -m 777 "$PUBLIC/own"
	# A user of our own, in files that only our mount namespace sees in place of the system's.
	cp /etc/passwd /etc/shadow "$PUBLIC/etc/"
	echo 'ann:x:54321:54321::/nonexistent:/bin/sh' >>"$PUBLIC/etc/passwd"
	echo "ann:$(/usr/bin/python3 -W ignore -c 'import crypt; print(crypt.crypt("open sesame"))'):19000:0:99999:7:::" >>"$PUBLIC/etc/shadow"
	chmod 640 "$PUBLIC/etc/shadow"
	printf 'Defaults env_reset, use_pty, !lecture\nDefaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"\nann ALL=(ALL) %sALL\n' 'NOPASSWD: ' >"$PUBLIC/etc/free"
	sed 's/NOPASSWD: //' "$PUBLIC/etc/free" >"$PUBLIC/etc/asking"
	grep -v ann "$PUBLIC/etc/free" >"$PUBLIC/etc/closed"
	chmod 440 "$PUBLIC/etc/"{free,asking,closed}
}

teardown_file()
{
	[ -z "${PUBLIC-}" ] || rm -rf "$PUBLIC"
}

setup()
{
	needs_root # to become somebody without privileges
	command -v sudo >/dev/null || skip "sudo is not installed"
	unshare -m true 2>/dev/null || skip "there can be no mount of our own here"
	cd "$PUBLIC/own" || return 1
	rm -f ./*
}

# As ann, with that sudoers file.
as_ann() # free|asking|closed command...
{
	local rights=$1
	shift
	unshare -m sh -c 'e=$1 r=$2; shift 2
		mount --bind "$e/passwd" /etc/passwd && mount --bind "$e/shadow" /etc/shadow && mount --bind "$e/$r" /etc/sudoers &&
		mount -t tmpfs none /run/sudo 2>/dev/null
		exec env -u SUDO_USER -u SUDO_UID -u SUDO_GID -u SUDO_COMMAND HOME=/nonexistent PATH=/usr/local/bin:/usr/bin:/bin \
			setpriv --reuid=54321 --regid=54321 --clear-groups "$@"' sh "$PUBLIC/etc" "$rights" "$@"
}

@test "the command runs as the user, where they are, with their environment; its status is ours; files are theirs" {
	run --separate-stderr as_ann free env COLOUR='light blue' "$PUBLIC/concprof" run --json f.json -o f.concprof -- \
		sh -c 'id -u; id -G; echo "$COLOUR|$(pwd)"; cat; sleep 0.2; exit 5' <<<'from standard input'
	[ "$status" = 5 ] || echo "$stderr"
	[ "$status" = 5 ]
	[ "$output" = "54321
54321
light blue|$PUBLIC/own
from standard input" ] || echo "$output"
	[ "${lines[0]}" = 54321 ] && [ "${lines[2]}" = "light blue|$PUBLIC/own" ] && [ "${lines[3]}" = 'from standard input' ]
	[[ "$stderr" == *sleep* ]]
	[ "$(stat -c %u f.json f.concprof | sort -u)" = 54321 ]
	[ "$(ls -A | sort | xargs)" = "f.concprof f.json" ]
	/usr/bin/python3 -B "$ROOT/tests/truth/check.py" f.json
	/usr/bin/python3 -c 'import json; r = json.load(open("f.json"))["runs"][0]; assert r["command"][0] == "sh" and r["exit_status"] == 5, r'
}

@test "the command has no privileges, no descriptor of ours, no blocked signal, and is our child" {
	run --separate-stderr as_ann free "$PUBLIC/concprof" run -- sh -c 'ls /proc/self/fd | wc -l; grep -E "^(Cap(Eff|Prm)|Sig(Blk|Ign)|NoNewPrivs)" /proc/self/status; cat /proc/$PPID/comm'
	local with=$output
	run --separate-stderr as_ann free sh -c 'sh -c "ls /proc/self/fd | wc -l; grep -E \"^(Cap(Eff|Prm)|Sig(Blk|Ign)|NoNewPrivs)\" /proc/self/status"; echo concprof'
	[ "$with" = "$output" ] || echo "with: $with; without: $output"
	[ "$with" = "$output" ]
	[[ "$with" == *concprof ]]
}

@test "a command that is not there: 127; -d: the report comes first, then the command's own status" {
	run -127 as_ann free "$PUBLIC/concprof" run -- ./no-such-command
	expect 127 no-such-command
	run as_ann free "$PUBLIC/concprof" run -d 0.2 --json f.json -- sh -c 'sleep 0.7; exit 6'
	expect 6
	/usr/bin/python3 -c 'import json; r = json.load(open("f.json"))["runs"][0]; assert r["wall_ns"] == 200_000_000, r["wall_ns"]'
}

@test "what is said of the timeline reaches the tracer: lanes of a command, and none under --no-timeline" {
	run --separate-stderr as_ann free "$PUBLIC/concprof" lanes -o f.concprof -- sleep 0.1
	[ "$status" = 0 ]
	[[ "$stderr" == *"sleep: 1 thread in "*"sleep/"*Z* ]]
	run as_ann free "$PUBLIC/concprof" run --no-timeline -o f.concprof -- sleep 0.1
	expect 0
	run "$CONCPROF" lanes f.concprof
	expect 1 "without a timeline"
}

@test "signals reach the command, and the tracer lives on to tell of it" {
	as_ann free "$PUBLIC/concprof" run --json f.json -- sh -c 'trap "exit 9" TERM; echo >there; while :; do sleep 0.05; done' 2>err 3>&- &
	local ours=$! status=0 i
	for i in {1..250}; do
		[ ! -e there ] || break
		sleep 0.02
	done
	kill -TERM "$(pgrep -P $ours -x concprof || echo $ours)"
	wait $ours || status=$?
	[ "$status" = 9 ] || cat err
	[ "$status" = 9 ]
	[ -s f.json ]
}

@test "the tracer is killed: that is said, the command comes to its end, status 125" {
	as_ann free "$PUBLIC/concprof" run -- sh -c 'echo >there; sleep 1; echo >done' 2>err 3>&- &
	local ours=$! status=0 i pid
	for i in {1..250}; do
		[ ! -e there ] || break
		sleep 0.02
	done
	for pid in $(pgrep -x concprof); do
		if [ "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f1,2)" = "$PUBLIC/concprof _trace" ]; then
			kill -KILL "$pid"
		fi
	done
	wait $ours || status=$?
	[ "$status" = 125 ]
	[ -e done ]
	grep -q 'the tracer ended' err
}

@test "concprof is killed: the command goes on, the tracer does not" {
	as_ann free "$PUBLIC/concprof" run -- sh -c 'echo >there; sleep 1; echo >done' 2>err 3>&- &
	local ours=$! i
	for i in {1..250}; do
		[ ! -e there ] || break
		sleep 0.02
	done
	kill -KILL $ours
	wait $ours || true
	for i in {1..250}; do
		pgrep -f "$PUBLIC/concprof _trace" >/dev/null || break
		sleep 0.02
	done
	! pgrep -f "$PUBLIC/concprof _trace"
	sleep 1.2
	[ -e done ]
}

@test "sudo refuses, cannot ask, or is not there: one line that says what to do, status 125; the command does not run" {
	run --separate-stderr as_ann closed "$PUBLIC/concprof" run -- touch ran </dev/null
	[ "$status" = 125 ] && [[ "$stderr" == *"sudo concprof doctor"* ]] && [ "$(wc -l <<<"$stderr")" = 1 ]
	run --separate-stderr setsid -w bash -c "$(declare -f as_ann); PUBLIC=$PUBLIC; as_ann asking '$PUBLIC/concprof' run -- touch ran" </dev/null
	[ "$status" = 125 ] || echo "$stderr"
	[ "$status" = 125 ] && [[ "$stderr" == *"no terminal"*"sudo concprof doctor"* ]] && [ "$(wc -l <<<"$stderr")" = 1 ]
	run --separate-stderr as_ann free env PATH=/nowhere "$PUBLIC/concprof" run -- /usr/bin/touch ran </dev/null
	[ "$status" = 125 ] && [[ "$stderr" == *"no sudo"* ]] && [ "$(wc -l <<<"$stderr")" = 1 ]
	[ -z "$(ls)" ]
}

on_terminal() # rights, steps..., --, command
{
	local rights=$1 steps=()
	shift
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	/usr/bin/python3 -B "$ROOT/tests/cli/terminal.py" "${steps[@]}" -- bash -c "$(declare -f as_ann); PUBLIC=$PUBLIC; as_ann $rights \"\$@\"" bash "$@"
}

@test "on a terminal sudo asks for the password; then the terminal, its modes and what is typed are the command's" {
	run on_terminal asking 'assword'='open sesame' 'READY'='hello' -- "$PUBLIC/concprof" run -- sh -c 'stty -a; echo READY; read x; echo "got $x"; exit 3'
	expect 3 "got hello" "isig icanon" " echo "
}

@test "a wrong password, or Ctrl-C at the question: the command does not run" {
	run on_terminal asking 'assword'='x' 'assword'='^C' -- "$PUBLIC/concprof" run -- touch ran
	[ "$status" != 0 ]
	[ ! -e ran ]
}

@test "Ctrl-C on the terminal: the command decides" {
	run on_terminal free 'READY'='^C' -- "$PUBLIC/concprof" run -- sh -c 'trap "echo trapped; exit 4" INT; echo READY; sleep 20'
	expect 4 trapped
}

@test "under sudo it says when the command is another one than in the user's own PATH" {
	printf '#!/bin/sh\necho mine\n' >id && chmod 755 id
	printf '#!/bin/sh\necho mine\n' >only-mine && chmod 755 only-mine
	run as_ann free env "PATH=$PUBLIC/own:/usr/bin:/bin" sudo "$PUBLIC/concprof" run -- id -u
	expect 0 "54321" "$PUBLIC/own/id"
	run as_ann free env "PATH=$PUBLIC/own:/usr/bin:/bin" sudo "$PUBLIC/concprof" run -- true
	[[ "$output" != *"PATH"* ]]
	run -127 as_ann free env "PATH=$PUBLIC/own:/usr/bin:/bin" sudo "$PUBLIC/concprof" run -- only-mine
	expect 127 "$PUBLIC/own/only-mine"
}

@test "with CAP_BPF and CAP_PERFMON it needs neither root nor sudo" {
	run setpriv --reuid=54321 --regid=54321 --clear-groups --inh-caps=+bpf,+perfmon --ambient-caps=+bpf,+perfmon \
		env PATH=/usr/bin:/bin "$PUBLIC/concprof" run -- sh -c 'id -u; sleep 0.1'
	expect 0 54321 sleep
}

@test "compare --run: both commands run as the user, each measured by a tracer of its own; what is kept is theirs" {
	run --separate-stderr as_ann free "$PUBLIC/concprof" compare --run 'id -u >>who; sleep 0.05' --run 'id -u >>who; sleep 0.1' --repeat 2 \
		--json d.json -o f.concprof --flame f.svg
	[ "$status" = 0 ] || echo "$stderr"
	[ "$status" = 0 ]
	[ "$(sort -u who)" = 54321 ] && [ "$(wc -l <who)" = 4 ]
	[ "$(stat -c %u d.json f.concprof f.svg | sort -u)" = 54321 ]
	/usr/bin/python3 -c 'import json; c = json.load(open("d.json"))["comparison"]; assert len(c["repeats"]["after"]["wall_ns"]) == 2, c'
}
