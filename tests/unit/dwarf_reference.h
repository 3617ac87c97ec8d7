/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second opinion for the tests of unwind tables: one step of unwinding by libdw's reading of an object, evaluated over made-up
 * registers and memory. Nothing here shares code with what is tested.
 */
#ifndef CONCPROF_DWARF_REFERENCE_H
#define CONCPROF_DWARF_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <dwarf.h>
#include <elfutils/libdw.h>

enum reference_kind {
	REFERENCE_NONE,      /* no FDE */
	REFERENCE_STRANGE,   /* needs a register that is not known, or an operation that nobody is expected to write */
	REFERENCE_UNDEFINED, /* of a register: the caller's value is lost */
	REFERENCE_VALUE,
};

struct reference_value {
	enum reference_kind kind;
	uint64_t value;
};

struct reference_frame {
	struct reference_value cfa, rip, rsp, rbp;
	bool signal;
};

struct reference_registers {
	uint64_t rip, rsp, rbp, rdi;
};

/* Memory in which every word is different: the address, scrambled (splitmix64). */
static inline uint64_t reference_memory(uint64_t address)
{
	uint64_t x = address + 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct reference_stack {
	uint64_t words[16];
	size_t depth;
	bool strange;
};

static inline void reference_push(struct reference_stack *stack, uint64_t word)
{
	if (stack->depth == sizeof(stack->words) / sizeof(*stack->words))
		stack->strange = true;
	else
		stack->words[stack->depth++] = word;
}

static inline uint64_t reference_pop(struct reference_stack *stack)
{
	if (stack->depth == 0) {
		stack->strange = true;
		return 0;
	}
	return stack->words[--stack->depth];
}

static inline uint64_t reference_register(struct reference_stack *stack, const struct reference_registers *registers, int number)
{
	switch (number) {
	case 6:
		return registers->rbp;
	case 7:
		return registers->rsp;
	case 16:
		return registers->rip;
	default:
		stack->strange = true;
		return 0;
	}
}

static inline void reference_binary(struct reference_stack *stack, int atom)
{
	uint64_t b = reference_pop(stack), a = reference_pop(stack);

	switch (atom) {
	case DW_OP_plus:
		return reference_push(stack, a + b);
	case DW_OP_minus:
		return reference_push(stack, a - b);
	case DW_OP_and:
		return reference_push(stack, a & b);
	case DW_OP_shl:
		return reference_push(stack, b < 64 ? a << b : 0);
	case DW_OP_ge:
		return reference_push(stack, (int64_t)a >= (int64_t)b);
	default:
		stack->strange = true;
	}
}

static inline struct reference_value reference_evaluate(const Dwarf_Op *ops, size_t count,
							const struct reference_registers *registers,
							const struct reference_value *cfa, bool *is_value)
{
	struct reference_stack stack = {};

	*is_value = false;
	for (size_t i = 0; i < count; i++) {
		int atom = ops[i].atom;

		if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
			reference_push(&stack, reference_register(&stack, registers, atom - DW_OP_breg0) + ops[i].number);
		else if (atom == DW_OP_bregx)
			reference_push(&stack, reference_register(&stack, registers, ops[i].number) + ops[i].number2);
		else if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
			reference_push(&stack, atom - DW_OP_lit0);
		else if (atom == DW_OP_deref)
			reference_push(&stack, reference_memory(reference_pop(&stack)));
		else if (atom == DW_OP_plus_uconst)
			reference_push(&stack, reference_pop(&stack) + ops[i].number);
		else if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
			reference_push(&stack, ops[i].number);
		else if (atom == DW_OP_call_frame_cfa && cfa && cfa->kind == REFERENCE_VALUE)
			reference_push(&stack, cfa->value);
		else if (atom == DW_OP_stack_value)
			*is_value = true;
		else if (atom == DW_OP_regx && ops[i].number == 5) { /* rdi; what is computed from it is nobody's rule */
			reference_push(&stack, registers->rdi);
			*is_value = true;
		} else
			reference_binary(&stack, atom);
	}
	struct reference_value result = {.kind = REFERENCE_VALUE, .value = reference_pop(&stack)};

	if (stack.strange)
		result.kind = REFERENCE_STRANGE;
	return result;
}

static inline struct reference_value reference_saved(Dwarf_Frame *frame, int number, const struct reference_registers *registers,
						     uint64_t same, const struct reference_value *cfa)
{
	struct reference_value result;
	Dwarf_Op memory[3], *ops;
	bool is_value;
	size_t count;

	if (dwarf_frame_register(frame, number, memory, &ops, &count) != 0)
		return (struct reference_value){.kind = REFERENCE_STRANGE};
	if (count == 0) /* libdw.h: NULL means "same value", anything else "undefined" */
		return (struct reference_value){.kind = ops ? REFERENCE_UNDEFINED : REFERENCE_VALUE, .value = same};
	/* A register's rule by expression starts with the CFA on the stack; the expressions met do not use it. */
	result = reference_evaluate(ops, count, registers, cfa, &is_value);
	if (result.kind == REFERENCE_VALUE && !is_value)
		result.value = reference_memory(result.value);
	return result;
}

static inline struct reference_frame reference_step(Dwarf_CFI *cfi, const struct reference_registers *registers,
						    Dwarf_Addr address)
{
	struct reference_frame result = {};
	Dwarf_Frame *frame;
	size_t count;
	Dwarf_Op *ops;
	bool is_value;

	if (dwarf_cfi_addrframe(cfi, address, &frame) != 0)
		return result;
	dwarf_frame_info(frame, NULL, NULL, &result.signal);
	if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count == 0)
		result.cfa.kind = REFERENCE_STRANGE;
	else
		result.cfa = reference_evaluate(ops, count, registers, NULL, &is_value);
	result.rip = reference_saved(frame, 16, registers, registers->rip, &result.cfa);
	result.rsp = reference_saved(frame, 7, registers, registers->rsp, &result.cfa);
	result.rbp = reference_saved(frame, 6, registers, registers->rbp, &result.cfa);
	free(frame);
	return result;
}

#endif
