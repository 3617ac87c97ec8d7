#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Plays a user on pages of `concprof export -f html`. What they show is compared with the recordings, by SQL of its own, to the nanosecond.
# usage: html_drive.py FOLDER: with server, two, plain, hostile and empty (.concprof, .html, .json), which tests/cli/html.bats makes.
import base64
import json
import sqlite3
import sys

from browser import Browser

wrong, checks = [], 0
folder = sys.argv[1]
CPU, QUEUE = ("user", "kernel", "cpu"), ("run_queue",)
SHIFT, CTRL = 8, 2


def check(what, holds):
    global checks
    checks += 1
    if not holds:
        wrong.append(what)


def same(what, got, wanted):
    check(f"{what}: {got} instead of {wanted}", got == wanted)


# What the summary says: total, by state, and which time and lanes are selected.
def selected(page):
    return page.eval("""(() => { const place = document.getElementById("selected");
        return {...place.dataset, states: Object.fromEntries([...place.querySelectorAll(".sum")].map(e => [e.dataset.state, +e.dataset.ns]))}; })()""")


def flame_ns(page):
    return int(page.eval("document.getElementById('flame-canvas').dataset.ns"))


def text(page, selector):
    return page.eval(f"document.querySelector({json.dumps(selector)}).textContent")


def by_group(states):
    sums = {"cpu": 0, "queue": 0, "blocked": 0}
    for name, ns in states.items():
        sums["cpu" if name in CPU else "queue" if name in QUEUE else "blocked"] += ns
    return sums


# The same from the recording: intervals clipped to the time, of these threads (ids).
def recorded(database, t0, t1, threads=None, symbol=None):
    sums = {"cpu": 0, "queue": 0, "blocked": 0}
    rows = database.execute("""SELECT i.thread, min(i.end_ns, ?2) - max(i.begin_ns, ?1), i.state, w.symbol FROM intervals i
        LEFT JOIN wait w ON w.run = i.run AND w.id = i.wait WHERE i.begin_ns < ?2 AND i.end_ns > ?1""", (t0, t1))
    for thread, ns, state, waits_for in rows:
        if (threads is None or thread in threads) and (symbol is None or waits_for == symbol):
            sums["cpu" if state in CPU else "queue" if state in QUEUE else "blocked"] += ns
    return sums


def states_of(run):
    sums = {}
    for process in run["processes"]:
        for name, ns in process["states"].items():
            if ns:
                sums[name] = sums.get(name, 0) + ns
    return sums


def is_interval(database, thread, what):
    return database.execute("SELECT count(*) FROM intervals WHERE thread = ? AND begin_ns = ? AND end_ns = ?",
                            (thread, int(what["t0"] or -1), int(what["t1"] or -1))).fetchone()[0] == 1


def whole_run(page, database, run):
    same("sums of the whole run by state", selected(page)["states"], states_of(run))
    same("the flame graph holds all of it", flame_ns(page), sum(states_of(run).values()))
    same("the first words", text(page, "h1"), run["headline"])
    page.click("#flame-search")
    page.type("#flame-search", "orders_lock")
    lock = database.execute("SELECT sum(total_ns) FROM wait WHERE symbol = 'orders_lock'").fetchone()[0]
    same("the search's sum", int(page.eval("document.getElementById('flame-matched').dataset.ns")), lock)
    page.type("#flame-search", "")
    same("the search is over", text(page, "#flame-matched"), "")


def filter_flame(page, only, ns):
    page.eval(f"document.getElementById('flame-only').value = '{only}';"
              "document.getElementById('flame-only').dispatchEvent(new Event('change'))")
    page.settle()
    same("the flame graph of " + only, flame_ns(page), ns)


