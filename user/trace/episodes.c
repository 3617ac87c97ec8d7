/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/episodes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "profile/index.h"

/* Memory comes in pieces of this size from a file: of memory first, of the disk when there are many. */
#define PIECE_BYTES (64ULL << 20)
#define IN_MEMORY   (2 * PIECE_BYTES)
#define PIECES_MAX  4096
#define BYTES_MAX   (PIECES_MAX * PIECE_BYTES)

/* Rows of one size, appended only. */
struct rows {
	size_t row_bytes, n;
	char *bytes; /* mapped */
	size_t mapped;
	int fd; /* -1: anonymous memory so far */
};

struct episodes {
	bool all, given_up, lost;
	struct rows episodes, moments;
	uint64_t thinned; /* a moment is kept if its number has none of these bits */
};

int episodes_open(bool all, struct episodes **ret)
{
	struct episodes *episodes = calloc(1, sizeof(*episodes));

	if (!episodes)
		return -ENOMEM;
	episodes->all = all;
	episodes->episodes = (struct rows){.row_bytes = sizeof(struct episode), .fd = -1};
	episodes->moments = (struct rows){.row_bytes = sizeof(struct record_moment), .fd = -1};
	*ret = episodes;
	return 0;
}

/* A file without a name, on the disk that temporary files are for. */
static int temporary_file(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder && folder[0] == '/' ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* Moves what there is to the disk, where the rest follows. */
static int move_to_disk(struct rows *rows)
{
	size_t done = 0, bytes = rows->n * rows->row_bytes;
	ssize_t written;

	rows->fd = temporary_file();
	if (rows->fd < 0)
		return rows->fd;
	while (done < bytes) {
		written = write(rows->fd, rows->bytes + done, bytes - done);
		if (written < 0 && errno != EINTR)
			return -errno;
		done += written > 0 ? written : 0;
	}
	return 0;
}

static int grow(struct rows *rows)
{
	size_t size = rows->mapped + PIECE_BYTES;
	char *bytes;
	int err;

	if (size > BYTES_MAX)
		return -EFBIG;
	if (rows->fd < 0 && size > IN_MEMORY) {
		err = move_to_disk(rows);
		if (err)
			return err;
		munmap(rows->bytes, rows->mapped);
		rows->bytes = NULL;
	}
	/* Allocated, not just longer: a disk that is full is found now, not by a fault later. */
	if (rows->fd >= 0) {
		err = posix_fallocate(rows->fd, 0, size);
		if (err)
			return -err;
	}
	if (!rows->bytes)
		bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, rows->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED,
			     rows->fd, 0);
	else
		bytes = mremap(rows->bytes, rows->mapped, size, MREMAP_MAYMOVE);
	if (bytes == MAP_FAILED)
		return -errno;
	rows->bytes = bytes;
	rows->mapped = size;
	return 0;
}

static int append(struct rows *rows, const void *row, size_t n)
{
	size_t bytes = n * rows->row_bytes;
	int err = 0;

	if (!n)
		return 0;
	if ((rows->n + n) * rows->row_bytes > rows->mapped)
		err = grow(rows);
	if (err)
		return err;
	memcpy(rows->bytes + rows->n * rows->row_bytes, row, bytes);
	rows->n += n;
	return 0;
}

static void rows_free(struct rows *rows)
{
	if (rows->bytes)
		munmap(rows->bytes, rows->mapped);
	if (rows->fd >= 0)
		close(rows->fd);
	*rows = (struct rows){.row_bytes = rows->row_bytes, .fd = -1};
}

/* Nothing of it is kept: a part of a timeline is none. */
static void give_up(struct episodes *episodes, bool lost)
{
	episodes->given_up = true;
	episodes->lost = lost;
	rows_free(&episodes->episodes);
	rows_free(&episodes->moments);
}

static void add_rows(struct episodes *episodes, struct rows *rows, const void *first, size_t n)
{
	if (episodes->given_up)
		return;
	if (!episodes->all && episodes->episodes.n + n > EPISODES_BUDGET)
		give_up(episodes, false);
	else if (append(rows, first, n))
		give_up(episodes, true);
}

void episodes_add(struct episodes *episodes, const struct episode *episode)
{
	add_rows(episodes, &episodes->episodes, episode, 1);
}

/* A number as good as random, which leaves no CPU out: their clocks may tick in turns. */
static bool is_kept(const struct episodes *episodes, const struct record_moment *moment)
{
	uint64_t number = (moment->at_ns ^ moment->thread << 32) * 0x9e3779b97f4a7c15ULL;

	return !((number >> 32) & episodes->thinned);
}

/* Samples divide time: half of them, wherever they fell, divide it as well. */
static void thin_out(struct episodes *episodes)
{
	struct record_moment *all = (struct record_moment *)episodes->moments.bytes;
	size_t kept = 0;

	episodes->thinned = 2 * episodes->thinned + 1;
	for (size_t i = 0; i < episodes->moments.n; i++)
		if (is_kept(episodes, &all[i]))
			all[kept++] = all[i];
	episodes->moments.n = kept;
}

static void add_moment(struct episodes *episodes, const struct record_moment *moment)
{
	if (!episodes->all && episodes->moments.n >= MOMENTS_BUDGET)
		thin_out(episodes);
	if (is_kept(episodes, moment))
		add_rows(episodes, &episodes->moments, moment, 1);
}

