/* SPDX-License-Identifier: Apache-2.0 */
/* From lanes to programs: what each thread does to others at which point of its CPU time. */
#include <errno.h>
#include <string.h>

#include "explain/predict_locks.h"
#include "lib/cleanup.h"
#include "profile/index.h"

#define ENDS_TOGETHER_NS 1000000 /* the root's end and the run's */
#define NO_LANE          UINT32_MAX

/* What becomes of an episode. */
enum part { PART_NONE, PART_SLEEP, PART_WAIT, PART_PARK };

struct child {
	uint32_t parent, lane;
	uint64_t end_ns;
};

struct builder {
	const struct timeline *timeline;
	const struct fates *fates;
	const struct capacity *capacity;
	enum lock_mode mode;
	struct run_index *index;
	uint32_t *parents; /* by lane; NO_LANE: none */
	uint8_t *parts;    /* by episode: enum part */
	bool *vain;        /* by episode: a wait for a lock that did not get it */
	uint32_t *needs;   /* by episode: how many signals */
	uint32_t *places;  /* by episode: its step + 1 */
	struct actions actions;
	struct child *children; /* that ended, by parent and end */
	size_t n_children;
	struct program *program;
};

int actions_add(struct actions *actions, const struct action *action)
{
	if (actions->n == actions->room) {
		size_t room = actions->room ? 2 * actions->room : 1024;
		struct action *items = reallocarray(actions->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		actions->items = items;
		actions->room = room;
	}
	actions->items[actions->n++] = *action;
	return 0;
}

static size_t place_of(const struct builder *builder, const struct run_episode *episode)
{
	return episode - builder->timeline->run->episodes;
}

/* Still open when the measurement ended. */
static bool is_open(const struct lane *lane, const struct run_episode *episode)
{
	return !lane->thread->ended && episode == &lane->episodes[lane->n_episodes - 1] && episode_in_ns(episode) >= lane->end_ns;
}

/* Handing a lock on in the recorded order, a time that its waiter was willing to wait is none that it must wait. */
static bool is_patience(const struct builder *builder, const struct lane *lane, const struct run_episode *episode)
{
	const struct timeline_cause *next;

	if (episode + 1 >= lane->episodes + lane->n_episodes)
		return false;
	next = timeline_cause(builder->timeline, episode + 1);
	return next && next->cause == timeline_cause(builder->timeline, episode)->cause;
}

static enum part part_of(const struct builder *builder, const struct lane *lane, const struct run_episode *episode)
{
	const struct timeline_cause *cause = timeline_cause(builder->timeline, episode);

	if (!cause)
		return PART_NONE;
	if (builder->fates->changed[cause - builder->timeline->causes])
		return builder->fates->factor > 0 ? PART_SLEEP : PART_NONE;
	if (is_open(lane, episode))
		return PART_PARK;
	if (is_inner_lock(cause) && builder->mode == LOCKS_EXCLUDE)
		return PART_NONE;
	if (cause->waker && cause->waker != lane->thread)
		return PART_WAIT;
	if (is_inner_lock(cause) && is_patience(builder, lane, episode))
		return PART_NONE;
	return PART_SLEEP;
}

static int add_signal(struct builder *builder, const struct run_episode *episode, uint32_t lane, uint64_t at_ns)
{
	size_t place = place_of(builder, episode);

	builder->needs[place]++;
	return actions_add(&builder->actions,
			   &(struct action){.at_ns = at_ns, .lane = lane, .kind = STEP_SIGNAL, .target = place});
}

static int add_wakes(struct builder *builder)
{
	const struct timeline *timeline = builder->timeline;
	int err = 0;

	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		for (size_t k = 0; !err && k < lane->n_episodes; k++) {
			const struct run_episode *episode = &lane->episodes[k];
			enum part part = part_of(builder, lane, episode);

			builder->parts[place_of(builder, episode)] = part;
			if (part == PART_WAIT)
				err = add_signal(builder, episode,
						 timeline_lane(timeline, timeline_cause(timeline, episode)->waker),
						 episode_wake_ns(episode));
		}
	}
	return err;
}

