/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/explain.h"

const struct state_info state_info[STATE_COUNT] = {
#define STATE(id, name, group, gloss, colour, letter) [STATE_##id] = {name, gloss, STATE_GROUP_##group, colour, letter},
#include "states.def"
#undef STATE
};

const enum state class_state[CLASS_COUNT] = {
#define CLASS(id, name, state, gloss) [CLASS_##id] = STATE_##state,
#include "classes.def"
#undef CLASS
};
