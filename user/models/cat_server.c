/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd on one thread, driven from outside. A request is suspended when it arrives and resumed by a timer: any number of
 * delayed responses cost no thread. The delay is the same for all, so the order of arrival is the order of the deadlines.
 */
#include "models/models.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <microhttpd.h>

#include "lib/cleanup.h"
#include "models/clock.h"

#define CATS            20
#define BACKLOG         4096
#define CONNECTIONS_MAX 30000
#define FILES_SPARE     32

struct request {
	struct MHD_Connection *connection;
	struct request *next;
	uint64_t due_ns;
	bool delayed; /* suspended once: to be answered when it is handed in again */
};

struct cat_server {
	struct MHD_Daemon *daemon;
	struct MHD_Response *cats[CATS], *missing, *refused;
	int timer_fd;
	unsigned int port;
	uint64_t delay_ns;
	struct request *first, **last; /* suspended ones, by deadline */
};

/* Before the body of a response has been sent it must not change: MHD keeps the copy that is made here. */
static int load(const char *dir, unsigned int cat, struct MHD_Response **ret, char *error, size_t error_bytes)
{
	char path[4096];
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *data = NULL;
	struct stat st;
	size_t have = 0;
	ssize_t got;

	snprintf(path, sizeof(path), "%s/%u.jpg", dir, cat);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		snprintf(error, error_bytes, "cat server: %s: %s", path, strerror(errno));
		return -errno;
	}
	data = S_ISREG(st.st_mode) && st.st_size > 0 ? malloc(st.st_size) : NULL;
	if (!data) {
		snprintf(error, error_bytes, "cat server: %s: not a file with a picture", path);
		return -EINVAL;
	}
	while (have < (size_t)st.st_size && (got = read(fd, data + have, st.st_size - have)) != 0) {
		if (got < 0 && errno != EINTR) {
			snprintf(error, error_bytes, "cat server: %s: %s", path, strerror(errno));
			return -errno;
		}
		have += got > 0 ? got : 0;
	}
	*ret = MHD_create_response_from_buffer(have, data, MHD_RESPMEM_MUST_FREE);
	if (!*ret)
		return -ENOMEM;
	data = NULL;
	MHD_add_response_header(*ret, MHD_HTTP_HEADER_CONTENT_TYPE, "image/jpeg");
	return 0;
}

static struct MHD_Response *plain(const char *text)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	return response;
}

static struct MHD_Response *find(const struct cat_server *server, const char *url)
{
	char name[16];

	for (unsigned int i = 0; i < CATS; i++) {
		snprintf(name, sizeof(name), "/%u.jpg", i + 1);
		if (!strcmp(url, name))
			return server->cats[i];
	}
	return NULL;
}

static enum MHD_Result answer(const struct cat_server *server, struct MHD_Connection *connection, const char *url,
			      const char *method)
{
	struct MHD_Response *response = find(server, url);

	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return MHD_queue_response(connection, MHD_HTTP_METHOD_NOT_ALLOWED, server->refused);
	return MHD_queue_response(connection, response ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, response ? response : server->missing);
}

static void arm(const struct cat_server *server)
{
	struct itimerspec when = {0};

	if (server->first) {
		when.it_value.tv_sec = server->first->due_ns / NSEC_PER_SEC;
		when.it_value.tv_nsec = server->first->due_ns % NSEC_PER_SEC;
	}
	timerfd_settime(server->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* MHD calls this when a request's header is there, again for its body, and again after a resume. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_bytes, void **context)
{
	struct cat_server *server = arg;
	struct request *request = *context;

	(void)version;
	(void)upload;
	if (!request) {
		request = calloc(1, sizeof(*request));
		*context = request;
		return request ? MHD_YES : MHD_NO;
	}
	if (*upload_bytes) {
		*upload_bytes = 0;
		return MHD_YES;
	}
	if (!server->delay_ns || request->delayed)
		return answer(server, connection, url, method);
	request->delayed = true;
	request->connection = connection;
	request->due_ns = now_ns() + server->delay_ns;
	*server->last = request;
	server->last = &request->next;
	MHD_suspend_connection(connection);
	if (server->first == request)
		arm(server);
	return MHD_YES;
}

static void completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)connection;
	(void)why;
	free(*context);
	*context = NULL;
}

