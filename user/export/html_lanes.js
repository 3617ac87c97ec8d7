// SPDX-License-Identifier: Apache-2.0
// The lanes: what each thread did when, for the part of time in view and the lanes that are scrolled to. html_input.js moves them.
const RULER = 24, LANE = 24, BAR = 17, LETTER = 6.1;

// `rows`: the lanes that are shown, by position, from the top; `view`: the time; `hover` and `drag`: see html_input.js; `focus`: the row that the
// keyboard is on.
const lanes = {run: null, rows: [], view: {t0: 0, t1: 1}, hover: null, drag: null, focus: -1, due: false, showPath: true};

function gutter() {
	return Math.round(Math.min(170, Math.max(76, lanes.width * 0.13)));
}

function timeAt(x) {
	const {t0, t1} = lanes.view, left = gutter();

	return t0 + (x - left) / (lanes.width - left) * (t1 - t0);
}

function xOf(ns) {
	const {t0, t1} = lanes.view, left = gutter();

	return left + (ns - t0) / (t1 - t0) * (lanes.width - left);
}

function rowAt(y) {
	const row = y < RULER ? -1 : Math.floor((y - RULER + lanes.scroll.scrollTop) / LANE);

	return row < lanes.rows.length ? row : -1;
}

function topOf(row) {
	return RULER + row * LANE - lanes.scroll.scrollTop;
}

// Never outside of the run, and never less than 100 ns.
function setView(t0, t1) {
	const wall = lanes.run.wall_ns, span = Math.min(wall, Math.max(100, t1 - t0));

	t0 = Math.max(0, Math.min(wall - span, t0));
	lanes.view = {t0, t1: t0 + span};
	redrawLanes();
}

function zoomView(factor, at) {
	const {t0, t1} = lanes.view;

	setView(at - (at - t0) * factor, at + (t1 - at) * factor);
}

function niceStep(span, room) {
	const least = span / room, power = Math.pow(10, Math.floor(Math.log10(least)));

	return power * [1, 2, 5, 10].find((factor) => factor * power >= least);
}

function drawRuler(context, ink, faint) {
	const {t0, t1} = lanes.view, cut = lanes.run.cut_ns, step = niceStep(t1 - t0, (lanes.width - gutter()) / 110);

	context.textAlign = "left";
	for (let t = Math.ceil((t0 + cut) / step) * step - cut; t <= t1; t += step) {
		const x = Math.round(xOf(t)) + 0.5;

		context.fillStyle = faint;
		context.fillRect(x, RULER - 6, 1, lanes.height);
		context.fillStyle = ink;
		if (x + 60 < lanes.width)
			context.fillText(timeText(t + cut, step), x + 4, 12);
	}
}

function drawGutter(context, first, last, ink, faint, chosen) {
	const selected = selection.lanes;

	context.textAlign = "left";
	for (let row = first; row < last; row++) {
		const lane = lanes.rows[row], y = topOf(row);

		if (selected && selected.has(lane)) {
			context.fillStyle = chosen;
			context.fillRect(0, y + 2, 3, LANE - 4);
		}
		context.fillStyle = !selected || selected.has(lane) ? ink : faint;
		context.font = (row === lanes.focus ? "600 " : "") + "11px " + css("--sans");
		context.fillText(cut(threadLabel(lanes.run, lane), gutter() - 14, LETTER), 8, y + LANE / 2 + 4);
	}
}

// All bars as pixels at once; returns the intervals that are wide enough for a label.
function drawBars(context, first, last) {
	const scale = window.devicePixelRatio || 1, labels = [];
	const left = Math.round(gutter() * scale), top = Math.round(RULER * scale), canvas = lanes.canvas;
	const raster = makeRaster(canvas.width, canvas.height - top, scale);

	for (let row = first; row < last; row++) {
		const lane = lanes.run.lanes[lanes.rows[row]], y = Math.round((topOf(row) - RULER + (LANE - BAR) / 2) * scale);

		drawLane(raster, lane, lanes.run.stateOf, lanes.view, left, y, Math.round(BAR * scale), (x0, x1, interval) => {
			labels.push({row, code: lane.code[interval], x0: x0 / scale, x1: x1 / scale});
		});
	}
	context.putImageData(raster.image, 0, top, left, 0, raster.width - left, raster.height);
	return labels;
}

