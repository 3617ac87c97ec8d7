#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every command that the README shows works as printed. (make demo and make check are what runs this.)
load ../helper

commands()
{
	awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$ROOT/README.md" | sed 's/ *#.*//' | grep -v -e '^ *$' -e '^sudo make '
}

setup()
{
	needs_root
	cd "$BATS_TEST_TMPDIR"
	ln -s "$CONCPROF" concprof
	mkdir bin
	# Who runs the tests is root already, and a fresh system has no sudo.
	printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
	chmod +x bin/sudo
	PATH=$PWD/bin:$PATH
}

@test "the README shows commands, and each of them works in the order shown" {
	local count=0
	while read -r command; do
		run bash -c "$command" </dev/null
		[ "$status" = 0 ] || { echo "$command: exit status $status: $output"; return 1; }
		count=$((count + 1))
	done < <(commands)
	[ "$count" -ge 10 ]
}

@test "make targets that the README names exist" {
	local target
	for target in $(grep -o 'sudo make [a-z]*' "$ROOT/README.md" | awk '{ print $3 }' | sort -u); do
		grep -q "^$target:" "$ROOT/Makefile" "$ROOT/tests/tests.mk" || { echo "no target $target"; return 1; }
	done
}
