/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of a difference in pictures: two runs of a server, before and after work on it, as an exporter gets them. */
#ifndef CONCPROF_TESTS_DIFF_FIXTURE_H
#define CONCPROF_TESTS_DIFF_FIXTURE_H

#include "export/flame_diff.h"
#include "flame_fixture.h"

#define N(list) (sizeof(list) / sizeof((list)[0]))

static const __attribute__((unused)) enum export_by all_by[] = {EXPORT_BY_DEFAULT, EXPORT_BY_THREAD, EXPORT_BY_PROCESS,
								EXPORT_BY_NAME,    EXPORT_BY_CAUSE,  EXPORT_BY_NONE};

/* The server after work on it: a lock is held for shorter, a tree has become a hash table, and gzip is gone. */
BUILDER struct run *run_orders_after(void)
{
	struct run *run = run_orders();
	struct run_thread *gzip = &run->threads[5];

	for (size_t i = 0; i < run->n_frames; i++)
		if (!strncmp(run->frames[i].function, "std::_Rb_tree", 13))
			set_text(&run->frames[i].function, "order_hash");
	for (size_t i = 0; i < run->n_waits; i++) {
		struct run_wait *wait = &run->waits[i];
		struct run_thread *thread = &run->threads[wait->thread - 1];
		uint64_t less_ns = !strcmp(wait->symbol, "orders_lock") ? wait->total_ns / 3 + 1 : 0;

		if (wait->thread == gzip->id)
			less_ns = wait->total_ns;
		wait->total_ns -= less_ns;
		thread->ns[wait->class] -= less_ns;
		thread->life_ns -= less_ns;
	}
	for (size_t i = 0; i < run->n_samples; i++)
		if (run->samples[i].thread == gzip->id)
			run->samples[i].thread = 1;
	for (int i = 0; i < CLASS_SLOTS; i++) {
		gzip->life_ns -= gzip->ns[i];
		gzip->ns[i] = 0;
	}
	/* Another run: nobody has the number he had. */
	for (size_t i = 0; i < run->n_threads; i++)
		run->threads[i].tid += 1000;
	for (size_t i = 0; i < run->n_processes; i++)
		run->processes[i].pid += 1000;
	return run;
}

/* Two runs as an exporter gets them; freed together. */
struct pair {
	struct run *run[2];
	struct explanation *explanation[2];
	struct comparison *comparison;
	struct export_options options;
	struct export_input input;
};

BUILDER struct pair *pair_of(struct run *before, struct run *after)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	pair->run[0] = before;
	pair->run[1] = after;
	for (int i = 0; i < 2; i++)
		assert_int_equal(explain_run(pair->run[i], NULL, &pair->explanation[i]), 0);
	assert_int_equal(explain_difference(pair->explanation[0], pair->explanation[1], &pair->comparison), 0);
	pair->input = (struct export_input){
	    .host = &host,
	    .runs = (const struct explanation *const *)pair->explanation,
	    .n_runs = 2,
	    .comparisons = (const struct comparison *const *)&pair->comparison,
	    .n_comparisons = 1,
	    .options = &pair->options,
	};
	return pair;
}

BUILDER void put_away(struct pair *pair)
{
	comparison_free(pair->comparison);
	for (int i = 0; i < 2; i++) {
		explanation_free(pair->explanation[i]);
		run_free(pair->run[i]);
	}
	free(pair);
}

BUILDER struct flame_diff *diff_of(const struct pair *pair)
{
	struct flame_diff *diff = NULL;

	assert_int_equal(flame_diff_build(&pair->input, &diff), 0);
	return diff;
}

BUILDER char *written(const struct exporter *exporter, const struct pair *pair)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(exporter->write(out, &pair->input), 0);
	fclose(out);
	return text;
}

BUILDER uint64_t lives(const struct run *run)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < run->n_threads; i++)
		sum += run->threads[i].life_ns;
	return sum;
}

/* In every place where a name can stand, on one side or both. */
BUILDER struct run *made_hostile(struct run *run, const char *text)
{
	set_text(&run->name, text);
	set_text(&run->processes[1].comm, text);
	set_text(&run->threads[0].comm, text);
	for (size_t i = 0; i < run->n_frames; i += 3)
		set_text(&run->frames[i].function, text);
	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].class == CLASS_POLL)
			set_text(&run->waits[i].object, text);
	return run;
}

BUILDER size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

#endif
