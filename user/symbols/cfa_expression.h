/* SPDX-License-Identifier: Apache-2.0 */
/* The DWARF expressions that compilers, linkers and hand-written assembly use in call frame information on x86-64. */
#ifndef CONCPROF_CFA_EXPRESSION_H
#define CONCPROF_CFA_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

#include "symbols/cfa_program.h"

/* Sets the CFA of `state`: UNWIND_UNSUPPORTED unless the expression has one of the forms that a rule can say. */
void cfa_expression_cfa(struct cfa_state *state, const uint8_t *data, size_t bytes);

/* A register saved at the address that the expression gives. */
struct cfa_register cfa_expression_saved(const uint8_t *data, size_t bytes);

#endif
