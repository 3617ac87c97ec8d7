// SPDX-License-Identifier: Apache-2.0
// A run's data, decoded once: html_data.c says what stands where.
const runs = new Map();

// Stacks as a tree in which a node is a name with the same callers: frames of one function at different addresses are one.
function readStacks(run) {
	const next = reader("stacks-" + run.number), parents = [0], names = [0], known = new Map(), node = [0];

	for (let id = 1; id <= run.n_stacks; id++) {
		const parent = node[id - next()], name = next(), key = parent * run.names.length + name;
		let found = known.get(key);

		if (found === undefined) {
			found = parents.length;
			known.set(key, found);
			parents.push(parent);
			names.push(name);
		}
		node.push(found);
	}
	run.nodeOf = Int32Array.from(node);
	run.nodeParent = Int32Array.from(parents);
	run.nodeName = Int32Array.from(names);
}

function readRows(run) {
	const next = reader("rows-" + run.number), n = next(), rows = [];

	for (let i = 0; i < n; i++)
		rows.push({thread: next() - 1, process: next(), state: next(), text: next(), stack: next(), ns: next(), count: next()});
	run.rows = rows;
}

// By code: 0 is on a CPU.
function readCauses(run) {
	const next = reader("causes-" + run.number), n = next(), causes = [{state: facts.cpu, text: 0, waker: 0, holder: 0, stack: 0}];

	for (let i = 0; i < n; i++)
		causes.push({state: next(), text: next(), waker: next(), holder: next(), stack: next()});
	run.causes = causes;
	run.stateOf = Uint8Array.from(causes, (cause) => cause.state);
}

// Intervals have no gaps: interval i is from edge[i] to edge[i + 1].
function readLane(next, thread) {
	let at = next();
	const n = next(), moments = next();
	const lane = {thread, edge: new Float64Array(n + 1), code: new Uint32Array(n), at: new Float64Array(moments),
		stack: new Uint32Array(moments)};

	lane.edge[0] = at;
	for (let i = 0; i < n; i++) {
		lane.edge[i + 1] = at += next();
		lane.code[i] = next();
	}
	at = 0;
	for (let i = 0; i < moments; i++) {
		lane.at[i] = at += next();
		lane.stack[i] = next();
	}
	return lane;
}

function readLanes(run) {
	const next = reader("lanes-" + run.number);

	run.lanes = run.threads.map((thread, i) => readLane(next, i));
	run.n_intervals = run.lanes.reduce((sum, lane) => sum + lane.code.length, 0);
}

// The critical path, if there is one: segment i is from edge[i] to edge[i + 1].
function readPath(run) {
	const next = reader("path-" + run.number), n = next(), path = {edge: new Float64Array(n + 1), thread: new Int32Array(n)};

	for (let i = 0; i < n; i++) {
		path.thread[i] = next() - 1;
		path.edge[i + 1] = path.edge[i] + next();
	}
	run.path = path;
}

function readRun(number) {
	if (runs.has(number))
		return runs.get(number);
	const run = JSON.parse(find("run-" + number).textContent);

	run.number = number;
	run.lanes = [];
	run.n_intervals = 0;
	readStacks(run);
	readRows(run);
	if (run.timeline) {
		readCauses(run);
		readLanes(run);
		if (find("path-" + number))
			readPath(run);
	}
	runs.set(number, run);
	return run;
}

function threadLabel(run, thread) {
	return run.texts[run.threads[thread][0]];
}

function textOf(run, cause) {
	return cause.state === facts.cpu ? "on a CPU" : run.texts[cause.text];
}

// The index of the interval at a time; -1: the thread does not live then.
function intervalAt(lane, ns) {
	const i = above(lane.edge, ns) - 1;

	return i >= 0 && i < lane.code.length ? i : -1;
}

// What the lane has from t0 to t1, as visit(code, ns).
function eachInterval(lane, t0, t1, visit) {
	const edge = lane.edge, n = lane.code.length;

	for (let i = Math.max(0, above(edge, t0) - 1); i < n && edge[i] < t1; i++) {
		const ns = Math.min(edge[i + 1], t1) - Math.max(edge[i], t0);

		if (ns > 0)
			visit(lane.code[i], ns);
	}
}
