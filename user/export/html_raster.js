// SPDX-License-Identifier: Apache-2.0
// Lanes as pixels. On a CPU is the full height, waiting for one less, blocked a line at the bottom: what a thread does can be read without
// colours. Where many intervals meet in one pixel, each state has its share of their heights.
const HEIGHTS = [1, 0.7, 0.36]; // by group of states

// Colours as a buffer holds them (its bytes are red, green, blue, alpha), plain and where the pattern is darker.
function packColour(rgb) {
	const bytes = new Uint8Array([rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255, 255]);

	return new Uint32Array(bytes.buffer)[0];
}
const inks = states.map((state) => ({plain: packColour(state.colour), dark: packColour(blend(state.colour, 0, 0.3)), hatch: state.hatch}));
// From the bottom up.
const stackedStates = states.map((state, i) => i).sort((a, b) => states[a].group - states[b].group || a - b);

function makeRaster(width, height, scale) {
	const image = new ImageData(width, height);

	return {image, width, height, scale: Math.max(1, Math.round(scale)), pixels: new Uint32Array(image.data.buffer),
		share: new Float64Array(states.length)};
}

function fillBox(raster, x0, x1, y0, y1, state) {
	const ink = inks[state], pixels = raster.pixels, scale = raster.scale;

	for (let y = Math.max(0, y0); y < Math.min(raster.height, y1); y++) {
		const row = y * raster.width, bits = ink.hatch >> ((y / scale & 3) << 2) & 15;

		pixels.fill(ink.plain, row + x0, row + x1);
		for (let x = x0; bits && x < x1; x++)
			if (bits >> (x / scale & 3) & 1)
				pixels[row + x] = ink.dark;
	}
}

// Several states in one column of pixels.
function fillColumn(raster, x, top, height) {
	const share = raster.share;
	let from = 0;

	if (x < 0 || x >= raster.width) {
		share.fill(0);
		return;
	}
	for (const state of stackedStates) {
		if (!share[state])
			continue;
		const to = from + share[state] * HEIGHTS[states[state].group] * height;
		const y1 = top + height - Math.round(from), y0 = top + height - Math.max(1, Math.round(to));

		if (y0 < y1)
			fillBox(raster, x, x + 1, y0, y1, state);
		from = to;
		share[state] = 0;
	}
}

// One lane between t0 and t1, from `left` to the raster's right edge; wide(x0, x1, i) is called for intervals that could bear a label.
function drawLane(raster, lane, stateOf, view, left, top, height, wide) {
	const edge = lane.edge, code = lane.code, n = code.length, scale = (raster.width - left) / (view.t1 - view.t0);
	const share = raster.share, widest = 48 * raster.scale;
	let column = -1;

	for (let i = Math.max(0, above(edge, view.t0) - 1); i < n && edge[i] < view.t1; i++) {
		const state = stateOf[code[i]];
		const x0 = Math.max(left, left + (edge[i] - view.t0) * scale);
		const x1 = Math.min(raster.width, left + (edge[i + 1] - view.t0) * scale);
		const c0 = Math.floor(x0), c1 = Math.floor(x1);

		if (c0 !== column) {
			fillColumn(raster, column, top, height);
			column = c0;
		}
		if (c0 === c1) {
			share[state] += x1 - x0;
			continue;
		}
		share[state] += c0 + 1 - x0;
		fillColumn(raster, column, top, height);
		if (c1 > c0 + 1)
			fillBox(raster, c0 + 1, c1, top + height - Math.round(HEIGHTS[states[state].group] * height), top + height, state);
		if (x1 - x0 >= widest)
			wide(x0, x1, i);
		column = c1;
		share[state] += x1 - c1;
	}
	fillColumn(raster, column, top, height);
}

// How many threads were in each state, by slice of the run: for the overview.
function sumSlices(run, n) {
	const slices = new Float64Array(n * states.length), per = run.wall_ns / n;

	for (const lane of run.lanes) {
		const edge = lane.edge;
		let slice = 0;

		for (let i = 0; i < lane.code.length; i++) {
			const state = run.stateOf[lane.code[i]];
			let from = edge[i];

			slice = Math.min(n - 1, Math.floor(from / per));
			while (slice < n - 1 && edge[i + 1] > (slice + 1) * per) {
				slices[slice * states.length + state] += ((slice + 1) * per - from) / per;
				from = ++slice * per;
			}
			slices[slice * states.length + state] += (edge[i + 1] - from) / per;
		}
	}
	return slices;
}
