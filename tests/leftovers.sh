#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# After the tests, nothing is left of them: compares with what `leftovers.sh before` saw. Speaks TAP.
set -u
cd "$(dirname "$0")/.." || exit 1

# Everything that a test starts inherits CONCPROF_TEST_RUN; so does tests/run, whose own shells are not leftovers.
processes()
{
	local environ pid
	for environ in /proc/[0-9]*/environ; do
		pid=${environ#/proc/} pid=${pid%/environ}
		grep -qs "CONCPROF_TEST_RUN=$CONCPROF_TEST_RUN" "$environ" || continue
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | sed "s/^/process: /; s/ *\$/\n/" |
			grep -Ev '^process: ([^ ]*(bash|sh|prove|perl|env|timeout|sed|tee|tr|grep) |$)'
	done
}

files()
{
	find /tmp /var/tmp /dev/shm /run "${HOME:-/root}" -maxdepth 1 -name '*concprof*' 2>/dev/null | sed 's/^/file: /'
	find "$PWD/$B/tests/tmp" -mindepth 1 2>/dev/null | sed 's/^/file: /'
}

pins() { find /sys/fs/bpf -mindepth 1 2>/dev/null | sed 's/^/pinned: /'; }
tree() { git status --porcelain 2>/dev/null | sed 's/^/tree: /'; }

look()
{
	processes
	files
	pins
	tree
}

if [ "${1-}" = before ]; then
	look
	exit 0
fi

number=0
new() # kind words
{
	local left
	number=$((number + 1))
	left=$(comm -13 <(sort "$TAP_DIR/before") <(sort "$TAP_DIR/after") | grep "^$1: ")
	if [ -z "$left" ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' <<<"$left"
	fi
}

echo 1..4
# The kernel and init need a moment to bury the dead.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	look >"$TAP_DIR/after"
	[ -z "$(comm -13 <(sort "$TAP_DIR/before") <(sort "$TAP_DIR/after") | grep '^process')" ] && break
	sleep 0.3
done
new process "no process of a test is left"
new file "no file of a test is left outside the build folder, nor a temporary one in it"
new pinned "no BPF object is left pinned"
new tree "the source tree is as it was"
