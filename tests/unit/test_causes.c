/* SPDX-License-Identifier: Apache-2.0 */
/* From keys to names: objects as delivered, the other ends of pipes and sockets by evidence and by /proc, holders, wakers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <asm/unistd_64.h>
#include <errno.h>
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/causes.h"
#include "waits.h"

/* Three processes: 1 "shop" (pid 100) with threads 1 and 2, its children 2 "gzip" (pid 200) and 3 "gzip" (pid 300) with one each. */
struct scene {
	struct thread threads[4];
	struct kept_process processes[3];
	struct kept_wait waits[8];
	struct collected collected;
	struct cause_names names;
	uint16_t ports[65536 / 16];
};

static void add_thread(struct scene *s, uint64_t serial, uint64_t process, uint32_t tgid, uint32_t tid, const char *comm)
{
	struct thread *thread = &s->threads[s->collected.n_threads++];

	thread->serial = serial;
	thread->process = process;
	thread->tgid = tgid;
	thread->tid = tid;
	snprintf(thread->comm, sizeof(thread->comm), "%s", comm);
}

static int setup(void **state)
{
	static const struct {
		uint32_t pid;
		uint64_t parent;
	} processes[] = {{100, 0}, {200, 1}, {300, 1}};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->collected.threads = s->threads;
	s->collected.processes = s->processes;
	s->collected.waits = s->waits;
	add_thread(s, 1, 1, 100, 100, "shop");
	add_thread(s, 2, 1, 100, 101, "clerk");
	add_thread(s, 3, 2, 200, 200, "gzip");
	add_thread(s, 4, 3, 300, 300, "gzip");
	for (size_t i = 0; i < 3; i++)
		s->processes[s->collected.n_processes++] = (struct kept_process){
		    .serial = i + 1, .process = {.tgid = processes[i].pid, .parent = processes[i].parent, .comm = "sh"}};
	assert_int_equal(objects_open(&s->collected.objects), 0);
	s->names = (struct cause_names){.collected = &s->collected, .local_ports = s->ports};
	assert_int_equal(images_open(&s->collected, NULL, &s->names.images), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	peers_close(s->names.peers);
	images_close(s->names.images);
	objects_close(s->collected.objects);
	free(s);
	return 0;
}

static void add_wait(struct scene *s, uint64_t thread, struct wait_key key, uint32_t count)
{
	s->waits[s->collected.n_waits++] = (struct kept_wait){{thread, key}, {.count = count, .total_ns = count}};
}

/* What the wait of a thread (by its serial) is called and says; freed at the next call. */
static const struct run_wait *fill(struct scene *s, uint64_t thread, struct wait_key key)
{
	static struct run_wait wait;

	if (!s->names.peers)
		assert_int_equal(peers_open(&s->collected, &s->names.peers), 0);
	free(wait.syscall);
	free(wait.object);
	free(wait.symbol);
	free(wait.file);
	free(wait.waker_name);
	wait = (struct run_wait){0};
	assert_int_equal(cause_fill(&s->names, &s->threads[thread - 1], &key, &wait), 0);
	return &wait;
}

static void deliver(struct scene *s, const union wait_where *where, uint32_t tgid, const char *text)
{
	struct record_object record = {.kind = RECORD_OBJECT, .where = *where, .process = 1, .tgid = tgid, .bytes = strlen(text)};

	memcpy(record.text, text, record.bytes);
	assert_int_equal(objects_take(s->collected.objects, &record, offsetof(struct record_object, text) + record.bytes), 0);
}

static struct wait_key on_pipe(uint64_t inode, uint16_t nr, uint64_t waker)
{
	return (struct wait_key){
	    .class = CLASS_PIPE, .nr = nr, .waker = waker, .where.file = {.inode = inode, .device = 14, .kind = FD_PIPE}};
}

static void test_a_pipe_is_named_by_who_ended_the_waits(void **state)
{
	struct scene *s = *state;

	add_wait(s, 1, on_pipe(7, __NR_read, WAKER_THREAD | 3), 10);
	add_wait(s, 1, on_pipe(7, __NR_read, WAKER_THREAD | 4), 3); /* sent a signal, say */
	add_wait(s, 3, on_pipe(7, __NR_write, WAKER_THREAD | 2), 5);
	assert_string_equal(fill(s, 1, on_pipe(7, __NR_read, WAKER_THREAD | 4))->object, "pipe from gzip[200]");
	assert_true(fill(s, 1, on_pipe(7, __NR_read, WAKER_INTERRUPT))->inside);
	assert_string_equal(fill(s, 3, on_pipe(7, __NR_write, 0))->object, "pipe to shop[100]");
	/* Another pipe is another matter. */
	assert_string_equal(fill(s, 1, on_pipe(8, __NR_read, 0))->object, "pipe:[8]");
	assert_false(fill(s, 1, on_pipe(8, __NR_read, 0))->inside);
}

static void test_a_pipe_that_nobody_woke_is_named_by_who_waits_at_the_other_side(void **state)
{
	struct scene *s = *state;

	s->threads[2].open = on_pipe(7, __NR_write, 0);
	assert_string_equal(fill(s, 1, on_pipe(7, __NR_read, 0))->object, "pipe from gzip[200]");
	/* That it waits itself does not make it its own other end. */
	assert_string_equal(fill(s, 3, on_pipe(7, __NR_write, 0))->object, "pipe:[7]");
}

static void test_a_pipe_that_nobody_touched_is_named_by_who_has_it_open(void **state)
{
	struct scene *s = *state;
	struct wait_key key;
	char expected[64];
	struct stat about;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[0], &about), 0);
	key = on_pipe(about.st_ino, __NR_read, 0);
	deliver(s, &key.where, 100, "");
	objects_look(s->collected.objects, true);
	close(ends[0]);
	close(ends[1]);
	snprintf(expected, sizeof(expected), "pipe from test_causes[%d]", getpid());
	assert_string_equal(fill(s, 1, key)->object, expected);
	assert_false(fill(s, 1, key)->inside);
}

