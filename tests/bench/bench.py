#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What measuring costs. Prints figures beside their targets; never fails because of a time.

usage: bench.py [--quick] [--only SECTION]    as root; SECTION is one of: probes, ratios, start, models

Times vary from run to run, and machines have other work: whatever is compared is run in pairs, one right beside the other, and a figure
is the median of the pairs with an interval that holds the true median in at least 95% of cases, whatever the distribution (order
statistics). A target is missed when the whole interval lies beyond it.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # run as root, it would leave a folder of root's here

from measuring import Figure, SPARED, Trouble, ask, describe_machine, hear, print_table, run, section, started

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("B", "build"))
CONCPROF = os.environ.get("CONCPROF") or os.path.join(ROOT if BUILD == os.path.join(ROOT, "build") else BUILD, "concprof")
HELPERS = os.path.join(BUILD, "tests/bench")
PINGPONG, STAMP, EMPTY = (os.path.join(HELPERS, name) for name in ("pingpong", "stamp", "empty_probes"))

TARGET_SWITCH_NS, TARGET_EDGE_NS = 150, 60
TARGET_RATIO, TARGET_RATIO_NO_SYSCALLS, TARGET_RATIO_MODEL = 1.25, 1.10, 1.02
TARGET_RATIO_STACKS, TARGET_RATIO_TIMELINE = 1.40, 1.50
TARGET_START_MS, TARGET_END_MS = 60, 200

# What one round trip of pingpong.c is made of.
SWITCHES, WAKES, ENTRIES = 2, 2, 4

# --- 1. ns in our programs ---

HOOKS = ("sched_switch", "sched_waking", "sys_enter", "sys_exit")  # as empty_probes.c orders them
PROGRAMS = dict(zip(HOOKS, ("on_switch", "on_waking", "on_sys_enter", "on_sys_exit")))
PER_ROUND_TRIP = dict(zip(HOOKS, (SWITCHES, WAKES, ENTRIES, ENTRIES)))


def fdinfo(pid):
    """What the kernel says of each descriptor of a process: a dictionary each."""
    folder = "/proc/%d/fdinfo" % pid
    for name in os.listdir(folder):
        with contextlib.suppress(OSError), open(os.path.join(folder, name)) as file:
            yield dict((part.strip() for part in line.split(":", 1)) for line in file if ":" in line)


class Programs:
    """The BPF programs of one process, found by the descriptors it holds: other instances on the machine are not taken for it."""

    def __init__(self, pid):
        self.pid = pid
        self.hook_of = {about["prog_id"]: about["tp_name"] for about in fdinfo(pid) if about.get("tp_name") in HOOKS}

    def read(self):
        """{hook: (runs, ns)}"""
        return {self.hook_of[about["prog_id"]]: (int(about["run_cnt"]), int(about["run_time_ns"]))
                for about in fdinfo(self.pid) if "run_cnt" in about and about["prog_id"] in self.hook_of}

    def sizes(self):
        """{hook: bytes of machine code}"""
        sizes = {}
        for program, hook in self.hook_of.items():
            with contextlib.suppress(OSError, ValueError, KeyError, subprocess.SubprocessError):
                sizes[hook] = json.loads(subprocess.check_output(["bpftool", "-j", "prog", "show", "id", program]))["bytes_jited"]
        return sizes


def read_empty(empty):
    ask(empty)
    values = [int(word) for word in hear(empty).split()]
    return {hook: (values[2 * i], values[2 * i + 1]) for i, hook in enumerate(HOOKS)}


def since(after, before):
    return {hook: (after[hook][0] - before[hook][0], after[hook][1] - before[hook][1]) for hook in after}


def net_ns(total, empty, hook):
    """ns in the program without what an empty program is said to take, all runs together."""
    runs, ns = total[hook]
    empty_runs, empty_ns = empty[hook]
    return ns - runs * empty_ns / max(empty_runs, 1)


