/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/internal.h"
#include "explain/path.h"
#include "lib/cleanup.h"
#include "lib/text.h"

const char *causes_noun(enum state state)
{
	switch (state) {
	case STATE_LOCK:
		return "locks";
	case STATE_SYNC:
		return "futexes";
	case STATE_SOCKET:
		return "peers";
	case STATE_PIPE:
		return "pipes";
	default:
		return "causes";
	}
}

const char *topic_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause, uint64_t kinds)
{
	if (kinds < 2)
		return cause_label(label, state, cause);
	snprintf(label, CAUSE_LABEL_BYTES, "%s (%s different %s)", state_info[state].name, FIGURE_COUNT(kinds),
		 causes_noun(state));
	return label;
}

/* After "waited for": "5 different pipes", "the disk (8,195 different causes)". */
static char *words_of_several(enum state state, uint64_t kinds)
{
	const char *count = FIGURE_COUNT(kinds), *noun = causes_noun(state);

	switch (state) {
	case STATE_LOCK:
	case STATE_PIPE:
	case STATE_SOCKET:
		return text_format("%s different %s", count, noun);
	case STATE_SYNC:
		return text_format("wake-ups (%s different %s)", count, noun);
	case STATE_SLEEP:
		return text_format("timers (%s different %s)", count, noun);
	case STATE_CHILD:
		return text_format("child processes (%s different %s)", count, noun);
	case STATE_DISK:
	case STATE_MEMORY:
		return text_format("the %s (%s different %s)", state_info[state].name, count, noun);
	default:
		return text_format("%s different things", count);
	}
}

char *cause_words(enum state state, const char *cause, uint64_t kinds)
{
	if (kinds > 1)
		return words_of_several(state, kinds);
	switch (state) {
	case STATE_RUN_QUEUE:
		return strdup("a CPU");
	case STATE_LOCK:
		return text_format("the lock \"%s\"", cause);
	case STATE_SYNC:
		if (!strcmp(cause, "join"))
			return strdup("other threads to end");
		/* "a signal" would be taken for one of kill()'s. */
		return text_format("a wake-up (%s)", cause);
	case STATE_SLEEP:
		return strdup("a timer");
	case STATE_DISK:
		return text_format("the disk (%s)", cause);
	case STATE_SOCKET:
	case STATE_PIPE:
		if (!strncmp(cause, "poll set", 8) || !strncmp(cause, "pipe", 4))
			return text_format("a %s", cause);
		return strdup(cause);
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
	for (size_t i = 0; i < explanation->n_topics; i++) {
		const struct cause_view *topic = &explanation->topics[i];

		if (!topic->outside && !topic->join)
			return (struct blocker){
			    .state = topic->state,
			    .cause = topic->cause,
			    .kinds = topic->kinds,
			    .total_ns = topic->total_ns,
			    .count = topic->count,
			    .max_ns = topic->max_ns,
			    .mean = topic->mean,
			    .holder = topic->holder,
			};
	}
	return (struct blocker){0};
}

const struct cause_view *explain_outside(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_topics; i++)
		if (explanation->topics[i].outside)
			return &explanation->topics[i];
	return NULL;
}

static bool has_cause(const struct explanation *explanation, const struct cause_view *like)
{
	for (size_t i = 0; i < explanation->n_causes; i++)
		if (explain_same_kind(&explanation->causes[i], like) && !strcmp(explanation->causes[i].cause, like->cause))
			return true;
	return false;
}

/* Two runs call one thing differently where the system chose part of its name, as an address or a port; what both have by one name is another. */
static double mean_by_words(const struct explanation *explanation, const struct explanation *of, const struct cause_view *topic)
{
	_cleanup_free_ char *words = path_words(topic->cause);
	double mean = 0;

	for (size_t i = 0; words && i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];
		_cleanup_free_ char *other = explain_same_kind(cause, topic) ? path_words(cause->cause) : NULL;

		if (other && !strcmp(other, words) && !has_cause(of, cause))
			mean += cause->mean;
	}
	return mean;
}

double explain_topic_mean(const struct explanation *explanation, const struct explanation *of, const struct cause_view *topic)
{
	double mean = 0;
	bool found = false;

	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (explain_same_kind(cause, topic) && (!topic->cause[0] || !strcmp(cause->cause, topic->cause))) {
			mean += cause->mean;
			found = true;
		}
	}
	return found || !topic->cause[0] ? mean : mean_by_words(explanation, of, topic);
}

double explain_blocked_mean(const struct explanation *explanation)
{
	double mean = 0;

	for (size_t i = 0; i < explanation->n_topics; i++)
		if (!explanation->topics[i].outside && !explanation->topics[i].join)
			mean += explanation->topics[i].mean;
	return mean;
}

bool explain_is_mostly_cpu(const struct explanation *explanation)
{
	return 2 * explanation->cpu_ns >= explanation->progress_ns - explanation->idle_progress_ns;
}

double explain_at_once(const struct explanation *explanation)
{
	return (double)(explanation->progress_ns - explanation->idle_progress_ns) / explanation->wall_ns;
}

bool explain_is_serialised(const struct explanation *explanation)
{
	struct blocker blocker = explain_blocker(explanation);
	double blocked = explain_blocked_mean(explanation), at_once = explain_at_once(explanation);

	if (explanation->workers < 2 || explanation->one_worker || at_once >= 1.3 || blocked < 0.5 * (explanation->workers - 1))
		return false;
	/* Threads that wait to be woken while one waits for a peer are a server at rest, unless they wait for a lock. */
	return at_once > 0.6 && (blocker.state == STATE_LOCK || explain_is_mostly_cpu(explanation));
}