static struct wait_key on_tcp(uint16_t nr, uint16_t port, uint16_t local_port, uint16_t flags, uint64_t waker)
{
	return (struct wait_key){
	    .class = CLASS_SOCKET,
	    .nr = nr,
	    .waker = waker,
	    .where.peer = {{127, 0, 0, 1}, port, local_port, AF_INET, FD_SOCKET | flags},
	};
}

static void test_sockets(void **state)
{
	struct wait_key poll = on_tcp(__NR_poll, 0, 8000, WHERE_LISTENS, 0), set = poll, v6 = on_tcp(__NR_read, 80, 0, 0, 0);
	struct scene *s = *state;

	/* The one that serves at the port is the peer, though nobody was seen to wake. */
	add_wait(s, 3, on_tcp(__NR_accept4, 0, 8000, WHERE_LISTENS, WAKER_THREAD | 1), 10);
	add_wait(s, 3, on_tcp(__NR_read, 0, 8000, WHERE_SERVES, WAKER_THREAD | 1), 50);
	add_wait(s, 3, on_tcp(__NR_read, 0, 8000, WHERE_SERVES, WAKER_THREAD | 4), 50);
	assert_string_equal(fill(s, 1, on_tcp(__NR_read, 8000, 0, WHERE_HERE, 0))->object, "127.0.0.1:8000 (gzip[200])");
	assert_true(fill(s, 1, on_tcp(__NR_read, 8000, 0, WHERE_HERE, 0))->inside);
	/* The same port on another machine is not. */
	assert_string_equal(fill(s, 1, on_tcp(__NR_read, 8000, 0, 0, 0))->object, "127.0.0.1:8000");
	assert_false(fill(s, 1, on_tcp(__NR_read, 8000, 0, 0, 0))->inside);
	assert_string_equal(fill(s, 3, on_tcp(__NR_accept4, 0, 8000, WHERE_LISTENS, 0))->object, "127.0.0.1:8000 (shop[100])");
	/* Two clients: neither is named. */
	assert_string_equal(fill(s, 3, on_tcp(__NR_read, 0, 8000, WHERE_SERVES, 0))->object, "clients of 127.0.0.1:8000");
	poll.class = set.class = CLASS_POLL;
	assert_string_equal(fill(s, 4, poll)->object, "connections to 127.0.0.1:8000 (shop[100])");
	set.op = WAIT_OP_MANY;
	for (int i = 0; i < 3; i++)
		set.object = wait_set_add(set.object, HOLDS_SOCKET);
	set.object = wait_set_add(set.object, HOLDS_PIPE);
	assert_string_equal(fill(s, 4, set)->object, "poll set of 3 sockets, 1 pipe (connections to 127.0.0.1:8000 and others)");
	v6.where.peer.family = AF_INET6;
	memcpy(v6.where.peer.address, &in6addr_loopback, 16);
	assert_string_equal(fill(s, 1, v6)->object, "[::1]:80");
	memcpy(v6.where.peer.address, (const uint8_t[]){[10] = 255, 255, 10, 0, 0, 1}, 16);
	assert_string_equal(fill(s, 1, v6)->object, "10.0.0.1:80");
}

