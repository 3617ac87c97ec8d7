#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Deliberately broken copies of account.h must fail the tests of account.h; an unbroken copy must pass them.
#
# One mutant is: words | sed script for include/account.h. Each is compiled with its own copy in front of include/.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=${B:-build}/tests/mutants
tests="account_cases account account_attach account_snapshot"
rm -rf "$work"

mutants=$(cat <<'LIST'
a switch-in does not drop the wake-up|/^ACCOUNT_FN void account_switch_in/,/^}/ s/\ta->wake_ns = 0;//
since_ns may go backwards|s/if (until > a->since_ns)/if (until != a->since_ns)/
time is charged, since_ns stays|s/\t\ta->since_ns = until;//
time passes without being charged|s/a->ns\[class % CLASS_SLOTS\] += ns;//
a charge replaces what was there|s/a->ns\[class % CLASS_SLOTS\] += ns;/a->ns[class % CLASS_SLOTS] = ns;/
a wake-up ahead of the clock is not clamped|s/if (wake == 0 || wake > now)/if (wake == 0)/
a lost wake-up counts as an early one|s/if (wake == 0 || wake > now)/if (wake > now)/
a lost wake-up is not reported|s/split->lost_wake = wake == 0;/split->lost_wake = 0;/
the first wake-up counts, not the latest|/^ACCOUNT_FN void account_wake/,/^}/ s/a->wake_ns = now;/if (!a->wake_ns) a->wake_ns = now;/
a wake-up is ignored|/^ACCOUNT_FN void account_wake/,/^}/ s/a->wake_ns = now;/(void)now;/
a switch-in charges the queue twice|s/split->queued_ns = account_charge(a, now, CLASS_WOKEN);/split->queued_ns = account_charge(a, now, CLASS_WOKEN); a->ns[CLASS_WOKEN] += split->queued_ns;/
the wait is charged up to the switch-in|s/split->blocked_ns = account_charge(a, wake, a->class);/split->blocked_ns = account_charge(a, now, a->class);/
the wait is charged to the side|s/split->blocked_ns = account_charge(a, wake, a->class);/split->blocked_ns = account_charge(a, wake, a->side);/
a wait's class is forgotten|s/\t\ta->class = class;//
the side is charged while blocked|/^ACCOUNT_FN void account_side/,/^}/ s/if (a->phase == PHASE_ON_CPU)/if (a->phase)/
the side changes without a charge|/^ACCOUNT_FN void account_side/,/^}/ s/account_charge(a, now, a->side);//
the new side is charged for the old one|/^ACCOUNT_FN void account_side/,/^}/ s/account_charge(a, now, a->side);/account_charge(a, now, side);/
a syscall edge keeps a stale wake-up|/^ACCOUNT_FN void account_side/,/^}/ s/\ta->wake_ns = 0;//
a preempted thread counts as blocked|s/a->phase = blocked ? PHASE_BLOCKED : PHASE_PREEMPTED;/a->phase = PHASE_BLOCKED;/
a blocked thread counts as preempted|s/a->phase = blocked ? PHASE_BLOCKED : PHASE_PREEMPTED;/a->phase = PHASE_PREEMPTED;/
preempted time goes to the woken|s/account_charge(a, now, CLASS_PREEMPTED)/account_charge(a, now, CLASS_WOKEN)/
a switch-in leaves the thread off the CPU|s/\t\ta->phase = PHASE_ON_CPU;//
a switch-out charges nothing|/^ACCOUNT_FN void account_switch_out/,/^}/ s/if (account_settle(a, now, split))/if (a->phase \&\& a->phase != PHASE_DEAD)/
the begin keeps an old wake-up|/^ACCOUNT_FN void account_begin/,/^}/ s/\ta->wake_ns = 0;/\ta->wake_ns = now - 1;/
the life begins before the account|/^ACCOUNT_FN void account_begin/,/^}/ s/a->begin_ns = now;/a->begin_ns = now - 1;/
the dead go on living|/^ACCOUNT_FN void account_end/,/^}/ s/\ta->phase = PHASE_DEAD;//
what has not begun counts|s/\t\treturn 0;/\t\tbreak;/
the end charges nothing|/^ACCOUNT_FN void account_end/,/^}/ s/account_settle(a, now, split);//
a wait for a CPU is not reported|s/split->queued = 1;/split->queued = 0;/
a lost wake-up is reported as a wait for a CPU|s/split->queued = wake != 0;/split->queued = 1;/
a pending signal counts as blocked|s/ \&\& (task_state \& ACCOUNT_STATE_BLOCKED)/ + 0 * task_state/
the task's own state alone decides|s/ \&\& (prev_state \& ACCOUNT_STATE_BLOCKED)/ + 0 * prev_state/
preemption counts as blocked|s/return !preempt \&\&/(void)preempt; return/
freezable counts as blocked|s/0x92ff/0xb2ff/
noload counts as blocked|s/0x92ff/0x96ff/
report bits count as blocked|s/0x92ff/0x9aff/
waking counts as not blocked|s/0x92ff/0x90ff/
the sequence stays even during an update|/^ACCOUNT_FN void account_write_begin/,/^}/ s/\ta->seq++;//; /^ACCOUNT_FN void account_write_end/,/^}/ s/\ta->seq++;/\ta->seq += 2;/
the sequence ends before the update|/^ACCOUNT_FN void account_switch_in/,/^}/ { /account_write_end/d; s/account_write_begin(a);/account_write_begin(a); account_write_end(a);/ }
a syscall edge does not count the sequence|/^ACCOUNT_FN void account_side/,/^}/ { /account_write_end/d; /account_write_begin/d }
a reader accepts an odd sequence|s/return (seq \& 1) || /return /
a thread that leaves its CPU is taken for one that was not there|/^ACCOUNT_FN void account_switch_out/,/^}/ s/account_resolve(a, 1)/account_resolve(a, 0)/
a thread that gets a CPU is taken for one that had it|/^ACCOUNT_FN void account_switch_in/,/^}/ s/account_resolve(a, 0)/account_resolve(a, 1)/
a syscall boundary does not tell where a marked thread was|/^ACCOUNT_FN void account_side/,/^}/ s/\taccount_resolve(a, 1);//
a marked thread is on a CPU at the end|s/account_resolve(a, a->found == FOUND_ON_CPU)/account_resolve(a, 1)/
the side before the first syscall boundary is guessed|/^ACCOUNT_FN void account_resolve/,/^}/ s/a->side = CLASS_CPU;//
a thread found blocked was runnable|/^ACCOUNT_FN void account_resolve/,/^}/ s/a->phase = PHASE_BLOCKED;/a->phase = PHASE_PREEMPTED;/
a thread found runnable was blocked|/^ACCOUNT_FN void account_resolve/,/^}/ s/a->phase = PHASE_PREEMPTED;/a->phase = PHASE_BLOCKED;/
a marked thread has no class|/^ACCOUNT_FN void account_mark/,/^}/ s/\ta->class = class;//
a marked thread is nowhere|/^ACCOUNT_FN void account_mark/,/^}/ s/\ta->found = found;//
time before the start counts|/^ACCOUNT_FN void account_rebase/,/^}/ s/a->ns\[i\] = 0;//
the start does not move the begin|/^ACCOUNT_FN void account_rebase/,/^}/ s/a->begin_ns = start;//
an interval goes on over the start|/^ACCOUNT_FN void account_rebase/,/^}/ s/a->since_ns = start;//
a wait that ended before the start is open|/^ACCOUNT_FN void account_rebase/,/^}/ s/a->phase = PHASE_WOKEN;/;/
a wait that ends after the start is none|/^ACCOUNT_FN void account_rebase/,/^}/ s/ \&\& a->wake_ns <= start//
a reader does not look again|s/return (seq \& 1) || .*/return (seq \& 1) != 0 \&\& a;/
LIST
)

