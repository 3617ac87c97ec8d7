#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Without privileges every verb that needs them fails at once, with what to do about it; the others work.
load ../helper
bats_require_minimum_version 1.5.0

setup_file()
{
	[ "$(id -u)" = 0 ] || return 0
	PUBLIC=$(public_folder)
	export PUBLIC
	chmod 755 "$PUBLIC"
	cp "$CONCPROF" "$PUBLIC/concprof"
	cp -r "$ROOT/cats" "$PUBLIC/cats"
	mkdir -m 777 "$PUBLIC/own"
}

teardown_file()
{
	[ -z "${PUBLIC-}" ] || rm -rf "$PUBLIC"
}

setup()
{
	needs_root # to become somebody without privileges
	cd "$PUBLIC/own" || return 1
}

refused() # arguments
{
	local start=$EPOCHREALTIME
	run --separate-stderr as_nobody timeout 20 "$PUBLIC/concprof" "$@"
	local took=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	echo "took $took ms; $stderr"
	[ "$status" != 0 ]
	[ "$status" != 124 ]
	[[ "$stderr" == *"sudo concprof doctor"* ]]
	[ -z "$output" ]
	[ -z "$(ls)" ]
}

@test "a model is refused, with the advice, before anything runs" {
	refused threads-cpu
	refused serial-io --json f.json
	refused threads-cpu -o f.concprof
}

@test "suite is refused, with the advice" {
	refused suite
}

@test "run is refused, with the advice, as sudo cannot help; the command does not run" {
	refused run -- touch ran
	[ "$status" = 125 ]
}

@test "list, --help and a model with --untraced need no privileges" {
	run as_nobody "$PUBLIC/concprof" list
	expect 0 threads-cpu
	run as_nobody "$PUBLIC/concprof" --help
	expect 0
	run as_nobody "$PUBLIC/concprof" threads-cpu --untraced --no-baseline --tasks 5 --iterations 1000
	expect 0
}

@test "doctor says what is missing and what to do, status 1; as root everything is allowed, status 0" {
	run as_nobody "$PUBLIC/concprof" doctor
	expect 1 sudo
	run "$CONCPROF" doctor
	expect 0 "can measure here"
}
