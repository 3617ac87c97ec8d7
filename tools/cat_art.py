# SPDX-License-Identifier: Apache-2.0
"""The brushes that draw_cats.py paints with: fur, coats, heads, poses. Scenes are 1000 x 750 units; everything that looks
like chance comes from one seeded generator, so that the same picture comes out every time."""
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SCALE = 2  # pixels a unit: scenes are drawn large and scaled down
WIDTH, HEIGHT = 1000, 750


def mix(a, b, t):
    return tuple(int(round(x + (y - x) * t)) for x, y in zip(a, b))


def smooth(points, closed=True, steps=10):
    """Catmull-Rom: a soft curve through the points."""
    n = len(points)
    out = []
    for i in range(n if closed else n - 1):
        p = [points[(i + k) % n] if closed else points[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2)]
        for s in range(steps):
            t = s / steps
            out.append(tuple(0.5 * (2 * p[1][k] + (p[2][k] - p[0][k]) * t
                                    + (2 * p[0][k] - 5 * p[1][k] + 4 * p[2][k] - p[3][k]) * t * t
                                    + (3 * p[1][k] - p[0][k] - 3 * p[2][k] + p[3][k]) * t ** 3) for k in (0, 1)))
    return out if closed else out + [points[-1]]


def ellipse(cx, cy, rx, ry, tilt=0.0, n=28):
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    return [(cx + rx * math.cos(a) * c - ry * math.sin(a) * s, cy + rx * math.cos(a) * s + ry * math.sin(a) * c)
            for a in (2 * math.pi * i / n for i in range(n))]


def tube(path, widths):
    """A limb: the outline of a thick curve with round ends."""
    line = smooth(path, closed=False)
    left, right = [], []
    for i, (x, y) in enumerate(line):
        ax, ay = line[max(i - 1, 0)]
        bx, by = line[min(i + 1, len(line) - 1)]
        d = math.hypot(bx - ax, by - ay) or 1
        t = i / (len(line) - 1) * (len(widths) - 1)
        k = min(int(t), len(widths) - 2)
        w = widths[k] + (widths[k + 1] - widths[k]) * (t - k)
        nx, ny = -(by - ay) / d * w, (bx - ax) / d * w
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
        if i == len(line) - 1:
            a0 = math.atan2(ny, nx)
            left += [(x + w * math.cos(a0 - a), y + w * math.sin(a0 - a)) for a in (math.pi * j / 8 for j in range(1, 8))]
        if i == 0:
            a0 = math.atan2(-ny, -nx)
            left = [(x + w * math.cos(a0 - a), y + w * math.sin(a0 - a)) for a in (math.pi * j / 8 for j in range(1, 8))] + left
    return left + right[::-1]


class Coat:
    """parts: colours of single parts (head, ear, body, chest, leg, paw, tail, tip, muzzle).
    kind: tabby, spots, patches, tortie, plain."""

    def __init__(self, base, kind="plain", dark=None, parts=None, eyes=(200, 170, 40), nose=(205, 120, 120),
                 inner=(226, 164, 158),
                 patches=(), fur=1.0, whiskers=(250, 248, 240)):
        self.base, self.kind, self.dark = base, kind, dark or mix(base, (20, 12, 8), 0.55)
        self.parts, self.eyes, self.nose, self.inner = parts or {}, eyes, nose, inner
        self.patches, self.fur, self.whiskers = patches, fur, whiskers

    def colour(self, part):
        return self.parts.get(part, self.base)


