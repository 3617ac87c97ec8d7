#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a recording (concprof --json) against itself, against the kernel's figures in it, and against a program's ledger.

usage: check.py [--allow-loss NAME]... [--steal NS] FILE.json [LEDGER]

--steal: what the hypervisor took from the machine meanwhile (/proc/stat). The kernel takes it out of a thread's on-CPU time; by the
clock, the thread had the CPU.

Prints each failed check in words; exit status 0 only if none failed. The ledger's lines are explained in programs/ledger.h.
No absolute time is asserted. A wait may differ from the ledger by 1% + 50 us a wait; what the thread waited for a CPU counts for
either side, as the program cannot tell it from the wait.
"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WAIT_PART, WAIT_NS = 0.01, 50_000
# At a switch-out the kernel's on-CPU time ends with the clock read on entering the scheduler, ours at the switch, after the next
# thread was looked for: 1 us, up to 3 us when other CPUs' queues are looked at too. And the kernel's may begin at the wake-up
# instead of the switch-in: on an idle CPU the scheduler goes by the clock that it read for the wake-up (rq_clock_skip_update() in
# wakeup_preempt(), seen on 6.18). That is part of what we call the run queue. Neither weighs anything where CPU time matters.
ON_CPU_PART, SWITCH_NS, WAKE_NS = 0.02, 3_000, 15_000
ON_CPU_FLOOR_NS = 1_000_000

REPAIRED_PART = 0.05

MOSTLY = 0.95


def states_of_the_list():
    """(name, group) from states.def, the only list."""
    with open(os.path.join(HERE, "../../include/states.def")) as file:
        return dict(re.findall(r'^STATE\(\w+,\s*"(\w+)",\s*(\w+)', file.read(), re.M))


STATES = states_of_the_list()
CPU = [name for name, group in STATES.items() if group == "CPU"]


class Checker:
    def __init__(self, steal_ns=0):
        self.failures = []
        self.checks = 0
        self.steal_ns = steal_ns

    def check(self, condition, words):
        self.checks += 1
        if not condition:
            self.failures.append(words)
        return condition

    def equal(self, found, expected, words):
        return self.check(found == expected, f"{words}: {found}, should be {expected}")


def who(thread):
    return f"thread {thread['id']} ({thread['comm']}, tid {thread['tid']})"


def on_cpu(thread):
    return sum(thread["states"][state] for state in CPU)


def check_thread(c, run, thread):
    states = thread["states"]
    if not c.equal(sorted(states), sorted(STATES), f"{who(thread)}: the states"):
        return
    for state, ns in states.items():
        c.check(isinstance(ns, int) and ns >= 0, f"{who(thread)}: {state} is {ns} ns")
    c.equal(thread["residual_ns"], 0, f"{who(thread)}: residual")
    c.equal(sum(states.values()), thread["life_ns"], f"{who(thread)}: sum of its states and its life")
    c.check(thread["life_ns"] <= run["wall_ns"], f"{who(thread)}: lived {thread['life_ns']} ns, longer than the run")


def check_waits(c, run, threads):
    sums = {}
    for wait in run["waits"]:
        thread, state = wait["thread"], wait["state"]
        words = f"wait of thread {thread} in {state} for {wait['cause']!r}"
        c.check(thread in threads, f"{words}: no such thread")
        c.check(wait["cause"] != "", f"{words}: no cause")
        c.check(state in STATES and STATES[state] != "CPU", f"{words}: not a state in which one waits")
        c.check(wait["max_ns"] <= wait["total_ns"], f"{words}: the longest is longer than all")
        c.check(wait["timed_out"] <= wait["count"], f"{words}: timed out more often than it waited")
        c.check(not wait["count"] or wait["total_ns"] <= wait["count"] * wait["max_ns"],
                f"{words}: {wait['count']} waits of at most {wait['max_ns']} ns cannot sum to {wait['total_ns']}")
        if wait["count"]:
            c.equal(sum(wait["log2_ns"]), wait["count"], f"{words}: histogram and count")
        sums[thread, state] = sums.get((thread, state), 0) + wait["total_ns"]
    for thread in threads.values():
        for state, group in STATES.items():
            if group != "CPU":
                c.equal(sums.get((thread["id"], state), 0), thread["states"][state],
                        f"{who(thread)}: sum of its waits in {state} and the state")


