/* SPDX-License-Identifier: Apache-2.0 */
#include "models/download.h"

#include <errno.h>
#include <arpa/inet.h>
#include <netdb.h>

#include "lib/cleanup.h"

#define BODY_BYTES_FIRST (256 * 1024)
#define BODY_BYTES_MAX   (64u * 1024 * 1024)
#define RECEIVE_BYTES    (64L * 1024)

static void cleanup_curl_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void cleanup_curl_free(char **string)
{
	curl_free(*string);
}

static void cleanup_addrinfo(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* "host:port:address,address" for CURLOPT_RESOLVE. */
static int resolve(struct download_site *site, const char *host, const char *port, char *error, size_t error_bytes)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	_cleanup_(cleanup_addrinfo) struct addrinfo *list = NULL;
	char line[1024], address[NI_MAXHOST];
	size_t used;
	int rc;

	rc = getaddrinfo(host, port, &hints, &list);
	if (rc) {
		snprintf(error, error_bytes, "%s: cannot resolve the host: %s", site->base, gai_strerror(rc));
		return -EHOSTUNREACH;
	}
	used = snprintf(line, sizeof(line), "%s:%s", host, port);
	for (struct addrinfo *info = list; info && used < sizeof(line); info = info->ai_next) {
		rc = getnameinfo(info->ai_addr, info->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST);
		if (!rc && used + strlen(address) + 4 < sizeof(line))
			used += snprintf(line + used, sizeof(line) - used, info->ai_family == AF_INET6 ? "%c[%s]" : "%c%s",
					 info == list ? ':' : ',', address);
	}
	site->resolve = curl_slist_append(NULL, line);
	return site->resolve ? 0 : -ENOMEM;
}

/* Only http and https; a host that is a name is looked up. */
static int examine(struct download_site *site, CURLU *url, char *error, size_t error_bytes)
{
	_cleanup_(cleanup_curl_free) char *scheme = NULL;
	_cleanup_(cleanup_curl_free) char *host = NULL;
	_cleanup_(cleanup_curl_free) char *port = NULL;
	unsigned char address[16];

	if (!url || curl_url_set(url, CURLUPART_URL, site->base, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) || (strcmp(scheme, "http") && strcmp(scheme, "https")) ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) || curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) {
		snprintf(error, error_bytes, "--url: '%s' is not an http:// or https:// address", site->base);
		return -EINVAL;
	}
	/* Start-up is part of the measured time: TLS is set up only where it will be used. */
	if (curl_global_init(strcmp(scheme, "https") ? CURL_GLOBAL_NOTHING : CURL_GLOBAL_SSL)) {
		snprintf(error, error_bytes, "cannot set up libcurl");
		return -EIO;
	}
	if (host[0] == '[' || inet_pton(AF_INET, host, address) == 1)
		return 0;
	return resolve(site, host, port, error, error_bytes);
}

int download_site_open(const struct model_params *params, struct download_site *site, char *error, size_t error_bytes)
{
	_cleanup_(cleanup_curl_url) CURLU *url = curl_url();
	size_t length = params->url ? strlen(params->url) : 0;

	*site = (struct download_site){.timeout_ms = (params->timeout_us + 999L) / 1000};
	if (!length) {
		snprintf(error, error_bytes, "no --url to download from");
		return -EINVAL;
	}
	while (length && params->url[length - 1] == '/')
		length--;
	site->base = strndup(params->url, length);
	if (!site->base)
		return -ENOMEM;
	return examine(site, url, error, error_bytes);
}

void download_site_close(struct download_site *site)
{
	curl_slist_free_all(site->resolve);
	free(site->base);
	*site = (struct download_site){0};
	curl_global_cleanup();
}

void download_tally_add(const struct download_tally *tally, struct ledger *ledger)
{
	ledger->bytes += tally->bytes;
	ledger->downloads += tally->downloads;
	ledger->connections += tally->connections;
	ledger->digest += tally->digest;
}

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
	struct downloader *downloader = arg;
	size_t bytes = size * count, need = downloader->bytes + bytes;

	if (need > downloader->capacity) {
		size_t capacity = downloader->capacity ? downloader->capacity : BODY_BYTES_FIRST;
		unsigned char *body;

		while (capacity < need)
			capacity *= 2;
		body = capacity > BODY_BYTES_MAX ? NULL : realloc(downloader->body, capacity);
		if (!body)
			return 0;
		downloader->body = body;
		downloader->capacity = capacity;
	}
	memcpy(downloader->body + downloader->bytes, data, bytes);
	downloader->bytes = need;
	return bytes;
}

