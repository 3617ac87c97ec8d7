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

struct kernel {
	struct concprof_bpf *skel;
	struct ring_buffer *ring;
	kernel_take_fn take;
	void *take_context;
};

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

int kernel_open(const struct trace_options *options, struct kernel **ret, char *error)
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
	kernel->skel->rodata->with_syscalls = !options->no_syscalls;
	kernel->skel->rodata->wait_for_all = options->wait_all;
	kernel->skel->rodata->with_casts = kernel_is_at_least(6, 2);
	bpf_program__set_autoload(kernel->skel->progs.on_sys_enter, !options->no_syscalls);
	bpf_program__set_autoload(kernel->skel->progs.on_sys_exit, !options->no_syscalls);
	/* Lock contention came with 5.19. */
	bpf_program__set_autoload(kernel->skel->progs.on_contention_begin, kernel_is_at_least(5, 19));
	bpf_program__set_autoload(kernel->skel->progs.on_contention_end, kernel_is_at_least(5, 19));
	bpf_program__set_autoattach(kernel->skel->progs.snapshot, false);
	bpf_program__set_autoload(kernel->skel->progs.mark, false);
	bpf_program__set_autoload(kernel->skel->progs.release_process, false);
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
	static const struct thread off;

	return bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.threads), &pidfd, &off, BPF_NOEXIST) ? -errno : 0;
}

int kernel_set_taker(struct kernel *kernel, kernel_take_fn take, void *context)
{
	kernel->take = take;
	kernel->take_context = context;
	kernel->ring = ring_buffer__new(bpf_map__fd(kernel->skel->maps.records), take, context, NULL);
	return kernel->ring ? 0 : -errno;
}

int kernel_take(struct kernel *kernel)
{
	return ring_buffer__consume(kernel->ring);
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

void kernel_stop(struct kernel *kernel)
{
	/* A little ahead, so that no probe that has read the clock already lies beyond it; then wait until it has passed. */
	const uint64_t ahead_ns = 50000;
	const struct timespec pause = {.tv_nsec = 20 * ahead_ns};
	struct timespec now;
	__u64 running = 0, stop;

	clock_gettime(CLOCK_MONOTONIC, &now);
	stop = (__u64)now.tv_sec * 1000000000 + now.tv_nsec + ahead_ns;
	__atomic_compare_exchange_n(&kernel->skel->bss->stop_ns, &running, stop, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	nanosleep(&pause, NULL);
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

int kernel_snapshot(struct kernel *kernel, kernel_take_fn take, void *context)
{
	struct bpf_link *link = bpf_program__attach_iter(kernel->skel->progs.snapshot, NULL);
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

void kernel_losses(struct kernel *kernel, uint64_t *losses)
{
	struct bpf_program *program;

	for (int i = 0; i < LOSS_COUNT; i++)
		losses[i] += kernel->skel->bss->losses[i];
	bpf_object__for_each_program(program, kernel->skel->obj)
	{
		struct bpf_prog_info info = {};
		__u32 bytes = sizeof(info);

		if (bpf_program__fd(program) >= 0 && bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes) == 0)
			losses[LOSS_PROBE_MISSED] += info.recursion_misses;
	}
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	ring_buffer__free(kernel->ring);
	concprof_bpf__destroy(kernel->skel);
	free(kernel);
}