static void test_unix_sockets(void **state)
{
	struct wait_key key = {.class = CLASS_SOCKET,
			       .where.local = {.name = 77, .tgid = 200, .family = AF_UNIX, .kind = FD_SOCKET}};
	struct scene *s = *state;

	assert_string_equal(fill(s, 1, key)->object, "unix socket (gzip[200])");
	deliver(s, &key.where, 100, "/run/x.sock");
	assert_string_equal(fill(s, 1, key)->object, "/run/x.sock (gzip[200])");
	key.where.local.kind |= WHERE_SERVES;
	key.where.local.tgid = 0;
	deliver(s, &key.where, 100, "@x");
	assert_string_equal(fill(s, 1, key)->object, "clients of @x");
	key.where.local.kind = FD_SOCKET | WHERE_UNNAMED;
	assert_string_equal(fill(s, 1, key)->object, "socketpair");
}

static void test_files_children_and_lengths(void **state)
{
	struct wait_key file = {.class = CLASS_FILE, .where.file = {.inode = 5, .device = 0xfff00001, .kind = FD_FILE}};
	struct wait_key path = {.class = CLASS_FILE, .where.file = {.inode = 99, .kind = FD_PATH}};
	struct wait_key child = {.class = CLASS_CHILD, .nr = __NR_wait4};
	struct wait_key sleep = {.class = CLASS_SLEEP, .object = 100000000};
	struct scene *s = *state;

	assert_string_equal(fill(s, 1, file)->object, "a file on device 4095:1");
	deliver(s, &file.where, 100, "/data/log");
	assert_string_equal(fill(s, 1, file)->object, "/data/log");
	assert_string_equal(fill(s, 1, path)->object, "");
	deliver(s, &path.where, 100, "../x");
	assert_string_equal(fill(s, 1, path)->object, "../x");
	assert_string_equal(fill(s, 1, child)->object, "");
	child.waker = WAKER_THREAD | 3;
	assert_string_equal(fill(s, 1, child)->object, "gzip"); /* there are two of that name: one cause */
	child.waker = WAKER_THREAD | 2;                         /* a thread of its own: sent a signal */
	assert_string_equal(fill(s, 1, child)->object, "");
	child.object = 300;
	assert_string_equal(fill(s, 1, child)->object, "gzip");
	assert_string_equal(fill(s, 1, sleep)->object, "100 ms");
	sleep.object = 1500;
	assert_string_equal(fill(s, 1, sleep)->object, "1.5 us");
	sleep.op = WAIT_OP_UNTIL;
	sleep.object = 2000000000;
	assert_string_equal(fill(s, 1, sleep)->object, "about 2 s");
	sleep.object = 0;
	assert_string_equal(fill(s, 1, sleep)->object, "until a time");
}

