/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/internal.h"
#include "lib/text.h"

char *cause_words(enum state state, const char *cause)
{
	switch (state) {
	case STATE_RUN_QUEUE:
		return strdup("a CPU");
	case STATE_LOCK:
		return text_format("the lock \"%s\"", cause);
	case STATE_SYNC:
		if (!strcmp(cause, "join"))
			return strdup("other threads to end");
		return text_format("a signal (%s)", cause);
	case STATE_SLEEP:
		return strdup("a timer");
	default:
		return strdup(cause);
	}
}

const char *cause_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause)
{
	const char *name = state_info[state].name;

	if (state == STATE_RUN_QUEUE)
		snprintf(label, CAUSE_LABEL_BYTES, "for a CPU");
	else if (!cause[0])
		snprintf(label, CAUSE_LABEL_BYTES, "%s", name);
	else if (!strncmp(cause, name, strlen(name)) || (state == STATE_SYNC && !strcmp(cause, "join")))
		snprintf(label, CAUSE_LABEL_BYTES, "%s", cause); /* "child processes", "pipe:[123]" */
	else
		snprintf(label, CAUSE_LABEL_BYTES, state == STATE_LOCK ? "%s \"%s\"" : "%s %s", name, cause);
	return label;
}

struct blocker explain_blocker(const struct explanation *explanation)
{
	struct blocker queue = {.state = STATE_RUN_QUEUE, .cause = ""}, best = {0};

	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (cause->outside || cause->join || cause->joining)
			continue;
		if (cause->state == STATE_RUN_QUEUE) {
			queue.total_ns += cause->total_ns;
			queue.count += cause->count;
			queue.max_ns = cause->max_ns > queue.max_ns ? cause->max_ns : queue.max_ns;
		} else if (!best.cause) { /* the largest comes first */
			best = (struct blocker){cause->state, cause->cause, cause->total_ns, cause->count, cause->max_ns, 0};
		}
	}
	if (queue.total_ns > best.total_ns)
		best = queue;
	best.mean = (double)best.total_ns / explanation->wall_ns;
	return best;
}

double explain_blocked_mean(const struct explanation *explanation)
{
	double mean = 0;

	for (size_t i = 0; i < explanation->n_causes; i++)
		if (!explanation->causes[i].outside && !explanation->causes[i].join && !explanation->causes[i].joining)
			mean += explanation->causes[i].mean;
	return mean;
}

bool explain_is_serialised(const struct explanation *explanation)
{
	struct blocker blocker = explain_blocker(explanation);
	double blocked = explain_blocked_mean(explanation);

	if (explanation->workers < 2 || explanation->overlap >= 1.3 || blocked < 0.5 * (explanation->workers - 1))
		return false;
	/* Threads that wait for a signal while one waits for a peer are a server at rest, unless they wait for a lock. */
	return explanation->overlap > 0.6 && (blocker.state == STATE_LOCK || 2 * explanation->cpu_ns >= explanation->progress_ns);
}
