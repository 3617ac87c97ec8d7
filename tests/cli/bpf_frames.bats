#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The kernel this is built on may grant BPF programs more stack than the kernels they must load on: what those refuse is found here.
load ../helper

frames() # OBJECT
{
	run /usr/bin/python3 -B "$ROOT/tests/cli/bpf_frames.py" "$1"
}

# Compiles BPF source from standard input, as the Makefile does.
bpf()
{
	clang -O2 -g -target bpf -mcpu=v3 -c -x c -o "$BATS_TEST_TMPDIR/source.o" -
	bpftool gen object "$BATS_TEST_TMPDIR/program.o" "$BATS_TEST_TMPDIR/source.o"
}

# A program whose frame has $1 bytes, above a function with $2; it calls the function itself ($3 = call), or hands it to bpf_loop.
two_frames()
{
	bpf <<-C
		#define USE(bytes) char place[bytes]; __asm__ volatile("" : : "r"(place) : "memory")
		static long (*loop)(unsigned, void *, void *, unsigned long) = (void *)181;
		static __attribute__((noinline)) long inner(unsigned i, void *context) { USE($2); return i; }
		__attribute__((section("tp_btf/sched_switch"))) int outer(void *ctx)
		{
			USE($1);
			return $([ "$3" = call ] && echo "inner(3, ctx)" || echo "loop(3, inner, ctx, 0)");
		}
	C
}

@test "the deepest chain of BPF functions fits the 512 bytes and 8 frames of 6.1, which rounds every frame up to 32 bytes" {
	frames "$ROOT/${B:-build}/concprof.bpf.o"
	expect 0 "on_switch(" "on_sample(" "mark("
}

@test "a chain that 6.1 would refuse is found: called, and handed to bpf_loop" {
	local how
	for how in call hand; do
		two_frames 256 224 $how
		frames "$BATS_TEST_TMPDIR/program.o"
		expect 0 "480 bytes: outer(256) inner(224)"
		# 496 bytes, but 6.1 does not count so.
		two_frames 264 232 $how
		frames "$BATS_TEST_TMPDIR/program.o"
		expect 1 "544 bytes: outer(264) inner(232)"
	done
}

@test "nine frames are found, however small" {
	{
		echo 'static __attribute__((noinline)) int f1(int x) { __asm__ volatile("" : "+r"(x)); return x; }'
		for i in 2 3 4 5 6 7 8; do
			echo "static __attribute__((noinline)) int f$i(int x) { __asm__ volatile(\"\" : \"+r\"(x)); return f$((i - 1))(x) + 1; }"
		done
		echo '__attribute__((section("syscall"))) int outer(int *ctx) { return f8(*ctx); }'
	} | bpf
	frames "$BATS_TEST_TMPDIR/program.o"
	expect 1 "9 frames: outer f8 f7 f6 f5 f4 f3 f2 f1"
}