void episodes_take(struct episodes *episodes, const void *record, size_t bytes)
{
	const struct record_episodes *batch = record;
	const struct record_moment *moment = record;

	if (bytes >= sizeof(*batch) && batch->kind == RECORD_EPISODES && batch->count <= EPISODES_BATCH)
		add_rows(episodes, &episodes->episodes, batch->episode, batch->count);
	else if (bytes >= sizeof(*moment) && moment->kind == RECORD_MOMENT)
		add_moment(episodes, moment);
}

bool episodes_given_up(const struct episodes *episodes, bool *lost)
{
	*lost = episodes->lost;
	return episodes->given_up;
}

static int by_thread_and_time(const void *a, const void *b)
{
	const struct run_episode *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->out_ns != y->out_ns)
		return x->out_ns < y->out_ns ? -1 : 1;
	/* Of two at the same moment one is over at once. */
	return (x->blocked_ns + x->queued_ns > y->blocked_ns + y->queued_ns) -
	       (x->blocked_ns + x->queued_ns < y->blocked_ns + y->queued_ns);
}

static int moment_by_thread_and_time(const void *a, const void *b)
{
	const struct run_moment *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

/* The id of the wait that an episode is part of; keys that share a number by accident or by design are no reason to refuse the run. */
static uint32_t wait_of(const struct episode *episode, const struct episode_names *names, const struct run *run)
{
	uint32_t wait = 0;

	if (episode->class > CLASS_RUNNABLE_LAST)
		wait = names->wait_of(names->context, episode->thread, episode->cause);
	if (!wait || wait > run->n_waits || run->waits[wait - 1].thread != episode->thread ||
	    run->waits[wait - 1].class != episode->class)
		return 0;
	return wait;
}

/* Those of threads that the run has not, are of nobody. */
static int fill_episodes(struct episodes *episodes, const struct episode_names *names, const struct run_index *threads,
			 struct run *run)
{
	const struct episode *all = (const struct episode *)episodes->episodes.bytes;
	size_t n = episodes->episodes.n;

	run->episodes = malloc((n + 1) * sizeof(*run->episodes));
	if (!run->episodes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct episode *episode = &all[i];

		if (run_index_find(threads, episode->thread) == RUN_NOT_FOUND)
			continue;
		run->episodes[run->n_episodes++] = (struct run_episode){
		    /* From before the begin: nowhere, where count_misfits() finds it. */
		    .out_ns = episode->out_ns >= run->begin_ns ? episode->out_ns - run->begin_ns : UINT64_MAX,
		    .blocked_ns = episode->blocked_ns,
		    .queued_ns = episode->queued_ns,
		    .thread = episode->thread,
		    .class = episode->class,
		    .wait = wait_of(episode, names, run),
		};
	}
	rows_free(&episodes->episodes);
	qsort(run->episodes, run->n_episodes, sizeof(*run->episodes), by_thread_and_time);
	return 0;
}

/*
 * Those that contradict their thread's account. One way there: a CPU that the hypervisor takes away in the middle of a switch-in while the
 * measurement ends, and gives back when the thread has been read as blocked until then.
 */
static uint64_t count_misfits(const struct run *run, const struct run_index *threads)
{
	const struct run_thread *thread = NULL;
	uint64_t at = 0, misfits = 0;

	for (size_t i = 0; i < run->n_episodes; i++) {
		const struct run_episode *episode = &run->episodes[i];

		if (!thread || thread->id != episode->thread) {
			thread = &run->threads[run_index_find(threads, episode->thread)];
			at = 0;
		}
		misfits += !run_episode_fits(run, thread, episode, &at);
	}
	return misfits;
}

static int fill_moments(struct episodes *episodes, const struct episode_names *names, const struct run_index *threads,
			struct run *run)
{
	const struct record_moment *all = (const struct record_moment *)episodes->moments.bytes;
	uint64_t stack;
	int err = 0;

	run->moments = malloc((episodes->moments.n + 1) * sizeof(*run->moments));
	if (!run->moments)
		return -ENOMEM;
	for (size_t i = 0; !err && i < episodes->moments.n; i++) {
		if (run_index_find(threads, all[i].thread) == RUN_NOT_FOUND || all[i].at_ns < run->begin_ns ||
		    all[i].at_ns > run->end_ns)
			continue;
		err = names->stack_of(names->context, all[i].stack, &stack);
		if (stack)
			run->moments[run->n_moments++] =
			    (struct run_moment){.at_ns = all[i].at_ns - run->begin_ns, .thread = all[i].thread, .stack = stack};
	}
	rows_free(&episodes->moments);
	qsort(run->moments, run->n_moments, sizeof(*run->moments), moment_by_thread_and_time);
	return err;
}

int episodes_fill(struct episodes *episodes, const struct episode_names *names, struct run *run, uint64_t *misfits)
{
	struct run_index *threads;
	int err = run_index_threads(run, &threads);

	*misfits = 0;
	if (err)
		return err;
	err = fill_episodes(episodes, names, threads, run);
	if (!err)
		*misfits = count_misfits(run, threads);
	if (!err && !*misfits)
		err = fill_moments(episodes, names, threads, run);
	run_index_free(threads);
	run->timeline = !err && !*misfits;
	if (*misfits)
		run->n_episodes = 0;
	return err;
}

void episodes_close(struct episodes *episodes)
{
	if (!episodes)
		return;
	rows_free(&episodes->episodes);
	rows_free(&episodes->moments);
	free(episodes);
}
