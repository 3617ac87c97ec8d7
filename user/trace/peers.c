/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "symbols/syscalls.h"

#define MOST_PART 10 /* hardly another: one part in so many */

/* Waits at one side of an object that one process ended; or, with a count of 0, that the process itself waits at the other side. */
struct vote {
	union wait_where where;
	uint64_t side; /* 1: those who write into a pipe waited */
	uint64_t who;  /* WAKER_THREAD | serial of a process, or WAKER_OTHER | pid */
	uint64_t count;
};

/* A followed process that serves at a local port. */
struct server {
	uint64_t port, process;
};

struct process_comm {
	uint64_t process;
	char comm[COMM_BYTES];
	uint32_t pid;
	uint32_t namesakes; /* other processes with that name */
};

struct peers {
	const struct collected *collected;
	struct process_comm *comms; /* sorted by process */
	struct vote *votes;         /* sorted */
	size_t n_comms, n_votes;
	struct server *servers; /* sorted, each once */
	size_t n_servers;
};

bool peers_writes(const struct wait_key *key)
{
	static const char *const names[] = {"write",    "writev", "pwrite64", "pwritev", "pwritev2",
					    "sendfile", "splice", "vmsplice", "tee"};
	const char *name = key->nr == WAIT_NR_NONE ? NULL : syscall_name(key->nr & ~WAIT_NR_I386, key->nr & WAIT_NR_I386);

	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* --- processes --- */

static int by_process(const void *a, const void *b)
{
	const struct process_comm *x = a, *y = b;

	return (x->process > y->process) - (x->process < y->process);
}

static int by_comm(const void *a, const void *b)
{
	return strcmp(((const struct process_comm *)a)->comm, ((const struct process_comm *)b)->comm);
}

static const struct process_comm *comm_of(const struct peers *peers, uint64_t process)
{
	struct process_comm key = {.process = process};

	return peers->n_comms ? bsearch(&key, peers->comms, peers->n_comms, sizeof(key), by_process) : NULL;
}

/* By the name that a process had last: its leader's. */
static int gather_comms(struct peers *peers)
{
	const struct collected *collected = peers->collected;

	peers->comms = calloc(collected->n_processes + 1, sizeof(*peers->comms));
	if (!peers->comms)
		return -ENOMEM;
	for (size_t i = 0; i < collected->n_processes; i++) {
		struct process_comm *comm = &peers->comms[peers->n_comms++];

		comm->process = collected->processes[i].serial;
		comm->pid = collected->processes[i].process.tgid;
		memcpy(comm->comm, collected->processes[i].process.comm, sizeof(comm->comm) - 1);
	}
	qsort(peers->comms, peers->n_comms, sizeof(*peers->comms), by_process);
	for (size_t i = 0; i < collected->n_threads; i++) {
		const struct thread *thread = &collected->threads[i];
		struct process_comm *comm = (struct process_comm *)comm_of(peers, thread->process);

		if (comm && thread->tid == thread->tgid)
			memcpy(comm->comm, thread->comm, sizeof(comm->comm) - 1);
	}
	qsort(peers->comms, peers->n_comms, sizeof(*peers->comms), by_comm);
	for (size_t i = 0, j; i < peers->n_comms; i = j) {
		for (j = i; j < peers->n_comms && by_comm(&peers->comms[i], &peers->comms[j]) == 0; j++)
			;
		for (size_t k = i; k < j; k++)
			peers->comms[k].namesakes = j - i - 1;
	}
	qsort(peers->comms, peers->n_comms, sizeof(*peers->comms), by_process);
	return 0;
}

char *peers_process_name(const struct peers *peers, uint64_t process, bool brief)
{
	const struct process_comm *comm = comm_of(peers, process);

	if (!comm)
		return strdup("");
	if (brief && comm->namesakes)
		return strdup(comm->comm);
	return text_format("%s[%" PRIu32 "]", comm->comm, comm->pid);
}

char *peers_other_name(const struct peers *peers, uint32_t pid)
{
	union wait_where where = {.file = {.inode = pid, .kind = FD_TASK}};
	const struct named_object *object = objects_find(peers->collected->objects, &where);

	return object && object->text[0] ? text_format("%s[%" PRIu32 "]", object->text, pid) : strdup("");
}

/* --- what was measured --- */

static int by_vote(const void *a, const void *b)
{
	const struct vote *x = a, *y = b;
	int different = memcmp(&x->where, &y->where, sizeof(x->where));

	if (different)
		return different;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	return (x->who > y->who) - (x->who < y->who);
}

static int by_server(const void *a, const void *b)
{
	const struct server *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return (x->process > y->process) - (x->process < y->process);
}

static bool is_about_peers(const struct wait_key *key)
{
	return (key->class == CLASS_SOCKET || key->class == CLASS_POLL || key->class == CLASS_PIPE) &&
	       WHERE_IS_SET(&key->where) && !(key->op & WAIT_OP_MANY);
}

static int by_serial(const void *key, const void *element)
{
	uint64_t serial = *(const uint64_t *)key, other = ((const struct thread *)element)->serial;

	return (serial > other) - (serial < other);
}

static void vote(struct peers *peers, const union wait_where *where, bool side, uint64_t who, uint64_t count)
{
	peers->votes[peers->n_votes++] = (struct vote){.where = *where, .side = side, .who = who, .count = count};
}

static void note_key(struct peers *peers, uint64_t process, const struct wait_key *key, uint64_t count)
{
	const struct collected *collected = peers->collected;
	bool is_pipe = WHERE_IS(&key->where, FD_PIPE);
	uint64_t serial = WAKER_WHO(key->waker);
	const struct thread *waker;

	if (!is_about_peers(key))
		return;
	if (WHERE_IS_SOCKET(&key->where) && key->where.peer.family != AF_UNIX && key->where.peer.local_port)
		peers->servers[peers->n_servers++] = (struct server){key->where.peer.local_port, process};
	if (is_pipe && key->class == CLASS_PIPE)
		vote(peers, &key->where, !peers_writes(key), WAKER_THREAD | process, 0);
	if (WAKER_KIND(key->waker) == WAKER_KIND(WAKER_OTHER)) {
		vote(peers, &key->where, is_pipe && peers_writes(key), key->waker, count);
	} else if (WAKER_KIND(key->waker) == WAKER_KIND(WAKER_THREAD)) {
		waker = bsearch(&serial, collected->threads, collected->n_threads, sizeof(*waker), by_serial);
		if (waker)
			vote(peers, &key->where, is_pipe && peers_writes(key), WAKER_THREAD | waker->process, count);
	}
}

/* Sorts, and makes one of equal ones. */
static void merge(struct peers *peers)
{
	size_t n = 0;

	qsort(peers->votes, peers->n_votes, sizeof(*peers->votes), by_vote);
	for (size_t i = 0; i < peers->n_votes; i++) {
		if (n && by_vote(&peers->votes[n - 1], &peers->votes[i]) == 0)
			peers->votes[n - 1].count += peers->votes[i].count;
		else
			peers->votes[n++] = peers->votes[i];
	}
	peers->n_votes = n;
	qsort(peers->servers, peers->n_servers, sizeof(*peers->servers), by_server);
	n = 0;
	for (size_t i = 0; i < peers->n_servers; i++)
		if (!n || by_server(&peers->servers[n - 1], &peers->servers[i]))
			peers->servers[n++] = peers->servers[i];
	peers->n_servers = n;
}

static int gather_votes(struct peers *peers)
{
	const struct collected *collected = peers->collected;
	size_t keys = collected->n_threads * (WAIT_SLOTS + 1) + collected->n_waits;
	const struct thread *thread;

	peers->votes = calloc(2 * keys + 1, sizeof(*peers->votes));
	peers->servers = calloc(keys + 1, sizeof(*peers->servers));
	if (!peers->votes || !peers->servers)
		return -ENOMEM;
	for (size_t i = 0; i < collected->n_threads; i++) {
		struct wait_key open = collected->threads[i].open;

		thread = &collected->threads[i];
		open.waker = 0; /* nobody has ended it yet */
		note_key(peers, thread->process, &open, 0);
		for (int slot = 0; slot < WAIT_SLOTS; slot++)
			if (thread->slot_used & 1 << slot)
				note_key(peers, thread->process, &thread->slot[slot].key, thread->slot[slot].stats.count);
	}
	for (size_t i = 0; i < collected->n_waits; i++) {
		const struct kept_wait *wait = &collected->waits[i];

		thread = bsearch(&wait->key.thread, collected->threads, collected->n_threads, sizeof(*thread), by_serial);
		if (thread)
			note_key(peers, thread->process, &wait->key.key, wait->stats.count);
	}
	merge(peers);
	return 0;
}

int peers_open(const struct collected *collected, struct peers **ret)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	int err;

	if (!peers)
		return -ENOMEM;
	peers->collected = collected;
	err = gather_comms(peers);
	if (!err)
		err = gather_votes(peers);
	if (err) {
		peers_close(peers);
		return err;
	}
	*ret = peers;
	return 0;
}