function drawLabels(context, labels, ink) {
	context.textAlign = "left";
	context.font = "10px " + css("--sans");
	for (const label of labels) {
		const cause = lanes.run.causes[label.code], group = states[cause.state].group, y = topOf(label.row);

		if (group === GROUP_CPU)
			continue;
		const text = cut(textOf(lanes.run, cause), label.x1 - label.x0 - 6, 5.2), queue = group === GROUP_QUEUE;

		if (queue && text) { // no pattern behind letters
			context.fillStyle = colourText(states[cause.state].colour);
			context.fillRect(label.x0 + 2, y + 9, context.measureText(text).width + 2, 11);
		}
		context.fillStyle = queue ? inkOn(states[cause.state].colour) : ink;
		context.fillText(text, label.x0 + 3, y + (queue ? 18 : 13));
	}
}

// What is not selected is dimmed; a selected time has edges.
function drawSelection(context, first, last, paper, chosen) {
	const {t0, t1, lanes: chosenLanes} = selection, left = gutter();

	context.fillStyle = paper;
	context.globalAlpha = 0.6;
	for (let row = first; row < last; row++) {
		const y = topOf(row);

		if (chosenLanes && !chosenLanes.has(lanes.rows[row])) {
			context.fillRect(left, y, lanes.width - left, LANE);
		} else if (t0 !== null) {
			const x0 = Math.min(lanes.width, Math.max(left, xOf(t0))), x1 = Math.min(lanes.width, Math.max(left, xOf(t1)));
			context.fillRect(left, y, x0 - left, LANE);
			context.fillRect(x1, y, lanes.width - x1, LANE);
		}
	}
	context.globalAlpha = 1;
	context.fillStyle = chosen;
	for (const t of t0 === null ? [] : [t0, t1])
		if (xOf(t) >= left && xOf(t) <= lanes.width)
			context.fillRect(Math.round(xOf(t)) - (t === t1 ? 1 : 0), RULER - 4, 1, lanes.height);
}

// A line below the lanes that the critical path runs along.
function drawPath(context, first, last, ink) {
	const path = lanes.run.path, left = gutter(), drawn = new Map();

	if (!path || !lanes.showPath)
		return;
	for (let row = first; row < last; row++)
		drawn.set(lanes.rows[row], {y: topOf(row) + LANE - 3, x: -1});
	context.fillStyle = ink;
	for (let i = Math.max(0, above(path.edge, lanes.view.t0) - 1); i < path.thread.length && path.edge[i] < lanes.view.t1; i++) {
		const at = drawn.get(path.thread[i]);
		const x1 = Math.min(lanes.width, xOf(path.edge[i + 1]));

		if (!at || x1 < at.x)
			continue;
		const x0 = Math.max(left, at.x, Math.floor(xOf(path.edge[i])));
		at.x = Math.max(x0 + 1, Math.floor(x1));
		context.fillRect(x0, at.y, at.x - x0, 2);
	}
}

function drawHover(context, ink) {
	const hover = lanes.hover;

	if (!hover || hover.interval < 0)
		return;
	const lane = lanes.run.lanes[hover.lane], left = gutter(), y = topOf(hover.row);
	const x0 = Math.max(left, xOf(lane.edge[hover.interval])), x1 = Math.min(lanes.width, xOf(lane.edge[hover.interval + 1]));

	context.strokeStyle = ink;
	context.strokeRect(Math.round(x0) - 0.5, y + 2.5, Math.max(2, Math.round(x1 - x0)), LANE - 4);
}

function drawLanes() {
	const begun = performance.now(), context = fit(lanes.canvas, lanes.width, lanes.height);
	const ink = css("--ink"), faint = css("--faint"), paper = css("--paper"), chosen = css("--accent"), line = css("--line");
	const first = Math.floor(lanes.scroll.scrollTop / LANE);
	const last = Math.min(lanes.rows.length, first + Math.ceil((lanes.height - RULER) / LANE) + 1);

	context.clearRect(0, 0, lanes.width, lanes.height);
	const labels = drawBars(context, first, last);
	context.globalCompositeOperation = "destination-over";
	context.font = "11px " + css("--sans");
	drawRuler(context, faint, line);
	context.fillStyle = paper;
	context.fillRect(0, 0, lanes.width, lanes.height);
	context.globalCompositeOperation = "source-over";
	drawLabels(context, labels, ink);
	drawPath(context, first, last, ink);
	drawSelection(context, first, last, paper, chosen);
	drawGutter(context, first, last, ink, faint, chosen);
	context.fillStyle = paper;
	context.fillRect(0, 0, gutter(), RULER);
	drawHover(context, ink);
	drawOverview();
	lanes.canvas.dataset.drawMs = (performance.now() - begun).toFixed(2);
	sayView();
}

