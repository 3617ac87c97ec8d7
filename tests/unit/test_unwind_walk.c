/* SPDX-License-Identifier: Apache-2.0 */
/* Whole stacks: made-up ones for every rule and every reason to stop, and this program's own, against the C++ runtime's unwinder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cfi_builder.h"
#include "lib/cleanup.h"
#include "symbols/unwind_walk.h"

/* --- made-up stacks --- */

#define STACK 0x7000
#define WORDS 64

struct made_up {
	struct unwind_rule rules[8]; /* of the addresses 0x1000, 0x2000 ... */
	uint64_t words[WORDS];       /* at STACK */
	uint64_t asked[16];          /* for which addresses a rule was looked up */
	size_t n_asked;
};

static enum unwind_stop made_up_rule(void *context, uint64_t rip, struct unwind_rule *ret)
{
	struct made_up *made_up = context;

	if (made_up->n_asked < 16)
		made_up->asked[made_up->n_asked++] = rip;
	if (rip < 0x1000 || rip >= 0x9000)
		return UNWIND_STOP_NO_MAPPING;
	*ret = made_up->rules[rip / 0x1000 - 1];
	return UNWIND_WHOLE;
}

static int made_up_read(void *context, uint64_t address, void *to, size_t bytes)
{
	struct made_up *made_up = context;

	if (address < STACK || address + bytes > STACK + sizeof(made_up->words))
		return -EFAULT;
	memcpy(to, (char *)made_up->words + (address - STACK), bytes);
	return 0;
}

static enum unwind_stop walk(struct made_up *made_up, struct unwind_registers registers, uint64_t *frames, size_t *count)
{
	const struct unwind_view view = {.context = made_up, .rule = made_up_rule, .read = made_up_read};

	return unwind_walk(&view, registers, frames, 8, count);
}

static void test_every_rule_finds_its_caller(void **state)
{
	struct made_up made_up = {
	    .rules =
		{
		    {.cfa = UNWIND_RSP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16},
		    {.cfa = UNWIND_RBP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16},
		    {.cfa = UNWIND_PLT, .cfa_offset = 11},
		    {.cfa = UNWIND_RBP_DEREF, .cfa_offset = -8, .rbp = UNWIND_RBP_AT_RBP},
		    {.cfa = UNWIND_RSP_DEREF, .cfa_offset = 8, .cfa_plus = 8},
		    {.cfa = UNWIND_SIGNAL},
		    {.cfa = UNWIND_FRAME},
		    {.cfa = UNWIND_END},
		},
	    .words = {[0] = STACK + 0x20,        /* 0x1000: rbp */
		      [1] = 0x2005,              /* 0x1000: return address */
		      [4] = STACK + 0x58,        /* 0x2000: rbp */
		      [5] = 0x300b + 1,          /* 0x2000: return address */
		      [7] = 0x4005,              /* 0x3000: return address; one word more on the stack */
		      [10] = STACK + 0x70,       /* 0x4000: CFA */
		      [11] = STACK + 0x1c0,      /* 0x4000: rbp */
		      [13] = 0x5005,             /* 0x4000: return address */
		      [15] = STACK + 0x80,       /* 0x5000: CFA - 8 */
		      [16] = 0x6005,             /* 0x5000: return address */
		      [17 + 15] = STACK + 0x1d0, /* 0x6000: the signal frame's rbp */
		      [17 + 20] = STACK + 0x1b0, /* rsp */
		      [17 + 21] = 0x7000,        /* rip */
		      [58] = 0xb0b,              /* 0x7000: rbp */
		      [59] = 0x8005},            /* 0x7000: return address */
	};
	static const uint64_t expected[] = {0x1005, 0x2005, 0x300c, 0x4005, 0x5005, 0x6005, 0x7000, 0x8005};
	/* One less than the return address, but not where the thread is or was interrupted. */
	static const uint64_t asked[] = {0x1005, 0x2004, 0x300b, 0x4004, 0x5004, 0x6004, 0x7000, 0x8004};
	uint64_t frames[8];
	size_t count;

	(void)state;
	assert_int_equal(walk(&made_up, (struct unwind_registers){.rip = 0x1005, .rsp = STACK}, frames, &count), UNWIND_WHOLE);
	assert_int_equal(count, 8);
	assert_memory_equal(frames, expected, sizeof(expected));
	assert_memory_equal(made_up.asked, asked, sizeof(asked));
}

