/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verbs.h"

#include <stddef.h>

extern const struct verb verb_attach, verb_cats, verb_compare, verb_doctor, verb_export, verb_flame, verb_lanes, verb_list,
    verb_predict, verb_report, verb_run, verb_suite, verb_tracer, verb_worker;

const struct verb *const verbs[] = {
    &verb_run,     &verb_attach, &verb_flame,  &verb_lanes, &verb_suite,  &verb_report, &verb_compare, &verb_export,
    &verb_predict, &verb_list,   &verb_doctor, &verb_cats,  &verb_tracer, &verb_worker, NULL,
};