class Art:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE))
        self.cache = {}

    # --- ground work ---
    def noise(self, w, h, cells_x, cells_y):
        raw = Image.frombytes("L", (cells_x, cells_y), self.rng.randbytes(cells_x * cells_y))
        return raw.resize((w, h), Image.BICUBIC)

    def gradient(self, top, bottom, y0=0, y1=HEIGHT):
        draw = ImageDraw.Draw(self.image)
        a, b = int(y0 * SCALE), int(y1 * SCALE)
        for y in range(a, b):
            draw.line([(0, y), (self.image.width, y)], fill=mix(top, bottom, (y - a) / max(1, b - a - 1)))

    def poly(self, points, fill, alpha=1.0, blur=0.0):
        mask = self.mask(points)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        if alpha < 1:
            mask = mask.point(lambda v: int(v * alpha))
        self.image.paste(fill, (0, 0), mask)

    def mask(self, points):
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon([(x * SCALE, y * SCALE) for x, y in points], fill=255)
        return mask

    def rect(self, x0, y0, x1, y1, fill, alpha=1.0, blur=0.0):
        self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, alpha, blur)

    def line(self, points, fill, width, closed=False):
        pts = [(x * SCALE, y * SCALE) for x, y in (smooth(points, closed) if len(points) > 2 else points)]
        ImageDraw.Draw(self.image).line(pts, fill=fill, width=max(1, int(width * SCALE)), joint="curve")

    def texture(self, box, amount, cells):
        """Uneven light over a box: cloth, plaster, wood."""
        x0, y0, x1, y1 = (int(v * SCALE) for v in box)
        crop = self.image.crop((x0, y0, x1, y1))
        noise = self.noise(x1 - x0, y1 - y0, *cells).point(lambda v: int(255 - amount + amount * v / 255))
        self.image.paste(ImageChops.multiply(crop, Image.merge("RGB", (noise,) * 3)), (x0, y0))

    def soften(self, radius):
        """What has been painted so far is out of focus."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * SCALE))

    def shadow(self, cx, cy, rx, ry, alpha=0.45):
        self.poly(ellipse(cx, cy, rx, ry), (10, 8, 12), alpha, blur=14)

    # --- fur ---
    def field(self, key, cells):
        if key not in self.cache:
            self.cache[key] = self.noise(self.image.width, self.image.height, *cells)
        return self.cache[key]

    def stripes(self, draw, size, angle, dark, spacing):
        w, h = size
        reach = math.hypot(w, h)
        ux, uy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        k = -reach / 2
        while k < reach / 2:
            path, phase = [], self.rng.uniform(0, 6)
            for j in range(9):
                t = (j / 8 - 0.5) * reach
                o = k + 7 * SCALE * math.sin(phase + j * 0.9) + self.rng.uniform(-2, 2) * SCALE
                path.append((w / 2 + ux * o - uy * t, h / 2 + uy * o + ux * t))
            draw.line(smooth(path, False), fill=dark, width=int(spacing * SCALE * self.rng.uniform(0.28, 0.5)), joint="curve")
            k += spacing * SCALE * self.rng.uniform(0.85, 1.2)

    def pelt(self, part, coat, box, stripe):
        """The colours of one part before light falls on it."""
        x0, y0, x1, y1 = box
        size = (x1 - x0, y1 - y0)
        base = coat.colour(part)
        pelt = Image.new("RGB", size, base)
        plain = part in coat.parts
        if coat.kind == "tabby" and not plain:
            self.stripes(ImageDraw.Draw(pelt), size, stripe, coat.dark, 30 if part in ("body", "head") else 24)
            pelt = pelt.filter(ImageFilter.GaussianBlur(2.5 * SCALE))
        elif coat.kind == "spots" and not plain:
            draw = ImageDraw.Draw(pelt)
            step = 34 * SCALE
            for i in range(-1, size[0] // step + 2):
                for j in range(-1, size[1] // step + 2):
                    cx = (i + 0.5 * (j % 2)) * step + self.rng.uniform(-6, 6) * SCALE
                    cy = j * step * 0.8 + self.rng.uniform(-6, 6) * SCALE
                    ring = ellipse(cx, cy, self.rng.uniform(9, 14) * SCALE, self.rng.uniform(7, 10) * SCALE,
                                   self.rng.uniform(-30, 30))
                    draw.polygon(ring, fill=coat.dark)
                    core = [(cx + (x - cx) * 0.5 + 2, cy + (y - cy) * 0.5 + 2) for x, y in ring]
                    draw.polygon(core, fill=mix(base, (150, 80, 20), 0.45))
            pelt = pelt.filter(ImageFilter.GaussianBlur(1.2 * SCALE))
        elif coat.kind in ("patches", "tortie") and not plain:
            cells = (9, 7) if coat.kind == "patches" else (30, 24)
            for i, (colour, level) in enumerate(coat.patches):
                spots = self.field(("patch", i), cells).crop(box)
                spots = spots.point(lambda v, at=level: 255 if v > at else 0).filter(ImageFilter.GaussianBlur(2 * SCALE))
                pelt.paste(colour, (0, 0), spots)
        return pelt

    def part(self, points, name, coat, flow=90.0, stripe=0.0, length=13.0, density=1.0, dim=1.0, shade=True):
        """One furry part: soft shadow on what lies behind, rounded by light from the upper left, then hair by hair.
        flow: the direction in which hair lies, in degrees (90: down), or a function of (x, y)."""
        pts = [(x * SCALE, y * SCALE) for x, y in points]
        pad = 40 * SCALE
        # Also beyond the picture's edges: light would bend around a body that ends there.
        x0, y0 = int(min(p[0] for p in pts)) - pad, int(min(p[1] for p in pts)) - pad
        x1, y1 = int(max(p[0] for p in pts)) + pad, int(max(p[1] for p in pts)) + pad
        box = (x0, y0, x1, y1)
        mask = Image.new("L", (x1 - x0, y1 - y0))
        ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in pts], fill=255)
        extent = min(max(p[0] for p in pts) - min(p[0] for p in pts), max(p[1] for p in pts) - min(p[1] for p in pts))
        crop = self.image.crop(box)
        if shade:
            cast = ImageChops.offset(mask, 3 * SCALE, 5 * SCALE).filter(ImageFilter.GaussianBlur(7 * SCALE))
            crop.paste((12, 8, 10), (0, 0), cast.point(lambda v: int(v * 0.30)))
        radius = max(4, extent * 0.16)
        light = ImageChops.offset(mask.filter(ImageFilter.GaussianBlur(radius)), -int(radius * 0.55), -int(radius * 0.75))
        light = light.point(lambda v: int((0.52 + 0.48 * v / 255) * 255 * dim))
        uneven = self.field("uneven", (60, 45)).crop(box).point(lambda v: 232 + v * 23 // 255)
        pelt = ImageChops.multiply(self.pelt(name, coat, box, stripe), Image.merge("RGB",
            (ImageChops.multiply(light, uneven),) * 3))
        crop.paste(pelt, (0, 0), mask.filter(ImageFilter.GaussianBlur(0.7 * SCALE)))
        self.hair(crop, mask, pelt, flow, length * coat.fur, density, (x0, y0))
        self.image.paste(crop, (x0, y0))

    def hair(self, crop, mask, pelt, flow, length, density, origin):
        inside, colour, draw, rng = mask.load(), pelt.load(), ImageDraw.Draw(crop), self.rng
        w, h = mask.size
        if length <= 0:
            return
        for _ in range(int(w * h * density / 34)):
            x, y = int(rng.random() * w), int(rng.random() * h)
            if inside[x, y] < 128:
                continue
            a = flow((x + origin[0]) / SCALE, (y + origin[1]) / SCALE) if callable(flow) else flow
            a = math.radians(a + rng.gauss(0, 16))
            n = length * SCALE * rng.uniform(0.5, 1.1) * 0.7
            tone = rng.gauss(0, 0.10)
            c = mix(colour[x, y], (255, 250, 240) if tone > 0 else (8, 5, 4), min(0.4, abs(tone)))
            draw.line([(x, y), (x + math.cos(a) * n, y + math.sin(a) * n)], fill=c, width=1 if rng.random() < 0.55 else 2)

    # --- the end ---
    def finish(self, width, vignette=0.35):
        height = width * HEIGHT // WIDTH
        image = self.image.resize((width, height), Image.LANCZOS)
        dark = Image.new("L", (width, height), int(255 * (1 - vignette)))
        ImageDraw.Draw(dark).ellipse([-width * 0.12, -height * 0.15, width * 1.12, height * 1.15], fill=255)
        dark = dark.filter(ImageFilter.GaussianBlur(width * 0.12))
        image = ImageChops.multiply(image, Image.merge("RGB", (dark,) * 3))
        grain = Image.frombytes("L", (width, height), self.rng.randbytes(width * height)).filter(ImageFilter.GaussianBlur(0.6))
        grain = grain.point(lambda v: 128 + (v - 128) // 9)
        return ImageChops.add(image, Image.merge("RGB", (grain,) * 3), 1, -128)
