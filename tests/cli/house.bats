#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The house rules that a program can check.
load ../helper

setup()
{
	cd "$ROOT" || return 1
}

sources()
{
	find include bpf user tests cats tools -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.bats' -o -name '*.bash' \
		-o -name '*.def' -o -name '*.sql'
}

# Which folders of user/ a folder may include from, itself and include/ apart.
may_include()
{
	case $1 in
	cmd) echo "report export explain profile trace symbols models lib" ;;
	report | export) echo "explain profile lib" ;;
	explain) echo "profile lib" ;;
	trace) echo "profile symbols lib" ;;
	symbols | profile) echo "lib" ;;
	models) echo "lib" ;;
	*) echo "" ;;
	esac
}

@test "includes point one way: cmd, then report and export, explain, profile; trace, symbols; models know only lib, lib nobody" {
	local wrong=
	for file in user/*/*.[ch]; do
		local folder=${file#user/}
		folder=${folder%%/*}
		for target in $(sed -n 's/^#include "\([a-z_]*\)\/.*/\1/p' "$file"); do
			[ "$target" = "$folder" ] && continue
			[[ " $(may_include "$folder") " == *" $target "* ]] || wrong="$wrong $file->$target"
		done
	done
	[ -z "$wrong" ] || echo "includes against the direction:$wrong"
	[ -z "$wrong" ]
}

@test "the kernel side and the shared headers include nothing from user/" {
	run grep -nE '#include "(user|lib|models|trace|symbols|profile|explain|report|export|cmd|\.\.)/' bpf/*.[ch] include/*
	expect 1
}

@test "no file is longer than 500 lines, unless it says why" {
	local long=
	for file in $(sources); do
		[ "$(wc -l <"$file")" -le 500 ] || head -20 "$file" | grep -qi 'longer than 500 lines' || long="$long $file"
	done
	[ -z "$long" ] || echo "too long:$long"
	[ -z "$long" ]
}

@test "no function is much longer than 60 lines: 90 at most, for a switch" {
	# A body runs from a line that is "{" to one that is "}".
	run awk 'FNR == 1 { start = 0 } /^{$/ { start = FNR } /^}$/ && start { if (FNR - start > 90) print FILENAME ":" start; start = 0 }' \
		$(find bpf user tests -name '*.c')
	[ -z "$output" ] || echo "too long: $output"
	[ -z "$output" ]
}

@test "no banned function is called" {
	run grep -nE '\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|system|tmpnam)[[:space:]]*\(' \
		$(find include bpf user tests -name '*.[ch]')
	expect 1
}

@test "states are listed once: no source names half of them in words" {
	local second=
	local names
	names=$(sed -n 's/^STATE([A-Z_]*, *"\([a-z_]*\)".*/\1/p' include/states.def | paste -sd'|')
	[ -n "$names" ]
	for file in $(find bpf user -name '*.[ch]'); do
		[ "$(grep -oE "\"($names)\"" "$file" | sort -u | wc -l)" -lt 7 ] || second="$second $file"
	done
	[ -z "$second" ] || echo "a second list of states in:$second"
	[ -z "$second" ]
}

@test "classes are listed once: no source names half of them in words" {
	local second=
	local names
	names=$(sed -n 's/^CLASS([A-Z_]*, *"\([a-z_]*\)".*/\1/p' include/classes.def | paste -sd'|')
	[ -n "$names" ]
	for file in $(find bpf user -name '*.[ch]'); do
		[ "$(grep -oE "\"($names)\"" "$file" | sort -u | wc -l)" -lt 12 ] || second="$second $file"
	done
	[ -z "$second" ] || echo "a second list of classes in:$second"
	[ -z "$second" ]
}

@test "every source says its licence in its first two lines, and what the kernel loads is GPL-2.0-only" {
	local without=
	for file in $(sources); do
		head -2 "$file" | grep -q 'SPDX-License-Identifier: ' || without="$without $file"
	done
	for file in bpf/*.[ch]; do
		head -1 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || without="$without $file"
	done
	[ -z "$without" ] || echo "no licence, or another than expected:$without"
	[ -z "$without" ]
}

@test "C sources are formatted as .clang-format says" {
	command -v clang-format >/dev/null || skip "clang-format is not installed"
	run clang-format --dry-run -Werror $(find include bpf user tests -name '*.[ch]')
	[ "$status" = 0 ] || grep -oE '^[^: ]+:[0-9]+:[0-9]+: error' <<<"$output" | cut -d: -f1 | sort | uniq -c
	[ "$status" = 0 ]
}
