// SPDX-License-Identifier: Apache-2.0
// The flame graph of what is selected, its root at the top. A box is as wide as its time; colours are states, hatched is the kernel.
const ROW = 17, DEEPEST = 160, NARROWEST = 1, MIXED = 0xd3d0cb;
const CPU_COLOUR = states.find((state) => state.group === GROUP_CPU).colour; // whatever the side

const flame = {run: null, tree: null, zoomed: 0, focused: 0, boxes: [], by: "none", only: "all", search: "", hits: null};

// Boxes of the zoomed node and what is in it, and above them one row for each of its callers.
function layOut() {
	const {tree, zoomed} = flame, boxes = [], above = [], todo = [];

	for (let node = zoomed; node; node = tree.parent[node])
		above.unshift(tree.parent[node]);
	above.forEach((node, depth) => boxes.push({node, x: 0, w: flame.width, depth, outer: true}));
	todo.push([zoomed, 0, flame.width, above.length]);
	while (todo.length) {
		const [node, x, w, depth] = todo.pop();
		let at = x;

		boxes.push({node, x, w, depth, outer: false});
		for (const child of depth < DEEPEST ? tree.children[node] : []) {
			const wide = w * tree.ns[child] / tree.ns[node];

			if (wide >= NARROWEST)
				todo.push([child, at, wide, depth + 1]);
			at += wide;
		}
	}
	flame.boxes = boxes;
	flame.depth = boxes.reduce((most, box) => Math.max(most, box.depth), 0);
}

// Boxes beside each other differ a little, and always in the same way.
function shadeOf(label) {
	let hash = 0;

	for (let i = 0; i < label.length; i++)
		hash = hash * 31 + label.charCodeAt(i) | 0;
	return (hash >>> 0) % 5;
}

function colourOf(node) {
	const {tree} = flame, state = mainState(tree, node), shade = shadeOf(tree.label[node]);

	if (tree.kind[node] === "w")
		return states[tree.state[node]].colour;
	const onCpu = state >= 0 && states[state].group === GROUP_CPU;
	const colour = state < 0 ? blend(MIXED, 255, 0.1 * shade) : blend(onCpu ? CPU_COLOUR : states[state].colour, 255, (onCpu ? 0 : 0.42) + 0.07 * shade);
	return tree.kind[node] === "k" ? blend(colour, 0, 0.14) : colour;
}

function hatchPattern(context) {
	const tile = make("canvas", {width: 6, height: 6}), pen = tile.getContext("2d");

	pen.strokeStyle = "rgba(0,0,0,.2)";
	pen.beginPath();
	for (const [x, y] of [[-1, 1], [0, 6], [5, 7]]) {
		pen.moveTo(x, y);
		pen.lineTo(x + (y === 6 ? 6 : 2), y - (y === 6 ? 6 : 2));
	}
	pen.stroke();
	return context.createPattern(tile, "repeat");
}

function drawBox(context, box, hatch) {
	const {tree, hits} = flame, y = box.depth * ROW, colour = colourOf(box.node), hit = hits && hits[box.node];

	context.globalAlpha = box.outer ? 0.6 : hits && !hit ? 0.35 : 1;
	context.fillStyle = hit ? "#ff4df3" : colourText(colour);
	context.fillRect(box.x, y, Math.max(0.5, box.w - (box.w > 3 ? 1 : 0)), ROW - 1);
	if (tree.kind[box.node] === "k" && !hit) {
		context.fillStyle = hatch;
		context.fillRect(box.x, y, box.w - 1, ROW - 1);
	}
	if (box.w > 24) {
		context.fillStyle = hit ? "#000" : inkOn(colour);
		context.font = (tree.kind[box.node] === "i" ? "italic " : tree.kind[box.node] === "r" || tree.kind[box.node] === "w" ? "600 " : "") +
			"11px " + css("--mono");
		context.fillText(cut(tree.label[box.node], box.w - 7, 6.65), box.x + 4, y + 12);
	}
	context.globalAlpha = 1;
}

