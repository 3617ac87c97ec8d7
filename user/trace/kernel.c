/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "concprof.skel.h"
#include "lib/cleanup.h"
#include "trace/ring_pages.h"

struct kernel {
	struct concprof_bpf *skel;
	struct ring_buffer *ring;
	struct ring_pages records, timeline;
	kernel_take_fn take;
	void *take_context;
	uint64_t losses_before[LOSS_COUNT]; /* of the measurement's begin */
};

/* Begin and end lie a little ahead, so that no probe that has read the clock already lies beyond them. */
#define AHEAD_NS 50000

/* A pass over all tasks that finds everything settled; each waits a moment for threads to show where they are. */
#define MARK_PASSES_MAX 200
#define MARK_PAUSE_NS   500000

/* libbpf's own messages: silent unless asked for, for a failure is told by its errno and by doctor. */
static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int print_to_stderr(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

static bool kernel_is_at_least(int major, int minor)
{
	struct utsname machine;
	int has_major, has_minor;

	if (uname(&machine) || sscanf(machine.release, "%d.%d", &has_major, &has_minor) != 2)
		return false;
	return has_major > major || (has_major == major && has_minor >= minor);
}

/* Settings and programs by what is asked for. */
static void configure(struct concprof_bpf *skel, const struct trace_options *options, bool attach)
{
	skel->rodata->with_syscalls = !options->no_syscalls;
	skel->rodata->with_stacks = !options->no_stacks;
	skel->rodata->wait_for_all = options->wait_all;
	skel->rodata->pid_only = options->pid_only;
	skel->rodata->start_is_told = attach || options->delay_ns;
	skel->rodata->with_attach = attach;
	skel->rodata->with_casts = kernel_is_at_least(6, 2);
	skel->bss->with_timeline = options->timeline != TIMELINE_NONE;
	if (options->timeline == TIMELINE_NONE)
		bpf_map__set_max_entries(skel->maps.timeline, sysconf(_SC_PAGESIZE));
	bpf_program__set_autoload(skel->progs.on_sys_enter, !options->no_syscalls);
	bpf_program__set_autoload(skel->progs.on_sys_exit, !options->no_syscalls);
	bpf_program__set_autoload(skel->progs.on_sample, !options->no_stacks && options->sample_hz);
	/* Lock contention came with 5.19. */
	bpf_program__set_autoload(skel->progs.on_contention_begin, kernel_is_at_least(5, 19));
	bpf_program__set_autoload(skel->progs.on_contention_end, kernel_is_at_least(5, 19));
	bpf_program__set_autoload(skel->progs.mark, attach);
	bpf_program__set_autoload(skel->progs.seed_epolls, attach);
	bpf_program__set_autoload(skel->progs.release_process, attach);
	/* Started when they are needed. */
	bpf_program__set_autoattach(skel->progs.snapshot, false);
	bpf_program__set_autoattach(skel->progs.mark, false);
	bpf_program__set_autoattach(skel->progs.seed_epolls, false);
	bpf_program__set_autoattach(skel->progs.release_process, false);
}

int kernel_open(const struct trace_options *options, bool attach, struct kernel **ret, char *error)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int err;

	if (!kernel)
		return -ENOMEM;
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(options->verbose ? print_to_stderr : print_nothing);
	kernel->skel = concprof_bpf__open();
	if (!kernel->skel) {
		err = -errno;
		snprintf(error, TRACE_ERROR_BYTES, "cannot open the BPF programs: %s", strerror(-err));
		goto fail;
	}
	configure(kernel->skel, options, attach);
	err = concprof_bpf__load(kernel->skel);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES,
			 "the kernel refused the BPF programs: %s. `concprof doctor` says what is missing, -v shows why",
			 strerror(-err));
		goto fail;
	}
	err = concprof_bpf__attach(kernel->skel);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES,
			 "cannot attach the BPF programs: %s. `concprof doctor` says what this kernel allows", strerror(-err));
		goto fail;
	}
	*ret = kernel;
	return 0;
fail:
	kernel_close(kernel);
	return err;
}

int kernel_mark_root(struct kernel *kernel, int pidfd)
{
	_cleanup_free_ void *no_memos = calloc(1, bpf_map__value_size(kernel->skel->maps.stack_caches));
	static const struct thread off;

	if (!no_memos)
		return -ENOMEM;
	if (bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.stack_caches), &pidfd, no_memos, BPF_NOEXIST))
		return -errno;
	return bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.threads), &pidfd, &off, BPF_NOEXIST) ? -errno : 0;
}

int kernel_set_taker(struct kernel *kernel, kernel_take_fn take, void *context)
{
	int err;

	kernel->take = take;
	kernel->take_context = context;
	kernel->ring = ring_buffer__new(bpf_map__fd(kernel->skel->maps.records), take, context, NULL);
	if (!kernel->ring)
		return -errno;
	err = ring_buffer__add(kernel->ring, bpf_map__fd(kernel->skel->maps.timeline), take, context);
	if (err)
		return err;
	err = ring_pages_open(bpf_map__fd(kernel->skel->maps.records), &kernel->records);
	return err ? err : ring_pages_open(bpf_map__fd(kernel->skel->maps.timeline), &kernel->timeline);
}

