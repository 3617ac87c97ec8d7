/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, an event loop: libcurl says which sockets it wants to hear of and when it wants to be called next, epoll waits for
 * both. All downloads of a round are in flight at once.
 */
#include "models/models.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "lib/cleanup.h"
#include "models/clock.h"
#include "models/download.h"

#define EVENTS 64
/* Descriptors for everything but the downloads. */
#define FILES_SPARE 32

struct loop {
	CURLM *multi;
	int epoll_fd;
	bool timer_set;
	uint64_t timer_ns; /* when libcurl wants to be called even though nothing happens */
	unsigned int running;
	struct downloader *downloaders; /* `flight` of them: those of a round, used again in the next */
	unsigned int flight;
	struct download_tally tally;
	int rc; /* the first failure */
	char *error;
	size_t error_bytes;
};

/* `known` is not NULL once the socket is in the epoll set. */
static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct loop *loop = arg;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(loop->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
		return -1;
	if (!known)
		curl_multi_assign(loop->multi, fd, loop);
	return 0;
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *arg)
{
	struct loop *loop = arg;

	(void)multi;
	loop->timer_set = timeout_ms >= 0;
	loop->timer_ns = now_ns() + (timeout_ms > 0 ? timeout_ms * 1000000ull : 0);
	return 0;
}

/* Rounded up: waking too early would mean to spin. */
static int timer_left_ms(const struct loop *loop)
{
	uint64_t now = now_ns();

	if (!loop->timer_set)
		return -1;
	return loop->timer_ns <= now ? 0 : (int)((loop->timer_ns - now + 999999) / 1000000);
}

static int act(struct loop *loop, curl_socket_t fd, int events)
{
	int running;

	if (!curl_multi_socket_action(loop->multi, fd, events, &running))
		return 0;
	snprintf(loop->error, loop->error_bytes, "libcurl's event loop failed");
	return -EIO;
}

/* Takes note of transfers that are over. */
static void finish(struct loop *loop)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		struct downloader *downloader;
		CURLcode code = message->data.result;
		int rc;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &downloader);
		curl_multi_remove_handle(loop->multi, downloader->easy);
		loop->running--;
		if (loop->rc)
			continue;
		rc = download_end(downloader, code, &loop->tally, loop->error, loop->error_bytes);
		if (rc)
			loop->rc = rc;
	}
}

static int wait_and_act(struct loop *loop)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(loop->epoll_fd, events, EVENTS, timer_left_ms(loop)), rc = 0;

	if (count < 0 && errno != EINTR) {
		snprintf(loop->error, loop->error_bytes, "epoll_wait: %s", strerror(errno));
		return -errno;
	}
	for (int i = 0; i < count && !rc; i++) {
		int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		rc = act(loop, events[i].data.fd, what);
	}
	if (!rc && timer_left_ms(loop) == 0) {
		/* It sets the next one, if it wants one. */
		loop->timer_set = false;
		rc = act(loop, CURL_SOCKET_TIMEOUT, 0);
	}
	return rc;
}

/* Starts every download of a round and waits for all of them (asyncio.gather), or for the first failure. */
static int round_of_downloads(struct loop *loop, unsigned int downloads)
{
	int rc;

	for (unsigned int i = 0; i < loop->flight; i++) {
		struct downloader *downloader = &loop->downloaders[i];

		rc = download_begin(downloader, 1 + i / downloads, loop->error, loop->error_bytes);
		if (rc)
			return rc;
		if (curl_multi_add_handle(loop->multi, downloader->easy)) {
			snprintf(loop->error, loop->error_bytes, "%s: libcurl cannot begin the download", downloader->url);
			return -EIO;
		}
		loop->running++;
	}
	while (loop->running && !loop->rc) {
		rc = wait_and_act(loop);
		if (rc)
			return rc;
		finish(loop);
	}
	return loop->rc;
}

/* Each download in flight needs a descriptor: more of them than an ordinary user's soft limit is no reason to fail. */
static int raise_file_limit(unsigned int flight, char *error, size_t error_bytes)
{
	rlim_t need = (rlim_t)flight + FILES_SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return 0;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	if (limit.rlim_cur >= need && !setrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	snprintf(error, error_bytes, "%u downloads at once need %llu open files, the limit is %llu (ulimit -Hn)", flight,
		 (unsigned long long)need, (unsigned long long)limit.rlim_max);
	return -EMFILE;
}

static int loop_open(struct loop *loop, const struct download_site *site)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->multi = curl_multi_init();
	loop->downloaders = calloc(loop->flight, sizeof(*loop->downloaders));
	if (!loop->multi || !loop->downloaders)
		return -ENOMEM;
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	/* With a smaller cache than there are transfers libcurl closes connections under them. */
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)loop->flight);
	for (unsigned int i = 0; i < loop->flight; i++) {
		int rc = downloader_open(&loop->downloaders[i], site, false);

		if (rc)
			return rc;
	}
	return 0;
}

static void loop_close(struct loop *loop)
{
	for (unsigned int i = 0; loop->downloaders && i < loop->flight && loop->downloaders[i].easy; i++) {
		curl_multi_remove_handle(loop->multi, loop->downloaders[i].easy);
		downloader_close(&loop->downloaders[i]);
	}
	curl_multi_cleanup(loop->multi);
	free(loop->downloaders);
	cleanup_close(&loop->epoll_fd);
}

static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	struct loop loop = {
	    .epoll_fd = -1, .flight = params->cats * params->downloads, .error = error, .error_bytes = error_bytes};
	struct download_site site;
	uint64_t begin;
	int rc;

	rc = download_site_open(params, &site, error, error_bytes);
	if (!rc)
		rc = raise_file_limit(loop.flight, error, error_bytes);
	if (!rc)
		rc = loop_open(&loop, &site);
	begin = now_ns();
	for (unsigned int round = 0; !rc && round < params->rounds; round++)
		rc = round_of_downloads(&loop, params->downloads);
	ledger->work_ns = now_ns() - begin;
	download_tally_add(&loop.tally, ledger);
	loop_close(&loop);
	download_site_close(&site);
	return rc;
}

const struct model model_async_io = {
    .name = "async-io",
    .baseline = "serial-io",
    .stands_for = "asyncio + aiohttp",
    .does = "the same downloads on one thread, an event loop, all of a round in flight",
    .talk_seconds = 0.725578784942627,
    .uses = USES_CATS | USES_DOWNLOADS | USES_ROUNDS | USES_URL | USES_TIMEOUT,
    .run = run,
};
