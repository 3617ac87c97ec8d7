// SPDX-License-Identifier: Apache-2.0
// What makes the picture interactive: zoom, search, details, keyboard. Names only ever become text, never markup.
(function () {
	"use strict";
	var NS = "http://www.w3.org/2000/svg", XHTML = "http://www.w3.org/1999/xhtml";
	var CHARACTER = 7.23; // as in svg.h
	var NEAR = 0.0003; // coordinates are rounded to 0.0001
	var root = document.currentScript ? document.currentScript.ownerSVGElement : document.documentElement;
	var left = +root.dataset.left, full = +root.dataset.full;
	var crumbs = root.querySelector("#crumbs"), detail = root.querySelector("#detail"), matched = root.querySelector("#matched");
	var frames = root.querySelector("#frames"), head = root.querySelector("#head");
	var boxes = Array.prototype.map.call(frames.querySelectorAll("svg.b"), function (element) {
		var title = element.querySelector("title").textContent;
		var box = {
			element: element,
			x: +element.getAttribute("x"), y: +element.getAttribute("y"), width: +element.getAttribute("width"),
			shownX: 0, shownWidth: 0, shown: true,
			title: title, more: element.classList.contains("o"),
			text: element.querySelector("text")
		};
		box.name = box.more ? title.split(" frame")[0] : title.split("\n")[0];
		element.box = box;
		return box;
	});
	var first = boxes[0], zoomed = first, focused = first, search = {text: "", regexp: false};

	function holds(outer, inner) {
		return outer.x <= inner.x + NEAR && outer.x + outer.width >= inner.x + inner.width - NEAR;
	}

	function fitText(box) {
		var room = Math.floor((box.shownWidth - 6) / CHARACTER), name = Array.from(box.name);
		var fits = room < 3 ? "" : name.length > room ? name.slice(0, room - 1).join("") + "\u2026" : box.name;

		if (!box.text) {
			if (!fits)
				return;
			box.text = document.createElementNS(NS, "text");
			box.text.setAttribute("x", 3);
			box.text.setAttribute("y", 12);
			box.element.appendChild(box.text);
		}
		if (box.text.textContent !== fits)
			box.text.textContent = fits;
	}

	function place(box, x, width, below) {
		box.shown = true;
		box.shownX = x;
		box.shownWidth = width;
		box.element.setAttribute("x", x);
		box.element.setAttribute("width", width);
		box.element.style.display = "";
		box.element.classList.toggle("below", below);
		// What can be read can be reached with Tab; the arrow keys reach everything.
		box.element.setAttribute("tabindex", width >= 24 ? 0 : -1);
		fitText(box);
	}

	function hide(box) {
		box.shown = false;
		box.element.style.display = "none";
	}

	function zoom(to) {
		var scale = full / to.width;

		zoomed = to;
		boxes.forEach(function (box) {
			if (box.y > to.y && holds(box, to))
				place(box, left, full, true);
			else if (box.y <= to.y && holds(to, box))
				place(box, left + (box.x - to.x) * scale, box.width * scale, false);
			else
				hide(box);
		});
		showCrumbs();
	}

	// The boxes below this one, the outermost first.
	function path(to) {
		return boxes.filter(function (box) {
			return box.y > to.y && holds(box, to);
		}).sort(function (a, b) {
			return b.y - a.y;
		});
	}

	function link(parent, text, label, act) {
		var element = document.createElementNS(NS, "tspan");

		element.textContent = text;
		element.setAttribute("class", "link");
		element.setAttribute("tabindex", 0);
		element.setAttribute("role", "button");
		element.setAttribute("aria-label", label);
		element.addEventListener("click", act);
		element.addEventListener("keydown", function (event) {
			if (event.key === "Enter" || event.key === " ") {
				act();
				event.preventDefault();
				event.stopPropagation();
			}
		});
		parent.appendChild(element);
	}

	function plain(parent, text) {
		var element = document.createElementNS(NS, "tspan");

		element.textContent = text;
		parent.appendChild(element);
	}

	function shorten(text, length) {
		var characters = Array.from(text);

		return characters.length > length ? characters.slice(0, length - 1).join("") + "\u2026" : text;
	}

	function showCrumbs() {
		var above = path(zoomed), room = Math.max(1, Math.floor(full / 200) - 2), skip = Math.max(0, above.length - room);

		crumbs.textContent = "";
		if (zoomed === first) {
			plain(crumbs, "Click a box to zoom in, / to search");
			return;
		}
		above.forEach(function (box, i) {
			if (i > 0 && i <= skip) {
				if (i === skip)
					plain(crumbs, "\u2026 \u203a ");
				return;
			}
			link(crumbs, shorten(box.name, 24), "zoom out to " + box.name, function () {
				zoom(box);
				focus(box);
			});
			plain(crumbs, " \u203a ");
		});
		plain(crumbs, shorten(zoomed.name, 40) + "   ");
		link(crumbs, "Reset zoom", "reset zoom", function () {
			zoom(first);
			focus(first);
		});
	}

	function showDetail(box) {
		detail.textContent = box ? shorten(box.title.split("\n").join("   "), Math.floor(full / CHARACTER)) : "";
	}

	function focus(box) {
		focused = box;
		box.element.focus({preventScroll: false});
		showDetail(box);
	}

	// What a name is compared with; null when it is no regular expression.
	function matcher() {
		var text = search.text.toLowerCase(), expression;

		if (!search.regexp)
			return function (name) {
				return name.toLowerCase().indexOf(text) >= 0;
			};
		try {
			expression = new RegExp(search.text, "i");
		} catch (error) {
			return null;
		}
		return function (name) {
			return expression.test(name);
		};
	}

	function runSearch() {
		var matches = search.text ? matcher() : null, hits = [], end = -1, sum = 0;

		frames.classList.toggle("searched", !!matches);
		boxes.forEach(function (box) {
			var hit = !!matches && !box.more && matches(box.name);

			box.element.classList.toggle("hit", hit);
			if (hit)
				hits.push(box);
		});
		// A box within another that matches counts once.
		hits.sort(function (a, b) {
			return a.x - b.x || b.width - a.width;
		}).forEach(function (box) {
			if (box.x + box.width > end + NEAR) {
				sum += box.x + box.width - Math.max(end, box.x);
				end = box.x + box.width;
			}
		});
		matched.textContent = matches ? "matched " + (100 * sum / first.width).toFixed(2) + "% in " + hits.length +
			(hits.length === 1 ? " box" : " boxes") : search.text ? "not a regular expression" : "";
		return !search.text || !!matches;
	}

	function element(name, attributes, parent) {
		var made = document.createElementNS(XHTML, name);

		Object.keys(attributes).forEach(function (key) {
			made.setAttribute(key, attributes[key]);
		});
		parent.appendChild(made);
		return made;
	}

	var width = Math.min(340, full / 2), frame = document.createElementNS(NS, "foreignObject");
	frame.setAttribute("x", left + full - width);
	frame.setAttribute("y", 8);
	frame.setAttribute("width", width);
	frame.setAttribute("height", 32);
	head.appendChild(frame);
	var tools = element("div", {"class": "tools"}, frame);
	var input = element("input", {type: "text", placeholder: "Search names ( / )", "aria-label": "search names",
		autocomplete: "off", spellcheck: "false"}, tools);
	var regexp = element("button", {type: "button", "aria-pressed": "false", title: "regular expression"}, tools);
	var clear = element("button", {type: "button", title: "end the search"}, tools);
	regexp.textContent = ".*";
	clear.textContent = "\u2715";

	function changed() {
		search.text = input.value;
		input.classList.toggle("wrong", !runSearch());
	}

	function endSearch() {
		input.value = "";
		changed();
	}

	input.addEventListener("input", changed);
	regexp.addEventListener("click", function () {
		search.regexp = !search.regexp;
		regexp.setAttribute("aria-pressed", search.regexp);
		changed();
	});
	clear.addEventListener("click", endSearch);

	function boxOf(event) {
		var found = event.target.closest ? event.target.closest("svg.b") : null;

		return found && found.box;
	}

	frames.addEventListener("click", function (event) {
		var box = boxOf(event);

		if (box && !box.more) {
			zoom(box === zoomed ? path(box).pop() || first : box);
			focus(box);
		}
	});
	frames.addEventListener("mouseover", function (event) {
		showDetail(boxOf(event));
	});
	frames.addEventListener("mouseleave", function () {
		showDetail(null);
	});
	frames.addEventListener("focusin", function (event) {
		var box = boxOf(event);

		if (box) {
			focused = box;
			showDetail(box);
		}
	});

	// The nearest in a direction, among those that are shown.
	function neighbour(key) {
		var row = {ArrowUp: -1, ArrowDown: 1}[key] || 0, middle = focused.shownX + focused.shownWidth / 2;
		var rowHeight = +root.dataset.row, best = null, distance = Infinity;

		boxes.forEach(function (box) {
			var away = 0;

			if (!box.shown || box === focused || box.y !== focused.y + row * rowHeight)
				return;
			if (key === "ArrowUp" && !holds(focused, box) || key === "ArrowDown" && !holds(box, focused))
				return;
			if (key === "ArrowLeft")
				away = focused.shownX - box.shownX;
			else if (key === "ArrowRight")
				away = box.shownX - focused.shownX;
			else if (key === "ArrowUp") // the widest child
				away = full - box.shownWidth;
			else
				away = Math.abs(middle - box.shownX);
			if (away >= 0 && away < distance) {
				best = box;
				distance = away;
			}
		});
		return best;
	}

	root.addEventListener("keydown", function (event) {
		var box = boxOf(event), next;

		if (box)
			focused = box;
		if (event.key === "Escape") {
			if (search.text)
				endSearch();
			else
				zoom(first);
			focus(zoomed);
		} else if (event.target === input) {
			return;
		} else if (event.key === "/") {
			input.focus();
			input.select();
		} else if ((event.key === "Enter" || event.key === " ") && box) {
			if (!box.more)
				zoom(box);
			focus(box);
		} else if (event.key.indexOf("Arrow") === 0 && box) {
			next = neighbour(event.key);
			if (next)
				focus(next);
		} else {
			return;
		}
		event.preventDefault();
	});

	// Stacks may be higher than the window: it opens where they begin, at the bottom, and the header stays in sight.
	function pin() {
		var above = Math.max(0, -root.getBoundingClientRect().top);

		head.setAttribute("transform", "translate(0 " + above + ")");
	}

	var backdrop = document.createElementNS(NS, "rect");
	backdrop.setAttribute("class", "backdrop");
	backdrop.setAttribute("width", "100%");
	backdrop.setAttribute("height", +root.dataset.top - 4);
	head.insertBefore(backdrop, head.firstChild);
	root.appendChild(head);
	window.addEventListener("scroll", pin);
	window.addEventListener("resize", pin);
	zoom(first);
	if (root === document.documentElement)
		window.scrollTo(0, document.documentElement.getBoundingClientRect().height);
	pin();
})();
