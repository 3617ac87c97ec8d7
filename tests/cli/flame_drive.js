// SPDX-License-Identifier: Apache-2.0
// Plays a user in the picture of tests/unit/flame_fixture.h and writes what it found into the document.
(function () {
	"use strict";
	var wrong = [], checks = 0;
	var root = document.documentElement, full = +root.dataset.full, left = +root.dataset.left;
	var input = document.querySelector("input"), crumbs = document.querySelector("#crumbs");
	var boxes = Array.from(document.querySelectorAll("#frames > svg"));

	function check(what, holds) {
		checks++;
		if (!holds)
			wrong.push(what);
	}

	function named(name) {
		return boxes.filter(function (box) {
			return box.querySelector("title").textContent.split("\n")[0] === name;
		});
	}

	function width(box) {
		return box.style.display === "none" ? 0 : +box.getAttribute("width");
	}

	function click(element) {
		element.dispatchEvent(new MouseEvent("click", {bubbles: true}));
	}

	function key(element, name) {
		element.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
	}

	function search(text) {
		input.value = text;
		input.dispatchEvent(new Event("input", {bubbles: true}));
		return document.querySelector("#matched").textContent;
	}

	function share(text) {
		return +/matched ([0-9.]+)%/.exec(text)[1];
	}

	function visible() {
		return boxes.filter(function (box) {
			return width(box) > 0;
		}).length;
	}

	try {
		var all = boxes[0], worker = named("worker (7003)")[0], before = boxes.map(width);
		check("everything is there at first", visible() === boxes.length && width(all) === full);

		// The window is lower than the picture: see flame.bats.
		check("the header and the outermost frames are in sight", window.innerHeight < +root.getAttribute("height") &&
			Math.abs(document.querySelector("#head .backdrop").getBoundingClientRect().top) < 1 &&
			all.getBoundingClientRect().bottom <= window.innerHeight);

		// Zoom.
		click(worker.querySelector("rect"));
		check("what is clicked has the whole width", width(worker) === full && +worker.getAttribute("x") === left);
		check("the box below stays", width(all) === full);
		check("others are gone", named("worker (7005)").every(function (box) {
			return width(box) === 0;
		}));
		check("names that were cut are whole", named("[lock] log_lock").some(function (box) {
			return box.querySelector("text") && box.querySelector("text").textContent.indexOf("[lock]") === 0;
		}));
		check("crumbs say where", crumbs.textContent.indexOf("all") === 0 && crumbs.textContent.indexOf("worker (7003)") > 0);
		check("children fill their parent as before", boxes.every(function (box, i) {
			return width(box) === 0 || width(box) === full ||
				Math.abs(width(box) - before[i] * full / before[boxes.indexOf(worker)]) < 0.01;
		}));
		click(crumbs.querySelector(".link"));
		check("a crumb zooms out", visible() === boxes.length);
		check("back as before", boxes.every(function (box, i) {
			return Math.abs(width(box) - before[i]) < 0.01;
		}));

		// Keyboard.
		key(root, "/");
		check("/ goes to the search", document.activeElement === input);
		worker.focus();
		key(worker, "Enter");
		check("Enter zooms", width(worker) === full);
		key(worker, "ArrowDown");
		check("the arrow goes down", document.activeElement === all);
		key(all, "ArrowUp");
		check("and up", document.activeElement === worker);
		key(worker, "Escape");
		check("Escape resets", visible() === boxes.length && width(all) === full);
		worker.focus();
		key(worker, "ArrowRight");
		check("and to the right", document.activeElement === named("worker (7004)")[0]);
		check("what can be read can be reached with Tab", worker.getAttribute("tabindex") === "0");

		// Search: what was found, and its share of the time, nothing counted twice.
		check("the share of a state", share(search("[LOCK]")) === 25.4 && document.querySelectorAll(".hit").length === 8);
		check("nested matches count once", share(search("worker")) === share(search("worker (")) && share(search("all")) === 100);
		check("text is not a pattern", search(".*") === "matched 0.00% in 0 boxes" && search("a(") .indexOf("matched 0.00%") === 0);
		click(document.querySelector("button"));
		check("a pattern is one", share(search("^worker .700[23]")) > 30 && share(search("^worker .700[23]")) < 40);
		["(", "[", "*", "a{2,1}", "\\", "(?<"].forEach(function (text) {
			check("no regular expression: " + text, search(text) === "not a regular expression" && input.className === "wrong");
		});
		key(input, "Escape");
		check("Escape ends the search", input.value === "" && document.querySelectorAll(".hit").length === 0);
		click(document.querySelector("button"));

		// Nobody's name became a part of the document.
		check("one script of the picture's and this one", document.querySelectorAll("script").length === 2);
		check("nothing in titles but text", Array.from(document.querySelectorAll("title, #frames text")).every(function (element) {
			return element.children.length === 0;
		}));
		boxes.forEach(click);
		boxes.forEach(function (box) {
			key(box, "Escape");
		});
		check("every box can be clicked", visible() === boxes.length);
	} catch (error) {
		wrong.push(String(error));
	}
	var verdict = document.createElementNS("http://www.w3.org/2000/svg", "text");
	verdict.setAttribute("id", "verdict");
	verdict.textContent = wrong.length ? "WRONG: " + wrong.join("; ") : "all " + checks + " checks hold";
	root.appendChild(verdict);
})();
