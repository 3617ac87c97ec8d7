#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check.py itself, on recordings made by hand: a right one passes, and each wrong one fails. Speaks TAP."""
import copy
import tempfile

from check import STATES, check


def waits(thread, state, cause, times):
    log2 = [0] * 40
    for ns in times:
        log2[ns.bit_length() - 1] += 1
    return {"thread": thread, "pid": 10, "tid": 9 + thread, "state": state, "cause": cause, "holder": "", "waker": "",
            "count": len(times), "timed_out": 0, "total_ns": sum(times), "max_ns": max(times), "log2_ns": log2}


def thread(ident, own_waits, user, kernel):
    states = dict.fromkeys(STATES, 0)
    states.update(user=user, kernel=kernel)
    for wait in own_waits:
        states[wait["state"]] += wait["total_ns"]
    return {"id": ident, "process": 1, "pid": 10, "tid": 9 + ident, "comm": "program", "begin_ns": 0,
            "life_ns": sum(states.values()), "states": states, "residual_ns": 0,
            "switches": {"voluntary": 20, "involuntary": 3},
            "audit": {"on_cpu_ns": user + kernel + 1000, "run_delay_ns": 0, "switches": 23}}


def right():
    first = [waits(1, "sync", "join", [400_000_000]), waits(1, "run_queue", "preempted", [70_000])]
    second = [waits(2, "lock", "orders_lock", [50_000_000, 60_000_000]), waits(2, "run_queue", "woken", [20_000, 9000])]
    threads = [thread(1, first, 30_000_000, 1_000_000), thread(2, second, 90_000_000, 2_000_000)]
    states = {state: sum(t["states"][state] for t in threads) for state in STATES}
    wall = max(t["life_ns"] for t in threads)
    cpu = states["user"] + states["kernel"] + states["cpu"]
    return {"schema": 1, "runs": [{
        "name": "program", "wall_ns": wall, "cpu_ns": cpu, "exit_status": 0,
        "processes": [{"id": 1, "pid": 10, "comm": "program", "states": states, "undelivered_ns": 0}],
        "threads": threads, "waits": first + second, "budget": {state: ns / wall for state, ns in states.items()},
        "progress_ns": cpu, "overlap": cpu / wall, "losses": {}}]}


LEDGER = """# made by hand
wait 11 lock 110300000 4 orders_lock
total lock 109900000 4
wait 10 sync 400100000 1 join
cpu 11 91500000
share 11 user 95
free 11 socket
sum 10 sync+lock 401000000 1
threads 2
processes 1
"""


def add(path, value):
    def change(run):
        *way, last = path
        for step in way:
            run = run[step]
        run[last] += value
    return change


def put(path, value):
    def change(run):
        *way, last = path
        for step in way:
            run = run[step]
        run[last] = value
    return change


WRONG = [
    ("a nanosecond of a thread is in no state", add(["threads", 0, "states", "user"], -1)),
    ("a nanosecond of a thread is in two states", add(["threads", 1, "states", "sleep"], 1)),
    ("a residual", add(["threads", 1, "residual_ns"], 1)),
    ("a state is missing", lambda run: run["threads"][0]["states"].pop("other")),
    ("a state is negative", lambda run: run["threads"][0]["states"].update(disk=-5, user=30_000_005)),
    ("a wait is longer than its state", add(["waits", 2, "total_ns"], 1)),
    ("a wait is missing", lambda run: run["waits"].pop(0)),
    ("a wait has no cause", put(["waits", 0, "cause"], "")),
    ("a wait's histogram counts less than it", add(["waits", 2, "log2_ns", 25], -1)),
    ("a wait's maximum is more than its total", put(["waits", 0, "max_ns"], 400_000_001)),
    ("a wait's maximum is too small for its total", put(["waits", 2, "max_ns"], 50_000_000)),
    ("a wait belongs to no thread", put(["waits", 1, "thread"], 7)),
    ("a thread lived longer than the run", add(["wall_ns"], -100)),
    ("a thread's process is unknown", put(["threads", 1, "process"], 2)),
    ("a process has less than its threads", add(["processes", 0, "states", "lock"], -1)),
    ("a process has more than its threads", add(["processes", 0, "states", "lock"], 1)),
    ("time was not delivered, and the process lacks it", add(["processes", 0, "undelivered_ns"], 5)),
    ("one switch was not counted", add(["threads", 1, "switches", "voluntary"], -1)),
    ("one switch was counted twice", add(["threads", 0, "switches", "involuntary"], 1)),
    ("on-CPU time is 3% less than the kernel's", add(["threads", 0, "audit", "on_cpu_ns"], 3_800_000)),
    ("on-CPU time is 3% more than the kernel's", add(["threads", 1, "audit", "on_cpu_ns"], -3_800_000)),
    ("something was lost", put(["losses"], {"thread_unfollowed": 1})),
    ("most switches were not seen", put(["losses"], {"switch_repaired": 40})),
    ("the budget is not time over wall time", add(["budget", "lock"], 0.01)),
    ("CPU time of the run is not that of its processes", add(["cpu_ns"], 1)),
    ("the overlap is not progress over wall time", add(["overlap"], 0.01)),
    ("two threads have one id", put(["threads", 1, "id"], 1)),
    ("nothing was recorded", lambda run: run.update(threads=[], waits=[], processes=[])),
]

WRONG_LEDGER = [
    ("a wait was 2% longer", "lock 110300000", "lock 112600000"),
    ("a wait was 2% shorter", "lock 110300000", "lock 107800000"),
    ("a wait was for something else", "orders_lock", "other_lock"),
    ("a wait was in another state", "wait 10 sync", "wait 10 lock"),
    ("all threads together waited longer", "total lock 109900000", "total lock 111500000"),
    ("a sum of states was more", "sync+lock 401000000", "sync+lock 405000000"),
    ("CPU time was more by the thread's own clock", "cpu 11 91500000", "cpu 11 97500000"),
    ("a smaller part of the CPU time was in a state", "user 95", "user 99"),
    ("a thread was in a state it should not be in", "free 11 socket", "free 11 lock"),
    ("there were more threads", "threads 2", "threads 3"),
    ("there were more processes", "processes 1", "processes 2"),
    ("a thread was not recorded", "wait 11", "wait 12"),
    ("it is empty", LEDGER, ""),
]


def run_check(document, text):
    with tempfile.NamedTemporaryFile("w", suffix=".ledger") as file:
        file.write(text)
        file.flush()
        return check(document, file.name).failures


def main():
    print(f"1..{1 + len(WRONG) + len(WRONG_LEDGER)}")
    failures = run_check(right(), LEDGER)
    print("not ok" if failures else "ok", 1, "- a right recording and its ledger pass")
    for words in failures:
        print("#", words)
    number = 1
    for words, change in WRONG:
        number += 1
        document = copy.deepcopy(right())
        change(document["runs"][0])
        print("ok" if run_check(document, LEDGER) else "not ok", number, "- fails when", words)
    for words, old, new in WRONG_LEDGER:
        number += 1
        assert old in LEDGER
        print("ok" if run_check(right(), LEDGER.replace(old, new)) else "not ok", number, "- fails when by the ledger", words)


main()
