#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether what is exported for other viewers says what the account says.

usage: viewers_check.py speedscope|dom|dom-flat|pprof|top|perfetto|chrome|csv ACCOUNT FILE

ACCOUNT is what `concprof report --json` wrote; of several runs the last counts, as in the exports. FILE is the export; for pprof and perfetto
what `protoc --decode` made of it, for top what `go tool pprof -top -unit=ns` printed, for dom speedscope's page of
one profile of all, for dom-flat of the first thread's intervals.
"""
import collections
import csv
import json
import re
import sys

ON_CPU = ("user", "kernel", "cpu")


def account(path):
    with open(path) as file:
        return json.load(file)["runs"][-1]


def lives(run):
    """By tid: a thread that execs takes its leader's, and then there are two of it."""
    result = collections.Counter()
    for thread in run["threads"]:
        result[thread["tid"]] += thread["life_ns"]
    return result


def whole(run):
    return sum(process["undelivered_ns"] for process in run["processes"]) + sum(lives(run).values())


def in_time(run):
    """The states of each thread as a timeline knows them: on a CPU without its sides."""
    states = collections.defaultdict(collections.Counter)
    for thread in run["threads"]:
        for state, ns in thread["states"].items():
            states[thread["tid"]]["cpu" if state in ON_CPU else state] += ns
    return {tid: dict(+mine) for tid, mine in states.items()}


def tid_of(number, name):
    """Of two threads with one tid in a process the second has another number, and the tid in its name."""
    said = re.search(r" \(tid (\d+)\)$", name)
    return int(said[1]) if said else number


def equal(what, ours, theirs):
    if ours == theirs:
        return
    if isinstance(ours, dict):
        key = next(key for key in [*ours, *theirs] if ours.get(key) != theirs.get(key))
        what, ours, theirs = f"{what}, {key}", ours.get(key), theirs.get(key)
    sys.exit(f"{what}: the account has {ours}, the export {theirs}")


# --- stacks ---


def check_speedscope(run, path):
    with open(path) as file:
        whole_file = json.load(file)
    frames = len(whole_file["shared"]["frames"])
    total, by_thread = 0, collections.Counter()
    for profile in whole_file["profiles"]:
        equal("weights", len(profile["samples"]), len(profile["weights"]))
        assert all(stack and all(0 <= frame < frames for frame in stack) for stack in profile["samples"])
        equal("end", sum(profile["weights"]), profile["endValue"] - profile["startValue"])
        total += sum(profile["weights"])
        tid = re.search(r"\((\d+)\)$", profile["name"])
        by_thread[tid and int(tid[1])] += sum(profile["weights"])
    # Of many threads, processes are the profiles.
    if len(whole_file["profiles"]) == len(run["threads"]):
        equal("speedscope by thread", lives(run), by_thread)
    equal("all profiles", whole(run), total)


UNITS = {"ns": 1, "us": 1e3, "\u00b5s": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9}


def dom_rows(path):
    """(all, own) of each row of the page's table in ns, and by how much the digits shown may be off."""
    with open(path) as file:
        text = re.sub(r"<style.*?</style>", "", file.read(), flags=re.S)
    cells = [cell for cell in re.sub(r"<[^>]+>", "\n", text).split("\n") if cell.strip()]
    figure = re.compile(r"^([0-9.]+)(ns|us|\u00b5s|ms|s|min) \(")
    at, rows, doubt = cells.index("Symbol Name") + 1, [], 0
    while at + 2 < len(cells) and figure.match(cells[at]):
        both = [figure.match(cell) for cell in cells[at : at + 2]]
        rows.append([float(match[1]) * UNITS[match[2]] for match in both])
        doubt += 0.5 * 10 ** -len(both[1][1].partition(".")[2]) * UNITS[both[1][2]]
        at += 3
    assert len(rows) > 2, cells[:80]
    return rows, doubt


def check_dom(run, path):
    """Own times of all names sum to the whole. Rows below the edge of the window are not in the page: they are the smallest."""
    rows, doubt = dom_rows(path)
    total = sum(own for _, own in rows)
    if not 0.98 * whole(run) - doubt <= total <= whole(run) + doubt:
        sys.exit(f"speedscope shows {total} ns in {len(rows)} rows, the account has {whole(run)}")


