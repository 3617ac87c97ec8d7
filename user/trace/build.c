/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/build.h"

#include <errno.h>

#include "account.h"
#include "lib/cleanup.h"
#include "lib/pairs.h"
#include "trace/causes.h"
#include "trace/cgroups.h"

#define PORT_WORDS (65536 / 16)

struct builder {
	struct collected *collected;
	struct run *run;
	struct cause_names names;
	struct pairs
	    rows; /* (thread, wait_key_cause) of keys that have the run's stack for the kernel's: -> position in run->waits */
	struct pairs causes; /* the same of the keys themselves: -> position in row_of */
	uint32_t *row_of;
	size_t room_waits, room_causes;
};

static struct run_wait *new_wait(struct builder *builder)
{
	struct run *run = builder->run;

	if (run->n_waits == builder->room_waits) {
		size_t room = builder->room_waits ? 2 * builder->room_waits : 256;
		struct run_wait *grown = reallocarray(run->waits, room, sizeof(*grown));

		if (!grown)
			return NULL;
		run->waits = grown;
		builder->room_waits = room;
	}
	memset(&run->waits[run->n_waits], 0, sizeof(*run->waits));
	run->waits[run->n_waits].id = run->n_waits + 1;
	return &run->waits[run->n_waits++];
}

/* What episodes with this key belong to. */
static int note_cause(struct builder *builder, uint64_t thread, const struct wait_key *key, uint32_t row)
{
	uint32_t number = pairs_add(&builder->causes, thread, wait_key_cause(key));

	if (number == PAIRS_NONE)
		return -ENOMEM;
	if (number >= builder->room_causes) {
		size_t room = builder->room_causes ? 2 * builder->room_causes : 256;
		uint32_t *grown = reallocarray(builder->row_of, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		builder->row_of = grown;
		builder->room_causes = room;
	}
	builder->row_of[number] = row;
	return 0;
}

/*
 * The row of a key, with names if it is new. A key may have been in a slot and in the map; and a stack that was left to us has an id of its own
 * each time, be it the same or not.
 */
static int row_of_key(struct builder *builder, uint64_t thread, const struct wait_key *key, struct run_wait **ret)
{
	struct wait_key by_stack = *key;
	uint64_t stack = 0;
	uint32_t row;
	int err = 0;

	if (builder->collected->stacks)
		err = stacks_number(builder->collected->stacks, key->stack, builder->run, &stack);
	if (err)
		return err;
	by_stack.stack = stack;
	row = pairs_add(&builder->rows, thread, wait_key_cause(&by_stack));
	if (row == PAIRS_NONE)
		return -ENOMEM;
	if (row < builder->run->n_waits) {
		*ret = &builder->run->waits[row];
	} else {
		*ret = new_wait(builder);
		if (!*ret)
			return -ENOMEM;
		(*ret)->thread = thread;
		(*ret)->stack = stack;
		err = cause_fill(&builder->names, collected_thread(builder->collected, thread), key, *ret);
	}
	return err ? err : note_cause(builder, thread, key, row);
}

/* Adds to the row of one key; `stats` may be empty: then there is nothing to add. */
static int add_wait(struct builder *builder, uint64_t thread, const struct wait_key *key, const struct wait_stats *stats)
{
	struct run_wait *wait;
	int err;

	if (!stats->count)
		return 0;
	err = row_of_key(builder, thread, key, &wait);
	if (err)
		return err;
	wait->count += stats->count;
	wait->timed_out += stats->timed_out;
	wait->total_ns += stats->total_ns;
	if (stats->max_ns > wait->max_ns)
		wait->max_ns = stats->max_ns;
	for (int i = 0; i < WAIT_LOG2_SLOTS; i++)
		wait->log2_ns[i] += stats->log2_ns[i];
	return 0;
}

static void stats_note(struct wait_stats *stats, uint64_t ns)
{
	int slot = ns ? 63 - __builtin_clzll(ns) : 0;

	stats->total_ns += ns;
	stats->count++;
	if (ns > stats->max_ns)
		stats->max_ns = ns;
	stats->log2_ns[slot < WAIT_LOG2_SLOTS ? slot : WAIT_LOG2_SLOTS - 1]++;
}

static void add_open_episode(struct builder *builder, const struct thread *thread, const struct account_split *split)
{
	if (!builder->collected->episodes || (!split->blocked && !split->queued))
		return;
	episodes_add(builder->collected->episodes, &(struct episode){
						       .thread = thread->serial,
						       .class = split->blocked ? split->class : split->queue,
						       .out_ns = thread->account.since_ns - split->queued_ns - split->blocked_ns,
						       .blocked_ns = split->blocked_ns,
						       .queued_ns = split->queued_ns,
						       .cause = wait_key_cause(&thread->open),
						   });
}

/* Closes a live thread's account at the end of the measurement; its open wait becomes a wait. */
static int close_live(struct builder *builder, struct thread *thread)
{
	struct wait_stats open = {};
	struct account_split split;

	if (!thread->live)
		return 0;
	account_end(&thread->account, builder->collected->stop_ns, &split);
	add_open_episode(builder, thread, &split);
	if (split.queued)
		stats_note(&thread->queue[split.queue == CLASS_WOKEN], split.queued_ns);
	if (!split.blocked)
		return 0;
	stats_note(&open, split.blocked_ns);
	return add_wait(builder, thread->serial, &thread->open, &open);
}

static int add_waits(struct builder *builder, struct thread *thread)
{
	static const uint8_t queue_class[2] = {CLASS_PREEMPTED, CLASS_WOKEN};
	int err = close_live(builder, thread);

	for (int i = 0; i < 2 && !err; i++) {
		struct wait_key key = {.class = queue_class[i], .nr = WAIT_NR_NONE};

		err = add_wait(builder, thread->serial, &key, &thread->queue[i]);
	}
	for (int i = 0; i < WAIT_SLOTS && !err; i++) {
		if (thread->slot_used & 1 << i)
			err = add_wait(builder, thread->serial, &thread->slot[i].key, &thread->slot[i].stats);
	}
	return err;
}

static uint64_t over(uint64_t value, uint64_t base)
{
	return value > base ? value - base : 0;
}

static int fill_thread(const struct thread *thread, struct run_thread *ret)
{
	*ret = (struct run_thread){
	    .id = thread->serial,
	    .process = thread->process,
	    .parent = thread->parent,
	    .pid = thread->tgid,
	    .tid = thread->tid,
	    .comm = strndup(thread->comm, COMM_BYTES),
	    .begin_ns = thread->account.begin_ns,
	    .life_ns = thread->account.since_ns - thread->account.begin_ns,
	    .voluntary = thread->voluntary,
	    .involuntary = thread->involuntary,
	    .syscalls = thread->syscalls,
	    .connects = thread->connects,
	    .faults = thread->faults,
	    .ended = !thread->live,
	    .audit_on_cpu_ns = over(thread->audit.exec_ns, thread->base.exec_ns),
	    .audit_run_delay_ns = over(thread->audit.run_delay_ns, thread->base.run_delay_ns),
	    .audit_switches = over(thread->audit.switches, thread->base.switches),
	};
	memcpy(ret->ns, thread->account.ns, sizeof(ret->ns));
	return ret->comm ? 0 : -ENOMEM;
}

static int fill_process(const struct kept_process *kept, struct run_process *ret)
{
	*ret = (struct run_process){
	    .id = kept->serial,
	    .parent = kept->process.parent,
	    .pid = kept->process.tgid,
	    .comm = strndup(kept->process.comm, COMM_BYTES),
	    .begin_ns = kept->process.begin_ns,
	    .end_ns = kept->process.begin_ns,
	    .ended = kept->process.threads == 0,
	    .undelivered_threads = kept->process.undelivered,
	    .undelivered_life_ns = kept->process.undelivered_life_ns,
	};
	memcpy(ret->undelivered_ns, kept->process.undelivered_ns, sizeof(ret->undelivered_ns));
	return ret->comm ? 0 : -ENOMEM;
}

/* Who is alive says where it is now; of the others it is known where they began. */
static int fill_cgroups(const struct collected *collected, struct run *run)
{
	struct cgroups *cgroups;
	int err = cgroups_open(&cgroups);

	for (size_t i = 0; i < run->n_processes && !err; i++) {
		const struct process *process = &collected->processes[i].process;
		const char *name;

		if (process->threads)
			run->processes[i].cgroup = cgroup_of_process(process->tgid);
		name = run->processes[i].cgroup ? NULL : cgroups_name(cgroups, process->cgroup);
		if (!name)
			continue;
		run->processes[i].cgroup = strdup(name);
		if (!run->processes[i].cgroup)
			err = -ENOMEM;
	}
	cgroups_close(cgroups);
	return err;
}

static int by_id(const void *key, const void *element)
{
	uint64_t id = *(const uint64_t *)key, other = ((const struct run_process *)element)->id;

	return (id > other) - (id < other);
}

/* What a process is called, when it ended and how, comes from its threads. */
static int note_in_process(struct run *run, const struct thread *thread)
{
	uint64_t end_ns = thread->account.since_ns;
	struct run_process *process;
	char *comm;

	process = run->n_processes ? bsearch(&thread->process, run->processes, run->n_processes, sizeof(*process), by_id) : NULL;
	if (!process)
		return 0;
	if (end_ns >= process->end_ns) {
		process->end_ns = end_ns;
		process->exit_status = thread->exit_code;
	}
	if (thread->live)
		process->ended = false;
	if (!thread->leader)
		return 0;
	comm = strndup(thread->comm, COMM_BYTES);
	if (!comm)
		return -ENOMEM;
	free(process->comm);
	process->comm = comm;
	return 0;
}

static int fill_losses(const struct collected *collected, struct run *run)
{
	static const char *const names[LOSS_COUNT] = {
#define X(id, name, gloss) name,
	    LOSSES(X)
#undef X
	};

	run->losses = calloc(LOSS_COUNT, sizeof(*run->losses));
	if (!run->losses)
		return -ENOMEM;
	for (int i = 0; i < LOSS_COUNT; i++) {
		if (!collected->losses[i])
			continue;
		run->losses[run->n_losses].name = strdup(names[i]);
		run->losses[run->n_losses].value = collected->losses[i];
		if (!run->losses[run->n_losses++].name)
			return -ENOMEM;
	}
	return 0;
}

static void note_port(uint16_t *ports, const struct wait_key *key)
{
	if ((key->class == CLASS_SOCKET || key->class == CLASS_POLL) && key->where.peer.local_port)
		ports[key->where.peer.local_port / 16] |= 1u << key->where.peer.local_port % 16;
}

/* Tid words and local ports of all threads, by which waits are recognised as joins and as inside the run. */
static void gather_names(struct builder *builder, struct tid_word *words, uint16_t *ports)
{
	struct collected *collected = builder->collected;
	size_t count = 0;

	for (size_t i = 0; i < collected->n_threads; i++) {
		const struct thread *thread = &collected->threads[i];

		if (thread->tid_address)
			words[count++] = (struct tid_word){thread->process, thread->tid_address};
		for (int slot = 0; slot < WAIT_SLOTS; slot++)
			note_port(ports, &thread->slot[slot].key);
		note_port(ports, &thread->open);
	}
	for (size_t i = 0; i < collected->n_waits; i++)
		note_port(ports, &collected->waits[i].key.key);
	qsort(words, count, sizeof(*words), tid_word_compare);
	builder->names.tid_words = words;
	builder->names.n_tid_words = count;
	builder->names.local_ports = ports;
	builder->names.collected = collected;
}

static int by_serial(const void *key, const void *element)
{
	uint64_t serial = *(const uint64_t *)key, other = ((const struct thread *)element)->serial;

	return (serial > other) - (serial < other);
}

static int add_samples(struct builder *builder)
{
	struct collected *collected = builder->collected;
	struct run *run = builder->run;
	int err = 0;

	run->samples = calloc(collected->n_samples + 1, sizeof(*run->samples));
	if (!run->samples)
		return -ENOMEM;
	for (size_t i = 0; i < collected->n_samples && !err; i++) {
		const struct kept_sample *kept = &collected->samples[i];
		struct run_sample *sample = &run->samples[run->n_samples];
		const struct thread *thread;

		thread = bsearch(&kept->key.thread, collected->threads, collected->n_threads, sizeof(*thread), by_serial);
		err = stacks_number(collected->stacks, kept->key.stack, run, &sample->stack);
		sample->thread = kept->key.thread;
		sample->count = kept->count;
		run->n_samples += thread && sample->stack;
	}
	return err;
}

static int fill_stack_figures(const struct collected *collected, struct run *run)
{
	static const char *const names[UNWIND_STOP_COUNT + 1] = {
#define X(id, name, words) [id] = name,
	    UNWIND_STOPS(X)
#undef X
		[UNWIND_STOP_COUNT] = "same", /* known to be as before, without unwinding */
	};
	uint64_t same = 0;

	for (size_t i = 0; i < collected->n_threads; i++)
		same += collected->threads[i].stacks_same;
	run->stack_figures = calloc(UNWIND_STOP_COUNT + 1, sizeof(*run->stack_figures));
	if (!run->stack_figures)
		return -ENOMEM;
	for (int i = 0; i <= UNWIND_STOP_COUNT; i++) {
		uint64_t value = i < UNWIND_STOP_COUNT ? collected->unwound[i] : same;
		struct run_figure *figure = &run->stack_figures[run->n_stack_figures];

		if (!value)
			continue;
		figure->name = strdup(names[i]);
		figure->value = value;
		if (!figure->name)
			return -ENOMEM;
		run->n_stack_figures++;
	}
	return 0;
}

static int add_kept_waits(struct builder *builder)
{
	struct collected *collected = builder->collected;
	int err = 0;

	for (size_t i = 0; i < collected->n_waits && !err; i++) {
		const struct kept_wait *wait = &collected->waits[i];
		const struct thread *thread;

		thread = bsearch(&wait->key.thread, collected->threads, collected->n_threads, sizeof(*thread), by_serial);
		if (thread) /* else it was not delivered, and its waits belong to nobody */
			err = add_wait(builder, thread->serial, &wait->key.key, &wait->stats);
	}
	collect_free_waits(collected); /* with 100,000 causes a tenth of all memory */
	return err;
}

static uint32_t wait_of(void *context, uint64_t thread, uint64_t cause)
{
	const struct builder *builder = context;
	uint32_t number = cause ? pairs_find(&builder->causes, thread, cause) : PAIRS_NONE;

	return number == PAIRS_NONE ? 0 : builder->row_of[number] + 1;
}

static int stack_of(void *context, uint64_t stack, uint64_t *ret)
{
	const struct builder *builder = context;

	*ret = 0;
	return builder->collected->stacks ? stacks_number(builder->collected->stacks, stack, builder->run, ret) : 0;
}

/* A timeline that lacks something is none. */
static int add_timeline(struct builder *builder)
{
	const struct episode_names names = {.wait_of = wait_of, .stack_of = stack_of, .context = builder};
	struct collected *collected = builder->collected;
	uint64_t misfits;
	bool lost;
	int err;

	if (!collected->episodes)
		return 0;
	if (episodes_given_up(collected->episodes, &lost)) {
		collected->losses[LOSS_EPISODE_UNDELIVERED] += lost;
		return 0;
	}
	if (collected->losses[LOSS_EPISODE_UNDELIVERED])
		return 0;
	err = episodes_fill(collected->episodes, &names, builder->run, &misfits);
	collected->losses[LOSS_EPISODE_UNDELIVERED] += misfits;
	return err;
}

int build_run(struct collected *collected, struct mappings *mappings, struct run *run)
{
	_cleanup_free_ struct tid_word *words = calloc(collected->n_threads + 1, sizeof(*words));
	_cleanup_free_ uint16_t *ports = calloc(PORT_WORDS, sizeof(*ports));
	struct builder builder = {.collected = collected, .run = run};
	int err = words && ports ? images_open(collected, mappings, &builder.names.images) : -ENOMEM;

	if (err)
		return err;
	if (mappings)
		collected->losses[LOSS_MAPPING_LOST] += mappings_lost(mappings);
	run->begin_ns = collected->begin_ns;
	run->end_ns = collected->stop_ns;
	run->threads = calloc(collected->n_threads + 1, sizeof(*run->threads));
	run->processes = calloc(collected->n_processes + 1, sizeof(*run->processes));
	if (!run->threads || !run->processes)
		err = -ENOMEM;
	for (size_t i = 0; i < collected->n_processes && !err; i++)
		err = fill_process(&collected->processes[i], &run->processes[run->n_processes++]);
	if (!err)
		err = fill_cgroups(collected, run);
	gather_names(&builder, words, ports);
	if (!err)
		err = peers_open(collected, &builder.names.peers);
	for (size_t i = 0; i < collected->n_threads && !err; i++) {
		struct thread *thread = &collected->threads[i];

		err = add_waits(&builder, thread);
		if (!err)
			err = fill_thread(thread, &run->threads[run->n_threads++]);
		if (!err)
			err = note_in_process(run, thread);
		run->tax_probe_ns += thread->self_ns;
		run->tax_events += 2 * (thread->voluntary + thread->involuntary) + 2 * thread->syscalls + thread->wakes;
	}
	if (!err)
		err = add_kept_waits(&builder);
	if (!err && collected->stacks)
		err = add_samples(&builder);
	if (!err)
		err = add_timeline(&builder);
	if (!err)
		err = fill_stack_figures(collected, run);
	if (!err && collected->stacks)
		stacks_count_losses(collected->stacks, collected->losses);
	if (!err)
		err = fill_losses(collected, run);
	causes_check_holders(run);
	peers_close(builder.names.peers);
	images_close(builder.names.images);
	pairs_free(&builder.rows);
	pairs_free(&builder.causes);
	free(builder.row_of);
	return err;
}
