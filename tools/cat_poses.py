# SPDX-License-Identifier: Apache-2.0
"""Heads and poses. A pose is drawn from back to front around an origin on the ground, between the feet; y grows downwards."""
import math

from cat_art import SCALE, ellipse, mix, smooth, tube


class Frame:
    """Local coordinates: moved, scaled, tilted, mirrored."""

    def __init__(self, x, y, s=1.0, tilt=0.0, flip=False):
        self.x, self.y, self.s, self.flip = x, y, s, -1 if flip else 1
        self.c, self.n = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))

    def at(self, x, y):
        x, y = x * self.s * self.flip, y * self.s
        return self.x + x * self.c - y * self.n, self.y + x * self.n + y * self.c

    def all(self, points):
        return [self.at(*p) for p in points]

    def flow(self, degrees):
        a = math.radians(degrees)
        x0, y0 = self.at(0, 0)
        x1, y1 = self.at(math.cos(a), math.sin(a))
        return math.degrees(math.atan2(y1 - y0, x1 - x0))


def eye(art, f, x, y, r, colour, mode, look):
    if mode == "closed":
        art.line(f.all([(x - r * 1.05, y - r * 0.1), (x, y + r * 0.42), (x + r * 1.05, y - r * 0.1)]), (30, 20, 18), f.s * 0.05)
        return
    height = {"open": 0.92, "wide": 1.08, "half": 0.58}[mode]
    lift = 0.16 * (1 if x > 0 else -1)  # outer corners higher than inner ones
    almond = [(x - r * 1.12, y + r * lift * 1.2), (x - r * 0.5, y - r * height * 0.82), (x + r * 0.45, y - r * height * 0.85),
              (x + r * 1.12, y - r * lift * 1.2), (x + r * 0.5, y + r * height * 0.8), (x - r * 0.5, y + r * height * 0.82)]
    rim = [((px - x) * 1.2 + x, (py - y) * 1.2 + y) for px, py in almond]
    art.poly(smooth(f.all(rim)), (22, 15, 14), 0.92, blur=0.8)
    art.poly(smooth(f.all(almond)), mix(colour, (0, 0, 0), 0.35))
    inner = [((px - x) * 0.9 + x, (py - y) * 0.86 + y + r * 0.06) for px, py in almond]
    art.poly(smooth(f.all(inner)), colour, blur=f.s * 0.02)
    low = [(px * 0.8 + x * 0.2, py * 0.55 + (y + r * 0.36) * 0.45) for px, py in almond]
    art.poly(smooth(f.all(low)), mix(colour, (255, 255, 220), 0.4), 0.7, blur=f.s * 0.03)
    px, py = x + look[0] * r * 0.35, y + look[1] * r * 0.3
    wide = {"open": 0.25, "wide": 0.6, "half": 0.17}[mode]
    art.poly(f.all(ellipse(px, py, r * wide, r * height * 0.78)), (8, 6, 8))
    glint = max(0.36, wide * 0.7)
    art.poly(f.all(ellipse(px - r * glint, py - r * 0.34, r * 0.17, r * 0.17)), (255, 255, 255), 0.95)
    art.poly(f.all(ellipse(px + r * glint, py + r * 0.3, r * 0.09, r * 0.09)), (255, 255, 255), 0.7)


