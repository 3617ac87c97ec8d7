/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/parked.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/uio.h>

#include "lib/cleanup.h"
#include "symbols/unwind_walk.h"

#define PAGE_BYTES 4096

struct waiting {
	struct record_parked record;
	uint8_t *stack; /* record.bytes of it */
};

struct parked {
	struct spaces *spaces;
	struct waiting *all;
	size_t n, room;
	uint64_t stops[UNWIND_STOP_COUNT];
};

/* A thread's memory while it is unwound. */
struct reader {
	const struct parked *parked;
	const struct waiting *from;
	uint64_t generation;
	bool may_look; /* into the thread's own memory */
	bool has_looked;
	uint64_t page; /* address of the bytes; 1: none */
	uint8_t bytes[PAGE_BYTES];
};

int parked_open(struct spaces *spaces, struct parked **ret)
{
	struct parked *parked = calloc(1, sizeof(*parked));

	if (!parked)
		return -ENOMEM;
	parked->spaces = spaces;
	*ret = parked;
	return 0;
}

int parked_add(struct parked *parked, const struct record_parked *record, const uint8_t *stack)
{
	struct waiting *waiting;

	if (parked->n == parked->room) {
		size_t room = parked->room ? 2 * parked->room : 64;
		struct waiting *grown = reallocarray(parked->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		parked->all = grown;
		parked->room = room;
	}
	waiting = &parked->all[parked->n];
	*waiting = (struct waiting){.record = *record};
	if (record->bytes) {
		waiting->stack = malloc(record->bytes);
		if (!waiting->stack)
			return -ENOMEM;
		memcpy(waiting->stack, stack, record->bytes);
	}
	parked->n++;
	return 0;
}

/*
 * Whether the thread is still in the wait. Its count of switches does not tell that it is running again, only that it has stopped to; its state,
 * which stands before the counts, does.
 */
static bool stands(const struct record_parked *record)
{
	_cleanup_fclose_ FILE *status = NULL;
	uint64_t voluntary = UINT64_MAX, involuntary = UINT64_MAX;
	char path[64], line[256], state = 'X';

	if (record->switches == PARKED_RUNNING)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/status", record->tgid, record->tid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &voluntary);
		sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &involuntary);
	}
	if (voluntary == UINT64_MAX || involuntary == UINT64_MAX || state == 'R' || state == 'X' || state == 'Z')
		return false;
	return voluntary + involuntary == record->switches;
}

static int read_process(struct reader *reader, uint64_t address, void *to, size_t bytes)
{
	struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)address, bytes};

	if (!reader->may_look)
		return -EFAULT;
	reader->has_looked = true;
	return process_vm_readv(reader->from->record.tgid, &local, 1, &remote, 1, 0) == (ssize_t)bytes ? 0 : -EFAULT;
}

static int read_memory(void *context, uint64_t address, void *to, size_t bytes)
{
	struct reader *reader = context;
	uint64_t page = address / PAGE_BYTES * PAGE_BYTES, offset = address - reader->from->record.sp;

	if (offset < reader->from->record.bytes && bytes <= reader->from->record.bytes - offset) {
		memcpy(to, reader->from->stack + offset, bytes);
		return 0;
	}
	if (address + bytes > page + PAGE_BYTES || address + bytes < address)
		return read_process(reader, address, to, bytes);
	if (reader->page != page) {
		reader->page = 1;
		if (read_process(reader, page, reader->bytes, PAGE_BYTES))
			return -EFAULT;
		reader->page = page;
	}
	memcpy(to, reader->bytes + (address - page), bytes);
	return 0;
}

static enum unwind_stop rule_at(void *context, uint64_t address, struct unwind_rule *ret)
{
	const struct reader *reader = context;
	const struct span *span = spaces_find(reader->parked->spaces, reader->generation, address, reader->from->record.time_ns);

	if (!span)
		return UNWIND_STOP_NO_MAPPING;
	if (!span->object) {
		*ret = (struct unwind_rule){.cfa = UNWIND_FRAME};
		return UNWIND_WHOLE;
	}
	return tables_rule(spaces_tables(reader->parked->spaces), span->object, address - span->bias, ret);
}

static void walk(struct reader *reader, struct record_stack *to)
{
	const struct unwind_view view = {.context = reader, .rule = rule_at, .read = read_memory};
	const struct record_parked *from = &reader->from->record;
	uint64_t frame[STACK_FRAMES_MAX];
	size_t frames = 0;

	to->stop = unwind_walk(
	    &view,
	    (struct unwind_registers){.rip = from->ip, .rsp = from->sp, .rbp = from->bp, .rdi = from->di, .rdi_known = true},
	    frame, STACK_FRAMES_MAX, &frames);
	for (size_t i = 0; i < frames; i++)
		to->frame[i] = frame[i];
	to->frames = frames;
	to->generation = reader->generation;
}

/* Takes the stack; where nothing of it can be read any more, one frame remains. */
static void unwind(const struct parked *parked, const struct waiting *waiting, struct record_stack *to)
{
	const struct record_parked *from = &waiting->record;
	struct reader reader = {.parked = parked, .from = waiting, .page = 1};
	bool is_there_still;

	*to = (struct record_stack){
	    .kind = RECORD_STACK,
	    .id = from->id,
	    .kernel = from->kernel,
	    .time_ns = from->time_ns,
	    .process = from->process,
	    .tgid = from->tgid,
	    .frames = 1,
	    .stop = UNWIND_STOP_NO_TABLES,
	};
	to->frame[0] = from->ip;
	reader.generation = spaces_at(parked->spaces, from->process, from->tgid, from->time_ns, &is_there_still);
	if (!reader.generation)
		return;
	reader.may_look = is_there_still && (from->bytes || stands(from));
	if (!reader.may_look && !from->bytes)
		return;
	walk(&reader, to);
	if (!reader.has_looked || stands(from))
		return;
	/* It has gone on meanwhile, or long before: what was read counts for nothing. */
	if (from->bytes) {
		reader.may_look = false;
		reader.page = 1;
		walk(&reader, to);
		return;
	}
	to->frames = 1;
	to->generation = 0;
	to->stop = UNWIND_STOP_NO_TABLES;
	to->frame[0] = from->ip;
}

int parked_round(struct parked *parked, uint64_t until_ns, int (*take)(void *, const struct record_stack *), void *context)
{
	struct record_stack stack;
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < parked->n; i++) {
		struct waiting *waiting = &parked->all[i];

		if (err || waiting->record.time_ns > until_ns) {
			parked->all[kept++] = *waiting;
			continue;
		}
		unwind(parked, waiting, &stack);
		free(waiting->stack);
		if (stack.stop < UNWIND_STOP_COUNT)
			parked->stops[stack.stop]++;
		err = take(context, &stack);
	}
	parked->n = kept;
	return err;
}

void parked_count(const struct parked *parked, uint64_t *stops)
{
	for (int i = 0; i < UNWIND_STOP_COUNT; i++)
		stops[i] += parked->stops[i];
}

void parked_close(struct parked *parked)
{
	if (!parked)
		return;
	for (size_t i = 0; i < parked->n; i++)
		free(parked->all[i].stack);
	free(parked->all);
	free(parked);
}
