/* SPDX-License-Identifier: Apache-2.0 */
/* The cat server serves what is in the folder; the I/O models take nothing but whole pictures. Runs in the source's root. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <netdb.h>
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "models/clock.h"
#include "models/download.h"
#include "models/models.h"

static const char *const io_models[] = {"serial-io", "threads-io", "session-io", "async-io", NULL};

static const char *cats(void)
{
	const char *named = getenv("CONCPROF_CATS");

	return named ? named : "cats";
}

static void params_small(struct model_params *params, const char *url)
{
	model_params_default(params);
	params->cats = 4;
	params->downloads = 3;
	params->rounds = 2;
	params->workers = 2;
	params->url = url;
}

static int run_model(const char *name, const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	*ledger = (struct ledger){0};
	error[0] = '\0';
	return model_find(name)->run(params, ledger, error, error_bytes);
}

static void start(struct cat_server_process *server, unsigned int delay_us)
{
	char error[256];

	if (cat_server_start(cats(), delay_us, server, error, sizeof(error)))
		fail_msg("%s", error);
}

/* Every model must fail, and its error must name the URL and say `why`. */
static void expect_failure(const char *url, unsigned int timeout_us, const char *why)
{
	struct model_params params;
	struct ledger ledger;
	char error[512];

	params_small(&params, url);
	params.timeout_us = timeout_us;
	for (const char *const *name = io_models; *name; name++) {
		assert_true(run_model(*name, &params, &ledger, error, sizeof(error)) < 0);
		if (!strstr(error, url) || !strstr(error, why))
			fail_msg("%s: '%s' names '%s' and '%s' not both", *name, error, url, why);
		assert_int_equal(ledger.downloads, 0);
	}
}

/* --- a server that does one thing wrong --- */

struct bad_server {
	int fd;
	const char *answer; /* NULL: none at all */
	pthread_t thread;
	char url[64];
};

static void *misbehave(void *arg)
{
	struct bad_server *server = arg;
	int fd, silent[256];
	unsigned int held = 0;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		char request[1024];

		if (!server->answer && held < sizeof(silent) / sizeof(silent[0])) {
			silent[held++] = fd;
			continue;
		}
		if (server->answer && recv(fd, request, sizeof(request), 0) > 0)
			send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
		close(fd);
	}
	while (held)
		close(silent[--held]);
	return NULL;
}

static void bad_server_start(struct bad_server *server, const char *answer)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);

	server->answer = answer;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->fd, 64), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &bytes), 0);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, misbehave, server), 0);
}

