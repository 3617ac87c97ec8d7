// SPDX-License-Identifier: Apache-2.0
// Hands on the lanes. Dragging selects a time (in the overview: shows it); with Shift it moves the view. A click selects what is under it: an
// interval, or a thread by its name. The wheel zooms once the lanes have the focus, and with Ctrl always.
const CLICK = 4; // pixels: less is no drag

function pointAt(event) {
	const box = lanes.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, row = rowAt(y);
	const inside = x >= gutter() && row >= 0, lane = row < 0 ? -1 : lanes.rows[row];

	return {x, y, row, lane, ns: timeAt(x), interval: inside ? intervalAt(lanes.run.lanes[lane], timeAt(x)) : -1};
}

function showTip(event, lines) {
	const tip = find("tip");

	tip.textContent = "";
	for (const [word, text] of lines)
		tip.append(make("div", {class: word ? "" : "what"}, make("span", {}, word), make(text.includes("\n") ? "pre" : "b", {}, text)));
	tip.hidden = false;
	const width = tip.offsetWidth, height = tip.offsetHeight;
	tip.style.left = Math.max(4, Math.min(window.innerWidth - width - 8, event.clientX + 14)) + "px";
	tip.style.top = Math.max(4, event.clientY + 18 + height > window.innerHeight ? event.clientY - height - 12 : event.clientY + 18) + "px";
}

function hideTip() {
	find("tip").hidden = true;
}

function toggleLane(lane, add) {
	const chosen = new Set(add && selection.lanes ? selection.lanes : []);

	if (selection.lanes && selection.lanes.has(lane) && (add || selection.lanes.size === 1))
		chosen.delete(lane);
	else
		chosen.add(lane);
	select({lanes: chosen.size ? chosen : null});
}

function selectInterval(lane, interval) {
	const edge = lanes.run.lanes[lane].edge;

	select({t0: edge[interval], t1: edge[interval + 1], lanes: new Set([lane])});
}

function endDrag(event, drag) {
	const point = pointAt(event);

	if (drag.moved || drag.shift)
		return;
	if (point.lane >= 0 && point.x < gutter())
		toggleLane(point.lane, event.ctrlKey || event.metaKey || event.shiftKey);
	else if (point.interval >= 0)
		selectInterval(point.lane, point.interval);
	else
		select({t0: null, t1: null, lanes: null});
	if (point.row >= 0)
		lanes.focus = point.row;
}

// The lanes between where it began and where it is; all of them in the ruler.
function lanesBetween(a, b) {
	const chosen = new Set();

	if (a < 0 || b < 0)
		return null;
	for (let row = Math.min(a, b); row <= Math.max(a, b); row++)
		chosen.add(lanes.rows[row]);
	return chosen.size === lanes.run.lanes.length ? null : chosen;
}

function moveDrag(event, drag) {
	const point = pointAt(event), wall = lanes.run.wall_ns;

	if (!drag.moved && Math.abs(point.x - drag.x) < CLICK)
		return;
	drag.moved = true;
	if (drag.shift) {
		const per = (drag.view.t1 - drag.view.t0) / (lanes.width - gutter()), by = (drag.x - point.x) * per;

		setView(drag.view.t0 + by, drag.view.t1 + by);
		return;
	}
	const clamp = (ns) => Math.round(Math.max(0, Math.min(wall, ns)));
	select({t0: clamp(Math.min(drag.ns, point.ns)), t1: clamp(Math.max(drag.ns, point.ns)), lanes: lanesBetween(drag.row, point.row)});
}

function hoverAt(event) {
	const point = pointAt(event);

	lanes.hover = point;
	lanes.canvas.style.cursor = point.x < gutter() ? "pointer" : "crosshair";
	redrawLanes();
	if (point.interval < 0) {
		hideTip();
		return;
	}
	const lines = describeInterval(lanes.run, lanes.run.lanes[point.lane], point.interval);
	lines.splice(1, 0, ["thread", threadLabel(lanes.run, point.lane)]);
	showTip(event, lines);
}

function listenPointer(canvas) {
	canvas.addEventListener("pointerdown", (event) => {
		const point = pointAt(event);

		if (event.button > 1)
			return;
		canvas.setPointerCapture(event.pointerId);
		canvas.focus({preventScroll: true});
		lanes.drag = {x: point.x, ns: point.ns, row: point.row, view: lanes.view, shift: event.shiftKey && point.x >= gutter() || event.button === 1};
	});
	canvas.addEventListener("pointermove", (event) => {
		if (!lanes.drag || lanes.drag.x < gutter())
			hoverAt(event);
		else
			moveDrag(event, lanes.drag);
	});
	canvas.addEventListener("pointerup", (event) => {
		const drag = lanes.drag;

		lanes.drag = null;
		if (drag)
			endDrag(event, drag);
	});
	canvas.addEventListener("pointercancel", () => {
		lanes.drag = null;
	});
	canvas.addEventListener("pointerleave", () => {
		lanes.hover = null;
		hideTip();
		redrawLanes();
	});
	canvas.addEventListener("dblclick", () => zoomToSelection());
}

