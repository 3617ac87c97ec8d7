/* SPDX-License-Identifier: Apache-2.0 */
#include "export/export.h"

#define LIST_EXPORTER(name) &exporter_##name,
const struct exporter *const exporters[] = {EXPORTERS(LIST_EXPORTER) NULL};

const char *const export_by_name[EXPORT_BY_COUNT] = {
    [EXPORT_BY_DEFAULT] = "",  [EXPORT_BY_THREAD] = "thread", [EXPORT_BY_PROCESS] = "process",
    [EXPORT_BY_NAME] = "name", [EXPORT_BY_CAUSE] = "cause",   [EXPORT_BY_NONE] = "none",
};

const struct exporter *exporter_find(const char *name)
{
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
		if (!strcmp((*exporter)->name, name))
			return *exporter;
	return NULL;
}

static uint32_t on_cpu_states(void)
{
	uint32_t states = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_CPU)
			states |= 1u << state;
	return states;
}

#define ALL_STATES ((1u << STATE_COUNT) - 1)

/* 0 if it is no name. */
static uint32_t states_of_name(const char *name, size_t length)
{
	const struct {
		const char *name;
		uint32_t states;
	} sets[] = {{"wall", ALL_STATES}, {"on-cpu", on_cpu_states()}, {"off-cpu", ALL_STATES & ~on_cpu_states()}};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (strlen(sets[i].name) == length && !strncmp(sets[i].name, name, length))
			return sets[i].states;
	for (int state = 0; state < STATE_COUNT; state++)
		if (strlen(state_info[state].name) == length && !strncmp(state_info[state].name, name, length))
			return 1u << state;
	return 0;
}

bool export_states_parse(const char *text, uint32_t *states)
{
	*states = 0;
	for (;; text++) {
		size_t length = strcspn(text, ",");
		uint32_t named = states_of_name(text, length);

		if (!named)
			return false;
		*states |= named;
		text += length;
		if (!*text)
			return true;
	}
}

const char *export_states_words(uint32_t states)
{
	if (!states || states == ALL_STATES)
		return "wall-clock";
	if (states == on_cpu_states())
		return "on-CPU";
	if (states == (ALL_STATES & ~on_cpu_states()))
		return "off-CPU";
	for (int state = 0; state < STATE_COUNT; state++)
		if (states == 1u << state)
			return state_info[state].name;
	return "selected states";
}