int kernel_take(struct kernel *kernel, bool *all)
{
	unsigned long until = ring_pages_filled(&kernel->records);
	int count = ring_buffer__consume(kernel->ring);

	if (all)
		*all = (long)(ring_pages_taken(&kernel->records) - until) >= 0;
	return count;
}

bool kernel_timeline_is_taken(const struct kernel *kernel)
{
	return ring_pages_taken(&kernel->timeline) == ring_pages_filled(&kernel->timeline);
}

int kernel_ring_fd(struct kernel *kernel)
{
	return ring_buffer__epoll_fd(kernel->ring);
}

uint64_t kernel_begin_ns(const struct kernel *kernel)
{
	return kernel->skel->bss->start_ns;
}

uint64_t kernel_stop_ns(const struct kernel *kernel)
{
	return kernel->skel->bss->stop_ns;
}

uint64_t kernel_threads_alive(const struct kernel *kernel)
{
	return kernel->skel->bss->threads_alive;
}

/* A point in time that no probe has passed yet, not before `when`. */
static __u64 from_now(uint64_t when)
{
	struct timespec now;
	__u64 ahead;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ahead = (__u64)now.tv_sec * 1000000000 + now.tv_nsec + AHEAD_NS;
	return when > ahead ? when : ahead;
}

static void wait_past(__u64 when)
{
	const __u64 until = when + 19 * AHEAD_NS;
	const struct timespec end = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
		;
}

void kernel_start(struct kernel *kernel, uint64_t when)
{
	for (int i = 0; i < LOSS_COUNT; i++)
		kernel->losses_before[i] = kernel->skel->bss->losses[i];
	__atomic_store_n(&kernel->skel->bss->start_ns, from_now(when), __ATOMIC_SEQ_CST);
}

void kernel_stop(struct kernel *kernel, uint64_t when)
{
	__u64 running = 0, stop = from_now(when);

	__atomic_compare_exchange_n(&kernel->skel->bss->stop_ns, &running, stop, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	wait_past(stop);
}

/* Reads whole records from the iterator's file. */
static int read_records(int fd, kernel_take_fn take, void *context)
{
	_cleanup_free_ struct record_thread *records = NULL;
	const size_t room = 64 * sizeof(*records);
	size_t filled = 0, whole;
	ssize_t got;
	int err;

	records = malloc(room);
	if (!records)
		return -ENOMEM;
	for (;;) {
		got = read(fd, (char *)records + filled, room - filled);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : filled ? -EIO : 0;
		filled += got;
		whole = filled / sizeof(*records);
		for (size_t i = 0; i < whole; i++) {
			err = take(context, &records[i], sizeof(*records));
			if (err)
				return err;
		}
		filled -= whole * sizeof(*records);
		memmove(records, &records[whole], filled);
	}
}

static int iterate(struct bpf_program *program, kernel_take_fn take, void *context)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int err, fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
	} else {
		err = read_records(fd, take, context);
		close(fd);
	}
	bpf_link__destroy(link);
	return err;
}

int kernel_snapshot(struct kernel *kernel, kernel_take_fn take, void *context)
{
	return iterate(kernel->skel->progs.snapshot, take, context);
}

int kernel_choose(struct kernel *kernel, int pidfd, uint64_t parent, uint64_t *serial)
{
	struct {
		__u64 process, parent;
	} chosen = {.process = *serial, .parent = parent};
	const struct process process = {.threads = 1, .parent = parent};
	bool again = *serial != 0;

	if (!again)
		chosen.process = __atomic_add_fetch(&kernel->skel->bss->last_process, 1, __ATOMIC_SEQ_CST);
	if (!again && bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.processes), &chosen.process, &process, BPF_ANY))
		return -errno;
	if (bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.chosen_processes), &pidfd, &chosen, BPF_ANY)) {
		int err = errno == ENOENT ? -ESRCH : -errno;

		if (!again)
			bpf_map_delete_elem(bpf_map__fd(kernel->skel->maps.processes), &chosen.process);
		return err;
	}
	if (!again && !parent)
		__atomic_add_fetch(&kernel->skel->bss->roots_alive, 1, __ATOMIC_SEQ_CST);
	*serial = chosen.process;
	return 0;
}

int kernel_mark(struct kernel *kernel)
{
	const struct timespec pause = {.tv_nsec = MARK_PAUSE_NS};

	for (int pass = 0; pass < MARK_PASSES_MAX; pass++) {
		int err;

		kernel->skel->bss->unsettled = 0;
		err = iterate(kernel->skel->progs.mark, NULL, NULL);
		if (err)
			return err;
		if (!kernel->skel->bss->unsettled)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -EAGAIN;
}

bool kernel_is_marked(struct kernel *kernel, int pidfd)
{
	_cleanup_free_ struct thread *thread = malloc(sizeof(*thread));

	return !thread || bpf_map_lookup_elem(bpf_map__fd(kernel->skel->maps.threads), &pidfd, thread) == 0;
}

int kernel_release(struct kernel *kernel, uint64_t serial)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &serial, .ctx_size_in = sizeof(serial));

	return bpf_prog_test_run_opts(bpf_program__fd(kernel->skel->progs.release_process), &options) ? -errno : 0;
}