static void resume_until(struct cat_server *server, uint64_t ns)
{
	while (server->first && server->first->due_ns <= ns) {
		struct request *request = server->first;

		server->first = request->next;
		if (!server->first)
			server->last = &server->first;
		request->next = NULL;
		MHD_resume_connection(request->connection);
	}
	arm(server);
}

/* Of our own making, because MHD does not say why it could not. */
static int listen_on(struct cat_server *server, unsigned int port, char *error, size_t error_bytes)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&address, &bytes)) {
		snprintf(error, error_bytes, "cat server: cannot listen on 127.0.0.1:%u: %s", port, strerror(errno));
		return -errno;
	}
	server->port = ntohs(address.sin_port);
	return steal_fd(&fd);
}

/* As many as there can be descriptors: a thousand waiting downloads are nothing special here. */
static unsigned int connection_limit(void)
{
	struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < CONNECTIONS_MAX + FILES_SPARE ? limit.rlim_max : CONNECTIONS_MAX + FILES_SPARE;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 2 * FILES_SPARE ? (unsigned int)limit.rlim_cur - FILES_SPARE : FILES_SPARE;
}

static int start_daemon(struct cat_server *server, unsigned int port, char *error, size_t error_bytes)
{
	_cleanup_close_ int fd = listen_on(server, port, error, error_bytes);

	if (fd < 0)
		return fd;
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, server,
					  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
					  MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
	if (!server->daemon) {
		snprintf(error, error_bytes, "cat server: libmicrohttpd does not start: %s", strerror(errno));
		return -EIO;
	}
	steal_fd(&fd); /* MHD closes it */
	return 0;
}

int cat_server_open(const char *dir, unsigned int port, unsigned int delay_us, struct cat_server **ret, char *error,
		    size_t error_bytes)
{
	struct cat_server *server = calloc(1, sizeof(*server));
	int rc = 0;

	if (!server) {
		snprintf(error, error_bytes, "cat server: out of memory");
		return -ENOMEM;
	}
	error[0] = '\0';
	server->delay_ns = delay_us * NSEC_PER_USEC;
	server->last = &server->first;
	server->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	server->missing = plain("There is no such cat.\n");
	server->refused = plain("Cats can only be looked at.\n");
	if (server->timer_fd < 0 || !server->missing || !server->refused)
		rc = -ENOMEM;
	for (unsigned int i = 0; !rc && i < CATS; i++)
		rc = load(dir, i + 1, &server->cats[i], error, error_bytes);
	if (!rc)
		rc = start_daemon(server, port, error, error_bytes);
	if (rc) {
		if (!error[0])
			snprintf(error, error_bytes, "cat server: %s", strerror(-rc));
		cat_server_close(server);
		return rc;
	}
	*ret = server;
	return 0;
}

unsigned int cat_server_port(const struct cat_server *server)
{
	return server->port;
}

int cat_server_loop(struct cat_server *server, int stop_fd)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN},
			       {.fd = server->timer_fd, .events = POLLIN},
			       {.fd = stop_fd, .events = POLLIN}};
	MHD_UNSIGNED_LONG_LONG wait_ms;
	uint64_t expirations;

	for (;;) {
		/* MHD has a timeout when it has not yet done all that it could. */
		int timeout = MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES ? (int)(wait_ms < 1000 ? wait_ms : 1000) : -1;

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), timeout) < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents)
			return 0;
		if (fds[1].revents && read(server->timer_fd, &expirations, sizeof(expirations)) > 0)
			resume_until(server, now_ns());
		if (MHD_run(server->daemon) != MHD_YES)
			return -EIO;
	}
}

void cat_server_close(struct cat_server *server)
{
	if (!server)
		return;
	if (server->daemon) {
		/* MHD must not be stopped with suspended connections. */
		resume_until(server, UINT64_MAX);
		MHD_run(server->daemon);
		MHD_stop_daemon(server->daemon);
	}
	for (unsigned int i = 0; i < CATS; i++)
		if (server->cats[i])
			MHD_destroy_response(server->cats[i]);
	if (server->missing)
		MHD_destroy_response(server->missing);
	if (server->refused)
		MHD_destroy_response(server->refused);
	cleanup_close(&server->timer_fd);
	free(server);
}