def ear(art, f, coat, side, kind):
    if kind == "fold":
        outer = [(0.98, -0.5), (0.9, -0.84), (0.62, -0.98), (0.34, -0.9), (0.46, -0.7), (0.66, -0.42), (0.82, -0.4)]
        art.part(smooth(f.all([(side * x, y) for x, y in outer])), "ear", coat, f.flow(90), length=6)
        return
    tip = {"up": (0.86, -1.5), "side": (1.28, -1.08), "big": (1.1, -1.75)}[kind]
    base_out, base_in = (1.02, -0.36), (0.2, -0.86)
    mid = lambda a, b, t, o: (a[0] + (b[0] - a[0]) * t + o[0], a[1] + (b[1] - a[1]) * t + o[1])
    outer = [base_out, mid(base_out, tip, 0.5, (0.07, -0.02)), mid(base_out, tip, 0.9, (0.03, 0)), tip,
             mid(tip, base_in, 0.1, (-0.03, 0)),
             mid(tip, base_in, 0.5, (-0.05, -0.08)), base_in, (0.5, -0.4)]
    art.part(smooth(f.all([(side * x, y) for x, y in outer])), "ear", coat, f.flow(-90 + side * 25), length=8)
    cx, cy = (base_out[0] + base_in[0] + tip[0]) / 3 + 0.01, (base_out[1] + base_in[1] + tip[1]) / 3 + 0.06
    inner = [(side * (cx + (x - cx) * 0.6), cy + (y - cy) * 0.66) for x, y in outer[:-1]]
    art.poly(smooth(f.all(inner)), mix(coat.inner, (60, 25, 25), 0.25), 0.9, blur=1.5)
    lit = [(side * (cx + (x - cx) * 0.36), cy + (y - cy) * 0.46) for x, y in outer[:-1]]
    art.poly(smooth(f.all(lit)), coat.inner, 0.8, blur=3)
    for _ in range(int(46 * coat.fur)):  # the hair at the inner edge
        t = art.rng.random()
        x, y = base_in[0] + 0.1 + t * 0.24, base_in[1] + 0.1 + t * 0.36
        n = art.rng.uniform(0.15, 0.38)
        art.line(f.all([(side * x, y), (side * (x + n * 0.6), y - n * 0.8)]),
                 mix(coat.colour("muzzle"), (255, 250, 240), 0.45), 0.7)


def markings(art, f, coat):
    """What a tabby wears on its forehead and cheeks."""
    d = coat.dark
    for s in (-1, 1):
        art.line(f.all([(s * 0.12, -0.86), (s * 0.13, -0.62), (s * 0.22, -0.4)]), d, f.s * 0.07)
        art.line(f.all([(s * 0.36, -0.8), (s * 0.34, -0.62), (s * 0.25, -0.42)]), d, f.s * 0.07)
        art.line(f.all([(s * 0.7, 0.02), (s * 0.9, 0.1), (s * 1.08, 0.08)]), d, f.s * 0.06)
        art.line(f.all([(s * 0.66, 0.22), (s * 0.86, 0.34), (s * 1.02, 0.36)]), d, f.s * 0.06)
    art.line(f.all([(0, -0.9), (0, -0.6)]), d, f.s * 0.06)


def muzzle(art, f, coat, smile):
    for s in (-1, 1):
        art.part(f.all(ellipse(s * 0.2, 0.47, 0.27, 0.21, s * 12)), "muzzle", coat, f.flow(90 - s * 40), length=5, shade=False)
    art.part(f.all(ellipse(0, 0.68, 0.2, 0.12)), "muzzle", coat, f.flow(90), length=5, shade=False, dim=0.92)
    nose = [(-0.15, 0.24), (0, 0.21), (0.15, 0.24), (0.1, 0.34), (0, 0.4), (-0.1, 0.34)]
    art.poly(smooth(f.all(nose)), mix(coat.nose, (20, 5, 5), 0.35))
    art.poly(smooth(f.all([(x * 0.82, (y - 0.3) * 0.78 + 0.292) for x, y in nose])), coat.nose, blur=1)
    art.poly(f.all(ellipse(-0.05, 0.265, 0.05, 0.02)), (255, 255, 255), 0.55, blur=0.8)
    ink = (45, 25, 25)
    art.line(f.all([(0, 0.39), (0, 0.5)]), ink, f.s * 0.022)
    for s in (-1, 1):
        art.line(f.all([(0, 0.5), (s * 0.1, 0.58), (s * 0.22, 0.57), (s * 0.31, 0.5 - 0.05 * smile)]), ink, f.s * 0.026)
        for k in range(3):
            for j in range(2):
                art.poly(f.all(ellipse(s * (0.2 + 0.09 * k), 0.42 + 0.07 * j, 0.012, 0.012)), (50, 35, 35), 0.7)


def whiskers(art, f, coat):
    for s in (-1, 1):
        for k in range(4):
            y, droop = 0.4 + 0.06 * k, -0.16 + 0.14 * k
            art.line(f.all([(s * 0.3, y), (s * 0.9, y + droop * 0.5), (s * 1.55, y + droop + 0.12)]), coat.whiskers, 0.8)
        art.line(f.all([(s * 0.36, -0.36), (s * 0.55, -0.7), (s * 0.8, -0.95)]), coat.whiskers, 0.7)


