// SPDX-License-Identifier: Apache-2.0
// The table of waits: sorted by any column, filtered by text and by state. Its cells are those that the page has without scripting.
const WAITS_FIRST = 25, WAITS_MORE = 500; // rows that are there at first, and with each "more"
// Columns after the first: where they stand in a row of the data, and whether they are times.
const waitColumns = [["waited for", 1], ["total", 3, true], ["at a time", 4], ["count", 5], ["p50", 6, true], ["p95", 7, true], ["p99", 8, true],
	["longest", 9, true], ["threads", 10]];
const waits = {run: null, column: 1, down: true, text: "", off: new Set(), most: WAITS_FIRST};

function valueOf(row, column) {
	const value = row[waitColumns[column][1]];

	return column ? value : waits.run.texts[value].toLowerCase();
}

function chosenWaits() {
	const {run, text, off, column, down} = waits, wanted = text.toLowerCase();

	return run.waits.filter((row) => !off.has(row[0]) && (run.texts[row[1]] + "\n" + run.texts[row[2]]).toLowerCase().includes(wanted))
		.sort((a, b) => {
			const x = valueOf(a, column), y = valueOf(b, column);
			return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
		});
}

function waitCell(row, [, at, time]) {
	const value = row[at];

	if (time)
		return value ? make("td", {class: "n", "data-ns": value, title: countText(value) + " ns"}, nsText(value))
			: make("td", {class: "n none", "data-ns": 0}, "-");
	return make("td", {class: "n"}, at === 4 ? value.toFixed(2) : countText(value));
}

function waitRow(row) {
	const {run} = waits, note = run.texts[row[2]];

	return make("tr", {}, make("th", {scope: "row"}, swatch(row[0]), run.texts[row[1]], ...note ? [make("span", {class: "note"}, note)] : []),
		...waitColumns.slice(1).map((column) => waitCell(row, column)));
}

function fillWaits() {
	const rows = chosenWaits(), body = find("waits-table").tBodies[0], all = waits.run.waits.length;

	body.replaceChildren(...rows.slice(0, waits.most).map(waitRow));
	find("waits-rest").replaceChildren(make("p", {class: "faint", "aria-live": "polite"},
		(rows.length > waits.most ? "The first " + waits.most + " of " : "") + countText(rows.length) + (rows.length === 1 ? " cause" : " causes") +
		(rows.length < all ? " of " + countText(all) : "") + ". ",
		...rows.length > waits.most ? [button("show more", "show more causes", () => {
			waits.most += WAITS_MORE;
			fillWaits();
		}, {id: "waits-more"})] : []));
	for (const [i, head] of [...find("waits-table").tHead.rows[0].cells].entries())
		head.setAttribute("aria-sort", i !== waits.column ? "none" : waits.down ? "descending" : "ascending");
}

function sortWaits(column) {
	waits.down = column === waits.column ? !waits.down : column > 0;
	waits.column = column;
	fillWaits();
}

function buildWaits() {
	const heads = find("waits-table").tHead.rows[0].cells;

	waitColumns.forEach(([name], i) => heads[i].replaceChildren(make("button", {type: "button", class: "sort", click: () => sortWaits(i)}, name)));
	waits.chips = make("span", {class: "chips", role: "group", "aria-label": "states"});
	find("waits-tools").append(make("input", {type: "search", id: "waits-filter", placeholder: "Filter", "aria-label": "filter waits by text",
		input: (event) => {
			waits.text = event.target.value;
			fillWaits();
		}}), waits.chips);
}

function stateChip(state) {
	const chip = make("button", {type: "button", class: "chip", "aria-pressed": "true", "data-state": states[state].name, click: () => {
		if (!waits.off.delete(state))
			waits.off.add(state);
		chip.setAttribute("aria-pressed", String(!waits.off.has(state)));
		fillWaits();
	}}, swatch(state), states[state].name);

	return chip;
}

function showWaits(run) {
	if (!waits.run)
		buildWaits();
	waits.run = run;
	waits.most = WAITS_FIRST;
	waits.off.clear();
	waits.chips.replaceChildren(...[...new Set(run.waits.map((row) => row[0]))].sort((a, b) => a - b).map(stateChip));
	fillWaits();
}