function zoomToSelection() {
	if (selection.t0 !== null)
		setView(selection.t0 - (selection.t1 - selection.t0) * 0.05, selection.t1 + (selection.t1 - selection.t0) * 0.05);
}

function onWheel(event) {
	const {t0, t1} = lanes.view, span = t1 - t0;

	if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
		const by = span * (event.deltaX || event.deltaY) / 1000;

		setView(t0 + by, t1 + by);
	} else if (event.ctrlKey || document.activeElement === lanes.canvas) {
		zoomView(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), timeAt(Math.max(gutter(), pointAt(event).x)));
	} else {
		return;
	}
	event.preventDefault();
}

function listenOverview(overview) {
	const wall = () => lanes.run.wall_ns;
	const ns = (event) => (event.clientX - overview.getBoundingClientRect().left - gutter()) / (lanes.width - gutter()) * wall();
	let from = null;

	overview.addEventListener("pointerdown", (event) => {
		overview.setPointerCapture(event.pointerId);
		from = ns(event);
	});
	overview.addEventListener("pointermove", (event) => {
		if (from !== null && Math.abs(ns(event) - from) > wall() / 400)
			setView(Math.max(0, Math.min(from, ns(event))), Math.min(wall(), Math.max(from, ns(event))));
	});
	overview.addEventListener("pointerup", (event) => {
		const span = lanes.view.t1 - lanes.view.t0;

		if (from !== null && Math.abs(ns(event) - from) <= wall() / 400)
			setView(from - span / 2, from + span / 2);
		from = null;
	});
}

// --- the keyboard ---

function toggleRow(add) {
	if (lanes.rows.length)
		toggleLane(lanes.rows[Math.max(0, lanes.focus)], add);
}

// The next interval of the lane in focus that is at least two pixels wide; what it is, is said.
function stepInterval(by) {
	if (!lanes.rows.length)
		return;
	lanes.focus = Math.max(0, lanes.focus);
	const position = lanes.rows[lanes.focus], lane = lanes.run.lanes[position], least = 2 * (lanes.view.t1 - lanes.view.t0) / lanes.width;
	const at = selection.t0 === null ? lanes.view.t0 : selection.t0;
	let i = intervalAt(lane, Math.max(at, lane.edge[0])) + (selection.t0 === null ? 0 : by);

	while (i >= 0 && i < lane.code.length && lane.edge[i + 1] - lane.edge[i] < least)
		i += by;
	if (i < 0 || i >= lane.code.length)
		return;
	selectInterval(position, i);
	if (lane.edge[i] < lanes.view.t0 || lane.edge[i + 1] > lanes.view.t1)
		setView(lane.edge[i] - (lanes.view.t1 - lanes.view.t0) / 4, lane.edge[i] + 3 * (lanes.view.t1 - lanes.view.t0) / 4);
	find("lane-says").textContent = threadLabel(lanes.run, position) + ": " +
		describeInterval(lanes.run, lane, i).slice(0, 2).map((line) => line[1]).join(", ");
}

function moveFocus(by) {
	const row = Math.max(0, Math.min(lanes.rows.length - 1, lanes.focus + by));

	if (!lanes.rows.length)
		return;
	lanes.focus = row;
	if (row * LANE < lanes.scroll.scrollTop || (row + 1) * LANE > lanes.scroll.scrollTop + lanes.height - RULER)
		lanes.scroll.scrollTop = row * LANE - (lanes.height - RULER) / 2;
	find("lane-says").textContent = threadLabel(lanes.run, lanes.rows[row]);
	redrawLanes();
}

function resetLanes() {
	if (selection.t0 !== null || selection.lanes)
		select({t0: null, t1: null, lanes: null});
	else
		setView(0, lanes.run.wall_ns);
}

function onKey(event) {
	const {t0, t1} = lanes.view, by = (t1 - t0) / 8, middle = (t0 + t1) / 2;
	const act = {
		ArrowLeft: () => setView(t0 - by, t1 - by), ArrowRight: () => setView(t0 + by, t1 + by),
		ArrowUp: () => moveFocus(-1), ArrowDown: () => moveFocus(1),
		"+": () => zoomView(0.6, middle), "=": () => zoomView(0.6, middle), "-": () => zoomView(1 / 0.6, middle),
		Home: () => setView(0, t1 - t0), End: () => setView(lanes.run.wall_ns - (t1 - t0), lanes.run.wall_ns),
		Escape: resetLanes, Enter: () => toggleRow(false), " ": () => toggleRow(true),
		".": () => stepInterval(1), ",": () => stepInterval(-1), z: zoomToSelection,
	}[event.key];

	if (!act || event.ctrlKey || event.altKey || event.metaKey)
		return;
	act();
	event.preventDefault();
}