static void test_every_reason_to_stop(void **state)
{
	const struct unwind_rule push = {.cfa = UNWIND_RSP, .cfa_offset = 16}, lost = {UNWIND_RSP, UNWIND_RBP_LOST, 0, 16, 0, 0},
				 rbp = {.cfa = UNWIND_RBP, .cfa_offset = 16};
	static const struct {
		enum unwind_stop stop;
		size_t frames;
		struct unwind_rule first, second;
		uint64_t rsp, second_rip;
	} cases[] = {
#define CASE(...) {__VA_ARGS__}
	    CASE(UNWIND_STOP_NO_MAPPING, 2, {.cfa = UNWIND_RSP, .cfa_offset = 16}, {}, STACK, 0x9005),
	    CASE(UNWIND_STOP_NO_RULE, 2, {.cfa = UNWIND_RSP, .cfa_offset = 16}, {.cfa = UNWIND_NONE}, STACK, 0x2005),
	    CASE(UNWIND_STOP_UNSUPPORTED, 2, {.cfa = UNWIND_RSP, .cfa_offset = 16}, {.cfa = UNWIND_UNSUPPORTED}, STACK, 0x2005),
	    CASE(UNWIND_STOP_UNSUPPORTED, 1, {.cfa = 200}, {}, STACK, 0x2005),
	    CASE(UNWIND_STOP_MEMORY, 1, {.cfa = UNWIND_RSP, .cfa_offset = 16}, {}, 0x10, 0x2005),
	    CASE(UNWIND_STOP_MEMORY, 1, {.cfa = UNWIND_RSP_DEREF}, {}, 0x10, 0x2005),
	    CASE(UNWIND_STOP_MEMORY, 1, {.cfa = UNWIND_SIGNAL}, {}, STACK + 0x170, 0x2005),
	    CASE(UNWIND_STOP_NO_PROGRESS, 1, {.cfa = UNWIND_RSP}, {}, STACK, 0x2005),
	    CASE(UNWIND_STOP_NO_PROGRESS, 1, {.cfa = UNWIND_RBP, .cfa_offset = 16}, {}, STACK, 0x2005),
	    CASE(UNWIND_STOP_DEEP, 8, {.cfa = UNWIND_RSP, .cfa_offset = 16}, {.cfa = UNWIND_RSP, .cfa_offset = 16}, STACK,
		 0x2005),
	};
	uint64_t frames[8];
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct made_up made_up = {.rules = {cases[i].first, cases[i].second}};
		enum unwind_stop stop;

		for (size_t word = 0; word < WORDS; word++)
			made_up.words[word] = cases[i].second_rip;
		stop = walk(&made_up, (struct unwind_registers){.rip = 0x1005, .rsp = cases[i].rsp}, frames, &count);
		if (stop != cases[i].stop || count != cases[i].frames)
			fail_msg("case %zu: stop %d after %zu frames", i, stop, count);
	}
	/* rbp was lost a frame before it is needed; but one that was saved since is known again. */
	struct made_up made_up = {.rules = {lost, push, rbp}, .words = {[1] = 0x2005, [3] = 0x3005}};

	assert_int_equal(
	    walk(&made_up, (struct unwind_registers){.rip = 0x1005, .rsp = STACK, .rbp = STACK + 0x20}, frames, &count),
	    UNWIND_STOP_UNSUPPORTED);
	assert_int_equal(count, 3);
	made_up = (struct made_up){
	    .rules = {lost, push, rbp, {.cfa = UNWIND_END}},
	    .words = {[1] = 0x2005, [2] = STACK + 0x30, [3] = 0x3005, [7] = 0x4005},
	};
	made_up.rules[1].rbp = UNWIND_RBP_AT_CFA;
	made_up.rules[1].rbp_offset = -16;
	assert_int_equal(walk(&made_up, (struct unwind_registers){.rip = 0x1005, .rsp = STACK}, frames, &count), UNWIND_WHOLE);
	assert_int_equal(count, 4);
}

/* --- this program's own stack --- */

#define OBJECTS_MAX 64

struct own {
	struct unwind_rules *rules;
	struct {
		uint64_t start, end, bias;
		struct unwind_object *object;
	} objects[OBJECTS_MAX];
	size_t count;
};