def check_dom_flat(run, path):
    """Of the first thread alone, in intervals: none is inside another."""
    rows, doubt = dom_rows(path)
    total = sum(own for _, own in rows)
    assert all(everything == own for everything, own in rows), rows
    first = run["threads"][0]["life_ns"]
    if not 0.98 * first - doubt <= total <= first + doubt:
        sys.exit(f"speedscope shows {total} ns, the thread lived {first}")


def text_format(lines):
    """protoc's text form as nested lists of (name, value)."""
    stack = [[]]
    for line in lines:
        line = line.strip()
        if line.endswith("{"):
            stack[-1].append((line[:-1].strip(), []))
            stack.append(stack[-1][-1][1])
        elif line == "}":
            stack.pop()
        elif line:
            name, value = line.split(": ", 1)
            stack[-1].append((name, value[1:-1] if value.startswith('"') else int(value) if re.match(r"^-?\d+$", value) else value))
    assert len(stack) == 1
    return stack[0]


def one(message, name, default=None):
    return next((value for key, value in message if key == name), default)


def every(message, name):
    return [value for key, value in message if key == name]


def check_pprof(run, path):
    with open(path) as file:
        profile = text_format(file)
    strings = every(profile, "string_table")
    equal("first string", "", strings[0])
    locations = {one(location, "id"): location for location in every(profile, "location")}
    functions = {one(function, "id") for function in every(profile, "function")}
    mappings = {one(mapping, "id") for mapping in every(profile, "mapping")}
    for location in locations.values():
        assert one(location, "mapping_id", 0) in mappings | {0}
        assert all(one(line, "function_id") in functions for line in every(location, "line"))
    by_thread, total, by_state = collections.Counter(), 0, collections.Counter()
    for sample in every(profile, "sample"):
        _, ns = every(sample, "value")
        labels = {strings[one(label, "key")]: label for label in every(sample, "label")}
        assert every(sample, "location_id") and all(location in locations for location in every(sample, "location_id"))
        total += ns
        by_state[strings[one(labels["state"], "str")]] += ns
        if "tid" in labels:
            by_thread[one(labels["tid"], "num")] += ns
    equal("pprof", whole(run), total)
    equal("pprof by thread", lives(run), by_thread)
    states = collections.Counter()
    for process in run["processes"]:
        states.update(process["states"])
    equal("pprof by state", {state: ns for state, ns in states.items() if ns}, dict(by_state))


def check_top(run, path):
    with open(path) as file:
        lines = file.read().split("\n")
    rows = [line.split() for line in lines if re.match(r"^\s*\d+(ns)?\s+[0-9.e-]+%\s+[0-9.e-]+%", line)]
    assert len(rows) > 2, lines[:5]
    equal("go tool pprof -top", whole(run), sum(int(row[0].removesuffix("ns")) for row in rows))


# --- in time ---


def check_perfetto(run, path):
    with open(path) as file:
        packets = every(text_format(file), "packet")
    names = {"event_categories": {}, "event_names": {}, "debug_annotation_names": {}, "debug_annotation_string_values": {}}
    tids, counters, open_at, states = {}, {}, {}, collections.defaultdict(collections.Counter)
    last, level, integral, flows, landed, numbers = {}, collections.Counter(), collections.Counter(), set(), 0, set()
    for packet in packets:
        for kind in names:
            for entry in every(one(packet, "interned_data", []), kind):
                assert one(entry, "iid") not in names[kind]
                names[kind][one(entry, "iid")] = one(entry, "name", one(entry, "str"))
        track = one(packet, "track_descriptor")
        if track:
            if one(track, "thread"):
                thread = one(track, "thread")
                key = one(thread, "pid"), one(thread, "tid")
                assert key not in numbers, "two tracks of one thread"
                numbers.add(key)
                tids[one(track, "uuid")] = tid_of(key[1], one(thread, "thread_name", ""))
            if one(track, "counter"):
                counters[one(track, "uuid")] = one(track, "name").removeprefix("threads: ")
        event, at = one(packet, "track_event"), one(packet, "timestamp")
        if not event:
            continue
        uuid, kind = one(event, "track_uuid"), one(event, "type")
        if kind == "TYPE_COUNTER":
            integral[counters[uuid]] += level[uuid] * (at - last.get(uuid, at))
            level[uuid], last[uuid] = one(event, "counter_value"), at
        elif kind == "TYPE_SLICE_BEGIN":
            assert uuid not in open_at, "slices overlap"
            assert last.get(uuid, at) == at, "a gap between slices"
            open_at[uuid] = at, names["event_categories"][one(event, "category_iids")]
            assert names["event_names"][one(event, "name_iid")]
        elif kind == "TYPE_SLICE_END":
            began, state = open_at.pop(uuid)
            assert at > began
            states[tids[uuid]][state] += at - began
            last[uuid] = at
        for note in every(event, "debug_annotations"):
            assert one(note, "name_iid") in names["debug_annotation_names"]
            assert one(note, "string_value_iid") in names["debug_annotation_string_values"]
        for flow in every(event, "flow_ids"):
            assert flow not in flows
            flows.add(flow)
        for flow in every(event, "terminating_flow_ids"):
            flows.remove(flow)
            landed += 1
    assert not open_at and not flows and not +level
    equal("Perfetto's slices", in_time(run), {tid: dict(mine) for tid, mine in states.items()})
    equal("Perfetto's counters", dict(sum(map(collections.Counter, in_time(run).values()), collections.Counter())), dict(integral))
    print(f"{landed} flows")


