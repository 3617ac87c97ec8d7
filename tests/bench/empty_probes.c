/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's run-time statistics say of BPF programs that do nothing: that much of every figure of theirs is their own (the
 * reading of the clock, and the call). Switches the statistics on for as long as it lives (by a descriptor, not by the sysctl:
 * nothing has to be restored, whatever happens), hangs one empty program on each hook that concprof uses, and for every line of
 * input prints a line: runs and ns of each.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/bpf.h>
#include <stdio.h>

static const char *const hooks[] = {"sched_switch", "sched_waking", "sys_enter", "sys_exit"};

#define HOOKS (sizeof(hooks) / sizeof(hooks[0]))

static int empty_program(const char *hook)
{
	/* r0 = 0; exit */
	const struct bpf_insn nothing[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP);
	int type = libbpf_find_vmlinux_btf_id(hook, BPF_TRACE_RAW_TP), program;

	if (type < 0)
		errx(1, "no BTF of %s", hook);
	options.attach_btf_id = type;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", nothing, 2, &options);
	if (program < 0)
		err(1, "cannot load an empty program for %s", hook);
	if (bpf_raw_tracepoint_open(NULL, program) < 0)
		err(1, "cannot attach an empty program to %s", hook);
	return program;
}

int main(void)
{
	int program[HOOKS];
	char line[16];

	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		err(1, "cannot switch on the run-time statistics of BPF programs");
	for (size_t i = 0; i < HOOKS; i++)
		program[i] = empty_program(hooks[i]);
	while (fgets(line, sizeof(line), stdin)) {
		for (size_t i = 0; i < HOOKS; i++) {
			struct bpf_prog_info info = {};
			__u32 bytes = sizeof(info);

			if (bpf_obj_get_info_by_fd(program[i], &info, &bytes))
				err(1, "cannot read a program's statistics");
			printf("%llu %llu ", info.run_cnt, info.run_time_ns);
		}
		puts("");
		fflush(stdout);
	}
	return 0;
}
