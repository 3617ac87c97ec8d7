#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets to tests/fuzz/corpus (needs gcc and objcopy). They are kept: what compilers make of the same source changes."""
import os
import struct
import subprocess
import tempfile

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
SOURCE = """
int counter;
static int inner(int x) { return x * counter; }
int outer(int (*f)(int), int x) { int room[x + 1]; room[x] = f(x); return inner(room[x]) + 1; }
int realigned(int (*f)(int)) { _Alignas(64) int at[16] = {0}; at[3] = f(1); return at[3] + f(at[2]); }
"""


def put(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def build(folder, name, *options):
    source, path = os.path.join(folder, "a.c"), os.path.join(folder, name)
    with open(source, "w") as file:
        file.write(SOURCE)
    subprocess.run(["gcc", "-shared", "-fPIC", "-nostdlib", "-Wl,-z,noseparate-code", "-Wl,--build-id", *options, "-o", path, source],
                   check=True)
    with open(path, "rb") as file:
        return path, file.read()


def objects():
    with tempfile.TemporaryDirectory() as folder:
        path, plain = build(folder, "plain.so", "-O2")
        _, stripped = build(folder, "stripped.so", "-O2", "-s")
        _, debug = build(folder, "debug.so", "-Os", "-g", "-gz", "-fno-asynchronous-unwind-tables")
        frames = os.path.join(folder, "frames")
        subprocess.run(["objcopy", "-O", "binary", "-j", ".eh_frame", path, frames], check=True)
        with open(frames, "rb") as file:
            frames = file.read()
    for name, data in ("plain", plain), ("stripped", stripped), ("debug", debug):
        put("eh_frame", name, data)
        put("symbols", name, b"E" + data)
    # See fuzz_eh_frame.c: bit 0 .debug_frame, 1 no section headers, 2 a CIE goes before, 3 said to be compressed.
    for mode in 0, 1, 2, 9:
        put("eh_frame", f"frames-{mode}", bytes([mode]) + frames)
    # A function of 32 bytes under that CIE, whose program has: advance, def_cfa_offset, offset rbp, def_cfa_register, expression.
    program = bytes([0x41, 0x0E, 16, 0x86, 2, 0x43, 0x0D, 6, 0x0F, 3, 0x76, 0x78, 0x06])
    fde = struct.pack("<iiIB", 0x1C, -0x1F0018, 32, 0) + program
    put("eh_frame", "program", bytes([4]) + struct.pack("<I", len(fde)) + fde)


def texts():
    put("symbols", "perf-map", b"P1000 40 f\n1040 40 LazyCompile:~g /app/a.js:1\n0x2000 10 with spaces  in it\n1000 80 later\n")
    put("symbols", "perf-map-odd", b"Pffffffffffffffff 2 wraps\n0 0 empty\nzz 1 none\n10 20\n7fffffff 1 \xc3\x28\x1b[31m\n5 5 cut")
    put("symbols", "kallsyms", b"Kffffffff81000000 T _stext\nffffffff81000100 t schedule\nffffffffc0000000 t init\t[ext4]\n"
        b"0000000000000000 A none\nffffffffff000000 T end\n")
    for i, name in enumerate((b"_ZNSt6vectorIiSaIiEE9push_backEOi", b"_RNvNtCs1234_7mycrate3foo3bar", b"_ZN4core3fmt5write17h0123456789abcdefE",
                              b"_ZN" + b"N" * 64, b"_Z1fIXadL_Z1gEEEvv")):
        put("symbols", f"mangled-{i}", b"D" + name)
    put("proc_maps", "process", b"55d0c0de0000-55d0c0df0000 r-xp 00002000 fe:01 4711                       /usr/bin/cat\n"
        b"7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
        b"7f0000001000-7f0000003000 r-xp 00000000 00:01 12                         /dev/shm/a b\\012c (deleted)\n"
        b"7f0000002000-7f0000002800 rwxp 00000000 00:00 0                          [anon: JIT]\n"
        b"7ffc00001000-7ffc00003000 r-xp 00000000 00:00 0                          [vdso]\n"
        b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n")
    put("proc_maps", "overlapping", b"1-9 r-xp 0 0:0 0 /a\n3-5 r-xp 0 0:0 0 /b\n0-ffffffffffffffff r-xp 0 0:0 0 \n4-6 --xp 0 0:0 0 /c\n")
    put("proc_maps", "odd", b"2-1 r-xp 0 0:0 0 /a\n1-2 x 0 0:0 0 /a\n1-2 r-xp 0 0:0\n-1--2 r-xp 0 0:0 0 /\n\n1-2 r-xp 0 0:0 0 \0/\n1-99999999999999999999 r-xp 0 f:f 9 /")


def perf_record(kind, misc, body):
    body += struct.pack("<IIQ", 7, 7, 12345)
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def mmap2(name):
    name += b"\0" * (8 - len(name) % 8)
    return perf_record(10, 2, struct.pack("<IIQQQIIQQII", 7, 7, 0x7F0000000000, 0x1000, 0x2000, 0xFE, 1, 4711, 0, 5, 2) + name)


def records():
    put("perf_records", "mappings", b"".join(mmap2(n) for n in (b"/usr/lib/libc.so.6", b"//anon", b"[vdso]", b"[vsyscall]", b"/", b"")))
    put("perf_records", "execs", perf_record(3, 1 << 13, struct.pack("<II", 7, 7) + b"cat\0\0\0\0\0") + perf_record(3, 0, struct.pack("<II", 7, 8) + b"a\0"))
    put("perf_records", "lost", perf_record(2, 0, struct.pack("<QQ", 1, 41)) + struct.pack("<IHH", 2, 0, 8))
    put("perf_records", "cut", mmap2(b"/usr/lib/libc.so.6")[:-17])

    def stack(number, kernel, stop, side, *frames):
        data = struct.pack("<QQQQQQIHBB", 0, number, kernel, 1, 5, 2, 7, len(frames), stop, side) + struct.pack(f"<{len(frames)}Q", *frames)
        return struct.pack("<H", len(data)) + data

    put("stacks", "tree", stack(1, 0, 0, 1, 4, 5, 6) + stack(2, 1, 0, 0, 0x1000, 0x1001, 0x1002) + stack(3, 1, 0, 0, 0x1005, 0x1001, 0x1002) +
        stack(4, 9, 3, 0, 0x1001, 0x1003))
    put("stacks", "deep", stack(1, 0, 0, 1, *range(127)) + stack(2, 1, 7, 0, *range(0x1000, 0x107F)) + stack(2, 0, 0, 0, 1))
    def parked(number, bytes_said, *words):
        data = struct.pack("<10QIIII", 6, number, 1, 1, 3, 2, 0x1001, 0x7F00, 0x7F08, 0, 7, 7, bytes_said, 0) + struct.pack(f"<{len(words)}Q", *words)
        return struct.pack("<H", len(data)) + data

    put("stacks", "parked", parked(1, 32, 0x1003, 0x1105, 0x2207, 0x131D) + parked(2, 0) + parked(3, 24, 0x1003, 0x1105, 0x2207))
    put("stacks", "parked-odd", parked(1, 33, 1, 2, 3, 4) + parked(2, 0xFFFFFFFF, 1) + parked(3, 7, 0x1003) + parked(4, 8, 1)[:90] + parked(5, 12289, 1))
    put("stacks", "odd", stack(0, 0, 0, 0) + stack(5, 5, 2, 0) + stack(5, 0, 9, 0, 1)[:60] + stack(6, 0, 0, 7, 1, 2)[:70])


def timeline():
    def episodes(count, *rows):
        data = struct.pack("<QQ", 8, count) + b"".join(struct.pack("<IIQQQQ", *row) for row in rows)
        data += b"\0" * (16 + 64 * 40 - len(data))
        return struct.pack("<H", len(data)) + data

    def moment(*values):
        return struct.pack("<H4Q", 32, 9, *values)

    first = (1, 4, 1000, 0, 50, 0), (1, 5, 2000, 100, 10, 1), (1, 3, 2110, 0, 5, 0)
    put("episodes", "fits", episodes(5, *first, (2, 5, 4000, 10, 0, 2), (2, 6, 4999, 1, 0, 4)) + moment(1, 1500, 1) + moment(2, 3000, 2))
    put("episodes", "other-order", moment(1, 1500, 1) + moment(1, 1400, 2) + episodes(2, *first[1:]) + episodes(1, first[0]))
    put("episodes", "overlap", episodes(2, (1, 5, 2000, 100, 0, 1), (1, 5, 2000, 7000, 0, 1)))
    put("episodes", "outside", episodes(4, (1, 5, 999, 2, 0, 0), (2, 5, 4999, 2, 0, 0), (3, 5, 1000, 1, 0, 0), (9, 5, 2000, 1, 0, 0)) + moment(1, 9001, 1))
    put("episodes", "wraps", episodes(2, (1, 5, 2**64 - 1, 2**64 - 1, 2**64 - 1, 0), (2, 5, 3000, 2**64 - 1, 2001, 0)))
    put("episodes", "classes", episodes(4, (1, 0, 2000, 1, 0, 0), (1, 3, 3000, 1, 0, 0), (1, 2**32 - 1, 4000, 1, 0, 0), (1, 6, 5000, 1, 0, 1)))
    put("episodes", "counts", episodes(64, *first) + episodes(65, *first) + episodes(2**64 - 1, *first) + episodes(3, *first)[:90] + moment(1, 2, 3)[:33])


if __name__ == "__main__":
    objects()
    texts()
    records()
    timeline()