/* --- answers --- */

static char *name_who(const struct peers *peers, uint64_t who)
{
	if (WAKER_KIND(who) == WAKER_KIND(WAKER_THREAD))
		return peers_process_name(peers, WAKER_WHO(who), false);
	return peers_other_name(peers, WAKER_WHO(who));
}

/* Of those who ended the waits, or waited at the other side, who did so most; 0: nobody. */
static uint64_t elected(const struct peers *peers, uint64_t process, const struct wait_key *key)
{
	bool side = WHERE_IS(&key->where, FD_PIPE) && peers_writes(key);
	const struct vote *best = NULL;
	size_t low = 0, high = peers->n_votes;
	uint64_t total = 0;
	struct vote first = {.where = key->where, .side = side};

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_vote(&peers->votes[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < peers->n_votes; low++) {
		const struct vote *vote = &peers->votes[low];

		if (memcmp(&vote->where, &key->where, sizeof(key->where)) || vote->side != side)
			break;
		/* That a process waits at both sides of a pipe says nothing of who else does. */
		if (!vote->count && vote->who == (WAKER_THREAD | process))
			continue;
		total += vote->count;
		if (!best || vote->count > best->count)
			best = vote;
	}
	/* Many may come to where connections are taken: one is named if there is hardly another. */
	if (best && WHERE_IS_SOCKET(&key->where) && key->where.peer.kind & (WHERE_LISTENS | WHERE_SERVES) &&
	    best->count < total - total / MOST_PART)
		return 0;
	return best ? best->who : 0;
}

/* The followed process that serves at the peer's port: the only one, or the one that was forked first. */
static uint64_t server_of(const struct peers *peers, const struct wait_key *key)
{
	if (!WHERE_IS_SOCKET(&key->where) || !(key->where.peer.kind & WHERE_HERE) || !key->where.peer.port ||
	    key->where.peer.family == AF_UNIX)
		return 0;
	for (size_t low = 0, high = peers->n_servers; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (peers->servers[middle].port < key->where.peer.port)
			low = middle + 1;
		else
			high = middle;
		if (low >= high)
			return low < peers->n_servers && peers->servers[low].port == key->where.peer.port
				   ? WAKER_THREAD | peers->servers[low].process
				   : 0;
	}
	return 0;
}

static uint64_t followed_pid(const struct peers *peers, uint32_t pid)
{
	for (size_t i = peers->n_comms; i-- > 0;)
		if (peers->comms[i].pid == pid)
			return peers->comms[i].process;
	return 0;
}

/* By who had it open: somebody else, if there is one; the youngest, as a shell hands its ends on to its children. */
static char *name_holder(const struct peers *peers, const struct wait_key *key, uint32_t own_pid, bool *inside)
{
	const struct named_object *object = objects_find(peers->collected->objects, &key->where);
	bool is_pipe = WHERE_IS(&key->where, FD_PIPE), writes = peers_writes(key);
	const struct end *best = NULL;
	uint64_t followed;

	for (size_t i = 0; object && i < object->n_ends; i++) {
		const struct end *end = &object->ends[i];

		if (is_pipe && !(writes ? end->reads : end->writes))
			continue;
		if (!best || (end->pid != own_pid && (best->pid == own_pid || end->pid > best->pid)))
			best = end;
	}
	if (!best)
		return strdup("");
	followed = followed_pid(peers, best->pid);
	*inside = followed != 0;
	return followed ? peers_process_name(peers, followed, false) : text_format("%s[%" PRIu32 "]", best->comm, best->pid);
}

char *peers_name(const struct peers *peers, uint64_t process, const struct wait_key *key, bool *inside)
{
	const struct process_comm *own = comm_of(peers, process);
	uint64_t who;

	*inside = false;
	if (key->op & WAIT_OP_MANY || !WHERE_IS_SET(&key->where))
		return strdup("");
	who = elected(peers, process, key);
	if (!who)
		who = server_of(peers, key);
	if (!who && WHERE_IS_SOCKET(&key->where) && key->where.local.family == AF_UNIX && key->where.local.tgid) {
		uint64_t followed = followed_pid(peers, key->where.local.tgid);

		who = followed ? WAKER_THREAD | followed : 0;
	}
	if (who) {
		char *name = name_who(peers, who);

		*inside = WAKER_KIND(who) == WAKER_KIND(WAKER_THREAD);
		if (!name || name[0])
			return name;
		free(name);
	}
	return name_holder(peers, key, own ? own->pid : 0, inside);
}

void peers_close(struct peers *peers)
{
	if (!peers)
		return;
	free(peers->comms);
	free(peers->votes);
	free(peers->servers);
	free(peers);
}