def head(art, x, y, r, coat, tilt=0.0, eyes="open", look=(0, 0), ears="up", eye_size=0.255, cheeks=1.0, smile=1.0, odd_eye=None,
         blaze=False, back=False, mask_face=None):
    f = Frame(x, y, r, tilt)
    for s in (-1, 1):
        if back:
            behind = [(0.98, -0.36), (1.0, -0.9), (0.86, -1.46), (0.5, -1.16), (0.2, -0.8), (0.5, -0.4)]
            art.part(smooth(f.all([(s * px, py) for px, py in behind])), "ear", coat, f.flow(-90), length=8)
        elif ears != "fold":
            ear(art, f, coat, s, ears)
    c = cheeks
    skull = [(0, -0.92), (-0.5, -0.86), (-0.9, -0.5), (-1.04, 0.0), (-1.12 * c, 0.36), (-0.84 * c, 0.68), (-0.4, 0.84),
             (0, 0.9), (0.4, 0.84),
             (0.84 * c, 0.68), (1.12 * c, 0.36), (1.04, 0.0), (0.9, -0.5), (0.5, -0.86)]
    ox, oy = f.at(0, 0.25)

    def away(px, py):
        return math.degrees(math.atan2(py - oy, px - ox))

    art.part(smooth(f.all(skull)), "head", coat, away, stripe=90 + tilt, length=11 * c)
    if back:
        return
    if ears == "fold":  # they lie on the skull
        ear(art, f, coat, -1, ears)
        ear(art, f, coat, 1, ears)
    if mask_face:
        art.poly(f.all(ellipse(0, 0.2, 0.72, 0.74)), mask_face, 0.85, blur=r * 0.16)
    if blaze:
        white = [(0, -0.7), (-0.1, -0.3), (-0.3, 0.15), (-0.62, 0.5), (-0.3, 0.82), (0, 0.88), (0.3, 0.82), (0.62, 0.5),
                 (0.3, 0.15), (0.1, -0.3)]
        art.part(smooth(f.all(white)), "muzzle", coat, away, length=9, shade=False)
    if coat.kind == "tabby" and "head" in coat.parts:
        markings(art, f, coat)
    art.poly(f.all(ellipse(0, 0.1, 0.17, 0.3)), mix(coat.colour("muzzle"), coat.colour("head"), 0.5), 0.5, blur=r * 0.07)
    muzzle(art, f, coat, smile)
    for s in (-1, 1):
        eye(art, f, s * 0.44, -0.06, eye_size, odd_eye if odd_eye and s > 0 else coat.eyes, eyes, look)
    whiskers(art, f, coat)


def paw(art, f, x, y, rx, ry, coat, toes=True):
    art.part(f.all(ellipse(x, y, rx, ry)), "paw", coat, f.flow(80), length=5)
    if toes:
        for k in (-0.36, 0.0, 0.36):
            art.line(f.all([(x + k * rx, y + ry * 0.15), (x + k * rx * 1.1, y + ry * 0.8)]),
                     mix(coat.colour("paw"), (25, 15, 12), 0.55), f.s * 1.6)


def limb(art, f, path, widths, coat, name="leg", dim=1.0, stripe=90):
    (x0, y0), (x1, y1) = path[0], path[-1]
    a = math.degrees(math.atan2(y1 - y0, x1 - x0))
    art.part(tube(f.all(path), [w * f.s for w in widths]), name, coat, f.flow(a), stripe=stripe,
             length=8 if name != "tail" else 13, dim=dim)


def tail(art, f, coat, path, w=20):
    limb(art, f, path, [w * 0.85, w, w, w * 0.8, w * 0.55], coat, "tail", stripe=0)
    if "tip" in coat.parts:
        limb(art, f, path[-2:], [w * 0.8, w * 0.6], coat, "tip")