static int by_parent_and_end(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return x->lane < y->lane ? -1 : x->lane > y->lane;
}

static int find_parents(struct builder *builder)
{
	const struct timeline *timeline = builder->timeline;
	int err = run_index_threads(timeline->run, &builder->index);

	for (size_t i = 0; !err && i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];
		size_t parent = lane->thread->parent ? run_index_find(builder->index, lane->thread->parent) : RUN_NOT_FOUND;

		builder->parents[i] = parent == RUN_NOT_FOUND || parent == i ? NO_LANE : parent;
		if (builder->parents[i] == NO_LANE)
			continue;
		if (lane->thread->ended)
			builder->children[builder->n_children++] =
			    (struct child){.parent = parent, .lane = i, .end_ns = lane->end_ns};
		/* What lived when the measurement began was not created in it. */
		if (lane->begin_ns)
			err = actions_add(
			    &builder->actions,
			    &(struct action){.at_ns = lane->begin_ns, .lane = parent, .kind = STEP_BIRTH, .target = i});
	}
	qsort(builder->children, builder->n_children, sizeof(*builder->children), by_parent_and_end);
	return err;
}

/* A wait for ends: it needs the ends of all children that had ended by then and that no wait before it needed. */
static int add_ends(struct builder *builder, const struct run_episode *episode, const struct child **child,
		    const struct child *end)
{
	const struct timeline_cause *cause = timeline_cause(builder->timeline, episode);
	size_t place = place_of(builder, episode);
	int err = 0;

	for (; !err && *child < end && (*child)->end_ns <= episode_wake_ns(episode) + ENDS_TOGETHER_NS; ++*child) {
		const struct lane *lane = &builder->timeline->lanes[(*child)->lane];

		if ((builder->parts[place] == PART_WAIT && cause->waker == lane->thread) ||
		    (builder->parts[place] != PART_WAIT && builder->parts[place] != PART_SLEEP))
			continue;
		builder->parts[place] = PART_WAIT;
		err = add_signal(builder, episode, (*child)->lane, lane->end_ns);
	}
	return err;
}

static int add_joins(struct builder *builder)
{
	const struct child *child = builder->children, *all = child + builder->n_children;
	int err = 0;

	while (!err && child < all) {
		const struct lane *lane = &builder->timeline->lanes[child->parent];
		const struct child *end = child;

		while (end < all && end->parent == child->parent)
			end++;
		for (size_t k = 0; !err && k < lane->n_episodes; k++) {
			const struct timeline_cause *cause = timeline_cause(builder->timeline, &lane->episodes[k]);

			if (cause && cause->join && !builder->fates->changed[cause - builder->timeline->causes])
				err = add_ends(builder, &lane->episodes[k], &child, end);
		}
		child = end;
	}
	return err;
}

static int by_lane_and_time(const void *a, const void *b)
{
	const struct action *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->target < y->target ? -1 : x->target > y->target;
}

/* By lane, each lane's in the order of time. *ret: n_lanes + 1 positions, for free(). */
static int sort_actions(struct builder *builder, size_t **ret)
{
	size_t n_lanes = builder->timeline->n_lanes;
	size_t *begins = calloc(n_lanes + 2, sizeof(*begins));
	struct action *sorted = calloc(builder->actions.n + 1, sizeof(*sorted));

	if (!begins || !sorted) {
		free(begins);
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < builder->actions.n; i++)
		begins[builder->actions.items[i].lane + 2]++;
	for (size_t i = 2; i < n_lanes + 2; i++)
		begins[i] += begins[i - 1];
	for (size_t i = 0; i < builder->actions.n; i++)
		sorted[begins[builder->actions.items[i].lane + 1]++] = builder->actions.items[i];
	for (size_t i = 0; i < n_lanes; i++)
		qsort(sorted + begins[i], begins[i + 1] - begins[i], sizeof(*sorted), by_lane_and_time);
	free(builder->actions.items);
	builder->actions.items = sorted;
	*ret = begins;
	return 0;
}

static void put_step(struct builder *builder, const struct step *step)
{
	builder->program->steps[builder->program->input.n_steps++] = *step;
}

