#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what attach says of tests/truth/programs/attached against what that program says of itself.

usage: attach_check.py FILE.json RECORDING LEDGER
The recording has the measurement's begin and end on the clock by which the program noted its waits.
"""
import json
import sqlite3
import sys

PART, WAIT_NS = 0.01, 50_000


def main():
    run = json.load(open(sys.argv[1]))["runs"][0]
    begin, end = sqlite3.connect(sys.argv[2]).execute("SELECT begin_ns, end_ns FROM run").fetchone()
    lines = [line.split() for line in open(sys.argv[3])]
    threads = {thread["tid"]: thread for thread in run["threads"]}
    waits = {}
    for wait in run["waits"]:
        waits.setdefault(wait["tid"], []).append(wait)
    failures, spans = [], {}

    def check(condition, words):
        if not condition:
            failures.append(words)

    check(end - begin == run["wall_ns"], f"wall time {run['wall_ns']}, by the recording {end - begin}")
    for thread in threads.values():
        check(thread["residual_ns"] == 0, f"thread {thread['tid']}: residual {thread['residual_ns']}")
        check(thread["life_ns"] == run["wall_ns"], f"thread {thread['tid']} lived {thread['life_ns']} of {run['wall_ns']}")
    parked = [line for line in lines if line[0] == "parked"]
    check(len(parked) >= 9, f"{len(parked)} parked threads in the ledger")
    for _, tid, state, *cause in parked:
        cause = cause[0] if cause != ["own", "wake-up"] else "own wake-up"
        thread = threads[int(tid)]
        check(thread["states"][state] == thread["life_ns"],
              f"thread {tid} was in {state} all the time, but: {thread['states']} ({waits.get(int(tid))})")
        names = [wait["cause"] for wait in waits.get(int(tid), [])]
        check(len(names) == 1 and (cause == "-" or cause in names[0]), f"thread {tid} waited for {cause}, is said to for {names}")
    for line in lines:
        if line[0] == "span":
            tid, state, first, last = int(line[1]), line[2], int(line[3]), int(line[4])
            ns, count = spans.get((tid, state), (0, 0))
            inside = max(0, min(last, end) - max(first, begin))
            spans[tid, state] = ns + inside, count + (inside > 0)
    check(len(spans) == 3, f"{len(spans)} threads noted waits")
    for (tid, state), (ns, count) in spans.items():
        states = threads[tid]["states"]
        check(states[state] - PART * ns - WAIT_NS * count <= ns <= states[state] + states["run_queue"] + PART * ns + WAIT_NS * count,
              f"thread {tid} waited {ns} ns {count} times in {state}, is said to {states[state]} ({states['run_queue']} for a CPU)")
        check(count > 5, f"thread {tid} noted {count} waits")
    for line in lines:
        if line[0] == "busy":
            states = threads[int(line[1])]["states"]
            check(sum(states[s] for s in ("user", "cpu", "kernel", "run_queue")) == run["wall_ns"], f"{line[1]} computed, but {states}")
            check(states["user"] + states["cpu"] > states["kernel"], f"{line[1]} computed outside the kernel, but {states}")
    print("\n".join(failures))
    return bool(failures)


sys.exit(main())