static void test_holders(void **state)
{
	struct wait_key key = {.class = CLASS_FUTEX, .op = FUTEX_WAIT | WAIT_OP_EXPECTS_2, .object = 0x5000, .holder = 101};
	struct scene *s = *state;

	s->threads[0].own_tid = 100;
	assert_int_equal(fill(s, 1, key)->holder, 2);
	key.holder = 200; /* a thread, but of another process */
	assert_int_equal(fill(s, 1, key)->holder, 0);
	key.holder = 0;
	assert_int_equal(fill(s, 1, key)->holder, 0);
	/* In a pid namespace it is 1 and its other thread 101: by luck a number of ours. */
	key.holder = 101;
	s->threads[0].own_tid = 1;
	assert_int_equal(fill(s, 1, key)->holder, 0);
	s->threads[1].own_tid = 101;
	assert_int_equal(fill(s, 1, key)->holder, 2);
	/* What it calls itself was not read: nothing is known. */
	s->threads[0].own_tid = s->threads[1].own_tid = 0;
	assert_int_equal(fill(s, 1, key)->holder, 0);
	/* The number was given twice: to which of the two is not known. */
	s->threads[0].own_tid = 100;
	s->threads[2].process = 1;
	s->threads[2].tid = 101;
	assert_int_equal(fill(s, 1, key)->holder, 0);
}

static void test_wakers(void **state)
{
	struct wait_key key = {.class = CLASS_EVENTFD, .waker = WAKER_OTHER | 812};
	union wait_where where = {.file = {.inode = 812, .kind = FD_TASK}};
	struct scene *s = *state;

	assert_string_equal(fill(s, 1, key)->waker_name, "pid 812");
	deliver(s, &where, 100, "sshd");
	assert_string_equal(fill(s, 1, key)->waker_name, "sshd[812]");
	key.waker = WAKER_TIMER;
	assert_string_equal(fill(s, 1, key)->waker_name, "timer");
	key.waker = WAKER_INTERRUPT;
	assert_string_equal(fill(s, 1, key)->waker_name, "interrupt");
	key.waker = WAKER_THREAD | 3;
	assert_int_equal(fill(s, 1, key)->waker, 3);
	assert_null(fill(s, 1, key)->waker_name);
	key.waker = WAKER_THREAD | 99; /* was not delivered */
	assert_int_equal(fill(s, 1, key)->waker, 0);
	key.waker = ~0ULL;
	assert_int_equal(fill(s, 1, key)->waker, 0);
}

/* What arrives is not trusted to be whole. */
static void test_records_cut_short(void **state)
{
	struct record_object record = {.kind = RECORD_OBJECT, .where.file = {.inode = 5, .kind = FD_FILE}};
	struct scene *s = *state;

	memset(record.text, 'x', sizeof(record.text));
	record.bytes = 4;
	for (size_t bytes = 0; bytes < offsetof(struct record_object, text) + 4; bytes++)
		assert_int_equal(objects_take(s->collected.objects, &record, bytes), 0);
	assert_null(objects_find(s->collected.objects, &record.where));
	record.bytes = ~0u;
	assert_int_equal(objects_take(s->collected.objects, &record, sizeof(record)), 0);
	assert_null(objects_find(s->collected.objects, &record.where));
	record.bytes = OBJECT_TEXT_BYTES;
	assert_int_equal(objects_take(s->collected.objects, &record, sizeof(record)), 0);
	assert_int_equal(strlen(objects_find(s->collected.objects, &record.where)->text), OBJECT_TEXT_BYTES);
	/* The latest name counts. */
	deliver(s, &record.where, 1, "later");
	assert_string_equal(objects_find(s->collected.objects, &record.where)->text, "later");
}

/* More than are kept are left out. */
static void test_no_number_of_objects_takes_all_memory(void **state)
{
	union wait_where where = {.file = {.kind = FD_FILE}};
	struct scene *s = *state;

	for (uint64_t i = 1; i <= 70000; i++) {
		where.file.inode = i;
		deliver(s, &where, 100, "x");
	}
	where.file.inode = 60000;
	assert_non_null(objects_find(s->collected.objects, &where));
	where.file.inode = 70000;
	assert_null(objects_find(s->collected.objects, &where));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(test_a_pipe_is_named_by_who_ended_the_waits),
	    TEST(test_a_pipe_that_nobody_woke_is_named_by_who_waits_at_the_other_side),
	    TEST(test_a_pipe_that_nobody_touched_is_named_by_who_has_it_open),
	    TEST(test_sockets),
	    TEST(test_unix_sockets),
	    TEST(test_files_children_and_lengths),
	    TEST(test_holders),
	    TEST(test_wakers),
	    TEST(test_records_cut_short),
	    TEST(test_no_number_of_objects_takes_all_memory),
	};

	return cmocka_run_group_tests_name("causes", tests, NULL, NULL);
}