def thousandths(text):
    micro, _, nano = text.partition(".")
    assert len(nano) == 3, text
    return int(micro) * 1000 + int(nano)


def check_chrome(run, path):
    with open(path) as file:
        # As they are written, not as floating-point numbers.
        events = json.load(file, parse_float=thousandths)["traceEvents"]
    open_at, states, last, begun, ended = {}, collections.defaultdict(collections.Counter), {}, {}, {}
    level, since, integral, tids = collections.Counter(), {}, collections.Counter(), {}
    for event in events:
        key, at = (event["pid"], event.get("tid")), event.get("ts")
        if event["ph"] == "B":
            assert key not in open_at and last.get(key, at) == at
            open_at[key] = event
        elif event["ph"] == "M" and event["name"] == "thread_name":
            assert key not in tids, "two names of one thread"
            tids[key] = tid_of(event["tid"], event["args"]["name"])
        elif event["ph"] == "E":
            began = open_at.pop(key)
            assert at > began["ts"] and event["name"] == began["name"]
            states[tids[key]][began["cat"]] += at - began["ts"]
            last[key] = at
        elif event["ph"] == "C":
            integral[event["name"]] += level[event["name"]] * (at - since.get(event["name"], at))
            level[event["name"]], since[event["name"]] = event["args"]["threads"], at
        elif event["ph"] == "s":
            begun[event["id"]] = at
        elif event["ph"] == "f":
            ended[event["id"]] = at
            assert key in open_at, "no slice is open where a flow ends"
    assert not open_at and not +level
    equal("flows", begun, ended)
    equal("Chrome's slices", in_time(run), {tid: dict(mine) for tid, mine in states.items()})
    equal("Chrome's counters", dict(sum(map(collections.Counter, in_time(run).values()), collections.Counter())),
          {name.removeprefix("threads: "): ns for name, ns in integral.items()})


def check_csv(run, path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    last = max(int(row["run"]) for row in rows)
    states = collections.defaultdict(collections.Counter)
    for row in rows:
        assert None not in row and None not in row.values(), row
        assert not any(cell[:1] in tuple("=+-@") and cell for cell in row.values()), row
        if int(row["run"]) == last and row["tid"]:
            seconds, _, ns = row["seconds"].partition(".")
            assert len(ns) == 9
            states[int(row["tid"])][row["state"]] += int(seconds + ns)
    ours = collections.defaultdict(collections.Counter)
    for thread in run["threads"]:
        ours[thread["tid"]].update({state: ns for state, ns in thread["states"].items() if ns})
    # A wait may have taken no time.
    equal("CSV", ours, {tid: dict(+mine) for tid, mine in states.items()})


CHECKS = {"speedscope": check_speedscope, "dom": check_dom, "dom-flat": check_dom_flat, "pprof": check_pprof, "top": check_top, "perfetto": check_perfetto,
          "chrome": check_chrome, "csv": check_csv}

if __name__ == "__main__":
    CHECKS[sys.argv[1]](account(sys.argv[2]), sys.argv[3])
