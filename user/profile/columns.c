/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/columns.h"

#define PID_MAX (1 << 22) /* PID_MAX_LIMIT, linux/threads.h */

#define TABLE(id, table_name, type)                                                                                              \
	const struct table id = {table_name, columns_##id, sizeof(columns_##id) / sizeof(columns_##id[0]), sizeof(type)}

#define AT(member) offsetof(struct run, member)
static const struct column columns_table_run[] = {
    {"name", COLUMN_TEXT, AT(name), 0},
    {"begin_ns", COLUMN_U64, AT(begin_ns), 0},
    {"end_ns", COLUMN_U64, AT(end_ns), 0},
    {"exit_status", COLUMN_INT, AT(exit_status), 255},
    {"interrupted", COLUMN_BOOL, AT(interrupted), 0},
    {"no_syscalls", COLUMN_BOOL, AT(no_syscalls), 0},
    {"failure", COLUMN_TEXT_OR_NULL, AT(failure), 0},
    {"sample_hz", COLUMN_U64, AT(sample_hz), 0},
    {"attached", COLUMN_BOOL, AT(attached), 0},
    {"timeline", COLUMN_BOOL, AT(timeline), 0},
    {"stolen_ns", COLUMN_U64, AT(stolen_ns), 0},
    {"others_ns", COLUMN_U64, AT(others_ns), 0},
    {"tax_probe_ns", COLUMN_U64, AT(tax_probe_ns), 0},
    {"tax_cpu_ns", COLUMN_U64, AT(tax_cpu_ns), 0},
    {"tax_events", COLUMN_U64, AT(tax_events), 0},
};
TABLE(table_run, "run", struct run);
#undef AT

static const struct column columns_table_argument[] = {
    {"value", COLUMN_TEXT, offsetof(struct argument_row, value), 0},
};
TABLE(table_argument, "argument", struct argument_row);

#define AT(member) offsetof(struct run_process, member)
static const struct column columns_table_process[] = {
    {"id", COLUMN_U64, AT(id), 0},
    {"parent", COLUMN_U64, AT(parent), 0},
    {"pid", COLUMN_U32, AT(pid), PID_MAX},
    {"comm", COLUMN_TEXT, AT(comm), 0},
    {"cgroup", COLUMN_TEXT_OR_NULL, AT(cgroup), 0},
    {"begin_ns", COLUMN_U64, AT(begin_ns), 0},
    {"end_ns", COLUMN_U64, AT(end_ns), 0},
    {"exit_status", COLUMN_INT, AT(exit_status), 0xffff},
    {"ended", COLUMN_BOOL, AT(ended), 0},
    {"undelivered_threads", COLUMN_U64, AT(undelivered_threads), 0},
    {"undelivered_life_ns", COLUMN_U64, AT(undelivered_life_ns), 0},
};
TABLE(table_process, "process", struct run_process);
#undef AT

#define AT(member) offsetof(struct time_row, member)
static const struct column columns_table_process_time[] = {
    {"process", COLUMN_U64, AT(owner), 0},
    {"class", COLUMN_CLASS, AT(class), 0},
    {"ns", COLUMN_U64, AT(ns), 0},
};
TABLE(table_process_time, "process_time", struct time_row);

static const struct column columns_table_thread_time[] = {
    {"thread", COLUMN_U64, AT(owner), 0},
    {"class", COLUMN_CLASS, AT(class), 0},
    {"ns", COLUMN_U64, AT(ns), 0},
};
TABLE(table_thread_time, "thread_time", struct time_row);
#undef AT

#define AT(member) offsetof(struct run_thread, member)
static const struct column columns_table_thread[] = {
    {"id", COLUMN_U64, AT(id), 0},
    {"process", COLUMN_U64, AT(process), 0},
    {"parent", COLUMN_U64, AT(parent), 0},
    {"pid", COLUMN_U32, AT(pid), PID_MAX},
    {"tid", COLUMN_U32, AT(tid), PID_MAX},
    {"comm", COLUMN_TEXT, AT(comm), 0},
    {"begin_ns", COLUMN_U64, AT(begin_ns), 0},
    {"life_ns", COLUMN_U64, AT(life_ns), 0},
    {"voluntary", COLUMN_U64, AT(voluntary), 0},
    {"involuntary", COLUMN_U64, AT(involuntary), 0},
    {"syscalls", COLUMN_U64, AT(syscalls), 0},
    {"connects", COLUMN_U64, AT(connects), 0},
    {"faults", COLUMN_U64, AT(faults), 0},
    {"ended", COLUMN_BOOL, AT(ended), 0},
    {"audit_on_cpu_ns", COLUMN_U64, AT(audit_on_cpu_ns), 0},
    {"audit_run_delay_ns", COLUMN_U64, AT(audit_run_delay_ns), 0},
    {"audit_switches", COLUMN_U64, AT(audit_switches), 0},
};
TABLE(table_thread, "thread", struct run_thread);
#undef AT

#define AT(member) offsetof(struct run_wait, member)
static const struct column columns_table_wait[] = {
    {"id", COLUMN_U64, AT(id), 0},
    {"thread", COLUMN_U64, AT(thread), 0},
    {"class", COLUMN_CLASS, AT(class), 0},
    {"op", COLUMN_U32, AT(op), 0xffff},
    {"expects_2", COLUMN_BOOL, AT(expects_2), 0},
    {"is_join", COLUMN_BOOL, AT(join), 0},
    {"syscall", COLUMN_TEXT, AT(syscall), 0},
    {"object", COLUMN_TEXT, AT(object), 0},
    {"symbol", COLUMN_TEXT, AT(symbol), 0},
    {"symbol_offset", COLUMN_BITS, AT(offset), 0},
    {"file", COLUMN_TEXT, AT(file), 0},
    {"address", COLUMN_BITS, AT(address), 0},
    {"unattributed", COLUMN_BOOL, AT(unattributed), 0},
    {"inside", COLUMN_BOOL, AT(inside), 0},
    {"stack", COLUMN_U64, AT(stack), 0},
    {"holder", COLUMN_U64, AT(holder), 0},
    {"waker", COLUMN_U64, AT(waker), 0},
    {"waker_name", COLUMN_TEXT_OR_NULL, AT(waker_name), 0},
    {"count", COLUMN_U64, AT(count), 0},
    {"timed_out", COLUMN_U64, AT(timed_out), 0},
    {"total_ns", COLUMN_U64, AT(total_ns), 0},
    {"max_ns", COLUMN_U64, AT(max_ns), 0},
    {"log2_ns", COLUMN_HISTOGRAM, AT(log2_ns), 0},
};
TABLE(table_wait, "wait", struct run_wait);
#undef AT

#define AT(member) offsetof(struct run_frame, member)
static const struct column columns_table_frame[] = {
    {"id", COLUMN_U64, AT(id), 0},
    {"kind", COLUMN_U32, AT(kind), FRAME_KIND_COUNT - 1},
    {"function", COLUMN_TEXT, AT(function), 0},
    {"object", COLUMN_TEXT, AT(object), 0},
    {"address", COLUMN_BITS, AT(address), 0},
    {"source", COLUMN_TEXT, AT(source), 0},
    {"line", COLUMN_U32, AT(line), 0},
    {"inlined", COLUMN_BOOL, AT(inlined), 0},
};
TABLE(table_frame, "frame", struct run_frame);
#undef AT

static const struct column columns_table_stack[] = {
    {"id", COLUMN_U64, offsetof(struct run_stack, id), 0},
    {"parent", COLUMN_U64, offsetof(struct run_stack, parent), 0},
    {"frame", COLUMN_U64, offsetof(struct run_stack, frame), 0},
};
TABLE(table_stack, "stack", struct run_stack);

static const struct column columns_table_sample[] = {
    {"thread", COLUMN_U64, offsetof(struct run_sample, thread), 0},
    {"stack", COLUMN_U64, offsetof(struct run_sample, stack), 0},
    {"count", COLUMN_U64, offsetof(struct run_sample, count), 0},
};
TABLE(table_sample, "sample", struct run_sample);

#define AT(member) offsetof(struct run_episode, member)
static const struct column columns_table_episode[] = {
    {"thread", COLUMN_U32, AT(thread), 0},         {"out_ns", COLUMN_U64, AT(out_ns), 0},
    {"blocked_ns", COLUMN_U64, AT(blocked_ns), 0}, {"queued_ns", COLUMN_U64, AT(queued_ns), 0},
    {"class", COLUMN_CLASS, AT(class), 0},         {"wait", COLUMN_U32, AT(wait), 0},
};
TABLE(table_episode, "episode", struct run_episode);
#undef AT

static const struct column columns_table_moment[] = {
    {"thread", COLUMN_U32, offsetof(struct run_moment, thread), 0},
    {"at_ns", COLUMN_U64, offsetof(struct run_moment, at_ns), 0},
    {"stack", COLUMN_U32, offsetof(struct run_moment, stack), 0},
};
TABLE(table_moment, "moment", struct run_moment);

static const struct column columns_table_figure[] = {
    {"kind", COLUMN_TEXT, offsetof(struct figure_row, kind), 0},
    {"name", COLUMN_TEXT, offsetof(struct figure_row, figure.name), 0},
    {"value", COLUMN_REAL, offsetof(struct figure_row, figure.value), 0},
};
TABLE(table_figure, "figure", struct figure_row);
