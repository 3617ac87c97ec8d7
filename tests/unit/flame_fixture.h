/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of formats that show stacks: a run of a server with something of everything, and what an exporter makes of a run. */
#ifndef CONCPROF_TESTS_FLAME_FIXTURE_H
#define CONCPROF_TESTS_FLAME_FIXTURE_H

#include "export/export.h"
#include "profile/profile.h"
#include "run_builder.h"

#define SERVE "clone3;start_thread;worker_main;serve_request"
#define FUTEX                                                                                                                    \
	"__futex_wait;entry_SYSCALL_64_after_hwframe_[k];do_syscall_64_[k];__x64_sys_futex_[k];futex_wait_queue_[k];schedule_["  \
	"k]"
#define SYSCALL "entry_SYSCALL_64_after_hwframe_[k];do_syscall_64_[k]"

/* Text that no file format likes. */
#define HOSTILE "</text><script>alert(1)</script>]]>\"'&;\n\x1b[31m\xff\xef\xbf\xbf\xe2\x80\xae"

BUILDER void build_blocked(struct run *run, struct run_wait *wait, const char *frames)
{
	wait->stack = build_stack(run, frames);
	(void)run;
}

BUILDER void build_worker(struct run *run, int i)
{
	struct run_thread *thread = build_thread(run, 1, 1, "worker", 40 * MS, 2600 * MS);

	build_cpu(thread, (310 + 20 * i) * MS + 7, (90 - 10 * i) * MS + 3);
	build_sample(run, thread, SERVE ";parse_request;json_parse", 61 + i);
	build_sample(run, thread, SERVE ";parse_request;json_parse;utf8_check_[i]", 40);
	build_sample(run, thread, SERVE ";find_order;std::_Rb_tree<unsigned long, Order>::find", 120 + 7 * i);
	build_sample(run, thread, SERVE ";reply;deflate;longest_match", 77);
	build_sample(run, thread, SERVE ";reply;deflate", 9);
	build_sample(run, thread, SERVE ";reply;send;" SYSCALL ";__x64_sys_sendto_[k];tcp_sendmsg_[k];tcp_write_xmit_[k]", 30);
	build_sample(run, thread, SERVE ";read_request;recv;" SYSCALL ";__x64_sys_recvfrom_[k];tcp_recvmsg_[k]", 12);
	build_blocked(run, build_futex(run, thread, "orders_lock", 0, true, 940, (700 + 50 * i) * MS),
		      SERVE ";find_order;pthread_mutex_lock;__lll_lock_wait;" FUTEX);
	build_blocked(run, build_futex(run, thread, "log_lock", 0, true, 80, 130 * MS),
		      SERVE ";log_line;pthread_mutex_lock;__lll_lock_wait;" FUTEX);
	build_blocked(run, build_futex(run, thread, "queue_filled", 8, false, 300, (420 - 30 * i) * MS),
		      "clone3;start_thread;worker_main;queue_pop;pthread_cond_wait;" FUTEX);
	build_blocked(run, build_socket(run, thread, "recvfrom", "10.0.0.7:5432", 900, 560 * MS),
		      SERVE ";find_order;PQexec;recv;" SYSCALL
			    ";tcp_recvmsg_[k];sk_wait_data_[k];schedule_timeout_[k];schedule_[k]");
	build_rest_in_queue(run, thread);
}

BUILDER struct run *run_orders(void)
{
	struct run *run = build_run("orders", 2650 * MS);
	struct run_thread *thread;
	struct run_wait *wait;

	set_text(&run->command[0], "./orders");
	set_text(&run->command[1], "--workers=4");
	build_process(run, 0, "orders");
	thread = build_thread(run, 1, 0, "orders", 0, 2650 * MS);
	build_cpu(thread, 20 * MS, 31 * MS);
	build_sample(run, thread, "_start;__libc_start_main;main;accept_loop;queue_push", 18);
	build_sample(run, thread, "_start;__libc_start_main;main;accept_loop;accept4;" SYSCALL ";__sys_accept4_[k]", 33);
	build_blocked(run, build_socket(run, thread, "accept4", "listening 0.0.0.0:8080", 320, 2400 * MS),
		      "_start;__libc_start_main;main;accept_loop;accept4;" SYSCALL ";inet_csk_accept_[k];schedule_[k]");
	build_rest_in_queue(run, thread);
	for (int i = 0; i < 4; i++)
		build_worker(run, i);
	build_process(run, 1, "gzip");
	thread = build_thread(run, 2, 1, "gzip", 1000 * MS, 1200 * MS);
	build_cpu(thread, 700 * MS, 40 * MS);
	build_sample(run, thread, "[unfinished: no_tables];deflate_fast", 690);
	build_blocked(run, build_wait(run, thread, CLASS_PIPE, "read", 60, 300 * MS),
		      "main;fill_window;read;" SYSCALL ";pipe_read_[k]");
	wait = build_wait(run, thread, CLASS_FILE, "fsync", 3, 100 * MS);
	set_text(&wait->object, "/var/log/orders.gz");
	build_blocked(run, wait, "main;flush;fsync;" SYSCALL ";ext4_sync_file_[k];jbd2_log_wait_commit_[k]");
	build_rest_in_queue(run, thread);
	return run;
}

/* What the exporter writes of the run, and how long it is (NULL is fine); owned by the caller. */
BUILDER char *exported_bytes(const char *format, const struct run *run, const struct export_options *options, size_t *ret)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct explanation *explanation = NULL;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	struct export_input input = {
	    .host = &host, .runs = (const struct explanation *const *)&explanation, .n_runs = 1, .options = options};

	assert(out);
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(exporter_find(format)->write(out, &input), 0);
	fclose(out);
	explanation_free(explanation);
	if (ret)
		*ret = length;
	return text;
}

BUILDER char *exported(const char *format, const struct run *run, const struct export_options *options)
{
	return exported_bytes(format, run, options, NULL);
}

/* What it returns when the disk is full. */
BUILDER int exported_to_full(const char *format, const struct run *run)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct explanation *explanation = NULL;
	struct export_input input = {.host = &host, .runs = (const struct explanation *const *)&explanation, .n_runs = 1};
	FILE *full = fopen("/dev/full", "w");
	int err;

	assert(full);
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	err = exporter_find(format)->write(full, &input);
	fclose(full);
	explanation_free(explanation);
	return err;
}

/* What it returns when there is no run. */
BUILDER int exported_nothing(const char *format)
{
	struct export_input input = {.n_runs = 0};

	return exporter_find(format)->write(stdout, &input);
}

/* A recording of that one run, which is freed. Returns an exit status. */
BUILDER int record(const char *path, struct run *run)
{
	static char kernel[] = "6.1.0", version[] = "v1";
	const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct profile *profile = NULL;
	char error[PROFILE_ERROR_BYTES] = "";
	int err = profile_create(path, -1, -1, &host, &profile, error);

	if (!err)
		err = profile_store_run(profile, run, error);
	if (!err)
		err = profile_commit(profile, error);
	if (err)
		fprintf(stderr, "%s\n", error);
	profile_close(profile);
	run_free(run);
	return !!err;
}

#endif