function drawFlame() {
	const begun = performance.now();

	layOut();
	const height = (flame.depth + 1) * ROW, context = fit(flame.canvas, flame.width, height), hatch = hatchPattern(context);
	context.clearRect(0, 0, flame.width, height);
	for (const box of flame.boxes)
		drawBox(context, box, hatch);
	const focused = flame.boxes.find((box) => box.node === flame.focused);
	if (focused && document.activeElement === flame.canvas) {
		context.strokeStyle = css("--ink");
		context.lineWidth = 2;
		context.strokeRect(focused.x + 1, focused.depth * ROW + 1, Math.max(2, focused.w - 3), ROW - 3);
		context.lineWidth = 1;
	}
	flame.canvas.dataset.drawMs = (performance.now() - begun).toFixed(2);
	flame.canvas.dataset.ns = flame.tree.ns[0];
	flame.canvas.dataset.zoomed = flame.tree.label[flame.zoomed];
	flame.canvas.setAttribute("aria-label", "Flame graph of " + nsText(flame.tree.ns[0]) + " of thread time, " + flame.boxes.length +
		" boxes. Arrow keys move between boxes, Enter zooms in, Escape out; what is in focus is said below.");
}

// --- what a box is, in words ---

function describeBox(node) {
	const {tree} = flame, width = states.length, shares = [];

	for (let s = 0; s < width; s++)
		if (tree.byState[node * width + s] >= 0.005 * tree.ns[node] && tree.byState[node * width + s])
			shares.push([tree.byState[node * width + s], s === facts.cpu ? "on a CPU" : states[s].name]);
	shares.sort((a, b) => b[0] - a[0]);
	const lines = [["", tree.label[node]], ["time", nsText(tree.ns[node]) + ", " + percentText(tree.ns[node], tree.ns[0])]];
	if (tree.own[node] && tree.own[node] < tree.ns[node])
		lines.push(["own", nsText(tree.own[node])]);
	lines.push(["in", shares.slice(0, 5).map(([ns, name]) => name + " " + percentText(ns, tree.ns[node])).join(", ")]);
	return lines;
}

function sayBox(node) {
	const lines = describeBox(node);

	flame.says.textContent = lines[0][1] + ": " + lines[1][1] + "; " + lines[lines.length - 1][1];
}

function boxAt(event) {
	const area = flame.canvas.getBoundingClientRect(), x = event.clientX - area.left, depth = Math.floor((event.clientY - area.top) / ROW);

	return flame.boxes.find((box) => box.depth === depth && x >= box.x && x < box.x + box.w);
}

function zoomFlame(node) {
	flame.zoomed = node;
	flame.focused = node;
	drawFlame();
	sayBox(node);
}

// --- search: matches within a match count once ---

function searchFlame(text) {
	const {tree} = flame, wanted = text.toLowerCase();
	let ns = 0, n = 0;

	flame.search = text;
	flame.hits = text ? new Uint8Array(tree.label.length) : null;
	const covered = new Uint8Array(tree.label.length);
	for (let i = 1; text && i < tree.label.length; i++) {
		covered[i] = covered[tree.parent[i]] || (tree.parent[i] && flame.hits[tree.parent[i]]) ? 1 : 0;
		if (!tree.label[i].toLowerCase().includes(wanted))
			continue;
		flame.hits[i] = 1;
		n++;
		ns += covered[i] ? 0 : tree.ns[i];
	}
	flame.matched.textContent = text ? nsText(ns) + " (" + percentText(ns, tree.ns[0]) + ") in " + countText(n) + (n === 1 ? " box" : " boxes") : "";
	flame.matched.dataset.ns = ns;
}

// --- hands ---

