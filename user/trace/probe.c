/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel and the user allow. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/user.h"
#include "trace/kernel.h"
#include "trace/mappings.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective >> capability % 32 & 1;
}

/* Loading tracing programs: CAP_BPF and CAP_PERFMON since 5.8; CAP_SYS_ADMIN holds both. */
static bool may_trace(void)
{
	return has_capability(CAP_SYS_ADMIN) || (has_capability(CAP_BPF) && has_capability(CAP_PERFMON));
}

int trace_allowed(char *error)
{
	uid_t uid;
	gid_t gid;

	if (invoking_user(&uid, &gid) < 0) {
		snprintf(error, TRACE_ERROR_BYTES,
			 "SUDO_UID and SUDO_GID do not name a user, so it is not known as whom to run the program; unset both to "
			 "run it as root");
		return -EINVAL;
	}
	if (!may_trace()) {
		snprintf(
		    error, TRACE_ERROR_BYTES,
		    "tracing needs privileges that this user has not (CAP_BPF and CAP_PERFMON, or root). Call it with sudo;\n"
		    "`sudo concprof doctor` says what this machine allows");
		return -EPERM;
	}
	if (access(BTF_PATH, R_OK)) {
		snprintf(error, TRACE_ERROR_BYTES,
			 "this kernel does not describe its types (%s: %s). It needs CONFIG_DEBUG_INFO_BTF=y, as Debian's "
			 "kernels have;\n"
			 "`concprof doctor` says more",
			 BTF_PATH, strerror(errno));
		return -ENOTSUP;
	}
	return 0;
}

struct probing {
	struct probe *probes;
	size_t count;
};

__attribute__((format(printf, 5, 6))) static void found(struct probing *probing, const char *name, bool needed,
							enum probe_result result, const char *format, ...)
{
	struct probe *probe = &probing->probes[probing->count++];
	va_list args;

	probe->name = name;
	probe->needed = needed;
	probe->result = result;
	va_start(args, format);
	vsnprintf(probe->detail, sizeof(probe->detail), format, args);
	va_end(args);
}

/* One of the kernel's types: tracepoints show as typedefs, iterators as structs. */
static void probe_types(struct probing *probing, const struct btf *btf)
{
	static const char *const tracepoints[] = {
	    "btf_trace_sched_switch",       "btf_trace_sched_waking", "btf_trace_task_newtask",
	    "btf_trace_sched_process_exec", "btf_trace_sys_enter",    "btf_trace_sys_exit",
	};
	const size_t prefix = strlen("btf_trace_");

	for (size_t i = 0; i < sizeof(tracepoints) / sizeof(*tracepoints); i++) {
		bool syscalls = strstr(tracepoints[i], "_sys_");

		if (btf__find_by_name_kind(btf, tracepoints[i], BTF_KIND_TYPEDEF) > 0)
			continue;
		found(probing, "tracepoints", !syscalls, PROBE_MISSING, "%s is not there%s", tracepoints[i] + prefix,
		      syscalls ? ": needs CONFIG_FTRACE_SYSCALLS=y; --no-syscalls works without" : "");
		return;
	}
	found(probing, "tracepoints", true, PROBE_OK, "sched_switch, sched_waking, task_newtask, exec, sys_enter, sys_exit");
}

static void probe_feature(struct probing *probing, const char *name, int result, const char *since)
{
	if (result > 0)
		found(probing, name, true, PROBE_OK, "works");
	else if (!may_trace())
		found(probing, name, true, PROBE_DENIED, "cannot be tried without privileges: sudo concprof doctor");
	else
		found(probing, name, true, PROBE_MISSING, "this kernel has none; it came with Linux %s", since);
}

static void probe_loading(struct probing *probing)
{
	struct trace_options options = {};
	char error[TRACE_ERROR_BYTES] = "";
	struct mappings *mappings = NULL;
	struct kernel *kernel = NULL;
	int err;

	if (!may_trace()) {
		found(probing, "programs", true, PROBE_DENIED, "cannot be tried without privileges: sudo concprof doctor");
		return;
	}
	err = kernel_open(&options, true, &kernel, error);
	if (err)
		found(probing, "programs", true, PROBE_MISSING, "%.200s", error);
	else
		found(probing, "programs", true, PROBE_OK, "loaded, verified and attached");
	kernel_close(kernel);
	err = mappings_open(&mappings);
	if (err)
		found(probing, "mmap records", false, PROBE_MISSING, "%s: locks of programs will lack names (perf_event_open)",
		      strerror(-err));
	else
		found(probing, "mmap records", false, PROBE_OK,
		      "work: names of locks are found in processes that have ended too");
	mappings_close(mappings);
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

size_t trace_probe(struct probe *probes)
{
	struct probing probing = {.probes = probes};
	struct btf *btf;
	struct utsname machine;

	libbpf_set_print(silent);
	uname(&machine);
	found(&probing, "kernel", true, PROBE_OK, "Linux %s %s", machine.release, machine.machine);
	if (may_trace())
		found(&probing, "privileges", true, PROBE_OK, "CAP_BPF and CAP_PERFMON");
	else
		found(&probing, "privileges", true, PROBE_DENIED, "CAP_BPF and CAP_PERFMON are missing: call it with sudo");
	btf = access(BTF_PATH, R_OK) ? NULL : btf__parse(BTF_PATH, NULL);
	if (btf) {
		found(&probing, "kernel types", true, PROBE_OK, BTF_PATH);
		probe_types(&probing, btf);
		if (btf__find_by_name_kind(btf, "bpf_iter__task", BTF_KIND_STRUCT) > 0)
			found(&probing, "task iterator", true, PROBE_OK, "is there");
		else
			found(&probing, "task iterator", true, PROBE_MISSING, "this kernel has none; it came with Linux 5.8");
		btf__free(btf);
	} else {
		found(&probing, "kernel types", true, PROBE_MISSING, "no " BTF_PATH ": the kernel needs CONFIG_DEBUG_INFO_BTF=y");
	}
	probe_feature(&probing, "task storage", libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL), "5.11");
	probe_feature(&probing, "ring buffer", libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL), "5.8");
	probe_feature(&probing, "bpf_loop", libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, NULL), "5.17");
	probe_loading(&probing);
	return probing.count;
}