function redrawLanes() {
	if (lanes.due || !lanes.run || !lanes.run.timeline || lanes.width < 2 * gutter()) // a window that is not shown has no width
		return;
	lanes.due = true;
	requestAnimationFrame(() => {
		lanes.due = false;
		drawLanes();
	});
}

// --- the overview: how many threads were in each state over the whole run, and which part is in view ---

const OVERVIEW = 46;

function paintSlices() {
	const scale = window.devicePixelRatio || 1, width = Math.round((lanes.width - gutter()) * scale), height = Math.round(OVERVIEW * scale);
	const slices = sumSlices(lanes.run, width), raster = makeRaster(width, height, scale);
	let most = 1;

	for (let x = 0; x < width; x++) {
		let sum = 0;

		for (let s = 0; s < states.length; s++)
			sum += slices[x * states.length + s];
		most = Math.max(most, sum);
	}
	for (let x = 0; x < width; x++) {
		let from = 0;

		for (const s of stackedStates) {
			const to = from + slices[x * states.length + s] / most * height;

			fillBox(raster, x, x + 1, height - Math.round(to), height - Math.round(from), s);
			from = to;
		}
	}
	lanes.slices = {image: raster.image, most, width};
}

function drawOverview() {
	const context = fit(lanes.overview, lanes.width, OVERVIEW), scale = window.devicePixelRatio || 1, left = gutter();
	const {t0, t1} = lanes.view, room = lanes.width - left, wall = lanes.run.wall_ns;

	if (!lanes.slices || lanes.slices.width !== Math.round(room * scale))
		paintSlices();
	context.fillStyle = css("--paper");
	context.fillRect(0, 0, lanes.width, OVERVIEW);
	context.putImageData(lanes.slices.image, Math.round(left * scale), 0);
	context.fillStyle = css("--faint");
	context.font = "11px " + css("--sans");
	context.fillText(cut("whole run", left - 14, LETTER), 8, 14);
	context.fillText(cut("up to " + Math.round(lanes.slices.most) + " alive", left - 14, LETTER), 8, 30);
	context.fillStyle = css("--paper");
	context.globalAlpha = 0.62;
	context.fillRect(left, 0, t0 / wall * room, OVERVIEW);
	context.fillRect(left + t1 / wall * room, 0, room, OVERVIEW);
	context.globalAlpha = 1;
	context.strokeStyle = css("--ink");
	context.strokeRect(left + t0 / wall * room + 0.5, 0.5, Math.max(2, (t1 - t0) / wall * room - 1), OVERVIEW - 1);
}

// --- in words ---

function sayView() {
	const {t0, t1} = lanes.view, whole = t1 - t0 >= lanes.run.wall_ns;

	lanes.says.textContent = whole ? "all of " + nsText(lanes.run.wall_ns)
		: "in view: " + nsText(t1 - t0) + " from " + timeText(t0 + lanes.run.cut_ns, (t1 - t0) / 100);
	lanes.canvas.setAttribute("aria-label", "Lanes of " + lanes.rows.length + " threads, " + lanes.says.textContent +
		". Arrow keys move, plus and minus zoom, Enter selects. The table of threads below says the same in figures.");
}

// What stands in the tooltip: pairs of a word and a text; the stack is one of lines.
function describeInterval(run, lane, interval) {
	const code = lane.code[interval], cause = run.causes[code], from = lane.edge[interval], to = lane.edge[interval + 1];
	const before = interval && states[cause.state].group === GROUP_QUEUE ? run.causes[lane.code[interval - 1]] : null;
	const lines = [["", textOf(run, cause)], ["lasted", nsText(to - from)], ["from", timeText(from + run.cut_ns, Math.max(1, (to - from) / 100))]];

	if (cause.holder)
		lines.push(["held by", run.texts[cause.holder]]);
	if (cause.waker)
		lines.push(["ended by", run.texts[cause.waker]]);
	if (before && before.waker)
		lines.push(["woken by", run.texts[before.waker]]);
	let stack = cause.stack;
	if (!code) {
		const first = above(lane.at, from - 1), n = above(lane.at, to - 1) - first;

		lines.push(["samples", String(n)]);
		stack = n ? lane.stack[first + (n >> 1)] : 0;
	}
	if (stack)
		lines.push(["in", stackNames(run, stack, 14).join("\n")]);
	return lines;
}

// Innermost first.
function stackNames(run, stack, most) {
	const names = [];
	let node = run.nodeOf[stack];

	for (; node && names.length < most; node = run.nodeParent[node])
		names.push(run.names[run.nodeName[node]]);
	if (node)
		names.push("\u2026");
	return names;
}
