#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stacks of parked threads, frame by frame, against a debugger's.

usage: stacks.py CONCPROF [--attach] [--settle SECONDS] [--restless] [--least THREADS] [--quiet] -- COMMAND...

Runs the command under concprof (or on its own, and attaches) until all its threads are blocked, asks eu-stack(1) for every thread's
stack, ends the command, and compares: for each thread, the stack of its longest wait must have the same addresses in the same objects,
all of them, in the same order. Exit status 0 when every stack is equal.
"""
import argparse
import os
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

PT_LOAD, PF_X = 1, 1


def children(pid):
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                for child in file.read().split():
                    yield int(child)
    except (FileNotFoundError, ProcessLookupError):
        pass


def tree(pid):
    pids = [pid]
    for child in children(pid):
        pids += tree(child)
    return pids


def activity(pids):
    """Switches and states of all threads: unchanged for a while means parked."""
    seen = []
    for pid in pids:
        try:
            for tid in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{tid}/status") as file:
                    text = file.read()
                seen.append((tid, re.findall(r"^(?:State|\w*ctxt_switches):\s+(\S+)", text, re.M)))
        except (FileNotFoundError, ProcessLookupError):
            seen.append(pid)
    return sorted(seen, key=str)


def wait_until_parked(root, settle, restless):
    if restless:
        time.sleep(settle + 1)
        return
    deadline = time.monotonic() + 60
    before, since = None, time.monotonic()
    while time.monotonic() < deadline:
        now = activity(tree(root))
        if now != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > settle:
            return
        time.sleep(0.1)
    sys.exit("the command does not come to rest")


def segments(path):
    """(offset, address, file bytes) of the executable segments of an ELF file."""
    with open(path, "rb") as file:
        header = file.read(64)
        offset, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(size * count)
    for i in range(count):
        kind, flags, at, address, _, length = struct.unpack_from("<IIQQQQ", table, i * size)
        if kind == PT_LOAD and flags & PF_X:
            yield at, address, length


class Maps:
    """Runtime address -> (object, the object's own address)."""

    def __init__(self, pid):
        self.ranges = []
        with open(f"/proc/{pid}/maps") as file:
            for line in file:
                fields = line.split(maxsplit=5)
                if "x" not in fields[1]:
                    continue
                start, end = (int(part, 16) for part in fields[0].split("-"))
                path = fields[5].strip() if len(fields) > 5 else ""
                bias = start if path == "[vdso]" else None
                if path.startswith("/"):
                    file_path = f"/proc/{pid}/map_files/{start:x}-{end:x}"
                    for at, address, length in segments(file_path):
                        if at - at % 4096 == int(fields[2], 16):
                            bias = start - (address - at % 4096)
                self.ranges.append((start, end, os.path.basename(path), bias))

    def find(self, address, call):
        for start, end, name, bias in self.ranges:
            if start <= address - call < end:
                return (name, address - bias) if bias is not None else ("[jit]", address)
        return "[unknown]", address


def debugger_stacks(pid):
    """{tid: [(object, address, name)]}, innermost frame first."""
    maps = Maps(pid)
    output = subprocess.run(["eu-stack", "-p", str(pid)], capture_output=True, text=True, timeout=120).stdout
    stacks, frames = {}, []
    for line in output.splitlines():
        if thread := re.match(r"TID (\d+):", line):
            frames = stacks[int(thread[1])] = []
        elif frame := re.match(r"#(\d+)\s+0x([0-9a-f]+)( - 1)?\s*(.*)", line):
            frames.append(maps.find(int(frame[2], 16), int(frame[1]) > 0) + (frame[4],))
    return stacks


def recorded_stacks(recording):
    """{tid: ([(object, address, name)], unfinished)} of each thread's longest wait."""
    db = sqlite3.connect(recording)
    parents = {i: (parent, frame) for i, parent, frame in db.execute("SELECT id, parent, frame FROM stack")}
    frames = {i: row for i, *row in db.execute("SELECT id, kind, object, address, function, inlined FROM frame")}
    result = {}
    query = """SELECT t.tid, w.stack FROM wait w JOIN thread t ON t.id = w.thread JOIN class c ON c.id = w.class
               WHERE c.name NOT IN ('preempted', 'woken', 'stopped') ORDER BY w.total_ns"""
    for tid, stack in db.execute(query):
        found, unfinished = [], False
        while stack:
            stack, frame = parents[stack]
            kind, name, address, function, inlined = frames[frame]
            unfinished |= kind == 2
            if kind == 0 and not inlined:
                found.append((name, address % 2**64, function))
        result[tid] = found, unfinished
    return result


def end(root):
    for pid in reversed(tree(root)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def measure(options, recording):
    """Runs the command and returns the debugger's stacks."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} if options.quiet else {}
    if options.attach:
        # Its input stays open: what waits at it stays parked.
        program = subprocess.Popen(options.command, stdin=subprocess.PIPE, **quiet)
        tracer = None
        wait_until_parked(program.pid, 0.5, options.restless)
        tracer = subprocess.Popen([options.concprof, "attach", "-o", recording, "-p", str(program.pid)], **quiet)
        time.sleep(1)
        root = program.pid
    else:
        tracer = subprocess.Popen([options.concprof, "run", "-o", recording, "--", *options.command], stdin=subprocess.PIPE, **quiet)
        deadline = time.monotonic() + 30
        while not (root := next(children(tracer.pid), None)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not root:
            sys.exit("the command did not start")
        time.sleep(0.5)
    wait_until_parked(root, options.settle, options.restless)
    stacks = {}
    for pid in tree(root):
        stacks.update(debugger_stacks(pid))
    end(root)
    tracer.wait(60)
    if options.attach:
        program.wait()
    return stacks


def compare(tid, truth, ours, unfinished):
    same = [frame[:2] for frame in truth] == [frame[:2] for frame in ours] and not unfinished
    if not same:
        print(f"thread {tid} differs{' (unfinished)' if unfinished else ''}:")
        for i in range(max(len(truth), len(ours))):
            left, right = (stack[i] if i < len(stack) else ("-", 0, "") for stack in (truth, ours))
            mark = " " if left[:2] == right[:2] else "!"
            print(f"  {mark} #{i:<3} {left[0]}+{left[1]:#x} {left[2]:40.40} {right[0]}+{right[1]:#x} {right[2]:40.40}")
    return same


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("concprof")
    parser.add_argument("--attach", action="store_true")
    parser.add_argument("--settle", type=float, default=1.0)
    parser.add_argument("--least", type=int, default=1, help="fail when fewer threads could be compared")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--restless", action="store_true", help="it never comes to rest, but always waits in the same places")
    split = sys.argv.index("--")
    options = parser.parse_args(sys.argv[1:split])
    options.command = sys.argv[split + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        recording = os.path.join(folder, "run.concprof")
        truth = measure(options, recording)
        ours = recorded_stacks(recording)
    compared = equal = frames = 0
    for tid, stack in sorted(truth.items()):
        if not stack:
            continue
        compared += 1
        frames += len(stack)
        equal += compare(tid, stack, *ours.get(tid, ([], True)))
    print(f"{compared} stacks compared, {frames} frames, {equal} stacks equal")
    sys.exit(compared < options.least or equal != compared)


if __name__ == "__main__":
    main()