static void put_episode(struct builder *builder, const struct run_episode *episode, uint64_t at_ns)
{
	static const enum step_kind kinds[] = {[PART_SLEEP] = STEP_SLEEP, [PART_WAIT] = STEP_WAIT, [PART_PARK] = STEP_PARK};
	size_t place = place_of(builder, episode);
	struct step step = {.at_ns = at_ns};

	if (builder->parts[place] == PART_NONE)
		return;
	step.kind = kinds[builder->parts[place]];
	step.cause = cause_index(builder->timeline, episode);
	if (step.kind == STEP_WAIT)
		step.ns = builder->needs[place];
	else
		step.ns = episode->blocked_ns * (builder->fates->changed[step.cause] ? builder->fates->factor : 1);
	put_step(builder, &step);
	builder->places[place] = builder->program->input.n_steps;
}

/* What a thread does before `until_ns`; what seems to happen while it is off its CPU since `out_ns` happens then. */
static void put_actions(struct builder *builder, const struct action **action, const struct action *end, uint64_t until_ns,
			uint64_t begin_ns, uint64_t out_ns, uint64_t cpu_ns)
{
	for (; *action < end && (*action)->at_ns < until_ns; ++*action) {
		uint64_t at_ns = (*action)->at_ns < out_ns ? (*action)->at_ns : out_ns;

		at_ns = at_ns > begin_ns ? at_ns : begin_ns;
		put_step(builder, &(struct step){.at_ns = cpu_ns + at_ns - begin_ns,
						 .kind = (*action)->kind,
						 .target = (*action)->target,
						 .cause = (*action)->cause});
	}
}

/*
 * That others had a CPU, when this thread wanted it, is like work of its own there; but not when it was to find the lock taken again: that
 * kept nobody from anything.
 */
static uint64_t lost_ns(const struct builder *builder, const struct run_episode *episode)
{
	const struct timeline_cause *cause = timeline_cause(builder->timeline, episode);
	size_t place = place_of(builder, episode);
	double part = builder->vain[place] ? 0 : builder->capacity->lost_part;

	/* Who does not wait is not put behind another one when it is woken. */
	if (cause && builder->fates->changed[cause - builder->timeline->causes])
		part *= builder->capacity->others_part;
	return builder->capacity->lost_ns[place] * part;
}

static void put_lane(struct builder *builder, const struct lane *lane, const struct action *action, const struct action *end)
{
	struct piece *piece = &builder->program->threads[lane - builder->timeline->lanes].piece;
	uint64_t cpu_ns = 0, begin_ns = lane->begin_ns, lost;

	piece->first = builder->program->input.n_steps;
	for (size_t i = 0; i < lane->n_episodes; i++) {
		const struct run_episode *episode = &lane->episodes[i];

		put_actions(builder, &action, end, episode_in_ns(episode), begin_ns, episode->out_ns, cpu_ns);
		cpu_ns += episode->out_ns - begin_ns;
		begin_ns = episode_in_ns(episode);
		put_episode(builder, episode, cpu_ns);
		lost = lost_ns(builder, episode);
		cpu_ns += lost;
		builder->program->lost_ns += lost;
	}
	put_actions(builder, &action, end, UINT64_MAX, begin_ns, lane->end_ns > begin_ns ? lane->end_ns : begin_ns, cpu_ns);
	piece->to_ns = cpu_ns + (lane->end_ns > begin_ns ? lane->end_ns - begin_ns : 0);
	piece->end = builder->program->input.n_steps;
}

/* Which ends are the run's: those of the root process, or, when it goes on without that one, all. */
static void choose_ends(struct builder *builder)
{
	const struct timeline *timeline = builder->timeline;
	const struct run *run = timeline->run;
	uint64_t root_ns = 0, all_ns = 0;
	bool by_root;

	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		if (lane->thread->process == run->processes[0].id && lane->end_ns > root_ns)
			root_ns = lane->end_ns;
		if (lane->end_ns > all_ns)
			all_ns = lane->end_ns;
	}
	by_root = !run->attached && root_ns && root_ns + ENDS_TOGETHER_NS >= timeline->wall_ns;
	for (size_t i = 0; i < timeline->n_lanes; i++)
		builder->program->threads[i].counts = !by_root || timeline->lanes[i].thread->process == run->processes[0].id;
	builder->program->tail_ns = timeline->wall_ns - (by_root ? root_ns : all_ns);
}

