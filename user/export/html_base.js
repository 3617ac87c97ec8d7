// SPDX-License-Identifier: Apache-2.0
// What all scripts of the page use: elements, figures, packed numbers. What programs are called only ever becomes text, never markup.
const facts = JSON.parse(document.getElementById("page").textContent);
const states = facts.states;
const GROUP_CPU = 0, GROUP_QUEUE = 1;

function find(id) {
	return document.getElementById(id);
}

// Children that are strings become text.
function make(tag, attributes, ...children) {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {}))
		if (typeof value === "function")
			element.addEventListener(name, value);
		else if (value !== undefined && value !== false)
			element.setAttribute(name, value === true ? "" : value);
	element.append(...children);
	return element;
}

// A state's colour and pattern, as html_swatch() draws it.
function swatch(state) {
	const space = "http://www.w3.org/2000/svg", picture = document.createElementNS(space, "svg"), box = document.createElementNS(space, "rect");

	for (const [name, value] of [["class", "swatch"], ["width", 12], ["height", 12], ["aria-hidden", "true"]])
		picture.setAttribute(name, value);
	for (const [name, value] of [["width", 12], ["height", 12], ["rx", 2], ["fill", "url(#h" + state + ")"]])
		box.setAttribute(name, value);
	picture.append(box);
	return picture;
}

function button(text, label, act, more) {
	return make("button", {type: "button", title: label, "aria-label": label, click: act, ...more}, text);
}

// As figure_ns() and figure_count() of the report.
function nsText(ns) {
	const units = [[1e3, "us"], [1e6, "ms"], [1e9, "s"]];
	let i = 0;

	if (ns < 1000)
		return ns + " ns";
	while (i < 2 && ns >= 999.5 * units[i][0])
		i++;
	const value = ns / units[i][0];
	return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + " " + units[i][1];
}

function countText(count) {
	return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function percentText(part, whole) {
	const percent = whole ? 100 * part / whole : 0;

	return percent && percent < 0.05 ? "<0.1%" : percent.toFixed(percent < 9.95 ? 1 : 0) + "%";
}

// A point in time, as fine as `step` asks for.
function timeText(ns, step) {
	const unit = ns >= 1e9 || step >= 1e9 ? 1e9 : ns >= 1e6 || step >= 1e6 ? 1e6 : ns >= 1e3 || step >= 1e3 ? 1e3 : 1;
	const digits = Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));

	return (ns / unit).toFixed(Math.min(digits, 9)) + {1: " ns", 1e3: " us", 1e6: " ms", 1e9: " s"}[unit];
}

function bytesOf(id) {
	const text = find(id).textContent;

	if (Uint8Array.fromBase64)
		return Uint8Array.fromBase64(text);
	const binary = atob(text), bytes = new Uint8Array(binary.length);
	for (let i = 0; i < binary.length; i++)
		bytes[i] = binary.charCodeAt(i);
	return bytes;
}

// The numbers of a packed element, one a call. They are exact below 2^53: as nanoseconds, 104 days.
function reader(id) {
	const bytes = bytesOf(id);
	let at = 0;

	return function next() {
		let byte = bytes[at++], value = byte & 127, scale = 128;

		while (byte > 127) {
			byte = bytes[at++];
			value += (byte & 127) * scale;
			scale *= 128;
		}
		return value;
	};
}

// The first position whose value is greater.
function above(sorted, value) {
	let low = 0, high = sorted.length;

	while (low < high) {
		const middle = (low + high) >> 1;

		if (sorted[middle] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// Divides a whole in proportion to parts, as share_of() of explain/stacks.h does: the shares sum to it. Exact, as part and all are counts.
function shareOf(whole, before, part, all) {
	const each = Math.floor(whole / all), left = whole - each * all;

	return each * part + Math.floor(left * (before + part) / all) - Math.floor(left * before / all);
}

function colourText(rgb) {
	return "#" + rgb.toString(16).padStart(6, "0");
}

// Relative luminance decides between black and white, as WCAG 2 has it.
function inkOn(rgb) {
	const part = (shift) => {
		const c = (rgb >> shift & 255) / 255;
		return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
	};
	const light = 0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0);

	return (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? "#000" : "#fff";
}

// Towards `to` (0 or 255).
function blend(rgb, to, share) {
	const part = (shift) => Math.round((rgb >> shift & 255) + (to - (rgb >> shift & 255)) * share) << shift;

	return part(16) | part(8) | part(0);
}

function css(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A canvas of so many CSS pixels, sharp on every screen; drawing is in CSS pixels.
function fit(canvas, width, height) {
	const scale = window.devicePixelRatio || 1;

	if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
		canvas.width = Math.round(width * scale);
		canvas.height = Math.round(height * scale);
		canvas.style.width = width + "px";
		canvas.style.height = height + "px";
	}
	const context = canvas.getContext("2d");
	context.setTransform(scale, 0, 0, scale, 0, 0);
	return context;
}

// Cuts a text to a width with an ellipsis; "" when not even three letters fit.
function cut(text, width, letter) {
	const room = Math.floor(width / letter);

	if (text.length <= room)
		return text;
	return room < 4 ? "" : Array.from(text).slice(0, room - 1).join("") + "\u2026";
}
