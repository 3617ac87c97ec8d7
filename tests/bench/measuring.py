# SPDX-License-Identifier: Apache-2.0
"""What the sections of bench.py share: processes that end, figures with an interval, tables, and what the machine is doing."""
import contextlib
import math
import os
import platform
import statistics
import subprocess
import tempfile
import time

SPARED = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Trouble(Exception):
    """A tool that does not do its part; the rest of the bench goes on."""


class Figure:
    """The median of some values, and an interval around it."""

    def __init__(self, values):
        ordered = sorted(values)
        n = len(ordered)
        self.median = statistics.median(ordered)
        # The largest k for which the k-th lowest and the k-th highest value enclose the median in 95% of cases.
        k, below = 0, 1 / 2**n
        while below <= 0.025:
            k += 1
            below += math.comb(n, k) / 2**n
        self.known = k > 0
        self.low, self.high = (ordered[k - 1], ordered[n - k]) if k else (ordered[0], ordered[-1])

    def text(self, form):
        return "%s [%s, %s]" % (form % self.median, form % self.low, form % self.high)

    def verdict(self, target):
        return "MISSED" if self.low > target else "met"


def started(command, **options):
    """A process that ends with the block, whatever happens in it."""

    @contextlib.contextmanager
    def living():
        try:
            process = subprocess.Popen(command, **options)
        except OSError as error:
            raise Trouble("cannot run %s: %s" % (command[0], error.strerror))
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    return living()


def run(command, **options):
    """Runs to the end; Trouble unless it succeeds."""
    with tempfile.TemporaryFile() as words:
        options = {**SPARED, "stderr": words, **options}
        with started(command, **options) as process:
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                raise Trouble("%s did not end" % command[0])
        if process.returncode:
            words.seek(0)
            said = words.read().decode(errors="replace").strip().splitlines()
            raise Trouble("%s ended with %d%s" % (command[0], process.returncode, ": " + said[-1] if said else ""))


def ask(process):
    process.stdin.write("\n")
    process.stdin.flush()


def hear(process):
    line = process.stdout.readline()
    if not line:
        raise Trouble("%s ended early" % process.args[0])
    return line


def print_table(head, rows):
    rows = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())


# --- the machine ---


def cpu_times():
    """Seconds of all CPUs: all, idle, taken by the hypervisor."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return [value / os.sysconf("SC_CLK_TCK") for value in (sum(ticks), ticks[3] + ticks[4], ticks[7])]


@contextlib.contextmanager
def section(title):
    before, began = cpu_times(), time.monotonic()
    print("\n== " + title, flush=True)
    yield
    total, _, steal = (after - then for after, then in zip(cpu_times(), before))
    print("  (%.0f s; %.1f%% of the CPUs' time was taken by the hypervisor)" % (time.monotonic() - began, 100 * steal / (total or 1)))


def describe_machine():
    before = cpu_times()
    time.sleep(1)
    total, idle, steal = (after - then for after, then in zip(cpu_times(), before))
    busy = 100 * (1 - idle / total)
    model = "?"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    print("Linux %s, %d CPUs (%s), load average %s" % (platform.release(), len(os.sched_getaffinity(0)), model,
                                                       " ".join("%.2f" % load for load in os.getloadavg())))
    print("before the first measurement: CPUs %.0f%% busy, %.1f%% of them taken by the hypervisor" % (busy, 100 * steal / total))
    if busy > 10 or os.getloadavg()[0] > 0.5 * len(os.sched_getaffinity(0)):
        print("WARNING: the machine has other work. What follows serves to try the bench, not to be quoted.")
    with contextlib.suppress(OSError), open("/proc/sys/kernel/bpf_stats_enabled") as file:
        if file.read().strip() != "0":
            print("WARNING: kernel.bpf_stats_enabled is on: every BPF program, and every BPF tool, costs more than it does without.")