def sitting(art, x, y, s, coat, flip=False, curl="up", back=False, **face):
    f = Frame(x, y, s, flip=flip)
    paths = {"up": [(70, -45), (170, -40), (235, -100), (225, -190), (255, -240)],
             "round": [(90, -40), (175, -45), (190, 0), (110, 16), (10, 12)],
             "down": [(40, -20), (70, 40), (60, 110), (85, 170)]}
    if curl == "up":
        tail(art, f, coat, paths[curl])
    body = [(0, -335), (-72, -315), (-104, -210), (-138, -95), (-122, -15), (0, 0), (122, -15), (138, -95), (104, -210),
            (72, -315)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(90), stripe=90 if not back else 0, length=16)
    if back:
        art.part(smooth(f.all(ellipse(0, -60, 120, 62))), "body", coat, f.flow(90), length=14, shade=False)
        tail(art, f, coat, paths[curl])
        head(art, *f.at(0, -390), 98 * s, coat, back=True, **face)
        return
    for k in (-1, 1):
        art.part(f.all(ellipse(k * 98, -60, 56, 66, k * -14)), "body", coat, f.flow(90 + k * 20), stripe=20 * k, length=12)
        paw(art, f, k * 108, -12, 50, 22, coat)
    for k in (-1, 1):
        limb(art, f, [(k * 44, -215), (k * 40, -120), (k * 38, -22)], [36, 29, 26], coat)
        if "paw" in coat.parts and coat.parts["paw"] == coat.parts.get("ear"):  # points: dark up to the elbow
            limb(art, f, [(k * 39, -80), (k * 38, -22)], [27, 26], coat, "paw")
        paw(art, f, k * 40, -14, 36, 21, coat)
    chest = [(0, -330), (-58, -290), (-82, -215), (-48, -160), (0, -128), (48, -160), (82, -215), (58, -290)]
    art.part(smooth(f.all(chest)), "chest", coat, f.flow(90), stripe=90, length=20, shade=False)
    if curl == "round":
        tail(art, f, coat, paths[curl], 19)
    head(art, *f.at(0, -385), 104 * s, coat, **face)


def loaf(art, x, y, s, coat, flip=False, **face):
    f = Frame(x, y, s, flip=flip)
    body = [(-195, -30), (-205, -110), (-125, -185), (20, -208), (150, -178), (208, -95), (200, -18), (100, 2), (-100, 2)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(20), stripe=8, length=17)
    art.part(f.all(ellipse(125, -72, 84, 70)), "body", coat, f.flow(35), stripe=40, length=14)
    art.part(smooth(f.all([(-110, -170), (-185, -100), (-170, -20), (-90, -8), (-40, -40), (-40, -130)])), "chest", coat,
             f.flow(95), length=16, shade=False)
    tail(art, f, coat, [(195, -40), (205, -8), (130, 6), (40, 2)], 19)
    for px in (-140, -68):
        paw(art, f, px, -8, 40, 19, coat)
    head(art, *f.at(-105, -205), 96 * s, coat, **face)


def curled(art, x, y, s, coat, flip=False, tilt=14, **face):
    f = Frame(x, y, s, flip=flip)
    ox, oy = f.at(-30, -70)

    def round_about(px, py):
        return math.degrees(math.atan2(py - oy, px - ox)) + (70 if not flip else -70)

    body = [(-215, -60), (-205, -150), (-120, -225), (10, -250), (140, -220), (222, -130), (215, -45), (120, 0), (-40, 8),
            (-160, -8)]
    art.part(smooth(f.all(body)), "body", coat, round_about, stripe=10, length=18)
    art.part(smooth(f.all([(60, -170), (150, -165), (205, -95), (175, -22), (80, -4), (30, -80)])), "body", coat, round_about,
             stripe=50, length=15)
    art.part(f.all(ellipse(-40, -45, 110, 50)), "chest", coat, round_about, length=14, shade=False)
    paw(art, f, 40, -18, 46, 22, coat)
    head(art, *f.at(-108, -92), 88 * s, coat, tilt=-tilt if not flip else tilt, eyes="closed", **face)
    tail(art, f, coat, [(205, -70), (185, 0), (80, 18), (-40, 14), (-120, 2)], 24)


def walking(art, x, y, s, coat, flip=False, **face):
    f = Frame(x, y, s, flip=flip)
    tail(art, f, coat, [(185, -250), (262, -300), (285, -390), (255, -470), (280, -510)], 17)
    limb(art, f, [(-110, -190), (-90, -100), (-62, -16)], [34, 24, 20], coat, dim=0.72)
    paw(art, f, -72, -12, 32, 16, coat)
    limb(art, f, [(140, -190), (125, -120), (140, -70), (112, -14)], [48, 32, 22, 20], coat, dim=0.72)
    paw(art, f, 100, -12, 32, 16, coat)
    body = [(-185, -275), (-110, -305), (20, -290), (140, -308), (208, -275), (222, -200), (160, -158), (10, -142),
            (-110, -146), (-190, -190)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(8), stripe=4, length=14)
    art.part(smooth(f.all([(-100, -160), (0, -170), (120, -165), (60, -145), (-60, -138)])), "chest", coat, f.flow(60),
             length=12, shade=False)
    limb(art, f, [(-150, -215), (-165, -110), (-178, -18)], [42, 27, 21], coat)
    paw(art, f, -190, -12, 36, 17, coat)
    art.part(f.all(ellipse(165, -205, 62, 80, -14)), "body", coat, f.flow(70), stripe=20, length=12)
    limb(art, f, [(175, -165), (208, -105), (192, -60), (190, -16)], [42, 25, 21, 20], coat)
    paw(art, f, 180, -12, 36, 17, coat)
    art.part(smooth(f.all([(-230, -300), (-140, -300), (-120, -210), (-180, -180), (-230, -230)])), "chest", coat, f.flow(80),
             length=14, shade=False)
    head(art, *f.at(-215, -318), 88 * s, coat, **face)


