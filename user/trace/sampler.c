/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/sampler.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

struct sampler {
	size_t n;
	int fds[];
};

static int open_event(int cpu, unsigned int hz, int program_fd)
{
	struct perf_event_attr attr = {
	    .type = PERF_TYPE_SOFTWARE,
	    .size = sizeof(attr),
	    .config = PERF_COUNT_SW_CPU_CLOCK,
	    .sample_freq = hz,
	    .freq = 1,
	    .exclude_idle = 1,
	    .disabled = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program_fd) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int sampler_open(struct kernel *kernel, unsigned int hz, struct sampler **ret)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct sampler *sampler = calloc(1, sizeof(*sampler) + cpus * sizeof(sampler->fds[0]));

	if (!sampler)
		return -ENOMEM;
	for (long cpu = 0; cpu < cpus; cpu++) {
		int fd = open_event(cpu, hz, kernel_sampler_fd(kernel));

		if (fd == -ENODEV) /* offline */
			continue;
		if (fd < 0) {
			sampler_close(sampler);
			return fd;
		}
		sampler->fds[sampler->n++] = fd;
	}
	*ret = sampler;
	return 0;
}

void sampler_close(struct sampler *sampler)
{
	if (!sampler)
		return;
	for (size_t i = 0; i < sampler->n; i++)
		close(sampler->fds[i]);
	free(sampler);
}