def check_processes(c, run):
    processes = {process["id"]: process for process in run["processes"]}
    for thread in run["threads"]:
        c.check(thread["process"] in processes, f"{who(thread)}: its process {thread['process']} is not listed")
    for process in processes.values():
        words = f"process {process['id']} ({process['comm']})"
        own = [thread for thread in run["threads"] if thread["process"] == process["id"]]
        c.equal(sum(process["states"].values()), sum(t["life_ns"] for t in own) + process["undelivered_ns"],
                f"{words}: its states, and its threads with what was not delivered")
        for state in STATES:
            threads_ns = sum(thread["states"][state] for thread in own)
            if process["undelivered_ns"] == 0:
                c.equal(process["states"][state], threads_ns, f"{words}: {state}, and that of its threads")
            else:
                c.check(process["states"][state] >= threads_ns, f"{words}: {state} is less than that of its threads")


def check_kernel(c, run):
    """What concprof did not count itself."""
    ended = [thread for thread in run["threads"] if thread.get("ended", True)]
    for thread in ended:
        counted = thread["switches"]["voluntary"] + thread["switches"]["involuntary"]
        c.equal(counted, thread["audit"]["switches"], f"{who(thread)}: switches counted, and by the kernel")
    ours, kernels = sum(map(on_cpu, ended)), sum(thread["audit"]["on_cpu_ns"] for thread in ended)
    # Programs that hardly compute say nothing about 2%: one interrupt of the hypervisor is more.
    tolerance = max(ON_CPU_PART * kernels, ON_CPU_FLOOR_NS) + SWITCH_NS * sum(thread["audit"]["switches"] + 1 for thread in ended)
    woken = sum(min(thread["states"]["run_queue"], WAKE_NS * thread["switches"]["voluntary"]) for thread in ended)
    c.check(kernels - tolerance - woken <= ours <= kernels + tolerance + c.steal_ns,
            f"on-CPU time of all threads: {ours} ns, by the kernel {kernels} ns (+- {tolerance:.0f}; {woken} ns at wake-ups; "
            f"{c.steal_ns} ns stolen)")


def check_figures(c, run):
    for state in STATES:
        total = sum(process["states"][state] for process in run["processes"])
        c.check(abs(run["budget"][state] * run["wall_ns"] - total) <= 1e-3 * total + 1e-5 * run["wall_ns"],
                f"budget of {state} is {run['budget'][state]}, but {total} ns were spent in it in {run['wall_ns']} ns")
    cpu = sum(process["states"][state] for process in run["processes"] for state in CPU)
    c.equal(run["cpu_ns"], cpu, "CPU time of the run, and of its processes")
    c.check(abs(run["overlap"] * run["wall_ns"] - run["progress_ns"]) <= 1e-3 * run["progress_ns"] + 1000,
            f"overlap {run['overlap']} is not progress over wall time")


def check_run(c, run, allowed):
    threads = {thread["id"]: thread for thread in run["threads"]}
    c.equal(len(threads), len(run["threads"]), "threads with different ids")
    c.check(threads, "no thread was recorded")
    for thread in run["threads"]:
        check_thread(c, run, thread)
    if c.failures:
        return
    check_waits(c, run, threads)
    check_processes(c, run)
    check_kernel(c, run)
    check_figures(c, run)
    switches = sum(thread["audit"]["switches"] for thread in run["threads"] if thread["audit"])
    for name, number in run["losses"].items():
        # Not seen by a probe, and taken from the kernel's account (abi.h): an exception, not the rule.
        repaired = name.endswith("_repaired") and number <= 20 + REPAIRED_PART * switches
        c.check(repaired or name in allowed, f"lost: {name} {number}")