def bowing(art, x, y, s, coat, flip=False, **face):
    """The long stretch after a nap: front down, rear up."""
    f = Frame(x, y, s, flip=flip)
    tail(art, f, coat, [(215, -295), (262, -370), (240, -450), (285, -520)], 17)
    limb(art, f, [(150, -210), (160, -130), (140, -80), (150, -14)], [48, 32, 22, 20], coat, dim=0.72)
    paw(art, f, 138, -12, 32, 16, coat)
    limb(art, f, [(-120, -90), (-210, -45), (-300, -20)], [34, 25, 20], coat, dim=0.75)
    paw(art, f, -310, -16, 34, 17, coat)
    body = [(-205, -110), (-120, -150), (10, -205), (120, -300), (215, -315), (258, -240), (230, -170), (120, -150), (0, -85),
            (-110, -40), (-200, -50)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(-25), stripe=-28, length=14)
    art.part(f.all(ellipse(200, -215, 58, 82, -8)), "body", coat, f.flow(80), stripe=15, length=12)
    limb(art, f, [(208, -170), (240, -105), (222, -60), (225, -16)], [42, 26, 21, 20], coat)
    paw(art, f, 212, -12, 36, 17, coat)
    limb(art, f, [(-150, -75), (-240, -30), (-345, -16)], [36, 26, 21], coat)
    paw(art, f, -362, -16, 38, 18, coat)
    head(art, *f.at(-205, -150), 88 * s, coat, **face)


def arched(art, x, y, s, coat, flip=False, **face):
    f = Frame(x, y, s, flip=flip)
    tail(art, f, coat, [(140, -230), (205, -290), (200, -380), (230, -450), (215, -520)], 27)
    for px, dim in ((-80, 0.7), (85, 0.7), (-130, 1.0), (135, 1.0)):
        limb(art, f, [(px * 0.92, -220), (px, -110), (px * 1.03, -16)], [42, 26, 20], coat, dim=dim)
        paw(art, f, px * 1.05 - 8, -12, 32, 16, coat)
    body = [(-175, -210), (-160, -310), (-80, -390), (10, -410), (100, -375), (168, -280), (165, -190), (95, -185), (10, -240),
            (-80, -190)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(-80), stripe=0, length=22)
    head(art, *f.at(-200, -245), 86 * s, coat, **face)


def lying(art, x, y, s, coat, flip=False, **face):
    """Stretched out at full length."""
    f = Frame(x, y, s, flip=flip)
    tail(art, f, coat, [(255, -60), (330, -50), (375, -10), (440, -22)], 18)
    body = [(-215, -40), (-215, -115), (-130, -158), (0, -148), (130, -165), (240, -140), (290, -70), (250, -8), (100, 2),
            (-120, 2)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(5), stripe=5, length=15)
    art.part(smooth(f.all([(-150, -50), (-20, -55), (120, -45), (140, -6), (-20, 6), (-160, 2)])), "chest", coat, f.flow(60),
             length=14, shade=False)
    art.part(f.all(ellipse(210, -80, 80, 70, 10)), "body", coat, f.flow(30), stripe=30, length=13)
    limb(art, f, [(190, -45), (120, -18), (60, -14)], [34, 24, 20], coat)
    paw(art, f, 48, -14, 34, 18, coat)
    limb(art, f, [(-170, -60), (-260, -26), (-330, -16)], [36, 25, 21], coat)
    paw(art, f, -344, -16, 38, 19, coat)
    limb(art, f, [(-140, -45), (-210, -14), (-270, 0)], [34, 25, 21], coat)
    paw(art, f, -284, 0, 38, 19, coat)
    head(art, *f.at(-195, -160), 92 * s, coat, **face)


