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

char *cause_label(enum state state, const char *cause)
{
	if (state == STATE_RUN_QUEUE)
		return strdup("for a CPU");
	if (!cause[0] || !strcmp(state_info[state].name, cause))
		return strdup(state_info[state].name);
	if (state == STATE_LOCK)
		return text_format("lock \"%s\"", cause);
	return text_format("%s %s", state_info[state].name, cause);
}

struct blocker explain_blocker(const struct explanation *explanation)
{
	struct blocker queue = {.state = STATE_RUN_QUEUE, .cause = ""}, best = {0};

	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (cause->outside || cause->joining)
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
		if (!explanation->causes[i].outside && !explanation->causes[i].joining)
			mean += explanation->causes[i].mean;
	return mean;
}

bool explain_is_serialised(const struct explanation *explanation)
{
	return explanation->workers >= 2 && explanation->overlap < 1.3 &&
	       explain_blocked_mean(explanation) >= 0.5 * (explanation->workers - 1);
}
