// SPDX-License-Identifier: Apache-2.0
// What stands around the lanes: buttons, the legend, which lanes are shown and in which order, how large all that is.
function buildLanes(place) {
	lanes.canvas = make("canvas", {tabindex: 0, role: "application", keydown: onKey, id: "lanes-canvas"});
	lanes.overview = make("canvas", {"aria-hidden": true, id: "overview", title: "drag to show a part of the run, click to move there"});
	lanes.spacer = make("div", {});
	lanes.scroll = make("div", {class: "lanes-scroll", tabindex: -1}, lanes.canvas, lanes.spacer);
	lanes.order = chooser("lanes-order", "threads", [["begin", "as they began"], ["cpu", "most on CPUs first"], ["life", "longest first"]], orderLanes);
	lanes.filter = make("input", {type: "search", id: "lanes-filter", placeholder: "Filter threads", "aria-label": "show lanes of threads with this in their name",
		input: orderLanes});
	lanes.legend = make("span", {class: "legend"});
	lanes.says = make("span", {class: "faint", id: "view-says"});
	place.append(
		make("div", {class: "tools"},
			button("\u2212", "zoom out", () => zoomView(1 / 0.6, (lanes.view.t0 + lanes.view.t1) / 2), {id: "zoom-out"}),
			button("+", "zoom in", () => zoomView(0.6, (lanes.view.t0 + lanes.view.t1) / 2), {id: "zoom-in"}),
			button("whole run", "show the whole run", () => setView(0, lanes.run.wall_ns), {id: "zoom-all"}),
			button("to selection", "show the selected time", zoomToSelection, {id: "zoom-selection"}),
			lanes.order, lanes.filter, lanes.says, lanes.legend),
		lanes.overview, lanes.scroll,
		make("p", {class: "faint hint"}, "Drag selects a time, a click an interval, or a thread by its name. The wheel zooms once you clicked here (with Ctrl: always); dragging with " +
			"Shift moves. Keys: \u2190 \u2192 move, + and \u2212 zoom, \u2191 \u2193 go to a thread, Enter selects it, comma and period go through its intervals, z shows " +
			"what is selected, Esc resets."),
		make("p", {id: "lane-says", class: "unseen", "aria-live": "polite"}));
	listenPointer(lanes.canvas);
	listenOverview(lanes.overview);
	lanes.canvas.addEventListener("wheel", onWheel, {passive: false});
	lanes.scroll.addEventListener("scroll", redrawLanes);
}

function sizeLanes() {
	const all = RULER + lanes.rows.length * LANE + 4;

	lanes.width = Math.floor(lanes.scroll.parentNode.clientWidth - (all > 560 ? 16 : 0));
	lanes.height = Math.min(560, all);
	lanes.scroll.style.height = lanes.height + "px";
	lanes.spacer.style.height = all - lanes.height + "px";
	redrawLanes();
}

// Which lanes are shown, and in which order.
function orderLanes() {
	const run = lanes.run, wanted = lanes.filter.value.toLowerCase(), order = find("lanes-order").value;
	const cpu = new Map(), life = (lane) => lane.edge[lane.edge.length - 1] - lane.edge[0];

	for (const row of order === "cpu" ? run.rows : [])
		if (states[row.state].group === GROUP_CPU)
			cpu.set(row.thread, (cpu.get(row.thread) || 0) + row.ns);
	lanes.rows = run.lanes.map((lane, i) => i).filter((i) => threadLabel(run, i).toLowerCase().includes(wanted));
	if (order !== "begin")
		lanes.rows.sort((a, b) => (order === "cpu" ? (cpu.get(b) || 0) - (cpu.get(a) || 0) : life(run.lanes[b]) - life(run.lanes[a])) || a - b);
	lanes.focus = -1;
	lanes.scroll.scrollTop = 0;
	sizeLanes();
}

// The states that occur in the lanes; on a CPU they know no side.
function showLegend(run) {
	const seen = new Set();

	for (const lane of run.lanes)
		for (let i = 0; i < lane.code.length; i++)
			seen.add(run.stateOf[lane.code[i]]);
	lanes.legend.replaceChildren(...[...seen].sort((a, b) => a - b).map((state) => make("span", {}, swatch(state),
		state === facts.cpu ? "on a CPU" : state === facts.queue ? "for a CPU" : states[state].name)));
	if (run.path)
		lanes.legend.append(make("label", {class: "path-key"}, make("input", {type: "checkbox", id: "show-path", checked: lanes.showPath, change: (event) => {
			lanes.showPath = event.target.checked;
			redrawLanes();
		}}), "critical path"));
}

function showLanes(run) {
	const place = find("lanes-place");

	find("no-timeline").hidden = run.timeline;
	if (!place)
		return;
	if (!lanes.canvas)
		buildLanes(place);
	place.hidden = !run.timeline;
	lanes.run = run;
	lanes.slices = lanes.hover = lanes.drag = null;
	lanes.focus = -1;
	lanes.view = {t0: 0, t1: run.wall_ns};
	if (run.timeline) {
		showLegend(run);
		lanes.order.hidden = lanes.filter.hidden = run.lanes.length < 10;
		orderLanes();
	}
}
