// SPDX-License-Identifier: Apache-2.0
// The page: what is selected, which run is shown, in which colours.

// Changes the selection, and what shows it.
function select(change) {
	Object.assign(selection, change);
	sayFlameWhat();
	redrawLanes();
	if (!select.due)
		select.due = requestAnimationFrame(() => {
			select.due = 0;
			flame.parts = selectedParts(flame.run);
			fillFlame();
			saySelected();
		});
}

function sayFlameWhat() {
	const {t0, lanes: chosen} = selection, run = flame.run;

	find("flame-what").textContent = t0 === null && !chosen ? "all threads, whole run"
		: (chosen ? chosen.size === 1 ? "one thread" : chosen.size + " threads" : "all threads") + (t0 === null ? ", whole run" : ", selected time") +
			(run.sample_hz ? "" : "; stacks on CPUs were not sampled");
}

// Sums of the selection, by state; each carries its nanoseconds.
function saySelected() {
	const {t0, t1, lanes: chosen} = selection, run = flame.run, sums = sumStates(flame.parts), total = sums.reduce((a, b) => a + b, 0);
	const where = [t0 === null ? "whole run" : nsText(t1 - t0) + " from " + timeText(t0 + run.cut_ns, Math.max(1, (t1 - t0) / 100)),
		chosen ? chosen.size === 1 ? threadLabel(run, [...chosen][0]) : chosen.size + " threads" : "all threads"];
	const place = find("selected");

	Object.assign(place.dataset, {ns: total, t0: t0 === null ? "" : t0, t1: t1 === null ? "" : t1, lanes: chosen ? [...chosen].join(" ") : "all"});
	place.replaceChildren(make("b", {}, where.join(", ")), ": " + nsText(total) + " of thread time ",
		...states.map((state, i) => [state, i]).filter(([, i]) => sums[i]).sort(([, a], [, b]) => sums[b] - sums[a]).map(([state, i]) =>
			make("span", {class: "sum", "data-state": state.name, "data-ns": sums[i], title: countText(sums[i]) + " ns"}, swatch(i),
				state.name + " " + nsText(sums[i]) + " ", make("small", {}, percentText(sums[i], total)))),
		...t0 !== null || chosen ? [button("clear", "clear the selection", () => select({t0: null, t1: null, lanes: null}), {id: "clear-selection"})] : []);
}

function showRun(number) {
	const run = readRun(number);

	Object.assign(selection, {t0: null, t1: null, lanes: null});
	showLanes(run);
	showFlame(run);
	sayFlameWhat();
	saySelected();
	showWaits(run);
	for (const other of document.querySelectorAll("#page-tools [data-run]"))
		other.setAttribute("aria-pressed", String(+other.dataset.run === number));
}

// --- light and dark: the system's, or the choice made here ---

function setTheme(theme) {
	if (theme === "auto")
		delete document.documentElement.dataset.theme;
	else
		document.documentElement.dataset.theme = theme;
	find("theme").textContent = theme === "auto" ? "\u25d0 auto" : theme === "dark" ? "\u25cf dark" : "\u25cb light";
	try {
		localStorage.setItem("concprof-theme", theme);
	} catch (error) {
		// A page from a file may have no storage: the choice then lasts as long as the page.
	}
	redrawLanes();
	if (flame.tree)
		drawFlame();
}

function nextTheme() {
	const themes = ["auto", "light", "dark"];

	setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme || "auto") + 1) % 3]);
}

function storedTheme() {
	try {
		return localStorage.getItem("concprof-theme") || "auto";
	} catch (error) {
		return "auto";
	}
}

function resized() {
	if (lanes.run && lanes.run.timeline)
		sizeLanes();
	flame.width = Math.floor(flame.canvas.parentNode.clientWidth);
	drawFlame();
}

// Canvases are printed as they stand: on paper they are light. Nothing may wait for a frame here.
function drawForPaper(theme) {
	const root = document.documentElement;

	if (theme) {
		root.dataset.shown = root.dataset.theme || "";
		root.dataset.theme = theme;
	} else if (root.dataset.shown) {
		root.dataset.theme = root.dataset.shown;
	} else {
		delete root.dataset.theme;
	}
	if (lanes.run && lanes.run.timeline)
		drawLanes();
	drawFlame();
}

function begin() {
	const tools = find("page-tools");

	document.body.append(make("div", {id: "tip", hidden: true, role: "tooltip"}));
	if (facts.runs.length > 1)
		tools.append(make("span", {class: "chips", role: "group", "aria-label": "run in lanes, flame graph and waits"}, ...facts.runs.map((name, i) =>
			button(name, "show " + name + " in lanes, flame graph and waits", () => showRun(i), {class: "chip", "data-run": i}))));
	tools.append(button("", "colours: automatic, light, dark", nextTheme, {id: "theme"}));
	setTheme(storedTheme());
	showRun(facts.runs.length - 1);
	window.addEventListener("resize", resized);
	window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", resized);
	window.addEventListener("beforeprint", () => drawForPaper("light"));
	window.addEventListener("afterprint", () => drawForPaper(undefined));
	document.documentElement.dataset.ready = "true";
}

begin();