def probes_once(round_trips):
    """One run of the ping-pong under concprof. {hook: (ns of a followed event, ns of another's event, ns of an empty program, runs)}"""
    with started([EMPTY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as empty:
        with started([CONCPROF, "run", "--", PINGPONG, "-w", str(round_trips)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                     stderr=subprocess.DEVNULL, text=True) as concprof:
            hear(concprof)
            programs = Programs(concprof.pid)
            marks = [(programs.read(), read_empty(empty))]
            run([PINGPONG, str(round_trips)])  # nobody follows this one
            marks.append((programs.read(), read_empty(empty)))
            ask(concprof)
            hear(concprof)
            marks.append((programs.read(), read_empty(empty)))
            ask(concprof)
            concprof.wait(60)
    others, others_empty = (since(marks[1][i], marks[0][i]) for i in (0, 1))
    ours, ours_empty = (since(marks[2][i], marks[1][i]) for i in (0, 1))
    result = {}
    for hook in ours:
        other_ns = net_ns(others, others_empty, hook) / max(others[hook][0], 1)
        followed = round_trips * PER_ROUND_TRIP[hook]
        # Others ran meanwhile, too.
        ns = (net_ns(ours, ours_empty, hook) - max(ours[hook][0] - followed, 0) * other_ns) / followed
        result[hook] = (ns, other_ns, ours_empty[hook][1] / max(ours_empty[hook][0], 1), ours[hook][0] / followed)
    return result


def code_sizes():
    with started([CONCPROF, "run", "--", PINGPONG, "-w", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                 text=True) as concprof:
        hear(concprof)
        return Programs(concprof.pid).sizes()


def bench_probes(quick, findings):
    repeats, round_trips = (8, 10000) if quick else (20, 20000)
    with section("ns in our programs: pinned ping-pong, %d runs of %d round trips" % (repeats, round_trips)):
        sizes = code_sizes()
        results = [probes_once(round_trips) for _ in range(repeats)]
        rows = []
        for hook in HOOKS:
            figures = [Figure([result[hook][i] for result in results]) for i in range(4)]
            rows.append(["%s (%s)" % (PROGRAMS[hook], hook), figures[0].text("%.0f"), figures[1].text("%.0f"), figures[2].text("%.0f"),
                         "%.2f" % figures[3].median, sizes.get(hook, "?")])
        print_table(["ns a run", "followed", "not followed", "empty program", "runs/event", "code bytes"], rows)
        switch = Figure([result["sched_switch"][0] + result["sched_waking"][0] * WAKES / SWITCHES for result in results])
        edge = Figure([(result["sys_enter"][0] + result["sys_exit"][0]) / 2 for result in results])
        print("  a context switch (on_switch + on_waking): %s ns; target %d: %s" % (switch.text("%.0f"), TARGET_SWITCH_NS,
                                                                                   switch.verdict(TARGET_SWITCH_NS)))
        print("  a syscall edge (entry or exit):           %s ns; target %d: %s" % (edge.text("%.0f"), TARGET_EDGE_NS,
                                                                                   edge.verdict(TARGET_EDGE_NS)))
        print("  How: by the kernel's statistics of BPF run time. What they show for an empty program on the same hook in the same run is\n"
              "  taken off: reading the clock, and the call. What events of others on the machine cost was measured with a ping-pong that\n"
              "  is not followed, and is taken off by their number (runs/event: 1 if there were none). The tracepoint's own path to a\n"
              "  program is not in these figures; it is in the ratios.")
        findings["switch"], findings["edge"] = switch, edge


# --- 2. ratios ---


def timed(command, folder, **options):
    """ns per round trip, as the ping-pong at the end of `command` says; {round_trips} is in it already."""
    path = os.path.join(folder, "figure")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    run(command, cwd=folder, **options)
    try:
        with open(path) as file:
            return float(file.read())
    except (OSError, ValueError):
        raise Trouble("%s: the ping-pong under it gave no figure" % command[0])


def pingpong(round_trips):
    return [PINGPONG, "-o", "figure", str(round_trips)]


class Tool:
    """A tracer that starts the ping-pong by itself."""

    def __init__(self, name, command, gives, target=None, part=1.0, record=None):
        self.name, self.command, self.gives, self.target, self.part, self.record = name, command, gives, target, part, record
        self.bytes_per_switch = None

    def installed(self):
        return shutil.which(self.command[0]) is not None

    def time(self, round_trips, folder):
        ns = timed(self.command + pingpong(round_trips), folder)
        if self.record:
            self.bytes_per_switch = os.path.getsize(os.path.join(folder, self.record)) / (round_trips * SWITCHES)
        return ns


class CommandTool(Tool):
    """The command is one argument."""

    def time(self, round_trips, folder):
        return timed(self.command + [" ".join(pingpong(round_trips))], folder)


class WatchingTool(Tool):
    """Runs beside it and watches the whole machine, until interrupted."""

    def time(self, round_trips, folder):
        with started(self.command, cwd=folder, **SPARED) as tool:
            deadline = time.monotonic() + 20
            while not any("link_type" in about for about in fdinfo(tool.pid)):
                if tool.poll() is not None or time.monotonic() > deadline:
                    raise Trouble("%s did not attach" % self.command[0])
                time.sleep(0.01)
            time.sleep(0.1)
            ns = timed(pingpong(round_trips), folder)
            if tool.poll() is not None:
                raise Trouble("%s ended early" % self.command[0])
            tool.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                tool.wait(20)
        return ns


# As such scripts are written: one time stamp in a map at switch-out, one subtracted at switch-in.
BPFTRACE = ("tracepoint:sched:sched_switch { @out[args->prev_pid] = nsecs; $since = @out[args->next_pid];"
            " if ($since) { @off[args->next_comm] = sum(nsecs - $since); delete(@out[args->next_pid]); } }")


def tools():
    offcputime = shutil.which("offcputime", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
    return [
        Tool("concprof", [CONCPROF, "run", "--"],
             "every thread's life by state, each wait in time, what for, its stack, who ended it, sampled CPU stacks, why",
             TARGET_RATIO_TIMELINE),
        Tool("concprof --no-timeline", [CONCPROF, "run", "--no-timeline", "--"], "the same, but sums of waits only", TARGET_RATIO_STACKS),
        Tool("concprof --no-syscalls", [CONCPROF, "run", "--no-syscalls", "--"],
             "everything; user and kernel CPU not apart", None),
        Tool("... --no-timeline --no-stacks", [CONCPROF, "run", "--no-timeline", "--no-stacks", "--"], "the account alone", TARGET_RATIO),
        Tool("... and --no-syscalls", [CONCPROF, "run", "--no-timeline", "--no-stacks", "--no-syscalls", "--"],
             "the account; user and kernel CPU not apart", TARGET_RATIO_NO_SYSCALLS),
        Tool("perf sched record", ["perf", "sched", "record", "-o", "sched.data"],
             "every scheduler event in a file, waiting and run-queue times after the fact; no causes", part=0.5, record="sched.data"),
        WatchingTool("offcputime", [offcputime or "offcputime"],
                     "blocked time by stack; no run queue, no CPU time, no names of what is waited for", part=0.5),
        CommandTool("bpftrace, 2 time stamps", ["bpftrace", "-e", BPFTRACE, "-c"],
                    "off-CPU time by command, blocked and waiting for a CPU together", part=0.5),
        Tool("strace -c -f", ["strace", "-c", "-f", "-o", "/dev/null"], "count and CPU time of each syscall", part=0.05),
    ]


def pair(tool, round_trips, folder, tool_first):
    """(untraced, traced) in ns per round trip; which comes first alternates, so that a trend of the machine favours neither."""
    if tool_first:
        traced = tool.time(round_trips, folder)
        return timed(pingpong(round_trips), folder), traced
    base = timed(pingpong(round_trips), folder)
    return base, tool.time(round_trips, folder)


def bench_ratios(quick, findings):
    pairs, round_trips = (10, 10000) if quick else (25, 20000)
    with section("ratios: pinned ping-pong, traced / untraced, interleaved pairs"), tempfile.TemporaryDirectory() as folder:
        present = [tool for tool in tools() if tool.installed()]
        found = {tool: [] for tool in present}
        for i in range(pairs):
            for tool in list(found):
                # Others' medians need no more than a glance.
                if tool.target is None and len(found[tool]) >= (6 if quick else 12):
                    continue
                try:
                    found[tool].append(pair(tool, max(int(round_trips * tool.part), 500), folder, i % 2 == 1))
                except Trouble as trouble:
                    print("  %s: left out: %s" % (tool.name, trouble))
                    del found[tool]
        rows = []
        for tool, times in found.items():
            ratio = Figure([traced / base for base, traced in times])
            more = Figure([(traced - base) / SWITCHES for base, traced in times])
            findings.setdefault("tools", []).append((tool, ratio))
            rows.append([tool.name, len(times), ratio.text("%.2f"), "%.0f" % statistics.median(base for base, _ in times),
                         more.text("%.0f"),
                         "<= %.2f: %s" % (tool.target, ratio.verdict(tool.target)) if tool.target else ""])
        print_table(["", "pairs", "ratio", "untraced ns", "ns more a switch", "target"], rows)
        print("  A round trip: %d switches and %d syscalls. \"ns more a switch\": half of what a round trip takes longer, syscalls and all."
              % (SWITCHES, ENTRIES))
        for tool in tools():
            if not tool.installed():
                print("  not installed: " + tool.command[0])


# --- 3. start and end ---


def spawn_times(prefix):
    """ms from just before the start to the program's first action, and from then to the end."""
    before = time.monotonic_ns()
    with started(prefix + [STAMP], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        process.wait(60)
        after = time.monotonic_ns()
        stamp = process.stdout.read()
    if process.returncode or not stamp:
        raise Trouble("%s ended with %d" % (prefix[0] if prefix else STAMP, process.returncode))
    return (int(stamp) - before) / 1e6, (after - int(stamp)) / 1e6


def bench_start(quick, findings):
    repeats = 15 if quick else 31
    commands = [("untraced", []), ("concprof", [CONCPROF, "run", "--"]),
                ("concprof --no-syscalls", [CONCPROF, "run", "--no-syscalls", "--"])]
    with section("start and end: a program that prints the time and ends, %d times" % repeats):
        times = {name: [] for name, _ in commands}
        for _ in range(repeats):
            for name, command in commands:
                times[name].append(spawn_times(command))
        rows = []
        for name, values in times.items():
            start, end = (Figure([value[i] for value in values]) for i in (0, 1))
            rows.append([name, start.text("%.1f"), end.text("%.1f")])
            if name == "concprof":
                findings["start"], verdicts = start, (start.verdict(TARGET_START_MS), end.verdict(TARGET_END_MS))
        print_table(["ms", "start to first action", "first action to tracer's end"], rows)
        print("  targets, concprof: %d ms: %s; %d ms: %s" % (TARGET_START_MS, verdicts[0], TARGET_END_MS, verdicts[1]))


# --- 4. models ---

MODELS = [
    ("serial-io", ["--rounds=7"]),
    ("threads-io", ["--rounds=30"]),
    ("session-io", ["--rounds=30"]),
    ("async-io", ["--rounds=30"]),
    ("serial-cpu", ["--iterations=100000"]),
    ("threads-cpu", ["--iterations=100000"]),
    ("processes-cpu", ["--iterations=150000"]),
]


def model_untraced(model, options):
    words = subprocess.run([CONCPROF, model, "--untraced"] + options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, timeout=120).stdout.split()
    if len(words) != 3:
        raise Trouble("%s --untraced gave no time" % model)
    return float(words[1])


def model_traced(model, options, folder):
    path = os.path.join(folder, "run.json")
    run([CONCPROF, model, "--no-baseline", "--json", path] + options)
    with open(path) as file:
        return json.load(file)["runs"][0]["wall_ns"] / 1e9


def bench_models(quick, findings):
    pairs = 6 if quick else 10
    with section("models: wall time under concprof / untraced, %d interleaved pairs" % pairs), tempfile.TemporaryDirectory() as folder:
        found = {model: [] for model, _ in MODELS}
        for i in range(pairs):
            for model, options in MODELS:
                if i % 2:
                    traced = model_traced(model, options, folder)
                    untraced = model_untraced(model, options)
                else:
                    untraced = model_untraced(model, options)
                    traced = model_traced(model, options, folder)
                found[model].append((untraced, traced))
        rows = []
        for model, options in MODELS:
            ratio = Figure([traced / untraced for untraced, traced in found[model]])
            rows.append([model, " ".join(options), "%.2f" % statistics.median(untraced for untraced, _ in found[model]), ratio.text("%.3f"),
                         "<= %.2f: %s" % (TARGET_RATIO_MODEL, ratio.verdict(TARGET_RATIO_MODEL))])
            findings.setdefault("models", []).append((model, ratio))
        print_table(["", "", "untraced s", "ratio", "target"], rows)


# --- 5. summary ---


def summary(findings):
    if not findings:
        return
    print("\n== what the cost buys")
    for tool, ratio in findings.get("tools", []):
        size = ", %.0f bytes a switch on disk" % tool.bytes_per_switch if tool.bytes_per_switch else ""
        print("  %-24s %5.2fx%s: %s" % (tool.name, ratio.median, size, tool.gives))
    parts = []
    if "switch" in findings:
        parts += ["%.0f ns a switch" % findings["switch"].median, "%.0f ns a syscall edge" % findings["edge"].median]
    if "start" in findings:
        parts.append("%.0f ms until the program starts" % findings["start"].median)
    if "models" in findings:
        model, ratio = max(findings["models"], key=lambda item: item[1].median)
        parts.append("at most %.3fx on a model (%s)" % (ratio.median, model))
    if parts:
        print("  concprof: " + ", ".join(parts))


SECTIONS = {"probes": bench_probes, "ratios": bench_ratios, "start": bench_start, "models": bench_models}


def main():
    parser = argparse.ArgumentParser(description="What measuring costs.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter repeats")
    parser.add_argument("--only", choices=SECTIONS, metavar="SECTION", help="one of: " + ", ".join(SECTIONS))
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("bench: this needs root")
    for path in (CONCPROF, PINGPONG, STAMP, EMPTY):
        if not os.access(path, os.X_OK):
            sys.exit("bench: %s is missing: `make bench` builds it" % os.path.relpath(path))
    # Under sudo the measured program would run as the user who called it, and could not write its figure.
    for name in ("SUDO_USER", "SUDO_UID", "SUDO_GID", "SUDO_COMMAND"):
        os.environ.pop(name, None)
    # A termination cleans up as an interrupt does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    describe_machine()
    findings, status = {}, 0
    for name, bench in SECTIONS.items():
        if options.only in (None, name):
            try:
                bench(options.quick, findings)
            except Trouble as trouble:
                print("  not measured: %s" % trouble)
                status = 1
    summary(findings)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted")
        sys.exit(130)