static void bad_server_stop(struct bad_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

static void expect_bad(const char *answer, unsigned int timeout_us, const char *why)
{
	struct bad_server server;

	bad_server_start(&server, answer);
	expect_failure(server.url, timeout_us, why);
	bad_server_stop(&server);
}

static void half_a_body_is_an_error(void **state)
{
	(void)state;
	expect_bad("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf a cat", 5000000,
		   ".jpg: transfer closed with 990 bytes remaining");
	expect_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf a cat", 5000000, ".jpg: ");
}

static void an_empty_body_is_an_error(void **state)
{
	(void)state;
	expect_bad("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 5000000, "empty body");
	expect_bad("", 5000000, "Empty reply");
}

static void another_status_is_an_error(void **state)
{
	(void)state;
	expect_bad("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", 5000000, "status 404");
	expect_bad("HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops", 5000000, "status 500");
	expect_bad("HTTP/1.1 302 There\r\nLocation: /1.jpg\r\nContent-Length: 4\r\n\r\nthen", 5000000, "status 302");
}

static void a_server_that_never_answers_is_an_error(void **state)
{
	(void)state;
	expect_bad(NULL, 100000, "timed out");
}

static void a_server_that_is_down_is_an_error(void **state)
{
	struct bad_server server;

	(void)state;
	bad_server_start(&server, "");
	bad_server_stop(&server);
	expect_failure(server.url, 5000000, "Connection refused");
}

static void only_http_is_spoken(void **state)
{
	(void)state;
	expect_failure("file:///etc", 5000000, "--url");
	expect_failure("ftp://127.0.0.1", 5000000, "--url");
	expect_failure("127.0.0.1:8000", 5000000, "--url");
	expect_failure("http://no-such-host.invalid", 5000000, "resolve");
}

/* --- the cat server --- */

static size_t read_file(const char *path, unsigned char *data, size_t bytes)
{
	FILE *file = fopen(path, "re");
	size_t got;

	assert_non_null(file);
	got = fread(data, 1, bytes, file);
	fclose(file);
	return got;
}

static void all_twenty_cats_arrive_as_they_are(void **state)
{
	static unsigned char expected[1 << 20];
	struct cat_server_process server;
	struct download_tally tally = {0};
	struct downloader downloader;
	struct download_site site;
	struct model_params params;
	char error[512], path[4096];

	(void)state;
	start(&server, 0);
	params_small(&params, server.url);
	assert_int_equal(download_site_open(&params, &site, error, sizeof(error)), 0);
	assert_int_equal(downloader_open(&downloader, &site, true), 0);
	for (unsigned int cat = 1; cat <= 20; cat++) {
		size_t bytes;

		snprintf(path, sizeof(path), "%s/%u.jpg", cats(), cat);
		bytes = read_file(path, expected, sizeof(expected));
		assert_in_range(bytes, 40000, 250000);
		assert_int_equal(download(&downloader, cat, &tally, error, sizeof(error)), 0);
		assert_int_equal(downloader.bytes, bytes);
		assert_memory_equal(downloader.body, expected, bytes);
	}
	assert_int_equal(tally.downloads, 20);
	assert_int_equal(tally.connections, 1);
	assert_true(download(&downloader, 21, &tally, error, sizeof(error)) < 0);
	assert_non_null(strstr(error, "/21.jpg: the server answered with status 404"));
	assert_int_equal(tally.downloads, 20);
	downloader_close(&downloader);
	download_site_close(&site);
	cat_server_stop(&server);
}

static void io_models_download_the_same(void **state)
{
	struct cat_server_process server;
	struct ledger serial, ledger;
	struct model_params params;
	char error[512], slash[80];

	(void)state;
	start(&server, 200);
	params_small(&params, server.url);
	assert_int_equal(run_model("serial-io", &params, &serial, error, sizeof(error)), 0);
	assert_int_equal(serial.downloads, 4 * 3 * 2);
	assert_int_equal(serial.connections, serial.downloads);
	assert_true(serial.bytes > 40000 * serial.downloads && serial.digest);
	for (const char *const *name = io_models + 1; *name; name++) {
		assert_int_equal(run_model(*name, &params, &ledger, error, sizeof(error)), 0);
		assert_int_equal(ledger.downloads, serial.downloads);
		assert_true(ledger.bytes == serial.bytes);
		assert_true(ledger.digest == serial.digest);
		if (!strcmp(*name, "session-io"))
			assert_in_range(ledger.connections, 1, params.workers * params.rounds);
		else
			assert_int_equal(ledger.connections, ledger.downloads);
	}
	/* Other pictures, other digest. */
	params.cats = 3;
	assert_int_equal(run_model("serial-io", &params, &ledger, error, sizeof(error)), 0);
	assert_true(ledger.digest != serial.digest);
	/* A slash too many does no harm. */
	snprintf(slash, sizeof(slash), "%s/", server.url);
	params.url = slash;
	assert_int_equal(run_model("async-io", &params, &serial, error, sizeof(error)), 0);
	assert_true(ledger.digest == serial.digest);
	cat_server_stop(&server);
}

/* The one name that nearly every machine knows. */
static void a_name_is_looked_up(void **state)
{
	struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
	struct cat_server_process server;
	struct model_params params;
	struct ledger ledger;
	char error[512], url[80];

	(void)state;
	if (getaddrinfo("localhost", NULL, &wanted, &found)) {
		print_message("this machine does not know the name localhost (no /etc/hosts?)\n");
		skip();
	}
	freeaddrinfo(found);
	start(&server, 0);
	params_small(&params, server.url);
	snprintf(url, sizeof(url), "http://localhost%s", strrchr(server.url, ':'));
	params.url = url;
	assert_int_equal(run_model("async-io", &params, &ledger, error, sizeof(error)), 0);
	assert_int_equal(ledger.downloads, 4 * 3 * 2);
	cat_server_stop(&server);
}

static void the_delay_is_per_response_and_delays_overlap(void **state)
{
	struct cat_server_process server;
	struct ledger serial, async;
	struct model_params params;
	char error[512];

	(void)state;
	start(&server, 30000);
	params_small(&params, server.url);
	params.cats = 20;
	params.downloads = 1;
	params.rounds = 1;
	assert_int_equal(run_model("serial-io", &params, &serial, error, sizeof(error)), 0);
	assert_true(serial.work_ns >= 20 * 30000 * NSEC_PER_USEC);
	assert_int_equal(run_model("async-io", &params, &async, error, sizeof(error)), 0);
	assert_true(async.work_ns >= 30000 * NSEC_PER_USEC);
	assert_true(async.work_ns < serial.work_ns / 4);
	cat_server_stop(&server);
}

static void many_connections_at_once_are_served(void **state)
{
	struct cat_server_process server;
	struct model_params params;
	struct ledger ledger;
	char error[512];

	(void)state;
	start(&server, 20000);
	params_small(&params, server.url);
	params.cats = 20;
	params.downloads = 15;
	params.rounds = 1;
	if (run_model("async-io", &params, &ledger, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(ledger.downloads, 300);
	cat_server_stop(&server);
}

static void what_keeps_the_server_from_starting_is_said(void **state)
{
	struct cat_server *first = NULL, *second = NULL;
	struct cat_server_process process;
	char error[512] = "", port[16];

	(void)state;
	assert_int_equal(cat_server_start("/no/such/folder", 0, &process, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/no/such/folder/1.jpg"));
	if (cat_server_open(cats(), 0, 0, &first, error, sizeof(error)))
		fail_msg("%s", error);
	snprintf(port, sizeof(port), "%u", cat_server_port(first));
	assert_int_equal(cat_server_open(cats(), cat_server_port(first), 0, &second, error, sizeof(error)), -EADDRINUSE);
	assert_non_null(strstr(error, port));
	cat_server_close(first);
}

static bool answers(const char *url)
{
	struct model_params params;
	struct ledger ledger;
	char error[512];

	params_small(&params, url);
	params.cats = params.downloads = params.rounds = 1;
	return run_model("serial-io", &params, &ledger, error, sizeof(error)) == 0;
}

static void ctrl_c_leaves_the_server_and_stop_ends_it(void **state)
{
	struct cat_server_process server;
	char url[64];
	int pid;

	(void)state;
	start(&server, 0);
	memcpy(url, server.url, sizeof(url));
	pid = server.pid;
	kill(pid, SIGINT);
	assert_true(answers(url));
	cat_server_stop(&server);
	assert_false(answers(url));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void the_server_keeps_no_file_of_its_parent(void **state)
{
	struct cat_server_process server;
	int fds[2], above;
	char byte;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	above = fcntl(fds[1], F_DUPFD, 500);
	start(&server, 0);
	close(fds[1]);
	close(above);
	/* End of file, not "try again": nobody holds the other end any more. */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	cat_server_stop(&server);
}

static void the_server_does_not_outlive_its_parent(void **state)
{
	struct cat_server_process server;
	int fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		start(&server, 0);
		if (write(fds[1], &server, sizeof(server)) != sizeof(server))
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &server, sizeof(server)), sizeof(server));
	assert_true(answers(server.url));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 500 && answers(server.url); i++)
		usleep(10000);
	assert_false(answers(server.url));
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_a_body_is_an_error),
	    cmocka_unit_test(an_empty_body_is_an_error),
	    cmocka_unit_test(another_status_is_an_error),
	    cmocka_unit_test(a_server_that_never_answers_is_an_error),
	    cmocka_unit_test(a_server_that_is_down_is_an_error),
	    cmocka_unit_test(only_http_is_spoken),
	    cmocka_unit_test(all_twenty_cats_arrive_as_they_are),
	    cmocka_unit_test(io_models_download_the_same),
	    cmocka_unit_test(a_name_is_looked_up),
	    cmocka_unit_test(the_delay_is_per_response_and_delays_overlap),
	    cmocka_unit_test(many_connections_at_once_are_served),
	    cmocka_unit_test(what_keeps_the_server_from_starting_is_said),
	    cmocka_unit_test(ctrl_c_leaves_the_server_and_stop_ends_it),
	    cmocka_unit_test(the_server_keeps_no_file_of_its_parent),
	    cmocka_unit_test(the_server_does_not_outlive_its_parent),
	};

	return cmocka_run_group_tests_name("downloads", tests, NULL, NULL);
}
