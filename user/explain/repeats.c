/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/repeats.h"

#include <errno.h>
#include <math.h>

#include "lib/cleanup.h"
#include "lib/text.h"

/* A ratio nearer to 1 is said in percent: "1.00x" would say that there is none. */
#define RATIO_WORTH_SAYING 0.02

static uint64_t *copy(const uint64_t *ns, size_t n)
{
	uint64_t *copied = calloc(n, sizeof(*copied));

	if (copied)
		memcpy(copied, ns, n * sizeof(*copied));
	return copied;
}

/* "5 runs each", "5 and 4 runs" */
static void add_runs(struct text *text, const struct repeats *repeats)
{
	if (repeats->before.n == repeats->after.n)
		text_add(text, "%zu run%s each", repeats->before.n, repeats->before.n == 1 ? "" : "s");
	else
		text_add(text, "%zu and %zu runs", repeats->before.n, repeats->after.n);
}

static void say_noise(struct text *text, const struct repeats *repeats)
{
	const struct spread *a = &repeats->before, *b = &repeats->after;

	text_add(text, "no difference: %s and %s, within the spread of ", FIGURE_NS(a->median_ns), FIGURE_NS(b->median_ns));
	add_runs(text, repeats);
	text_add(text, " (%s .. %s)%s.", FIGURE_NS(a->min_ns < b->min_ns ? a->min_ns : b->min_ns),
		 FIGURE_NS(a->max_ns > b->max_ns ? a->max_ns : b->max_ns),
		 fabs(repeats->speedup - 1) < RATIO_WORTH_SAYING ? "" : "; more runs may tell");
}

static void say_difference(struct text *text, const struct comparison *comparison, const struct repeats *repeats)
{
	const char *before = comparison->before->run->name, *after = comparison->after->run->name;
	double longer = 1 / repeats->speedup - 1;
	const char *other = strcmp(before, after) ? before : "the run before";

	text_add(text, "%s: ", after);
	if (fabs(longer) < RATIO_WORTH_SAYING)
		text_add(text, "%.2f%% %s than %s", 100 * fabs(longer), longer > 0 ? "slower" : "faster", other);
	else
		text_add(text, "%sx of %s", FIGURE_RATIO(repeats->speedup), other);
	text_add(text, ", medians of ");
	add_runs(text, repeats);
	text_add(text, ": %s and %s, beyond their spread.%s", FIGURE_NS(repeats->before.median_ns),
		 FIGURE_NS(repeats->after.median_ns), comparison->headline + comparison->reason_at);
}

static void say_unknown(struct text *text, const struct comparison *comparison, const struct repeats *repeats)
{
	bool one = repeats->before.n == 1 && repeats->after.n == 1;

	text_add(text, "%s %s: %s is known of the spread.", comparison->headline, one ? "One run each" : "Few runs",
		 one ? "nothing" : "too little");
}

static int say(struct comparison *comparison, const struct repeats *repeats)
{
	struct text text = {0};
	char *headline, *reason;

	if (repeats->verdict == SPREAD_NOISE)
		say_noise(&text, repeats);
	else if (repeats->verdict == SPREAD_DIFFERENCE)
		say_difference(&text, comparison, repeats);
	else
		say_unknown(&text, comparison, repeats);
	headline = text_take(&text);
	reason = strdup(repeats->verdict == SPREAD_NOISE ? "no difference: within the spread" : comparison->reason);
	if (!headline || !reason) {
		free(headline);
		free(reason);
		return -ENOMEM;
	}
	free(comparison->headline);
	free(comparison->reason);
	comparison->headline = headline;
	comparison->reason = reason;
	return 0;
}

int explain_repeats(struct comparison *comparison, const uint64_t *before_ns, size_t n_before, const uint64_t *after_ns,
		    size_t n_after)
{
	struct repeats *repeats;
	int err;

	if (comparison->refused)
		return 0;
	repeats = calloc(1, sizeof(*repeats));
	if (!repeats)
		return -ENOMEM;
	repeats->before_ns = copy(before_ns, n_before);
	repeats->after_ns = copy(after_ns, n_after);
	err = repeats->before_ns && repeats->after_ns ? 0 : -ENOMEM;
	if (!err)
		err = spread_compute(before_ns, n_before, &repeats->before);
	if (!err)
		err = spread_compute(after_ns, n_after, &repeats->after);
	if (!err) {
		repeats->verdict = spread_compare(&repeats->before, &repeats->after);
		repeats->speedup = (double)repeats->before.median_ns / repeats->after.median_ns;
		err = say(comparison, repeats);
	}
	if (err) {
		repeats_free(repeats);
		return err;
	}
	repeats_free(comparison->repeats);
	comparison->repeats = repeats;
	return 0;
}

void repeats_free(struct repeats *repeats)
{
	if (!repeats)
		return;
	free(repeats->before_ns);
	free(repeats->after_ns);
	free(repeats);
}