static int add_object(struct dl_phdr_info *info, size_t bytes, void *context)
{
	const char *path = *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
	_cleanup_close_ int fd = -1;
	struct own *own = context;

	(void)bytes;
	if (own->count == OBJECTS_MAX)
		return -E2BIG;
	own->objects[own->count].bias = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		own->objects[own->count].start = info->dlpi_addr + segment->p_vaddr;
		own->objects[own->count].end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
	}
	if (info->dlpi_addr == getauxval(AT_SYSINFO_EHDR))
		return unwind_object_compile_memory((void *)info->dlpi_addr, 4096, own->rules,
						    &own->objects[own->count++].object);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return unwind_object_compile(fd, own->rules, &own->objects[own->count++].object);
}

static enum unwind_stop own_rule(void *context, uint64_t rip, struct unwind_rule *ret)
{
	const struct own *own = context;
	size_t count;

	for (size_t i = 0; i < own->count; i++) {
		if (rip < own->objects[i].start || rip >= own->objects[i].end)
			continue;
		*ret = unwind_rules_all(own->rules,
					&count)[unwind_table_rule(own->objects[i].object->table, rip - own->objects[i].bias)];
		return UNWIND_WHOLE;
	}
	return UNWIND_STOP_NO_MAPPING;
}

/* Unwinding reads only what the program itself has on its stack: no need to be careful here. */
__attribute__((no_sanitize("address"))) static int own_read(void *context, uint64_t address, void *to, size_t bytes)
{
	const volatile uint8_t *from = (const uint8_t *)(uintptr_t)address;

	(void)context;
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = from[i];
	return 0;
}

static struct {
	struct own own;
	uint64_t ours[UNWIND_FRAMES_MAX];
	void *theirs[UNWIND_FRAMES_MAX];
	size_t n_ours;
	int n_theirs;
	enum unwind_stop stop;
} looked;

/* Both from the same place: the first frames differ by where in this function they were taken. */
__attribute__((noinline)) static void look(void)
{
	const struct unwind_view view = {.context = &looked.own, .rule = own_rule, .read = own_read};
	struct unwind_registers registers;

	__asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
			 : "=&r"(registers.rip), "=&r"(registers.rsp), "=&r"(registers.rbp));
	registers.rbp_lost = false;
	looked.stop = unwind_walk(&view, registers, looked.ours, UNWIND_FRAMES_MAX, &looked.n_ours);
	looked.n_theirs = backtrace(looked.theirs, UNWIND_FRAMES_MAX);
}

static void expect_same_stacks(size_t least)
{
	void **theirs;

	assert_int_equal(looked.stop, UNWIND_WHOLE);
	assert_true(looked.n_ours >= least);
	/* Under the address sanitizer there is one frame more, of its own backtrace(). */
	assert_in_range(looked.n_theirs, looked.n_ours, looked.n_ours + 1);
	theirs = looked.theirs + (looked.n_theirs - looked.n_ours);
	for (size_t i = 1; i < looked.n_ours; i++)
		if (looked.ours[i] != (uintptr_t)theirs[i])
			fail_msg("frame %zu: %#jx instead of %p", i, (uintmax_t)looked.ours[i], theirs[i]);
}

static int compare_and_look(const void *a, const void *b)
{
	(void)a;
	(void)b;
	look();
	return 0;
}

__attribute__((noinline)) static void descend(volatile int depth)
{
	char room[100];
	int pair[2] = {0, 1};

	memset(room, depth, sizeof(room));
	__asm__ volatile("" : : "r"(room) : "memory");
	if (depth > 0)
		descend(depth - 1);
	else
		qsort(pair, 2, sizeof(*pair), compare_and_look);
	__asm__ volatile("" : : "r"(room) : "memory");
}

static void test_this_programs_own_stack(void **state)
{
	(void)state;
	descend(30);
	expect_same_stacks(35);
}

static void handle(int signal)
{
	(void)signal;
	descend(3);
}

static void test_a_stack_through_a_signal_handler(void **state)
{
	struct sigaction action = {.sa_handler = handle}, before;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	expect_same_stacks(12);
}

static int compile_own(void **state)
{
	(void)state;
	if (unwind_rules_new(&looked.own.rules))
		return -1;
	return dl_iterate_phdr(add_object, &looked.own);
}

static int free_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < looked.own.count; i++)
		unwind_object_free(looked.own.objects[i].object);
	unwind_rules_free(looked.own.rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_rule_finds_its_caller),
	    cmocka_unit_test(test_every_reason_to_stop),
	    cmocka_unit_test(test_this_programs_own_stack),
	    cmocka_unit_test(test_a_stack_through_a_signal_handler),
	};

	return cmocka_run_group_tests_name("unwinding", tests, compile_own, free_own);
}