def reaching(art, x, y, s, coat, flip=False, **face):
    """On its hind legs, one paw high."""
    f = Frame(x, y, s, flip=flip)
    tail(art, f, coat, [(70, -60), (170, -40), (240, -70), (275, -140)], 18)
    limb(art, f, [(95, -330), (165, -400), (175, -500)], [32, 25, 22], coat, dim=0.9)
    paw(art, f, 176, -512, 30, 27, coat)
    body = [(0, -410), (-78, -370), (-84, -240), (-104, -110), (-85, -30), (0, -15), (90, -30), (106, -110), (82, -240),
            (78, -370)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(90), stripe=90, length=14)
    art.part(smooth(f.all([(0, -390), (-55, -330), (-62, -180), (0, -60), (62, -180), (55, -330)])), "chest", coat, f.flow(90),
             stripe=90, length=17, shade=False)
    for k in (-1, 1):
        art.part(f.all(ellipse(k * 82, -80, 52, 76, k * -8)), "body", coat, f.flow(90 + 15 * k), stripe=20 * k, length=12)
        paw(art, f, k * 92, -12, 52, 23, coat)
    limb(art, f, [(-70, -325), (-140, -345), (-165, -425)], [32, 26, 22], coat)
    paw(art, f, -167, -436, 29, 26, coat)
    head(art, *f.at(0, -455), 100 * s, coat, **face)


def peeking(art, x, y, s, coat, **face):
    """Head and shoulders over an edge at y; the caller paints the edge, then calls peeking_paws()."""
    f = Frame(x, y, s)
    art.part(smooth(f.all([(0, -190), (-90, -160), (-135, -40), (-140, 60), (140, 60), (135, -40), (90, -160)])), "body", coat,
             f.flow(90), stripe=90, length=15)
    art.part(smooth(f.all([(0, -110), (-60, -80), (-66, 30), (66, 30), (60, -80)])), "chest", coat, f.flow(90), length=16,
             shade=False)
    head(art, *f.at(0, -150), 116 * s, coat, **face)


def peeking_paws(art, x, y, s, coat, spread=110):
    f = Frame(x, y, s)
    for k in (-1, 1):
        limb(art, f, [(k * spread, -38), (k * spread * 1.03, 14)], [32, 30], coat)
        paw(art, f, k * spread * 1.03, 20, 38, 27, coat)


def portrait(art, x, y, s, coat, **face):
    f = Frame(x, y, s)
    body = [(0, -60), (-150, -20), (-235, 120), (-270, 330), (270, 330), (235, 120), (150, -20)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(90), stripe=90, length=22)
    art.part(smooth(f.all([(0, 0), (-120, 40), (-140, 200), (-90, 330), (90, 330), (140, 200), (120, 40)])), "chest", coat,
             f.flow(90), length=28, shade=False)
    head(art, *f.at(0, -110), 200 * s, coat, **face)


def belly_up(art, x, y, s, coat, flip=False, **face):
    f = Frame(x, y, s, flip=flip)
    tail(art, f, coat, [(215, -50), (300, -30), (350, -60), (400, -40)], 18)
    body = [(-190, -40), (-180, -120), (-90, -160), (40, -178), (170, -160), (235, -90), (215, -20), (90, 4), (-110, 4)]
    art.part(smooth(f.all(body)), "body", coat, f.flow(10), stripe=5, length=14)
    art.part(smooth(f.all([(-140, -110), (-60, -160), (60, -175), (165, -145), (180, -90), (60, -75), (-90, -70)])), "chest",
             coat, f.flow(-60), length=17, shade=False)
    for path in ([(150, -120), (215, -190), (195, -255)], [(95, -140), (120, -220), (85, -270)],
                 [(-80, -135), (-60, -215), (-105, -250)],
                 [(-130, -115), (-150, -195), (-195, -220)]):
        limb(art, f, path, [36, 25, 20], coat)
        paw(art, f, path[-1][0], path[-1][1] - 4, 25, 27, coat, toes=False)
        px, py = path[-1]
        art.poly(f.all(ellipse(px, py - 2, 11, 9)), coat.inner, 0.85, blur=1)
        for k in (-1, 0, 1):
            art.poly(f.all(ellipse(px + 11 * k, py - 18 + 3 * abs(k), 5, 5)), coat.inner, 0.85, blur=0.7)
    head(art, *f.at(-235, -85), 92 * s, coat, **face)