function moveBox(key) {
	const {tree, boxes} = flame, at = boxes.find((box) => box.node === flame.focused) || boxes[boxes.length - 1];
	const beside = boxes.filter((box) => box.depth === at.depth && !box.outer).sort((a, b) => a.x - b.x), i = beside.indexOf(at);
	const below = boxes.filter((box) => box.depth === at.depth + 1 && tree.parent[box.node] === at.node).sort((a, b) => b.w - a.w);
	const next = {ArrowUp: boxes.find((box) => box.node === tree.parent[at.node] && at.node), ArrowDown: below[0],
		ArrowLeft: beside[i - 1], ArrowRight: beside[i + 1]}[key];

	if (next) {
		flame.focused = next.node;
		drawFlame();
		sayBox(next.node);
	}
}

function onFlameKey(event) {
	if (event.ctrlKey || event.altKey || event.metaKey)
		return;
	if (event.key.startsWith("Arrow"))
		moveBox(event.key);
	else if (event.key === "Enter" || event.key === " ")
		zoomFlame(flame.focused);
	else if (event.key === "Escape")
		zoomFlame(0);
	else if (event.key === "/")
		flame.input.focus();
	else
		return;
	event.preventDefault();
}

function listenFlame(canvas) {
	canvas.addEventListener("click", (event) => {
		const box = boxAt(event);

		if (box)
			zoomFlame(box.node);
	});
	canvas.addEventListener("pointermove", (event) => {
		const box = boxAt(event);

		canvas.style.cursor = box ? "pointer" : "default";
		if (box)
			showTip(event, describeBox(box.node));
		else
			hideTip();
	});
	canvas.addEventListener("pointerleave", hideTip);
	canvas.addEventListener("keydown", onFlameKey);
	canvas.addEventListener("focus", drawFlame);
	canvas.addEventListener("blur", drawFlame);
}

function chooser(id, label, values, act) {
	return make("label", {}, label + " ", make("select", {id, change: (event) => act(event.target.value)},
		...values.map(([value, text]) => make("option", {value}, text))));
}

function buildFlame(place) {
	flame.canvas = make("canvas", {tabindex: 0, role: "application", id: "flame-canvas"});
	flame.says = make("p", {class: "says", id: "flame-says", "aria-live": "polite"}, "\u00a0");
	flame.matched = make("output", {id: "flame-matched"});
	flame.input = make("input", {type: "search", id: "flame-search", placeholder: "Search names ( / )", "aria-label": "search names in the flame graph",
		input: (event) => {
			searchFlame(event.target.value);
			drawFlame();
		}});
	place.append(
		make("div", {id: "selected", "aria-live": "polite"}),
		make("div", {class: "tools"},
			chooser("flame-only", "time", [["all", "all"], ["on", "on CPUs"], ["off", "off CPUs"]], (value) => {
				flame.only = value;
				fillFlame();
			}),
			chooser("flame-by", "by", [["none", "stack alone"], ["thread", "thread"], ["process", "process"], ["cause", "cause"]], (value) => {
				flame.by = value;
				fillFlame();
			}),
			flame.input, flame.matched, make("span", {class: "grow"}), button("zoom out", "show the whole graph", () => zoomFlame(0), {id: "flame-reset"})),
		flame.says, make("div", {class: "flame-box"}, flame.canvas));
	listenFlame(flame.canvas);
}

function fillFlame() {
	const parts = flame.parts.filter((part) =>
		flame.only === "all" || (states[part.state].group === GROUP_CPU) === (flame.only === "on"));

	flame.tree = buildTree(flame.run, parts, flame.by);
	flame.zoomed = flame.focused = 0;
	searchFlame(flame.search);
	flame.width = Math.floor(flame.canvas.parentNode.clientWidth);
	drawFlame();
}

function showFlame(run) {
	find("flame").hidden = false;
	if (!flame.canvas)
		buildFlame(find("flame-place"));
	flame.run = run;
	flame.parts = selectedParts(run);
	fillFlame();
}