# Builds the tests against $work/$1/account.h and runs them until one fails. 0: all passed; 1: one failed; 2: does not compile.
try()
{
	local t
	for t in $tests; do
		${CC:-gcc} -std=gnu11 -O1 -g -w -D_GNU_SOURCE -I"$work/$1" -Iinclude -include user/lib/banned.h \
			-o "$work/$1/$t" "tests/unit/test_$t.c" -lcmocka -lpthread 2>"$work/$1/log" || return 2
		# A cmocka failure is an exit status of 1..; a crash would prove nothing about the account.
		ACCOUNT_ROUNDS=1500 CMOCKA_MESSAGE_OUTPUT=TAP timeout 60 "$work/$1/$t" >"$work/$1/log" 2>&1
		case $? in
		0) ;;
		[1-9]) return 1 ;;
		*) return 3 ;;
		esac
	done
	return 0
}

number=0
report() # passed? words
{
	number=$((number + 1))
	if [ "$1" = 1 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
	fi
}

echo "1..$(($(wc -l <<<"$mutants") + 1))"
mkdir -p "$work/0" && cp include/account.h "$work/0/"
try 0
report $((! $?)) "account.h itself passes"

# Two at a time: the machine has at least two CPUs, and the verdicts are printed in order.
one()
{
	mkdir -p "$work/$1"
	sed -e "$2" include/account.h >"$work/$1/account.h"
	if cmp -s include/account.h "$work/$1/account.h"; then
		echo "unchanged" >"$work/$1/verdict"
		return
	fi
	try "$1"
	case $? in
	0) echo "survives" ;;
	1) echo "caught" ;;
	2) echo "does not compile: $(head -1 "$work/$1/log")" ;;
	*) echo "crashes or hangs" ;;
	esac >"$work/$1/verdict"
}

i=0
while IFS='|' read -r words script; do
	i=$((i + 1))
	one $i "$script" &
	[ $((i % 2)) = 0 ] && wait
done < <(sed 's/||/\x01/g' <<<"$mutants" | sed 's/|/\x02/' | sed 's/\x01/||/g; s/\x02/|/')
wait
i=0
while IFS= read -r line; do
	i=$((i + 1))
	verdict=$(cat "$work/$i/verdict")
	report "$([ "$verdict" = caught ] && echo 1 || echo 0)" "broken copy fails: ${line%%|*}"
	[ "$verdict" = caught ] || echo "# the copy $verdict (see $work/$i)"
done <<<"$mutants"