int kernel_seed_epolls(struct kernel *kernel, const struct epoll_seed *seeds, size_t count)
{
	static const struct epoll_seed none;

	for (__u32 i = 0; i < EPOLL_SEEDS_MAX; i++) {
		if (bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.epoll_seeds), &i, i < count ? &seeds[i] : &none, BPF_ANY))
			return -errno;
	}
	return iterate(kernel->skel->progs.seed_epolls, NULL, NULL);
}

int kernel_each_wait(struct kernel *kernel, int (*take)(void *, const struct wait_map_key *, const struct wait_stats *),
		     void *context)
{
	int fd = bpf_map__fd(kernel->skel->maps.waits), err;
	struct wait_map_key key, *previous = NULL;
	struct wait_stats stats;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &stats) == 0) {
			err = take(context, &key, &stats);
			if (err)
				return err;
		}
		previous = &key;
	}
	return 0;
}

int kernel_each_process(struct kernel *kernel, int (*take)(void *, uint64_t, const struct process *), void *context)
{
	int fd = bpf_map__fd(kernel->skel->maps.processes), err;
	struct process process;
	__u64 key, *previous = NULL;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &process) == 0) {
			err = take(context, key, &process);
			if (err)
				return err;
		}
		previous = &key;
	}
	return 0;
}

int kernel_each_sample(struct kernel *kernel, int (*take)(void *, const struct sample_key *, uint64_t), void *context)
{
	int fd = bpf_map__fd(kernel->skel->maps.samples), err;
	struct sample_key key, *previous = NULL;
	__u64 count;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &count) == 0) {
			err = take(context, &key, count);
			if (err)
				return err;
		}
		previous = &key;
	}
	return 0;
}

int kernel_last_episodes(struct kernel *kernel, kernel_take_fn take, void *context)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	_cleanup_free_ struct record_episodes *batches = NULL;
	__u32 zero = 0;

	if (cpus < 0)
		return cpus;
	batches = calloc(cpus, sizeof(*batches));
	if (!batches)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(kernel->skel->maps.episode_batches), &zero, batches))
		return -errno;
	for (int i = 0; i < cpus && !err; i++) {
		batches[i].kind = RECORD_EPISODES;
		err = take(context, &batches[i], sizeof(batches[i]));
	}
	return err;
}

void kernel_end_timeline(struct kernel *kernel)
{
	kernel->skel->bss->with_timeline = false;
}

void kernel_unwound(const struct kernel *kernel, uint64_t *stops)
{
	for (int i = 0; i < UNWIND_STOP_COUNT; i++)
		stops[i] = kernel->skel->bss->unwound[i];
}

int kernel_map_fd(const struct kernel *kernel, enum kernel_map map)
{
	return bpf_map__fd(map == KERNEL_MAP_RULES ? kernel->skel->maps.rules : kernel->skel->maps.space_mappings);
}

int kernel_sampler_fd(const struct kernel *kernel)
{
	return bpf_program__fd(kernel->skel->progs.on_sample);
}

int kernel_new_segment(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd =
	    bpf_map_create(BPF_MAP_TYPE_ARRAY, "segment", sizeof(__u32), 2 * sizeof(__u32), UNWIND_SEGMENT_WORDS / 2, &options);

	return fd < 0 ? -errno : fd;
}

int kernel_place_segment(struct kernel *kernel, uint32_t number, int fd)
{
	return bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.segments), &number, &fd, BPF_ANY) ? -errno : 0;
}

int kernel_add_space(struct kernel *kernel, uint32_t pid)
{
	static const struct unwind_space none;

	return bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.spaces), &pid, &none, BPF_ANY) ? -errno : 0;
}

int kernel_set_space(struct kernel *kernel, uint32_t pid, const struct unwind_space *space)
{
	int err = bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.spaces), &pid, space, BPF_EXIST) ? -errno : 0;

	__atomic_add_fetch(&kernel->skel->bss->spaces_epoch, 1, __ATOMIC_RELEASE);
	return err;
}

void kernel_losses(struct kernel *kernel, uint64_t *losses)
{
	struct bpf_program *program;

	for (int i = 0; i < LOSS_COUNT; i++)
		losses[i] += kernel->skel->bss->losses[i] - kernel->losses_before[i];
	bpf_object__for_each_program(program, kernel->skel->obj)
	{
		struct bpf_prog_info info = {};
		__u32 bytes = sizeof(info);

		if (bpf_program__fd(program) >= 0 && bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes) == 0)
			losses[LOSS_PROBE_MISSED] += info.recursion_misses;
	}
}

void kernel_close_rings(struct kernel *kernel)
{
	ring_buffer__free(kernel->ring);
	kernel->ring = NULL;
	ring_pages_close(&kernel->records);
	ring_pages_close(&kernel->timeline);
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	kernel_close_rings(kernel);
	concprof_bpf__destroy(kernel->skel);
	free(kernel);
}