int downloader_open(struct downloader *downloader, const struct download_site *site, bool keep)
{
	CURL *easy = curl_easy_init();

	*downloader = (struct downloader){.site = site, .easy = easy};
	if (!easy)
		return -ENOMEM;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, downloader);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, downloader->reason);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, downloader);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* With HTTP/2 the downloads of async-io would share one connection: another experiment. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* Whatever http_proxy says: a proxy would be measured instead of the server. */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	/* No alarm() from threads. */
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, site->resolve);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, site->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, site->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)!keep);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)!keep);
	return 0;
}

void downloader_close(struct downloader *downloader)
{
	curl_easy_cleanup(downloader->easy);
	free(downloader->body);
	*downloader = (struct downloader){0};
}

int download_begin(struct downloader *downloader, unsigned int cat, char *error, size_t error_bytes)
{
	int length = snprintf(downloader->url, sizeof(downloader->url), "%s/%u.jpg", downloader->site->base, cat);

	if (length >= (int)sizeof(downloader->url)) {
		snprintf(error, error_bytes, "--url: '%s' is too long", downloader->site->base);
		return -ENAMETOOLONG;
	}
	downloader->bytes = 0;
	downloader->reason[0] = '\0';
	return curl_easy_setopt(downloader->easy, CURLOPT_URL, downloader->url) ? -ENOMEM : 0;
}

/* Depends on every byte and its place; eight at a time, since the clock is running. */
static uint64_t digest_body(const unsigned char *body, size_t bytes)
{
	uint64_t digest = bytes, word;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), body += sizeof(word)) {
		memcpy(&word, body, sizeof(word));
		digest = ((digest << 5) | (digest >> 59)) + word;
	}
	while (bytes--)
		digest = ((digest << 5) | (digest >> 59)) + *body++;
	return digest * 0x9e3779b97f4a7c15;
}

static int transfer_error(const struct downloader *downloader, CURLcode code, char *error, size_t error_bytes)
{
	long os_error = 0;

	if (code == CURLE_COULDNT_CONNECT && !curl_easy_getinfo(downloader->easy, CURLINFO_OS_ERRNO, &os_error) && os_error) {
		snprintf(error, error_bytes, "%s: cannot connect: %s", downloader->url, strerror(os_error));
		return -(int)os_error;
	}
	if (code == CURLE_WRITE_ERROR) {
		snprintf(error, error_bytes, "%s: no memory for the body, or more than %u MiB of it", downloader->url,
			 BODY_BYTES_MAX >> 20);
		return -EFBIG;
	}
	snprintf(error, error_bytes, "%s: %s", downloader->url,
		 downloader->reason[0] ? downloader->reason : curl_easy_strerror(code));
	return code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : code == CURLE_COULDNT_CONNECT ? -ECONNREFUSED : -EPROTO;
}

int download_end(struct downloader *downloader, CURLcode code, struct download_tally *tally, char *error, size_t error_bytes)
{
	long status = 0, connects = 0;

	if (code)
		return transfer_error(downloader, code, error, error_bytes);
	curl_easy_getinfo(downloader->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(downloader->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (status != 200) {
		snprintf(error, error_bytes, "%s: the server answered with status %ld", downloader->url, status);
		return -EREMOTEIO;
	}
	/* A body that is shorter than announced was an error of libcurl's already. */
	if (!downloader->bytes) {
		snprintf(error, error_bytes, "%s: the server sent an empty body", downloader->url);
		return -ENODATA;
	}
	tally->connections += connects;
	tally->downloads++;
	tally->bytes += downloader->bytes;
	tally->digest += digest_body(downloader->body, downloader->bytes);
	return 0;
}

int download(struct downloader *downloader, unsigned int cat, struct download_tally *tally, char *error, size_t error_bytes)
{
	int rc = download_begin(downloader, cat, error, error_bytes);

	if (rc)
		return rc;
	return download_end(downloader, curl_easy_perform(downloader->easy), tally, error, error_bytes);
}