def selections(page, database):
    lives = dict(database.execute("SELECT id, life_ns FROM thread"))
    # A drag over two lanes.
    page.drag("#lanes-canvas", (500, 24 * 4), (800, 24 * 5))
    what = selected(page)
    threads = [int(lane) + 1 for lane in what["lanes"].split()]
    same("lanes dragged over", threads, [4, 5])
    wanted = recorded(database, int(what["t0"]), int(what["t1"]), threads)
    same("sums of a selected time", by_group(what["states"]), wanted)
    same("its total", int(what["ns"]), (int(what["t1"]) - int(what["t0"])) * 2)
    same("its flame graph", flame_ns(page), sum(wanted.values()))
    filter_flame(page, "on", wanted["cpu"])
    filter_flame(page, "off", wanted["queue"] + wanted["blocked"])
    page.type("#flame-search", "orders_lock")
    same("a lock within it", int(page.eval("document.getElementById('flame-matched').dataset.ns")),
         sum(recorded(database, int(what["t0"]), int(what["t1"]), threads, "orders_lock").values()))
    page.type("#flame-search", "")
    filter_flame(page, "all", sum(wanted.values()))
    for by in ("thread", "process", "cause", "none"):
        page.eval(f"document.getElementById('flame-by').value = '{by}'; document.getElementById('flame-by').dispatchEvent(new Event('change'))")
        same("grouped by " + by, flame_ns(page), sum(wanted.values()))
    # A click on an interval selects it; on a name its thread.
    page.click("#lanes-canvas", 900, 24 * 3 - 4)
    what = selected(page)
    check("a click selects an interval of the recording", what["lanes"] == "1" and is_interval(database, 2, what))
    page.click("#clear-selection")
    page.click("#lanes-canvas", 40, 24 * 4 - 4)
    what = selected(page)
    same("a click on a name selects the thread", (what["lanes"], int(what["ns"]), what["t0"]), ("2", lives[3], ""))
    page.click("#lanes-canvas", 40, 24 * 6 - 4, modifiers=CTRL)
    same("Ctrl adds one", int(selected(page)["ns"]), lives[3] + lives[5])
    page.press("Escape")
    same("Escape clears it", selected(page)["lanes"], "all")


def in_view(page):
    return text(page, "#view-says")


def zooming(page, wall_ns):
    whole = in_view(page)
    page.click("#lanes-canvas", 700, 10)
    page.press("Escape")
    page.wheel("#lanes-canvas", 700, 100, -200)
    check("the wheel zooms in", in_view(page) != whole)
    page.wheel("#lanes-canvas", 700, 100, 4000)
    page.wheel("#lanes-canvas", 700, 100, 4000)
    same("and out, never beyond the run", in_view(page), whole)
    page.press("+")
    page.press("+")
    zoomed = in_view(page)
    page.press("ArrowRight")
    moved = in_view(page)
    check("keys zoom and move", zoomed != whole and moved != zoomed)
    page.drag("#lanes-canvas", (700, 60), (800, 60), modifiers=SHIFT)
    check("Shift and drag move the view", in_view(page) != moved and selected(page)["t0"] == "")
    page.press("Escape")
    same("Escape shows all", in_view(page), whole)
    page.drag("#overview", (600, 20), (700, 20))
    check("a drag in the overview shows that part", in_view(page) != whole)
    page.click("#zoom-all")
    same("a button shows all", in_view(page), whole)
    page.drag("#lanes-canvas", (600, 10), (640, 10))
    page.press("z")
    check("z shows what is selected", in_view(page) != whole)
    page.press("Escape")
    page.press("Escape")
    for _ in range(60):
        page.press("+")
    check("there is an end to zooming", "100 ns" in in_view(page))
    page.press("Escape")


def keyboard(page, database):
    page.eval("document.activeElement.blur(); scrollTo(0, 0)")
    reached = set()
    for _ in range(60):
        page.press("Tab")
        reached.add(page.eval("document.activeElement.id || document.activeElement.className || document.activeElement.tagName"))
    for name in ("theme", "zoom-in", "lanes-canvas", "flame-search", "flame-canvas", "waits-filter", "sort", "chip"):
        check("Tab reaches " + name, name in reached)
    page.eval("document.getElementById('lanes-canvas').focus()")
    check("focus can be seen", page.eval("document.getElementById('lanes-canvas').matches(':focus-visible')") and
          page.eval("getComputedStyle(document.getElementById('lanes-canvas')).outlineStyle") != "none")
    for key in ["ArrowUp"] * 9 + ["ArrowDown", "Enter"]:
        page.press(key)
    same("the thread in focus is selected", selected(page)["lanes"], "1")
    check("and said", text(page, "#lane-says").startswith("worker/"))
    page.press(".")
    page.press(".")
    what = selected(page)
    check("the period selects intervals", is_interval(database, 2, what))
    page.press("Escape")
    same("lanes have a text alternative", page.eval("document.getElementById('lanes-canvas').getAttribute('aria-label').startsWith('Lanes of 9 threads')"), True)


