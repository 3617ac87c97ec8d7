#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What one meets at the command line before anything is measured.
load ../helper

# A usage error: status 2, at once, on standard error, naming what was wrong.
wrong_usage() # parts of the message, then "--", then the arguments
{
	local parts=()
	while [ "$1" != -- ]; do
		parts+=("$1")
		shift
	done
	shift
	run --separate-stderr "$CONCPROF" "$@"
	if [ -n "$output" ]; then
		echo "a usage error wrote to standard output: $output"
		return 1
	fi
	output=$stderr
	expect 2 "${parts[@]}"
}

bats_require_minimum_version 1.5.0

@test "no verb: usage, status 2" {
	wrong_usage "run" -- 
}

@test "an unknown verb is named" {
	wrong_usage "treads-cpu" -- treads-cpu
}

@test "an unknown option is named" {
	wrong_usage "--wrokers" -- threads-cpu --wrokers 5
	wrong_usage "--nothing" -- run --nothing -- true
}

@test "a number out of range: the option and its range" {
	wrong_usage "workers" "1" -- threads-cpu --workers 0
	wrong_usage "workers" "1" -- threads-cpu --workers 99999999
	wrong_usage "tasks" -- serial-cpu --tasks -3
	wrong_usage "iterations" -- serial-cpu --iterations 99999999999999999999
}

@test "a number that is none: the option and its range" {
	wrong_usage "workers" -- threads-cpu --workers five
	wrong_usage "workers" -- threads-cpu --workers 5x
	wrong_usage "workers" -- threads-cpu --workers ""
	wrong_usage "rounds" -- serial-io --rounds 1.5
}

@test "an option that a model does not have is refused, not ignored" {
	wrong_usage "downloads" -- threads-cpu --downloads 5
	wrong_usage "iterations" -- threads-io --iterations 5
	wrong_usage "no-gil" -- processes-cpu --no-gil
}

@test "an option without its value is named" {
	wrong_usage "workers" -- threads-cpu --workers
	wrong_usage "json" -- run --json
}

@test "run without a command" {
	wrong_usage "command" -- run
	wrong_usage "command" -- run --
}

@test "times, rates and names of the measuring options" {
	local value
	for value in 0 -1 1x 1e3 nan 0x10 "" 1h 99999999999 1.2.3 5us; do
		wrong_usage "--duration" "'$value'" -- run -d "$value" -- true
	done
	wrong_usage "--delay" "soon" -- run --delay soon -- true
	for value in -1 10001 1k ""; do
		wrong_usage "-F" "10000" -- run -F "$value" -- true
	done
	wrong_usage "--include-comm" -- run --include-comm "" -- true
	wrong_usage "--include-comm" -- run --include-comm 0123456789abcdef -- true
}

@test "attach without a process, or with what is none" {
	wrong_usage "which process" -- attach
	wrong_usage "unexpected argument" "812" -- attach 812
	local value
	for value in 0 -1 x 1,,2 1, ,1 99999999999 1.5 ""; do
		wrong_usage "--pid" "'$value'" -- attach -p "$value"
	done
}

@test "report without a file" {
	wrong_usage "report" -- report
}

@test "list: every model, its baseline and what it stands for; status 0" {
	run "$CONCPROF" list
	expect 0 serial-io threads-io session-io async-io serial-cpu threads-cpu processes-cpu asyncio hashlib
}

@test "--help and --version: on standard output, status 0" {
	run --separate-stderr "$CONCPROF" --help
	expect 0 threads-cpu run report suite doctor
	[ -z "$stderr" ]
	run --separate-stderr "$CONCPROF" --version
	expect 0 concprof
	[ -z "$stderr" ]
}