class Ledger:
    def __init__(self, c, run, path):
        self.c, self.run = c, run
        with open(path) as file:
            self.lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
        c.check(self.lines, "the ledger is empty")

    def check(self):
        for name, *values in self.lines:
            getattr(self, "line_" + name)(*values)

    def thread(self, tid):
        """The thread with that tid; a process that exec'd may have had two: then the one that lived longest."""
        found = [thread for thread in self.run["threads"] if thread["tid"] == int(tid)]
        if not self.c.check(found, f"the ledger's thread {tid} was not recorded"):
            return None
        return max(found, key=lambda thread: thread["life_ns"])

    def compare(self, words, found, expected, count, slack):
        tolerance = WAIT_PART * expected + WAIT_NS * count
        self.c.check(expected - tolerance - slack <= found <= expected + tolerance,
                     f"{words}: {found} ns, by the ledger {expected} ns (+- {tolerance:.0f}; {slack} ns without a CPU)")

    @staticmethod
    def not_seen(thread):
        """What a program cannot tell from its wait: that it waited for a CPU, and that the hypervisor took the CPU away."""
        stolen = max(0, on_cpu(thread) - thread["audit"]["on_cpu_ns"]) if thread["audit"] else 0
        return thread["states"]["run_queue"] + stolen

    def waits(self, ids, states, cause):
        return [wait for wait in self.run["waits"]
                if wait["thread"] in ids and wait["state"] in states and (cause == "-" or cause in wait["cause"].replace(" ", "_"))]

    def line_wait(self, tid, state, ns, count, cause):
        thread = self.thread(tid)
        if thread is None:
            return
        waits = self.waits({thread["id"]}, state.split("+"), cause)
        found = sum(wait["total_ns"] for wait in waits)
        seen = max(int(count), sum(wait["count"] for wait in waits))
        has = ", ".join(f"{w['state']} {w['cause']!r} {w['total_ns']}" for w in self.waits({thread["id"]}, STATES, "-"))
        self.compare(f"{who(thread)}: {state}{'' if cause == '-' else ' for ' + cause} [it has: {has}]", found, int(ns), seen,
                     self.not_seen(thread))

    def line_sum(self, tid, states, ns, count):
        thread = self.thread(tid)
        if thread:
            found = sum(thread["states"][state] for state in states.split("+"))
            self.compare(f"{who(thread)}: {states}", found, int(ns), int(count), self.not_seen(thread))

    def line_total(self, state, ns, count):
        found = sum(thread["states"][state] for thread in self.run["threads"])
        self.compare(f"all threads: {state}", found, int(ns), int(count),
                     sum(map(self.not_seen, self.run["threads"])))

    def line_cpu(self, tid, ns):
        """By the thread's own clock, at its last statement but one: 2%, and what starting and ending it takes."""
        thread = self.thread(tid)
        if thread:
            found, expected = on_cpu(thread), int(ns)
            self.c.check(abs(found - expected) <= 2 * ON_CPU_PART * expected + 1_000_000 + self.c.steal_ns,
                         f"{who(thread)}: on CPU {found} ns, by its own clock {expected} ns")

    def line_share(self, tid, state, percent):
        thread = self.thread(tid)
        if thread and self.run.get("no_syscalls") is not True and not thread["states"]["cpu"]:
            share = 100 * thread["states"][state] / max(on_cpu(thread), 1)
            self.c.check(share >= float(percent), f"{who(thread)}: {share:.1f}% of its CPU time in {state}, should be {percent}%")

    def line_holder(self, tid, cause, name):
        self.mostly(tid, cause, "holder", name)

    def line_waker(self, tid, cause, name):
        self.mostly(tid, cause, "waker", name)

    def mostly(self, tid, cause, fact, name):
        """Of the thread's waits for that cause, all but MOSTLY had this holder or waker."""
        thread = self.thread(tid)
        if thread:
            waits = self.waits({thread["id"]}, STATES, cause)
            # A wake-up that nobody's probe saw has no waker, and is told as repaired: such waits say nothing.
            unseen = [wait for wait in waits if fact == "waker" and not wait[fact]]
            if sum(wait["count"] for wait in unseen) <= self.run["losses"].get("wake_repaired", 0):
                waits = [wait for wait in waits if wait not in unseen]
            right = sum(wait["total_ns"] for wait in waits if wait[fact] == name)
            total = sum(wait["total_ns"] for wait in waits)
            self.c.check(total > 0 and right >= MOSTLY * total,
                         f"{who(thread)}: {fact} {name} in {right} of {total} ns for {cause} "
                         f"[it has: {', '.join(sorted({wait[fact] for wait in waits}))}]")

    def line_free(self, tid, state):
        thread = self.thread(tid)
        if thread:
            self.c.check(thread["states"][state] <= WAIT_NS, f"{who(thread)}: {thread['states'][state]} ns in {state}")

    def line_threads(self, count):
        self.c.equal(len(self.run["threads"]), int(count), "threads recorded")

    def line_processes(self, count):
        self.c.equal(len(self.run["processes"]), int(count), "processes recorded")


def check(document, ledger=None, allowed=(), steal_ns=0):
    c = Checker(steal_ns)
    c.equal(document["schema"], 1, "schema")
    for run in document["runs"]:
        check_run(c, run, allowed)
    c.check(document["runs"], "no run was recorded")
    if ledger and not c.failures:
        Ledger(c, document["runs"][-1], ledger).check()
    return c


def main(args):
    allowed, steal_ns = [], 0
    while args and args[0].startswith("--"):
        option, value, args = args[0], args[1], args[2:]
        if option == "--allow-loss":
            allowed.append(value)
        elif option == "--steal":
            steal_ns = int(value)
    with open(args[0]) as file:
        document = json.load(file)
    c = check(document, args[1] if len(args) > 1 else None, allowed, steal_ns)
    for words in c.failures[:40]:
        print(words)
    if len(c.failures) > 40:
        print(f"... and {len(c.failures) - 40} more")
    print(f"{c.checks} checks, {len(c.failures)} failed")
    return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