def tooltips(page):
    page.hover("#lanes-canvas", 700, 24 + 12)
    tip = text(page, "#tip")
    check("hovering says what the main thread waits for: " + tip, "join" in tip and "orders/" in tip and "lasted" in tip)
    page.hover("#flame-canvas", 300, 8)
    check("hovering says what a box is", text(page, "#tip").startswith("all"))
    page.hover("h1", 10, 10)
    check("and then it is gone", page.eval("document.getElementById('tip').hidden"))


def flame(page):
    zoomed = "document.getElementById('flame-canvas').dataset.zoomed"
    page.click("#flame-canvas", 100, 17 + 8)
    same("a click zooms", page.eval(zoomed), "clone3")
    page.press("ArrowDown")
    check("the arrow goes to a box within", text(page, "#flame-says").startswith("start_thread"))
    page.press("Enter")
    same("Enter zooms", page.eval(zoomed), "start_thread")
    page.press("Escape")
    same("Escape zooms out", page.eval(zoomed), "all")
    page.press("/")
    same("/ goes to the search", page.eval("document.activeElement.id"), "flame-search")


def column(page, i):
    return page.eval(f"[...document.querySelectorAll('#waits-table tbody tr')].map(row => +(row.cells[{i}].dataset.ns || row.cells[{i}].textContent.replace(/,/g, '')))")


def waits(page, run):
    same("every cause has a row", len(column(page, 1)), len(run["causes"]))
    same("the largest first", column(page, 1), sorted((cause["total_ns"] for cause in run["causes"]), reverse=True))
    for i, key in ((3, "count"), (7, "max_ns"), (6, "p99_ns")):
        head = f"#waits-table th:nth-child({i + 1}) button"
        page.click(head)
        same("sorted by " + key, column(page, i), sorted((cause[key] for cause in run["causes"]), reverse=True))
        page.click(head)
        same("and the other way", column(page, i), sorted(cause[key] for cause in run["causes"]))
        same("and said so", page.eval(f"document.querySelector({json.dumps(head)}).parentNode.getAttribute('aria-sort')"), "ascending")
    page.type("#waits-filter", "LOG_lock")
    same("filtered by text", len(column(page, 1)), 1)
    page.type("#waits-filter", "")
    page.click("#waits-tools [data-state=lock]")
    same("without locks", len(column(page, 1)), sum(cause["state"] != "lock" for cause in run["causes"]))
    page.click("#waits-tools [data-state=lock]")
    same("and with them", len(column(page, 1)), len(run["causes"]))


# Where the runs are explained with a critical path, its rows sum to the wall time, and its segments follow each other to the end.
def critical_path(page, run):
    if not page.eval("!!document.getElementById('path')"):
        return
    same("the path's rows sum to the wall time",
         page.eval("[...document.querySelectorAll('#path-table tbody td[data-ns]')].reduce((sum, cell) => sum + +cell.dataset.ns, 0)"), run["wall_ns"])
    number = iter(base64.b64decode(text(page, "#path-0")))

    def read():
        value = shift = 0
        for byte in number:
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    segments = [(read(), read()) for _ in range(read())]
    same("and so do its segments", sum(ns for _, ns in segments), run["wall_ns"])
    shown = "document.getElementById('lanes-canvas').toDataURL()"
    before = page.eval(shown)
    page.click("#show-path")
    check("the path's line can be hidden", page.eval(shown) != before)
    page.click("#show-path")


