// SPDX-License-Identifier: Apache-2.0
// Plays a user in the differential picture of tests/unit/test_export_svg_diff.c and writes what it found into the document.
(function () {
	"use strict";
	var wrong = [], checks = 0;
	var root = document.documentElement, full = +root.dataset.full;
	var input = document.querySelector("input");
	var boxes = Array.from(document.querySelectorAll("#frames > svg"));

	function check(what, holds) {
		checks++;
		if (!holds)
			wrong.push(what);
	}

	function title(box) {
		return box.querySelector("title").textContent;
	}

	function named(name) {
		return boxes.filter(function (box) {
			return title(box).split("\n")[0] === name;
		});
	}

	function width(box) {
		return box.style.display === "none" ? 0 : +box.getAttribute("width");
	}

	function click(element) {
		element.dispatchEvent(new MouseEvent("click", {bubbles: true}));
	}

	function search(text) {
		input.value = text;
		input.dispatchEvent(new Event("input", {bubbles: true}));
		return document.querySelector("#matched").textContent;
	}

	// [red, green, blue] as it is drawn; of a hatched box that of the pattern's ground.
	function colour(box) {
		var fill = getComputedStyle(box.querySelector("rect")).fill, pattern = /url\("?#([^")]*)/.exec(fill);

		if (pattern)
			fill = getComputedStyle(document.getElementById(pattern[1]).querySelector("rect")).fill;
		return fill.match(/[0-9]+/g).map(Number);
	}

	function times(box) {
		return /\nbefore [^(]*\(([0-9,]+) ns\)\nafter [^(]*\(([0-9,]+) ns\)/.exec(title(box)).slice(1).map(function (text) {
			return +text.replace(/,/g, "");
		});
	}

	try {
		var all = boxes[0], wide = named("after: orders")[0], only = named("only before: orders")[0];
		var more = 0, less = 0, same = 0;

		check("the two parts fill the picture", Math.abs(width(wide) + width(only) - full) < 0.01 && width(all) === full);
		check("all has the times of both runs", times(all)[0] === times(wide)[0] && times(all)[1] === times(wide)[1]);
		check("what is only before has no time after", times(only)[1] === 0 && times(only)[0] > 0);
		boxes.forEach(function (box) {
			var rgb, ns, change;

			if (box.classList.contains("o"))
				return;
			rgb = colour(box);
			ns = times(box);
			change = ns[1] - ns[0];
			if (/ eq/.test(box.getAttribute("class"))) {
				same++;
				check("grey without much of a change: " + title(box), Math.abs(rgb[0] - rgb[2]) < 12);
			} else if (change > 0) {
				more++;
				check("red with more: " + title(box), rgb[0] > rgb[2] + 5);
			} else {
				less++;
				check("blue with less: " + title(box), rgb[2] > rgb[0] + 5);
			}
		});
		check("there are all three", more > 0 && less > 0 && same > 0);
		check("a larger share of the change is darker",
			colour(named("[lock] orders_lock")[0])[0] < colour(named("[disk] fsync /var/log/orders.gz")[0])[0]);

		// It is interactive as every flame graph is, and so is the part at the right.
		click(only.querySelector("rect"));
		check("the part at the right zooms", width(only) === full && width(wide) === 0);
		check("with all that is in it", named("gzip").some(function (box) {
			return width(box) > full / 3;
		}));
		document.querySelector("#crumbs .link").dispatchEvent(new MouseEvent("click", {bubbles: true}));
		check("and back", Math.abs(width(wide) + width(only) - full) < 0.01);
		check("search finds what is only before", / in 1 box$/.test(search("_Rb_tree")));
		check("and what is only after", / in 1 box$/.test(search("order_hash")));
		search("");
		check("one script of the picture's and this one", document.querySelectorAll("script").length === 2);
	} catch (error) {
		wrong.push(String(error));
	}
	var verdict = document.createElementNS("http://www.w3.org/2000/svg", "text");
	verdict.setAttribute("id", "verdict");
	verdict.textContent = wrong.length ? "WRONG: " + wrong.slice(0, 5).join("; ") : "all " + checks + " checks hold";
	root.appendChild(verdict);
})();
