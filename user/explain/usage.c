/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/usage.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "profile/entry.h"
#include "profile/index.h"

/* A thread that waited for a word. */
struct use {
	uint64_t process, address, thread;
};

struct word {
	uint64_t process, address;
	uint64_t waiters;
	double by_waiters_ns, by_others_ns; /* ended by a thread that waits for the word at times; that never does */
};

struct set {
	double by_own_ns, by_others_ns; /* ended by the own process; by another one */
};

struct usage {
	const struct run *run;
	struct run_index *threads;
	struct use *uses; /* sorted, each once */
	size_t n_uses;
	struct word *words; /* sorted */
	size_t n_words;
	struct set *sets; /* by position of the thread */
};

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_use(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int result = compare(x->process, y->process);

	if (!result)
		result = compare(x->address, y->address);
	return result ? result : compare(x->thread, y->thread);
}

static int by_word(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int result = compare(x->process, y->process);

	return result ? result : compare(x->address, y->address);
}

/* 0: not known. */
static uint64_t process_of(const struct usage *usage, uint64_t thread)
{
	size_t position = thread ? run_index_find(usage->threads, thread) : RUN_NOT_FOUND;

	return position == RUN_NOT_FOUND ? 0 : usage->run->threads[position].process;
}

static bool is_runtime_word(const struct run *run, const struct run_wait *wait)
{
	return wait->class == CLASS_FUTEX && !wait->unattributed && wait->stack &&
	       run_entry(run, wait->stack, NULL) == ENTRY_RUNTIME_LOCK;
}

/* The words' waits, one of each thread for each word. */
static void find_words(struct usage *usage, const size_t *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct run_wait *wait = &usage->run->waits[rows[i]];

		usage->uses[i] = (struct use){process_of(usage, wait->thread), wait->address, wait->thread};
	}
	qsort(usage->uses, n, sizeof(*usage->uses), by_use);
	for (size_t i = 0; i < n; i++) {
		const struct use use = usage->uses[i];
		struct word *last = usage->n_words ? &usage->words[usage->n_words - 1] : NULL;

		if (usage->n_uses && !by_use(&usage->uses[usage->n_uses - 1], &use))
			continue;
		usage->uses[usage->n_uses++] = use;
		if (!last || last->process != use.process || last->address != use.address) {
			last = &usage->words[usage->n_words++];
			*last = (struct word){.process = use.process, .address = use.address};
		}
		last->waiters++;
	}
}

static struct word *find_word(const struct usage *usage, const struct run_wait *wait)
{
	const struct word key = {.process = process_of(usage, wait->thread), .address = wait->address};

	return usage->n_words ? bsearch(&key, usage->words, usage->n_words, sizeof(key), by_word) : NULL;
}

static void add_waker(const struct usage *usage, const struct run_wait *wait)
{
	const struct use waker = {process_of(usage, wait->waker), wait->address, wait->waker};
	struct word *word = find_word(usage, wait);

	if (!word || !wait->waker)
		return;
	if (bsearch(&waker, usage->uses, usage->n_uses, sizeof(waker), by_use))
		word->by_waiters_ns += wait->total_ns;
	else
		word->by_others_ns += wait->total_ns;
}

static int look_at_words(struct usage *usage)
{
	const struct run *run = usage->run;
	_cleanup_free_ size_t *rows = calloc(run->n_waits + 1, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_waits; i++)
		if (is_runtime_word(run, &run->waits[i]))
			rows[n++] = i;
	usage->uses = calloc(n + 1, sizeof(*usage->uses));
	usage->words = calloc(n + 1, sizeof(*usage->words));
	if (!usage->uses || !usage->words)
		return -ENOMEM;
	find_words(usage, rows, n);
	for (size_t i = 0; i < n; i++)
		add_waker(usage, &run->waits[rows[i]]);
	return 0;
}

static int look_at_sets(struct usage *usage)
{
	const struct run *run = usage->run;

	usage->sets = calloc(run->n_threads + 1, sizeof(*usage->sets));
	if (!usage->sets)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_waits; i++) {
		const struct run_wait *wait = &run->waits[i];
		uint64_t waker = process_of(usage, wait->waker);
		size_t thread;

		if (wait->class != CLASS_SELFWAKE || wait->unattributed || !waker)
			continue;
		thread = run_index_find(usage->threads, wait->thread);
		if (thread == RUN_NOT_FOUND)
			continue;
		if (waker == run->threads[thread].process)
			usage->sets[thread].by_own_ns += wait->total_ns;
		else
			usage->sets[thread].by_others_ns += wait->total_ns;
	}
	return 0;
}

int usage_open(const struct run *run, struct usage **ret)
{
	struct usage *usage = calloc(1, sizeof(*usage));
	int err;

	if (!usage)
		return -ENOMEM;
	usage->run = run;
	err = run_index_threads(run, &usage->threads);
	if (!err)
		err = look_at_words(usage);
	if (!err)
		err = look_at_sets(usage);
	if (err) {
		usage_close(usage);
		return err;
	}
	*ret = usage;
	return 0;
}

void usage_close(struct usage *usage)
{
	if (!usage)
		return;
	run_index_free(usage->threads);
	free(usage->uses);
	free(usage->words);
	free(usage->sets);
	free(usage);
}

bool usage_is_lock(const struct usage *usage, const struct run_wait *wait)
{
	const struct word *word = find_word(usage, wait);

	return word && word->waiters > 1 && word->by_others_ns <= word->by_waiters_ns;
}

bool usage_is_shared(const struct usage *usage, const struct run_wait *wait)
{
	size_t thread = run_index_find(usage->threads, wait->thread);

	return thread != RUN_NOT_FOUND && usage->sets[thread].by_others_ns > usage->sets[thread].by_own_ns;
}