def themes(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    same("light by itself", page.eval(ground), "rgb(255, 255, 255)")
    page.click("#theme")
    page.click("#theme")
    check("dark by choice", page.eval(ground) == "rgb(21, 23, 26)" and "dark" in text(page, "#theme"))
    page.click("#theme")
    same("and back", page.eval(ground), "rgb(255, 255, 255)")


def drive_server(page, database, run):
    page.open(folder + "/server.html")
    whole_run(page, database, run)
    selections(page, database)
    zooming(page, run["wall_ns"])
    keyboard(page, database)
    tooltips(page)
    flame(page)
    waits(page, run)
    critical_path(page, run)
    themes(page)
    pdf = page.pdf()
    check("it prints", pdf.startswith(b"%PDF-") and len(pdf) > 20000)
    same("and then has the screen's colours again", page.eval("document.documentElement.dataset.theme || 'auto'"), "auto")


def drive_looks(page):
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 23, 26)")):
        for width in (1400, 800, 400):
            page.open(folder + "/two.html", width=width, scheme=scheme)
            same(f"{scheme} {width}: the system's colours", page.eval("getComputedStyle(document.body).backgroundColor"), ground)
            check(f"{scheme} {width}: nothing is wider than the page", page.eval("document.documentElement.scrollWidth") <= width)


def drive_two(page, runs):
    page.open(folder + "/two.html")
    for number in (0, 1):
        page.click(f"#page-tools [data-run='{number}']")
        same(f"sums of run {number}", selected(page)["states"], states_of(runs[number]))
        same(f"waits of run {number}", column(page, 1), sorted((cause["total_ns"] for cause in runs[number]["causes"]), reverse=True))
    check("the difference is there", page.eval("document.querySelectorAll('#difference-table tbody tr').length") > 5)


def drive_plain(page, run):
    page.open(folder + "/plain.html")
    same("without a timeline: sums", selected(page)["states"], states_of(run))
    same("and the flame graph", flame_ns(page), sum(states_of(run).values()))
    check("why there are no lanes", "no timeline" in text(page, "#lanes") and page.eval("!document.getElementById('lanes-canvas')"))


def drive_hostile(page):
    page.open(folder + "/hostile.html")
    page.click("#lanes-canvas", 40, 24 * 4 - 4)
    page.hover("#lanes-canvas", 700, 24 * 2 + 12)
    page.hover("#flame-canvas", 200, 17 * 2)
    check("names stay text", "<script>alert(1)</script>" in text(page, "body") and
          page.eval("[...document.querySelectorAll('script')].every(script => script.id || script.type === 'module')"))
    check("nothing changes the direction of text", "\u202e" not in page.eval("document.documentElement.textContent"))
    same("no element came from a name", page.eval("document.querySelectorAll('main script, main text text, main h1 *').length"), 0)


def drive_empty(page):
    page.open(folder + "/empty.html")
    same("nothing sums to nothing", (flame_ns(page), selected(page)["states"]), (0, {}))
    page.hover("#lanes-canvas", 700, 30)
    page.click("#lanes-canvas", 700, 30)
    page.click("#flame-canvas", 100, 8)
    for key in ("+", "ArrowDown", ".", "Enter", "Escape"):
        page.press(key)


def drive_without_scripts(page, run):
    page.open(folder + "/server.html", scripts=False)
    same("without scripting: the answer", page.eval("document.querySelector('h1').textContent"), run["headline"])
    check("a note says what is missing", "no lanes" in page.eval("document.querySelector('noscript').textContent"))
    same("waits", page.eval("document.querySelectorAll('#waits-table tbody tr').length"), len(run["causes"]))
    same("no canvas, no flame graph", page.eval("document.querySelectorAll('canvas').length + +!document.getElementById('flame').hidden"), 0)
    check("findings", page.eval("document.querySelectorAll('.findings li').length") == len(run["findings"]) > 0)


def main():
    runs = {name: json.load(open(f"{folder}/{name}.json"))["runs"] for name in ("server", "two", "plain")}
    page = Browser()
    try:
        drive_server(page, sqlite3.connect(folder + "/server.concprof"), runs["server"][0])
        drive_looks(page)
        drive_two(page, runs["two"])
        drive_plain(page, runs["plain"][0])
        drive_hostile(page)
        drive_empty(page)
        drive_without_scripts(page, runs["server"][0])
    finally:
        page.close()
    wrong.extend(page.troubles)
    print("\n".join("WRONG: " + what for what in wrong) or f"all {checks} checks hold")
    return 1 if wrong else 0


sys.exit(main())