static int put_all(struct builder *builder)
{
	const struct timeline *timeline = builder->timeline;
	struct program *program = builder->program;
	_cleanup_free_ size_t *begins = NULL;
	int err = sort_actions(builder, &begins);

	if (err)
		return err;
	program->steps = calloc(builder->actions.n + timeline->run->n_episodes + 1, sizeof(*program->steps));
	program->threads = calloc(timeline->n_lanes + 1, sizeof(*program->threads));
	if (!program->steps || !program->threads)
		return -ENOMEM;
	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		program->threads[i].pool = program->threads[i].also = REPLAY_NOBODY;
		program->threads[i].start_ns = lane->begin_ns;
		if (lane->begin_ns && builder->parents[i] != NO_LANE)
			program->threads[i].start_ns = REPLAY_BORN_BY_STEP;
		put_lane(builder, lane, builder->actions.items + begins[i], builder->actions.items + begins[i + 1]);
	}
	for (size_t i = 0; i < program->input.n_steps; i++)
		if (program->steps[i].kind == STEP_SIGNAL)
			program->steps[i].target = builder->places[program->steps[i].target] - 1;
	choose_ends(builder);
	return 0;
}

static void builder_close(struct builder *builder)
{
	run_index_free(builder->index);
	free(builder->parents);
	free(builder->parts);
	free(builder->needs);
	free(builder->vain);
	free(builder->places);
	free(builder->children);
	free(builder->actions.items);
}

static int builder_open(struct builder *builder)
{
	size_t n_lanes = builder->timeline->n_lanes + 1, n_episodes = builder->timeline->run->n_episodes + 1;

	builder->parents = calloc(n_lanes, sizeof(*builder->parents));
	builder->children = calloc(n_lanes, sizeof(*builder->children));
	builder->parts = calloc(n_episodes, sizeof(*builder->parts));
	builder->needs = calloc(n_episodes, sizeof(*builder->needs));
	builder->vain = calloc(n_episodes, sizeof(*builder->vain));
	builder->places = calloc(n_episodes, sizeof(*builder->places));
	return builder->parents && builder->children && builder->parts && builder->vain && builder->needs && builder->places
		   ? 0
		   : -ENOMEM;
}

/* Steps are counted in 32 bits, as episodes' threads and waits are. */
static bool is_too_long(const struct timeline *timeline)
{
	return timeline->run->n_episodes > UINT32_MAX / 8 || timeline->n_lanes > UINT32_MAX / 8;
}

int program_build(const struct timeline *timeline, const struct fates *fates, const struct capacity *capacity,
		  enum lock_mode mode, struct program *ret)
{
	struct builder builder = {.timeline = timeline, .fates = fates, .capacity = capacity, .mode = mode, .program = ret};
	int err;

	*ret = (struct program){0};
	err = is_too_long(timeline) ? -ENOMEM : builder_open(&builder);
	if (!err)
		err = find_parents(&builder);
	if (!err)
		err = add_wakes(&builder);
	if (!err)
		err = add_joins(&builder);
	if (!err && mode == LOCKS_EXCLUDE)
		err = locks_infer(timeline, fates, &builder.actions, builder.vain, &ret->locks, &ret->input.n_locks);
	if (!err)
		err = put_all(&builder);
	builder_close(&builder);
	if (err) {
		program_free(ret);
		return err;
	}
	ret->input.steps = ret->steps;
	ret->input.threads = ret->threads;
	ret->input.n_threads = timeline->n_lanes;
	ret->input.locks = ret->locks;
	ret->input.n_causes = fates->n;
	return 0;
}

void program_free(struct program *program)
{
	free(program->steps);
	free(program->threads);
	free(program->locks);
	free(program->pools);
	free(program->items);
	free(program->ends);
	*program = (struct program){0};
}
