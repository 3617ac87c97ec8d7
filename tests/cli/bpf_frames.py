#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether chains of BPF functions fit what every kernel's verifier grants them: the strictest one that must load them counts.

usage: bpf_frames.py OBJECT.bpf.o

Prints the deepest chain of every program, with the bytes of each frame. Exit status 1 when one needs more than 512 bytes of stack or more
than 8 frames. 6.1 rounds every frame up to 32 bytes, an empty one too, and counts a function that is handed to a helper (bpf_loop) as called
from there (kernel/bpf/verifier.c: check_max_stack_depth). Later kernels round less, or give programs stacks of their own.
"""
import struct
import sys

STACK_BYTES, FRAMES, ROUND = 512, 8, 32  # MAX_BPF_STACK, MAX_CALL_FRAMES

SHT_SYMTAB, SHT_REL = 2, 9
SHF_EXECINSTR = 4
STT_FUNC, STT_SECTION = 2, 3

INSN = struct.Struct("<BBhi")
R10 = 10
CALL, MOV64, ADD64, LD_IMM64 = 0x85, 0xBF, 0x07, 0x18
BPF_LDX, BPF_ST, BPF_STX = 1, 2, 3  # classes: the low three bits of an instruction's code
PSEUDO_CALL = 1


class Object:
    """Sections, functions and relocations of an ELF file (64 bits, little endian, as clang makes BPF)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise SystemExit(f"{path}: not a 64-bit little-endian ELF file")
        offset, = struct.unpack_from("<Q", self.data, 40)
        size, count, _ = struct.unpack_from("<HHH", self.data, 58)
        # name, type, flags, addr, offset, size, link, info, addralign, entsize
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, offset + i * size) for i in range(count)]
        self.read_symbols()
        self.read_relocations()

    def content(self, section):
        return self.data[section[4]:section[4] + section[5]]

    def read_symbols(self):
        table = next(section for section in self.sections if section[1] == SHT_SYMTAB)
        names = self.content(self.sections[table[6]])
        self.symbols = []  # name, type, section, value
        self.functions = {}  # section, offset -> name, size
        for name, info, _, section, value, size in struct.iter_unpack("<IBBHQQ", self.content(table)):
            text = names[name:names.index(b"\0", name)].decode()
            self.symbols.append((text, info & 15, section, value))
            if info & 15 == STT_FUNC and section:
                self.functions[section, value] = text, size

    def read_relocations(self):
        self.relocations = {}  # section, offset -> symbol
        for section in self.sections:
            if section[1] == SHT_REL and self.sections[section[7]][2] & SHF_EXECINSTR:
                for offset, info in struct.iter_unpack("<QQ", self.content(section)):
                    self.relocations[section[7], offset] = self.symbols[info >> 32]

    def callee(self, section, offset, imm, is_call):
        """The function that an instruction refers to, as (section, offset); None: it refers to something else."""
        symbol = self.relocations.get((section, offset))
        if symbol and not symbol[2]:  # a function of the kernel's
            return None
        if not symbol:
            target = section, offset + 8 * (imm + 1)
        elif symbol[1] == STT_SECTION:  # what is added stands in the instruction: of calls in instructions, counted from the next
            target = symbol[2], 8 * (imm + 1) if is_call else imm
        else:
            target = symbol[2], symbol[3]
        if is_call and target not in self.functions:
            raise SystemExit(f"a call of what is no function, in section {section} at {offset:#x}")
        return target if target in self.functions else None


def look_at(obj, section, start, size):
    """Bytes of a function's frame, and the functions that it calls or hands over."""
    code = obj.content(obj.sections[section])[start:start + size]
    frame, callees, copies = 0, [], {}  # copies: register -> place in the frame that it points to
    for at in range(0, len(code), 8):
        op, registers, off, imm = INSN.unpack_from(code, at)
        dst, src = registers & 15, registers >> 4
        base = src if op & 7 == BPF_LDX else dst
        if op & 7 in (BPF_LDX, BPF_ST, BPF_STX):
            if base == R10:
                frame = max(frame, -off)
            elif base in copies:
                frame = max(frame, -(copies[base] + off))
        if op == MOV64 and src == R10:
            copies[dst] = 0
        elif op == ADD64 and dst in copies:
            copies[dst] += imm
            frame = max(frame, -copies[dst])
        elif op & 7 not in (BPF_ST, BPF_STX):
            copies.pop(dst, None)
        if op == CALL and src == PSEUDO_CALL:
            callees.append(obj.callee(section, start + at, imm, True))
        elif op == LD_IMM64 and (section, start + at) in obj.relocations:
            callees.append(obj.callee(section, start + at, imm, False))
    return frame, [callee for callee in callees if callee]


def deepest(function, known, looked):
    """The chain from the function on that needs most, and the one with most frames, each as a list of functions."""
    if function not in known:
        most, longest = [], []
        for callee in looked[function][1]:
            chains = deepest(callee, known, looked)
            most = max(most, chains[0], key=lambda chain: need(chain, looked))
            longest = max(longest, chains[1], key=len)
        known[function] = [function] + most, [function] + longest
    return known[function]


def need(chain, looked):
    return sum(max(looked[function][0] + ROUND - 1, ROUND) // ROUND * ROUND for function in chain)


def main():
    obj = Object(sys.argv[1])
    looked = {key: look_at(obj, *key, size) for key, (_, size) in obj.functions.items()}
    called = {callee for _, callees in looked.values() for callee in callees}
    known, bad = {}, False
    for program in sorted(set(looked) - called):
        most, longest = deepest(program, known, looked)
        bytes_needed = need(most, looked)
        bad |= bytes_needed > STACK_BYTES or len(longest) > FRAMES
        print(f"{bytes_needed} bytes:", " ".join(f"{obj.functions[f][0]}({looked[f][0]})" for f in most))
        if len(longest) > FRAMES:
            print(f"{len(longest)} frames:", " ".join(obj.functions[f][0] for f in longest))
    if not known:
        raise SystemExit("there is no program in the object")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
