#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Judges a flame graph by its XML alone: flame_check.py FILE.svg; or the colours of a picture: --colours FILE.png RRGGBB..."""
import re
import struct
import sys
import xml.etree.ElementTree as ElementTree
import zlib

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "style", "defs", "pattern", "rect", "path", "text", "g", "script"}
NEAR = 0.0002


def check(path):
    root = ElementTree.parse(path).getroot()
    boxes = []
    for element in root.iter():
        name = element.tag.removeprefix(SVG)
        assert name in ALLOWED, f"an element {element.tag}"
        for key, value in element.attrib.items():
            assert not key.lower().startswith("on") and "href" not in key.lower(), f"an attribute {key}"
            assert "//" not in value, f"{key} refers to {value}"
    assert len(list(root.iter(SVG + "script"))) == 1 and len(list(root.iter(SVG + "style"))) == 1
    frames = root.find(f"{SVG}g[@id='frames']")
    for element in frames:
        assert element.tag == SVG + "svg" and element[0].tag == SVG + "title", "a box without a title"
        figures = re.search(r"\(([0-9,]+) ns\), ([0-9.]+)%", element[0].text)
        assert figures, f"a title without time: {element[0].text!r}"
        box = {key: float(element.get(key)) for key in ("x", "y", "width", "height")}
        box["ns"] = int(figures[1].replace(",", ""))
        box["share"] = float(figures[2])
        boxes.append(box)
    first, height = boxes[0], float(root.get("height"))
    scale = first["width"] / first["ns"]
    rows = {}
    for box in boxes:
        assert abs(box["width"] - box["ns"] * scale) <= NEAR, f"{box}: its width is not its time"
        assert abs(box["share"] - 100 * box["ns"] / first["ns"]) <= 0.006, f"{box}: its share is wrong"
        assert 0 <= box["y"] and box["y"] + box["height"] <= height, f"{box}: outside"
        rows.setdefault(box["y"], []).append(box)
    ordered = sorted(rows, reverse=True)
    assert rows[ordered[0]] == [first]
    for below, above in zip(ordered, ordered[1:]):
        assert below - above == float(root.get("data-row")), "rows are not one upon the other"
        end = 0
        for box in sorted(rows[above], key=lambda box: box["x"]):
            assert box["x"] >= end - NEAR, f"{box}: overlaps its neighbour"
            end = box["x"] + box["width"]
            assert any(box["x"] >= under["x"] - NEAR and end <= under["x"] + under["width"] + NEAR for under in rows[below]), \
                f"{box}: stands on nothing"
    assert len(boxes) > 3


def pixels(path):
    """The set of colours of an 8-bit RGB or RGBA PNG."""
    data = open(path, "rb").read()
    at, image, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", data[at + 8:at + 8 + length])
        elif kind == b"IDAT":
            image += data[at + 8:at + 8 + length]
        at += 12 + length
    width, rows, depth, colour = header[:4]
    assert depth == 8 and colour in (2, 6)
    size = 3 if colour == 2 else 4
    raw, stride, before, found = zlib.decompress(image), width * size, bytearray(width * size), set()
    for row in range(rows):
        start = row * (stride + 1)
        kind, line = raw[start], bytearray(raw[start + 1:start + 1 + stride])
        for i in range(stride):
            left = line[i - size] if i >= size else 0
            above, corner = before[i], before[i - size] if i >= size else 0
            if kind == 1:
                line[i] = (line[i] + left) & 255
            elif kind == 2:
                line[i] = (line[i] + above) & 255
            elif kind == 3:
                line[i] = (line[i] + (left + above) // 2) & 255
            elif kind == 4:
                guess = left + above - corner
                distances = abs(guess - left), abs(guess - above), abs(guess - corner)
                line[i] = (line[i] + (left, above, corner)[distances.index(min(distances))]) & 255
        found.update(bytes(line[i:i + 3]).hex() for i in range(0, stride, size))
        before = line
    return found


if sys.argv[1] == "--colours":
    missing = set(sys.argv[3:]) - pixels(sys.argv[2])
    assert not missing, f"not in the picture: {missing}"
else:
    check(sys.argv[1])
