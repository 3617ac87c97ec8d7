#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the twenty cats that the I/O models download: tools/draw_cats.py [FOLDER [NUMBER...]]. Same bytes every time.
The sizes in bytes are part of the workload: like photos, 40 to 250 KB."""
import io
import math
import os
import sys

sys.dont_write_bytecode = True
from cat_art import HEIGHT, WIDTH, Art, Coat, ellipse, mix, smooth  # noqa: E402
import cat_poses as pose  # noqa: E402

WHITE, CREAM, BLACK, PINK = (244, 240, 234), (240, 214, 172), (38, 34, 38), (222, 150, 150)

GINGER = Coat((222, 138, 62), "tabby", (164, 78, 24), {"chest": (248, 222, 186), "muzzle": (252, 236, 214),
                                                       "head": (224, 144, 70), "paw": (250, 230, 204)},
              eyes=(168, 176, 60), nose=(214, 128, 120))
GREY_TABBY = Coat((150, 144, 136), "tabby", (70, 64, 60), {"chest": (190, 184, 174), "muzzle": (220, 214, 206),
                                                           "head": (152, 146, 138)}, eyes=(190, 190, 70),
                  nose=(176, 100, 96))
COAL = Coat(BLACK, eyes=(226, 190, 40), nose=(48, 40, 42), inner=(104, 76, 80),
            parts={"muzzle": (48, 44, 48), "chest": (44, 40, 44)}, whiskers=(190, 190, 196))
SNOW = Coat(WHITE, eyes=(90, 160, 220), inner=(240, 184, 180), nose=(232, 150, 150),
            parts={"muzzle": (252, 250, 246), "chest": (250, 247, 242)})
SIAMESE = Coat((232, 214, 186), eyes=(70, 140, 226), nose=(74, 54, 50), inner=(120, 88, 84),
               parts={"ear": (72, 52, 44), "tail": (74, 54, 46), "paw": (72, 52, 44), "muzzle": (92, 68, 58),
                      "chest": (244, 232, 210)})
CALICO = Coat(WHITE, "patches", eyes=(140, 176, 70), patches=(((218, 128, 50), 146), ((44, 38, 38), 168)),
              parts={"chest": WHITE, "muzzle": (252, 248, 244), "paw": WHITE, "leg": WHITE})
TUXEDO = Coat((34, 32, 38), eyes=(150, 190, 70), nose=(60, 46, 48), inner=(112, 84, 88),
              parts={"chest": WHITE, "muzzle": WHITE, "paw": WHITE, "tip": WHITE})
TORTIE = Coat((48, 38, 34), "tortie", eyes=(206, 160, 44), patches=(((186, 104, 42), 146), ((228, 170, 104), 190)),
              nose=(90, 60, 56),
              parts={"muzzle": (160, 100, 56)})
BLUE = Coat((122, 130, 142), eyes=(112, 190, 92), nose=(92, 88, 98), inner=(150, 128, 136),
            parts={"muzzle": (138, 146, 158), "chest": (132, 140, 152)}, fur=0.8)
BENGAL = Coat((214, 160, 92), "spots", (72, 42, 22), {"chest": (244, 220, 176), "muzzle": (248, 230, 200),
                                                      "head": (210, 156, 90)}, eyes=(130, 190, 90), fur=0.8)
COON = Coat((142, 104, 68), "tabby", (58, 40, 28), {"chest": (214, 190, 156), "muzzle": (226, 206, 178),
                                                    "head": (146, 108, 72)}, eyes=(206, 178, 60), fur=1.9)
PERSIAN = Coat((240, 224, 200), eyes=(222, 138, 40), nose=(222, 146, 138), fur=2.0,
               parts={"muzzle": (248, 238, 222), "chest": (250, 240, 224)})
SPHYNX = Coat((226, 178, 160), eyes=(110, 180, 190), nose=(206, 130, 124), inner=(232, 160, 146), fur=0.0,
              parts={"muzzle": (234, 190, 174), "chest": (234, 190, 172)}, whiskers=(226, 190, 176))
FOLD = Coat((176, 180, 186), "tabby", (104, 108, 116), {"chest": (214, 216, 220), "muzzle": (226, 228, 232),
                                                        "head": (180, 184, 190)}, eyes=(224, 160, 50))
COW = Coat(WHITE, "patches", eyes=(200, 180, 70), patches=((BLACK, 150),),
           parts={"chest": WHITE, "muzzle": WHITE, "paw": WHITE})
RAGDOLL = Coat((236, 226, 210), eyes=(88, 158, 228), nose=(150, 110, 108), fur=1.6, inner=(180, 150, 150),
               parts={"ear": (118, 98, 88), "tail": (122, 100, 90), "chest": (250, 246, 240), "muzzle": (246, 240, 232),
                      "paw": WHITE})
CHOCOLATE = Coat((104, 66, 46), eyes=(220, 182, 50), nose=(92, 58, 50), inner=(146, 104, 92),
                 parts={"muzzle": (126, 84, 62), "chest": (132, 88, 64)}, fur=0.8)
SILVER = Coat((198, 200, 204), "tabby", (66, 68, 74), {"chest": (232, 232, 234), "muzzle": (242, 242, 242),
                                                       "head": (200, 202, 206)}, eyes=(120, 186, 90),
              nose=(190, 110, 104))
MARMALADE = Coat((230, 150, 76), eyes=(190, 160, 50), parts={"chest": WHITE, "muzzle": WHITE, "paw": WHITE, "tip": WHITE},
                 nose=(222, 140, 132))
KITTEN = Coat((206, 168, 120), "tabby", (122, 84, 48), {"chest": (248, 234, 208), "muzzle": (252, 244, 228),
                                                        "head": (210, 174, 126), "paw": (250, 238, 216)},
              eyes=(96, 150, 200), fur=1.2)


def room(art, wall, floor, at=520, planks=True):
    art.gradient(mix(wall, (255, 255, 255), 0.15), mix(wall, (0, 0, 0), 0.12), 0, at)
    art.texture((0, 0, WIDTH, at), 26, (50, 30))
    art.gradient(mix(floor, (0, 0, 0), 0.2), floor, at, HEIGHT)
    if planks:
        for k in range(-14, 15):
            art.line([(500 + k * 55, at), (500 + k * 150, HEIGHT)], mix(floor, (20, 10, 5), 0.4), 1.6)
        art.texture((0, at, WIDTH, HEIGHT), 50, (18, 90))
    art.rect(0, at - 16, WIDTH, at, mix(wall, (255, 255, 255), 0.5))
    art.rect(0, at - 2, WIDTH, at + 3, mix(floor, (0, 0, 0), 0.5))


def bokeh(art, top, bottom, lights, count=60):
    art.gradient(top, bottom)
    for _ in range(count):
        x, y, r = art.rng.uniform(0, WIDTH), art.rng.uniform(0, HEIGHT * 0.75), art.rng.uniform(14, 62)
        art.poly(ellipse(x, y, r, r), art.rng.choice(lights), art.rng.uniform(0.12, 0.45), blur=3)
    art.soften(6)


def grass(art, y, dark, light, count=2600, tall=70):
    for i in range(count):
        t = i / count
        gy = y + (HEIGHT + 30 - y) * t
        x, h, lean = art.rng.uniform(-20, WIDTH + 20), tall * (0.4 + 0.8 * t) * art.rng.uniform(0.6, 1.2), art.rng.uniform(-22,
            22)
        art.line([(x, gy), (x + lean * 0.4, gy - h * 0.6), (x + lean, gy - h)], mix(dark, light, art.rng.random()),
                 1.2 + 1.6 * t)


def flower(art, x, y, r, colour, heart=(244, 204, 70)):
    art.line([(x, y), (x + 6, y + 50), (x, y + 110)], (70, 120, 50), 2.4)
    for k in range(6):
        a = k * math.pi / 3
        art.poly(ellipse(x + math.cos(a) * r * 0.7, y + math.sin(a) * r * 0.7, r * 0.52, r * 0.34, math.degrees(a)),
                 mix(colour, (0, 0, 0), 0.06 * (k % 3)))
    art.poly(ellipse(x, y, r * 0.36, r * 0.36), heart)


def yarn(art, x, y, r, colour):
    art.shadow(x, y + r * 0.92, r * 1.05, r * 0.22)
    art.poly(ellipse(x, y, r, r, n=60), mix(colour, (0, 0, 0), 0.35))
    for _ in range(64):
        tilt, b, off = art.rng.uniform(0, 180), art.rng.uniform(0.1, 0.92), art.rng.uniform(-0.25, 0.25)
        ring = [(x + (px - x), y + (py - y)) for px, py in ellipse(x + off * r * 0.3, y, r * 0.95, r * 0.95 * b, tilt, n=40)]
        half = ring[:21]
        half = [(px, py) for px, py in half if math.hypot(px - x, py - y) < r]
        if len(half) > 3:
            art.line(half, mix(colour, (255, 255, 255) if art.rng.random() < 0.5 else (0, 0, 0), art.rng.uniform(0, 0.28)), 3)
    art.poly(ellipse(x - r * 0.3, y - r * 0.35, r * 0.4, r * 0.3), (255, 255, 255), 0.22, blur=12)


def window(art, x0, y0, x1, y1, frame, panes=(2, 2)):
    w, h = (x1 - x0) / panes[0], (y1 - y0) / panes[1]
    for i in range(panes[0] + 1):
        art.rect(x0 + i * w - 9, y0 - 9, x0 + i * w + 9, y1 + 9, frame)
        art.rect(x0 + i * w + 6, y0 - 9, x0 + i * w + 10, y1 + 9, mix(frame, (0, 0, 0), 0.3), 0.6)
    for j in range(panes[1] + 1):
        art.rect(x0 - 9, y0 + j * h - 9, x1 + 9, y0 + j * h + 9, frame)


def cushion(art, x, y, rx, ry, colour):
    art.shadow(x, y + ry * 0.9, rx * 1.02, ry * 0.5)
    body = [(x - rx, y - ry * 0.2), (x - rx * 0.9, y - ry * 0.9), (x, y - ry * 0.78), (x + rx * 0.9, y - ry * 0.9),
            (x + rx, y - ry * 0.2), (x + rx * 0.94, y + ry * 0.85),
            (x, y + ry), (x - rx * 0.94, y + ry * 0.85)]
    art.poly(smooth(body), mix(colour, (0, 0, 0), 0.3))
    art.poly(smooth([(px, py - 10) for px, py in body]), colour, blur=6)
    art.poly(ellipse(x - rx * 0.2, y - ry * 0.35, rx * 0.6, ry * 0.3), mix(colour, (255, 255, 255), 0.4), 0.5, blur=22)


def city_night(art):
    art.gradient((14, 18, 48), (66, 62, 106))
    for _ in range(150):
        art.poly(ellipse(art.rng.uniform(0, WIDTH), art.rng.uniform(0, 430), 1.2, 1.2), (255, 255, 240),
                 art.rng.uniform(0.3, 1))
    art.poly(ellipse(770, 150, 110, 110), (255, 246, 200), 0.25, blur=30)
    art.poly(ellipse(770, 150, 66, 66, n=60), (252, 244, 214))
    for dx, dy, r in ((-20, -15, 14), (22, 10, 18), (-8, 30, 9), (14, -32, 8)):
        art.poly(ellipse(770 + dx, 150 + dy, r, r), (232, 222, 188), 0.8, blur=2)
    x = -10
    while x < WIDTH:
        w, top = art.rng.uniform(50, 110), art.rng.uniform(330, 480)
        art.rect(x, top, x + w, HEIGHT, (22, 22, 44))
        for wx in range(int(x) + 10, int(x + w) - 12, 18):
            for wy in range(int(top) + 14, 640, 24):
                if art.rng.random() < 0.45:
                    art.rect(wx, wy, wx + 9, wy + 13, art.rng.choice([(255, 214, 120), (250, 190, 90), (180, 200, 240)]), 0.9)
        x += w + art.rng.uniform(0, 8)
    art.soften(1.6)


# --- the twenty ---
def ginger_sitting(art):
    room(art, (126, 158, 170), (176, 124, 78))
    art.rect(70, 90, 330, 330, (230, 222, 200))
    art.rect(86, 106, 314, 314, (110, 160, 130))
    art.poly(smooth([(86, 314), (150, 210), (210, 270), (260, 190), (314, 314)]), (60, 110, 90))
    art.soften(3)
    art.poly(ellipse(500, 660, 420, 86), (150, 60, 58))
    art.poly(ellipse(500, 656, 380, 72), (188, 90, 76))
    art.shadow(500, 665, 200, 34)
    pose.sitting(art, 500, 670, 1.12, GINGER, curl="up")


def tabby_loaf(art):
    room(art, (202, 186, 160), (120, 84, 60), 300)
    art.soften(4)
    art.poly(smooth([(-40, 330), (1040, 330), (1060, 800), (-60, 800)]), (70, 104, 112))
    art.texture((0, 330, WIDTH, HEIGHT), 70, (240, 120))
    cushion(art, 500, 640, 420, 110, (206, 160, 70))
    art.shadow(500, 620, 260, 30)
    pose.loaf(art, 510, 625, 1.38, GREY_TABBY, eyes="half")


def black_on_fence(art):
    art.gradient((20, 16, 52), (188, 92, 60))
    art.poly(ellipse(610, 300, 290, 290, n=80), (255, 214, 120), 0.25, blur=40)
    art.poly(ellipse(610, 300, 215, 215, n=80), (250, 218, 140))
    for dx, dy, r in ((-70, -60, 40), (60, 30, 54), (-20, 100, 30), (90, -90, 24)):
        art.poly(ellipse(610 + dx, 300 + dy, r, r * 0.9), (232, 192, 112), 0.7, blur=8)
    for x in range(-20, 1020, 92):
        art.poly([(x, 800), (x, 640), (x + 38, 604), (x + 76, 640), (x + 76, 800)], (58, 38, 34))
        art.line([(x + 30, 650), (x + 34, 750)], (40, 26, 24), 2)
    art.rect(0, 655, WIDTH, 690, (74, 50, 42))
    art.texture((0, 600, WIDTH, HEIGHT), 80, (160, 12))
    pose.arched(art, 540, 662, 1.1, COAL, eyes="wide", eye_size=0.27)


def white_odd_eyes(art):
    bokeh(art, (228, 196, 206), (166, 128, 158), [(255, 236, 240), (250, 214, 190), (214, 190, 240)])
    pose.portrait(art, 500, 478, 1.02, SNOW, odd_eye=(216, 160, 50), eye_size=0.25)


def siamese_window(art):
    art.gradient((190, 220, 244), (240, 244, 236))
    for x, y, r in ((150, 430, 120), (330, 470, 100), (860, 420, 140), (680, 480, 90)):
        art.poly(ellipse(x, y, r, r * 0.9), (116, 160, 96), 0.9, blur=12)
    art.soften(5)
    window(art, 40, 20, 960, 560, (244, 240, 232))
    art.rect(0, 560, WIDTH, 640, (236, 228, 214))
    art.rect(0, 640, WIDTH, HEIGHT, (190, 176, 160))
    art.rect(0, 634, WIDTH, 646, (150, 138, 124), 0.7, blur=3)
    art.poly([(800, 470), (930, 470), (908, 600), (822, 600)], (188, 98, 66))
    for a in range(-70, 71, 20):
        art.poly(ellipse(865 + a * 0.9, 400 - (70 - abs(a)) * 0.8, 22, 66, a * 0.9), (76, 136, 76))
    art.shadow(440, 612, 190, 22)
    pose.sitting(art, 440, 616, 1.12, SIAMESE, curl="round", eye_size=0.24, mask_face=(98, 72, 60))


def calico_box(art):
    room(art, (180, 196, 176), (150, 120, 92), 430)
    art.soften(3)
    art.shadow(500, 690, 360, 40)
    art.poly([(190, 420), (810, 420), (780, 500), (220, 500)], (118, 84, 52))
    pose.peeking(art, 500, 452, 1.18, CALICO, tilt=6)
    art.poly([(170, 440), (830, 440), (800, 700), (200, 700)], (190, 146, 96))
    art.texture((150, 430, 850, 710), 26, (9, 160))
    art.poly([(170, 440), (830, 440), (826, 462), (174, 462)], (214, 172, 120))
    art.poly([(170, 440), (60, 500), (90, 540), (186, 470)], (176, 132, 84))
    art.poly([(830, 440), (940, 500), (910, 540), (814, 470)], (176, 132, 84))
    art.rect(470, 464, 530, 700, (206, 180, 130), 0.6)
    art.line([(620, 640), (660, 640), (660, 600), (620, 600)], (120, 84, 50), 3, closed=True)
    pose.peeking_paws(art, 500, 448, 1.12, CALICO, 150)


def tuxedo_yarn(art):
    room(art, (206, 150, 130), (196, 158, 118), 470)
    art.soften(3)
    art.shadow(460, 668, 210, 32)
    pose.sitting(art, 430, 675, 1.1, TUXEDO, curl="up", flip=True, blaze=True, look=(0.6, 0.5))
    yarn(art, 700, 610, 84, (196, 52, 84))
    art.line([(760, 668), (850, 690), (900, 660), (960, 700), (1010, 690)], (196, 52, 84), 4)


def tortie_leaves(art):
    bokeh(art, (226, 170, 90), (120, 76, 44), [(250, 200, 90), (230, 120, 50), (250, 226, 150)])
    art.gradient((120, 78, 46), (92, 58, 36), 540, HEIGHT)
    leaves = [(206, 92, 36), (226, 140, 44), (178, 56, 36), (232, 180, 64), (140, 80, 40)]

    def scatter(count, y0, y1, size):
        for _ in range(count):
            x, y, a = art.rng.uniform(0, WIDTH), art.rng.uniform(y0, y1), art.rng.uniform(0, 180)
            art.poly(ellipse(x, y, size, size * 0.46, a, n=10), art.rng.choice(leaves))
            c, s = math.cos(math.radians(a)) * size, math.sin(math.radians(a)) * size
            art.line([(x - c, y - s), (x + c, y + s)], (110, 60, 30), 1)

    scatter(320, 545, HEIGHT, 20)
    art.shadow(520, 660, 260, 28)
    pose.walking(art, 520, 668, 1.08, TORTIE)
    scatter(46, 690, HEIGHT + 10, 24)


def blue_night(art):
    city_night(art)
    window(art, 60, 10, 940, 610, (84, 66, 58), (2, 1))
    art.rect(0, 610, WIDTH, 665, (104, 82, 70))
    art.rect(0, 665, WIDTH, HEIGHT, (58, 46, 46))
    art.poly(smooth([(0, 0), (130, 0), (110, 300), (60, 660), (0, 700)]), (96, 36, 48))
    art.poly(smooth([(870, 0), (1000, 0), (1000, 700), (950, 660), (900, 300)]), (96, 36, 48))
    art.texture((0, 0, 130, 700), 90, (24, 3))
    art.texture((870, 0, 1000, 700), 90, (24, 3))
    art.shadow(360, 640, 170, 18)
    pose.sitting(art, 360, 640, 1.1, BLUE, curl="down", back=True)


def bengal_stretch(art):
    room(art, (150, 170, 140), (186, 140, 96), 440)
    art.soften(3)
    art.poly(ellipse(480, 670, 470, 64), (66, 88, 120))
    art.poly(ellipse(480, 668, 420, 50), (92, 118, 152))
    art.shadow(500, 665, 320, 26)
    pose.bowing(art, 530, 670, 1.12, BENGAL, eyes="half", smile=1.6)


def coon_forest(art):
    bokeh(art, (150, 180, 120), (60, 84, 50), [(220, 236, 150), (250, 240, 190), (110, 160, 90)])
    art.poly([(80, 0), (170, 0), (186, 600), (60, 600)], (72, 54, 42), blur=5)
    art.poly([(840, 0), (900, 0), (920, 600), (826, 600)], (72, 54, 42), blur=5)
    pose.portrait(art, 500, 480, 1.02, COON, cheeks=1.12, ears="up")


def persian_curled(art):
    room(art, (150, 110, 130), (110, 76, 66), 380)
    art.soften(4)
    cushion(art, 500, 600, 440, 140, (128, 52, 82))
    for k in range(-8, 9):
        art.line([(500 + k * 48, 690 + 6 * math.cos(k)), (500 + k * 50, 724)], (224, 184, 96), 5)
    pose.curled(art, 510, 640, 1.36, PERSIAN, cheeks=1.1)


def sphynx_blanket(art):
    room(art, (104, 110, 128), (90, 70, 64), 420)
    art.soften(4)
    art.poly(smooth([(-60, 560), (200, 520), (500, 540), (800, 510), (1060, 560), (1060, 820), (-60, 820)]), (206, 190, 160))
    art.texture((0, 500, WIDTH, HEIGHT), 60, (26, 9))
    art.shadow(500, 670, 200, 30)
    pose.sitting(art, 500, 680, 1.08, SPHYNX, ears="big", curl="round", eye_size=0.29, cheeks=0.86)
    for y in (270, 282, 294):
        art.line([(440, y - 54), (500, y - 60 + (y - 270) * 0.2), (560, y - 54)], (190, 138, 122), 2)


def fold_books(art):
    room(art, (96, 84, 80), (80, 58, 48), 300)
    x = 0
    while x < WIDTH:
        w = art.rng.uniform(18, 44)
        h = art.rng.uniform(150, 210)
        art.rect(x, 290 - h, x + w - 2, 290, art.rng.choice([(150, 60, 52), (60, 90, 120), (196, 160, 90), (80, 110, 80),
            (112, 70, 110), (210, 200, 180)]))
        x += w
    art.rect(0, 290, WIDTH, 316, (108, 74, 52))
    art.soften(3.5)
    art.rect(0, 600, WIDTH, HEIGHT, (128, 88, 58))
    art.texture((0, 600, WIDTH, HEIGHT), 60, (16, 90))
    for i, (x0, x1, c) in enumerate(((180, 820, (70, 92, 128)), (210, 800, (166, 66, 58)), (190, 780, (206, 168, 92)))):
        top = 660 - i * 46
        art.rect(x0, top - 44, x1, top, c)
        art.rect(x0 + 8, top - 36, x1 + 2, top - 8, (236, 228, 206))
        for k in range(4):
            art.line([(x0 + 10, top - 32 + k * 6), (x1, top - 32 + k * 6)], (200, 190, 166), 0.8)
        art.rect(x0, top - 44, x0 + 60, top, mix(c, (0, 0, 0), 0.15))
    pose.loaf(art, 500, 528, 1.22, FOLD, flip=True, ears="fold", eyes="wide", cheeks=1.06)


def cow_snow(art):
    art.gradient((176, 196, 222), (232, 238, 246))
    for x in range(-40, 1060, 120):
        h = art.rng.uniform(200, 330)
        for k in range(4):
            art.poly([(x - 80 + k * 16, 440 - k * h / 5), (x + 80 - k * 16, 440 - k * h / 5), (x, 440 - (k + 1.6) * h / 4)],
                     (74, 104, 100))
            art.poly([(x - 60 + k * 14, 432 - k * h / 5), (x + 10, 430 - k * h / 5), (x, 440 - (k + 1.6) * h / 4)],
                     (226, 236, 244), 0.8)
    art.soften(4)
    art.poly(smooth([(-40, 450), (250, 420), (520, 450), (800, 425), (1040, 450), (1040, 820), (-40, 820)]), (240, 244, 250))
    art.texture((0, 430, WIDTH, HEIGHT), 30, (70, 40))
    for k in range(6):
        art.poly(ellipse(780 + k * 44, 640 - k * 34 + 16 * (k % 2), 18 - k, 8), (196, 208, 226), blur=2)
    art.shadow(500, 664, 190, 24, 0.3)
    pose.sitting(art, 490, 672, 1.12, COW, curl="round")
    scarf = [(396, 352), (500, 384), (604, 352), (610, 392), (500, 428), (390, 392)]
    art.poly(smooth(scarf), (150, 32, 40))
    art.poly(smooth([(x, y - 3) for x, y in scarf]), (206, 52, 56), blur=3)
    art.poly([(552, 396), (596, 384), (618, 520), (566, 528)], (190, 44, 50))
    for k in range(5):
        art.line([(570 + k * 11, 524), (571 + k * 12, 546)], (190, 44, 50), 4)
        art.line([(556 + k * 3, 416 + k * 22), (602 + k * 3, 408 + k * 22)], (240, 220, 200), 4)
    for _ in range(240):
        r = art.rng.uniform(1.2, 4.2)
        art.poly(ellipse(art.rng.uniform(0, WIDTH), art.rng.uniform(0, HEIGHT), r, r), (255, 255, 255),
                 art.rng.uniform(0.5, 0.95), blur=0.7)


def ragdoll_sofa(art):
    art.gradient((214, 206, 196), (190, 180, 170))
    art.soften(2)
    art.poly(smooth([(-60, 300), (60, 230), (500, 215), (940, 230), (1060, 300), (1060, 600), (-60, 600)]), (92, 116, 110))
    art.texture((0, 220, WIDTH, 600), 60, (200, 90))
    art.line([(500, 225), (504, 560)], (58, 78, 74), 3)
    art.poly(smooth([(-60, 560), (500, 540), (1060, 560), (1060, 820), (-60, 820)]), (110, 138, 130))
    art.texture((0, 550, WIDTH, HEIGHT), 60, (200, 70))
    art.shadow(500, 630, 380, 26)
    pose.lying(art, 470, 640, 1.2, RAGDOLL, blaze=True, mask_face=(142, 116, 104), tilt=-4)


def chocolate_butterfly(art):
    bokeh(art, (150, 206, 236), (160, 206, 130), [(255, 255, 230), (220, 240, 160), (255, 230, 240)])
    grass(art, 600, (50, 110, 44), (140, 190, 80), 1600, 60)
    for x, y, c in ((120, 560, (240, 120, 150)), (220, 600, (250, 250, 250)), (850, 570, (240, 200, 70)),
                    (930, 620, (190, 130, 220)), (60, 640, (250, 250, 250))):
        flower(art, x, y, 26, c)
    art.shadow(460, 690, 170, 24)
    pose.reaching(art, 460, 700, 1.08, CHOCOLATE, look=(0.7, -0.8), eyes="wide", tilt=10)
    for s, c in ((-1, (240, 150, 50)), (1, (250, 176, 70))):
        art.poly(ellipse(712 + s * 26, 96, 28, 34, s * 30), (50, 30, 24))
        art.poly(ellipse(712 + s * 26, 96, 22, 28, s * 30), c)
        art.poly(ellipse(712 + s * 20, 132, 18, 22, -s * 20), (50, 30, 24))
        art.poly(ellipse(712 + s * 20, 132, 13, 17, -s * 20), c)
        art.line([(712, 84), (712 + s * 10, 62), (712 + s * 18, 52)], (40, 26, 22), 1.6)
    art.poly(ellipse(712, 112, 5, 32), (40, 26, 22))
    grass(art, 690, (44, 100, 40), (130, 184, 76), 500, 46)


def silver_table(art):
    room(art, (238, 222, 180), (160, 120, 90), 700, planks=False)
    for x in range(0, WIDTH, 92):
        for y in range(0, 470, 92):
            art.rect(x + 3, y + 3, x + 89, y + 89, mix((226, 236, 238), (170, 200, 214), art.rng.random() * 0.6))
    art.soften(3)
    pose.peeking(art, 460, 520, 1.3, SILVER, eyes="wide", look=(0.9, 0.6), tilt=-4)
    art.rect(0, 540, WIDTH, HEIGHT, (170, 116, 72))
    art.texture((0, 540, WIDTH, HEIGHT), 70, (10, 120))
    art.rect(0, 536, WIDTH, 548, (206, 156, 108))
    pose.peeking_paws(art, 460, 545, 1.2, SILVER, 150)
    art.shadow(800, 690, 130, 20)
    art.poly(ellipse(800, 676, 140, 30), (236, 240, 244))
    art.poly(ellipse(800, 670, 104, 20), (206, 216, 226))
    art.poly(smooth([(716, 640), (760, 618), (840, 620), (880, 652), (842, 676), (752, 674)]), (110, 140, 168))
    art.poly([(872, 650), (930, 616), (922, 652), (934, 684)], (96, 126, 156))
    art.poly(ellipse(746, 644, 6, 6), (20, 20, 30))
    for k in range(5):
        art.line([(780 + k * 18, 632), (788 + k * 18, 646), (780 + k * 18, 662)], (150, 178, 200), 2)


def marmalade_belly(art):
    room(art, (122, 150, 180), (150, 110, 80), 400)
    art.soften(4)
    art.poly(ellipse(500, 640, 520, 120), (60, 90, 84))
    art.poly(ellipse(500, 634, 470, 100), (96, 134, 118))
    art.texture((0, 520, WIDTH, HEIGHT), 40, (260, 100))
    art.shadow(500, 640, 330, 34)
    pose.belly_up(art, 520, 650, 1.26, MARMALADE, tilt=-62, eyes="closed", smile=1.8, blaze=True)


def kitten_cup(art):
    bokeh(art, (248, 226, 200), (206, 158, 130), [(255, 250, 230), (250, 206, 170), (255, 230, 200)])
    art.rect(0, 600, WIDTH, HEIGHT, (222, 196, 170))
    art.texture((0, 600, WIDTH, HEIGHT), 40, (12, 70))
    art.shadow(500, 700, 330, 30)
    art.poly(ellipse(500, 690, 320, 40), (206, 224, 230))
    art.poly(ellipse(500, 682, 240, 24), (170, 194, 204))
    art.line([(730, 470), (840, 440), (880, 530), (800, 610), (700, 610)], (150, 190, 206), 30)
    art.line([(730, 468), (836, 444), (870, 528), (800, 602), (700, 602)], (196, 224, 234), 16)
    art.poly(ellipse(500, 430, 250, 50), (130, 164, 178))
    pose.peeking(art, 500, 440, 1.16, KITTEN, eyes="wide", eye_size=0.3, tilt=-5)
    cup = [(250, 430), (262, 540), (320, 640), (400, 682), (600, 682), (680, 640), (738, 540), (750, 430)]
    rim = [(250 + k * 25, 430 + 50 * math.sin(math.pi * k / 20)) for k in range(21)]
    art.poly(rim[::-1] + cup[1:-1], (178, 212, 224))
    art.poly([(px * 0.86 + 50, py * 0.92 + 44) for px, py in rim[::-1] + cup[1:-1]], (206, 232, 240), 0.8, blur=26)
    for k in range(7):
        x = 300 + k * 66
        art.poly(ellipse(x, 560 + 22 * math.sin(math.pi * k / 6), 15, 13), (226, 130, 150), 0.95)
        art.poly(ellipse(x, 560 + 22 * math.sin(math.pi * k / 6), 5, 5), (250, 220, 120))
    art.line(rim, (232, 244, 248), 7)
    pose.peeking_paws(art, 500, 458, 0.92, KITTEN, 120)


# what, width of the picture, JPEG quality
CATS = [(ginger_sitting, 1024, 88), (tabby_loaf, 960, 86), (black_on_fence, 900, 84), (white_odd_eyes, 800, 76),
        (siamese_window, 1000, 84), (calico_box, 960, 88),
        (tuxedo_yarn, 880, 80), (tortie_leaves, 1024, 80), (blue_night, 840, 76), (bengal_stretch, 1024, 84), (coon_forest,
            1024, 91), (persian_curled, 920, 84),
        (sphynx_blanket, 800, 72), (fold_books, 960, 86), (cow_snow, 1000, 82), (ragdoll_sofa, 1024, 82), (chocolate_butterfly,
            960, 80), (silver_table, 900, 90),
        (marmalade_belly, 860, 78), (kitten_cup, 820, 74)]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "cats")
    os.makedirs(folder, exist_ok=True)
    chosen = [int(n) for n in sys.argv[2:]] or range(1, len(CATS) + 1)
    for number in chosen:
        scene, width, quality = CATS[number - 1]
        art = Art(1000 + number)
        scene(art)
        out = io.BytesIO()
        art.finish(width).save(out, "JPEG", quality=quality, optimize=True)
        if not 40_000 <= out.tell() <= 250_000:
            sys.exit(f"{scene.__name__}: {out.tell()} bytes are not in 40,000..250,000: change its quality")
        with open(os.path.join(folder, f"{number}.jpg"), "wb") as file:
            file.write(out.getvalue())


if __name__ == "__main__":
    main()
