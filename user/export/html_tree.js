// SPDX-License-Identifier: Apache-2.0
// What is selected, summed: by state, and by stack as a tree of boxes. Without a selected time the sums are those of the weighted stacks, which
// are exact by side of the CPU as well, and have threads that no lane has; of a selected time they are those of its intervals, and its
// samples divide its exact time on CPUs.
const selection = {t0: null, t1: null, lanes: null}; // lanes: a Set of positions; null: all
const NOT_SAMPLED = -1;

// Whose time a part is, by the way of grouping. Returns [order, label].
function rootOf(run, by, part) {
	if (by === "thread")
		return part.thread >= 0 ? [part.thread, threadLabel(run, part.thread)]
			: [1e9 + part.process, run.texts[run.processes[part.process]] + ", other threads"];
	if (by === "process")
		return [part.process, run.texts[run.processes[part.process]]];
	return [part.state * 1e7 + Math.max(0, part.text), states[part.state].group === GROUP_CPU ? "on a CPU" : run.texts[part.text]];
}

function partsOfRows(run, chosen) {
	return run.rows.filter((row) => !chosen || chosen.has(row.thread)).map((row) =>
		({...row, text: states[row.state].group === GROUP_CPU ? row.stack ? 0 : NOT_SAMPLED : row.text}));
}

// A lane's time on CPUs between t0 and t1, divided over the samples in it.
function cpuParts(run, lane, t0, t1, ns, add) {
	const first = above(lane.at, t0 - 1), last = above(lane.at, t1 - 1), counts = new Map();
	let before = 0;

	for (let i = first; i < last; i++)
		counts.set(lane.stack[i], (counts.get(lane.stack[i]) || 0) + 1);
	for (const [stack, count] of counts) {
		add(facts.cpu, 0, stack, shareOf(ns, before, count, last - first), count);
		before += count;
	}
	if (first === last)
		add(facts.cpu, NOT_SAMPLED, 0, ns, 0);
}

function partsOfTime(run, chosen, t0, t1) {
	const sums = new Float64Array(run.causes.length), counts = new Uint32Array(run.causes.length), parts = [];

	for (const lane of run.lanes) {
		if (chosen && !chosen.has(lane.thread))
			continue;
		const process = run.threads[lane.thread][1], codes = [];
		const add = (state, text, stack, ns, count) => {
			if (ns)
				parts.push({thread: lane.thread, process, state, text, stack, ns, count});
		};

		eachInterval(lane, t0, t1, (code, ns) => {
			if (!counts[code]++)
				codes.push(code);
			sums[code] += ns;
		});
		for (const code of codes) {
			if (code)
				add(run.causes[code].state, run.causes[code].text, run.causes[code].stack, sums[code], counts[code]);
			else
				cpuParts(run, lane, t0, t1, sums[0], add);
			sums[code] = counts[code] = 0;
		}
	}
	return parts;
}

function selectedParts(run) {
	const {t0, t1, lanes: chosen} = selection;

	return t0 === null ? partsOfRows(run, chosen) : partsOfTime(run, chosen, t0, t1);
}

function sumStates(parts) {
	const sums = new Float64Array(states.length);

	for (const part of parts)
		sums[part.state] += part.ns;
	return sums;
}

// --- the tree: parents before children, so that one pass from the end sums it ---

function makeTree() {
	return {parent: [], label: [], kind: [], order: [], own: [], state: [], count: []};
}

function addNode(tree, parent, label, kind, order, state) {
	tree.parent.push(parent);
	tree.label.push(label);
	tree.kind.push(kind);
	tree.order.push(order);
	tree.state.push(state);
	tree.own.push(0);
	tree.count.push(0);
	return tree.label.length - 1;
}

// The tree's node for a node of the run's stacks below this root, made if it is not there.
function ensureFrame(run, tree, known, node) {
	const missing = [];

	while (!known.has(node)) {
		missing.push(node);
		node = run.nodeParent[node];
	}
	let at = known.get(node);
	while (missing.length) {
		const name = run.nodeName[node = missing.pop()];

		at = addNode(tree, at, run.names[name], run.kinds[name], name, -1);
		known.set(node, at);
	}
	return at;
}

function addPart(run, tree, root, part, bare) {
	let at = ensureFrame(run, tree, root.frames, run.nodeOf[part.stack]);
	const tip = part.text === NOT_SAMPLED ? run.names[run.not_sampled] : part.text && !bare ? run.texts[part.text] : "";

	if (tip) {
		const key = at * run.texts.length + part.text;

		if (!root.tips.has(key))
			root.tips.set(key, addNode(tree, at, tip, part.text === NOT_SAMPLED ? "m" : "w", 1e9 + part.state * 1e6 + part.text, part.state));
		at = root.tips.get(key);
	}
	tree.own[at] += part.ns;
	tree.count[at] += part.count;
	tree.parts.push([at, part.state, part.ns]);
}

// Sums from the tips down; time on a CPU is one for colours, whatever its side.
function sumTree(tree) {
	const n = tree.label.length, width = states.length;

	tree.ns = Float64Array.from(tree.own);
	tree.byState = new Float64Array(n * width);
	for (const [node, state, ns] of tree.parts)
		tree.byState[node * width + (states[state].group === GROUP_CPU ? facts.cpu : state)] += ns;
	for (let i = n - 1; i > 0; i--) {
		tree.ns[tree.parent[i]] += tree.ns[i];
		for (let s = 0; s < width; s++)
			tree.byState[tree.parent[i] * width + s] += tree.byState[i * width + s];
	}
	tree.children = tree.label.map(() => []);
	for (let i = 1; i < n; i++)
		tree.children[tree.parent[i]].push(i);
	for (const children of tree.children)
		children.sort((a, b) => tree.order[a] - tree.order[b] || (tree.label[a] < tree.label[b] ? -1 : 1));
}

function buildTree(run, parts, by) {
	const tree = makeTree(), roots = new Map();

	tree.parts = [];
	addNode(tree, 0, "all", "r", 0, -1);
	for (const part of parts) {
		const [order, label] = by === "none" ? [0, ""] : rootOf(run, by, part);
		let root = roots.get(order);

		if (!root) {
			root = {frames: new Map(), tips: new Map()};
			root.frames.set(0, by === "none" ? 0 : addNode(tree, 0, label, "r", order, -1));
			roots.set(order, root);
		}
		addPart(run, tree, root, part, by === "cause");
	}
	sumTree(tree);
	return tree;
}

// The state that nearly all of a node's time is in; -1: there are several.
function mainState(tree, node) {
	const width = states.length;

	for (let s = 0; s < width; s++)
		if (tree.byState[node * width + s] >= 0.9 * tree.ns[node])
			return s;
	return -1;
}
