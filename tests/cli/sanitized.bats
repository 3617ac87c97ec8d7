#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The whole program under the address and undefined-behaviour sanitizers: it does its work, and they say nothing.
load ../helper

setup()
{
	needs_root
	SANITIZED=$ROOT/build/san/concprof
	[ -x "$SANITIZED" ] || skip "build/san is not built (make test-builds)"
	export CONCPROF_CATS=$ROOT/cats
	cd "$BATS_TEST_TMPDIR" || return 1
}

clean() # status, command
{
	local wanted=$1
	shift
	run "$@"
	expect "$wanted"
	if [[ "$output" == *"Sanitizer"* || "$output" == *"runtime error"* ]]; then
		echo "$output"
		return 1
	fi
}

@test "a run with a recording and JSON, its report, and its JSON again" {
	clean 0 "$SANITIZED" run -o r.concprof --json r.json -- "$PROGRAMS/condvar"
	clean 0 "$SANITIZED" report r.concprof
	clean 0 "$SANITIZED" report --json again.json r.concprof
	[ -s again.json ]
}

@test "stacks: sampled, of dead processes, of code made at run time; as flame graphs and folded; an attached process" {
	clean 0 "$SANITIZED" run --lines -F 4000 -o r.concprof -- sh -c "'$PROGRAMS/jit'; '$PROGRAMS/paths'; gzip -9 < '$SANITIZED' | wc -c"
	clean 0 "$SANITIZED" export -f folded r.concprof
	clean 0 "$SANITIZED" export -f svg --state lock,on-cpu --by cause r.concprof
	for format in speedscope pprof perfetto chrome csv; do
		clean 0 "$SANITIZED" export -f $format -o x.$format r.concprof
	done
	clean 0 "$SANITIZED" flame -o f.svg -- "$PROGRAMS/spawn"
	sleep 5 &
	clean 0 "$SANITIZED" attach -p $! -d 0.3
	kill $!
}

@test "many threads, many processes, a thread that execs, a program that is killed" {
	clean 0 "$SANITIZED" run -- "$PROGRAMS/many_threads"
	clean 0 "$SANITIZED" run -- "$PROGRAMS/many_processes"
	clean 0 "$SANITIZED" run -- "$PROGRAMS/exec_thread"
	clean 143 "$SANITIZED" run -- "$PROGRAMS/killed"
}

@test "models and their comparison" {
	clean 0 "$SANITIZED" threads-cpu --tasks 10 --iterations 2000
	clean 0 "$SANITIZED" async-io --cats 5 --downloads 2 --rounds 1
}

@test "errors: a command that is not there, a recording that is none, usage" {
	clean 127 "$SANITIZED" run -- no-such-command
	head -c 3000 /dev/urandom >noise
	clean 1 "$SANITIZED" report noise
	clean 2 "$SANITIZED" threads-cpu --workers 0
	clean 0 "$SANITIZED" list
	clean 0 "$SANITIZED" doctor
}
