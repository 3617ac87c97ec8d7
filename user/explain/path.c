/* SPDX-License-Identifier: Apache-2.0 */
/* The walk along the critical path, from the end of the run backwards. */
#include "explain/path.h"

#include <errno.h>

#include "explain/path_internal.h"
#include "explain/strings.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/index.h"

/* Where the walk is in a lane. */
struct spot {
	size_t episode; /* those from here on are passed */
	bool followed;  /* the path has gone to whoever ended the one before */
};

/* Waits of the same state and cause. */
struct group {
	uint64_t covered_ns; /* the path from here on has been in such a wait, or later than all */
	struct path_through through;
};

struct walk {
	const struct timeline *timeline;
	const struct thread_view *views;
	bool cut; /* no thread's end is that of the run */
	struct path *path;
	size_t room;
	uint64_t at_ns;
	size_t lane; /* SIZE_MAX: nobody's */
	struct spot *spots;
	struct run_index *threads;
	struct path_active *active;   /* NULL: not asked yet */
	struct path_holders *holders; /* NULL: not asked yet */
	size_t n_causes;
	const char **after; /* by cause: what the run queue after such a wait is called; NULL: not asked yet */
	uint32_t *group;    /* by cause */
	struct group *groups;
	size_t n_groups;
	struct path_tallies tallies;
};

static int add_segment(struct walk *walk, struct path_segment segment)
{
	struct path *path = walk->path;

	if (path->n_segments == walk->room) {
		size_t room = walk->room ? 2 * walk->room : 64;
		struct path_segment *segments = reallocarray(path->segments, room, sizeof(*segments));

		if (!segments)
			return -ENOMEM;
		path->segments = segments;
		walk->room = room;
	}
	path->segments[path->n_segments++] = segment;
	return 0;
}

/* The path from begin_ns until where it is: nothing, where that is not earlier. */
static int charge(struct walk *walk, uint64_t begin_ns, enum state state, const char *cause, uint64_t stack,
		  struct path_tally *tally)
{
	struct path_segment segment = {begin_ns, walk->at_ns, NULL, state, cause, stack};

	if (begin_ns >= walk->at_ns)
		return 0;
	if (walk->lane != SIZE_MAX)
		segment.thread = walk->timeline->lanes[walk->lane].thread;
	tally->thread = !tally->count || tally->thread == segment.thread ? segment.thread : NULL;
	tally->ns += walk->at_ns - begin_ns;
	tally->count++;
	walk->at_ns = begin_ns;
	return add_segment(walk, segment);
}

static int charge_nobody(struct walk *walk, uint64_t begin_ns)
{
	walk->lane = SIZE_MAX;
	return charge(walk, begin_ns, STATE_OTHER, PATH_NOBODY, 0, &walk->tallies.nobody);
}

static size_t position_of(const struct walk *walk, const struct timeline_cause *cause)
{
	return cause - walk->timeline->causes;
}

static int charge_wait(struct walk *walk, uint64_t begin_ns, const struct timeline_cause *cause)
{
	return charge(walk, begin_ns, cause->state, cause->cause, cause->wait ? cause->wait->stack : 0,
		      &walk->tallies.waits[position_of(walk, cause)]);
}

/* --- from thread to thread --- */

/* Goes on with a thread that was born before. It may have ended before: then nobody was alive in between, as far as is known. */
static int enter(struct walk *walk, size_t lane)
{
	uint64_t end_ns = walk->timeline->lanes[lane].end_ns;
	int err = end_ns < walk->at_ns ? charge_nobody(walk, end_ns) : 0;

	walk->lane = lane;
	return err;
}

static int enter_last_active(struct walk *walk)
{
	size_t lane;
	int err = walk->active ? 0 : path_active_new(walk->timeline, &walk->active);

	if (err)
		return err;
	lane = path_active_last(walk->active, walk->at_ns);
	return lane == SIZE_MAX ? charge_nobody(walk, 0) : enter(walk, lane);
}

static int enter_creator(struct walk *walk)
{
	uint64_t serial = walk->timeline->lanes[walk->lane].thread->parent;
	size_t parent = serial ? run_index_find(walk->threads, serial) : RUN_NOT_FOUND;

	if (parent != RUN_NOT_FOUND && walk->timeline->lanes[parent].begin_ns < walk->at_ns)
		return enter(walk, parent);
	return enter_last_active(walk);
}

/* How much a thread is the root's main one: that of the root's process, another one of it, any. */
static int rank_of(const struct run_thread *thread)
{
	return thread->process != 1 ? 0 : thread->tid != thread->pid ? 1 : 2;
}

/* The root's main thread ends last as a rule, with T. Where the run is cut off before, nobody's end says whom it waited for. */
static int enter_end(struct walk *walk)
{
	const struct timeline *timeline = walk->timeline;
	const struct lane *best = timeline->lanes;

	if (!timeline->n_lanes)
		return charge_nobody(walk, 0);
	for (size_t i = 1; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		if (lane->end_ns > best->end_ns ||
		    (lane->end_ns == best->end_ns && rank_of(lane->thread) > rank_of(best->thread)))
			best = lane;
	}
	walk->cut = timeline->run->attached || !best->thread->ended;
	if (walk->cut)
		return enter_last_active(walk);
	return enter(walk, best - timeline->lanes);
}

/* --- in a thread --- */

/* What is outside only because nothing is known of it is inside when a thread of the run has ended it: a signal from a child. */
static bool is_inside(const struct timeline_cause *cause)
{
	if (!cause->outside)
		return true;
	return cause->wait && cause->waker &&
	       (cause->wait->class == CLASS_SIGNAL || cause->wait->class == CLASS_STOPPED || cause->wait->class == CLASS_OTHER);
}

static struct group *group_of(struct walk *walk, const struct timeline_cause *cause)
{
	return &walk->groups[walk->group[position_of(walk, cause)]];
}

/* Of a lock's wait that nobody ended: who had the lock. The program's own account of it comes first. */
static int lane_of_holder(struct walk *walk, const struct timeline_cause *cause, uint64_t wake_ns, size_t *ret)
{
	int err = 0;

	*ret = SIZE_MAX;
	if (cause->state != STATE_LOCK)
		return 0;
	if (cause->holder) {
		*ret = timeline_lane(walk->timeline, cause->holder);
		return 0;
	}
	if (!walk->holders)
		err = path_holders_new(walk->timeline, &walk->holders);
	if (!err)
		*ret = path_holder(walk->holders, walk->timeline, cause, walk->lane, wake_ns);
	return err;
}

/* The lane of whoever ended the wait at wake_ns, or made it last until then; SIZE_MAX: the path does not go there. */
static int lane_to_follow(struct walk *walk, const struct timeline_cause *cause, uint64_t wake_ns, size_t *ret)
{
	int err = 0;

	*ret = SIZE_MAX;
	if (walk->spots[walk->lane].followed || !is_inside(cause))
		return 0;
	if (cause->waker)
		*ret = timeline_lane(walk->timeline, cause->waker);
	else
		err = lane_of_holder(walk, cause, wake_ns, ret);
	if (*ret != SIZE_MAX && (*ret == walk->lane || walk->timeline->lanes[*ret].begin_ns >= wake_ns))
		*ret = SIZE_MAX;
	return err;
}

/* The path leaves a wait that lasted from out_ns until where it is. */
static void pass_through(struct group *group, uint64_t out_ns, uint64_t at_ns)
{
	uint64_t until_ns = at_ns < group->covered_ns ? at_ns : group->covered_ns;

	group->through.count++;
	if (out_ns >= until_ns)
		return;
	group->through.ns += until_ns - out_ns;
	group->covered_ns = out_ns;
}

/* A wait that is the thread's own. */
static int leave_own_wait(struct walk *walk, uint64_t begin_ns, const struct timeline_cause *cause)
{
	size_t worker = SIZE_MAX;
	int err;

	if (walk->cut && walk->views && walk->views[walk->lane].idle)
		worker = path_worker_last(walk->timeline, walk->views, &begin_ns, walk->at_ns);
	err = charge_wait(walk, begin_ns, cause);
	if (worker != SIZE_MAX)
		walk->lane = worker;
	return err;
}

/* At the end of a wait, or in the middle of it. */
static int leave_wait(struct walk *walk, const struct run_episode *episode)
{
	const struct timeline_cause *cause = timeline_cause(walk->timeline, episode);
	/* At the end of the run nothing ends any more: it cuts off what is open. */
	bool whole = walk->at_ns == episode_wake_ns(episode) && walk->at_ns < walk->timeline->wall_ns;
	size_t waker = SIZE_MAX;
	int err = whole ? lane_to_follow(walk, cause, walk->at_ns, &waker) : 0;

	if (err)
		return err;
	if (waker == SIZE_MAX)
		return leave_own_wait(walk, episode->out_ns, cause);
	/* By the clocks of different CPUs it may have ended before. */
	if (walk->timeline->lanes[waker].end_ns < walk->at_ns) {
		uint64_t end_ns = walk->timeline->lanes[waker].end_ns;

		if (end_ns <= episode->out_ns)
			return charge_wait(walk, episode->out_ns, cause);
		err = charge_wait(walk, end_ns, cause);
		if (err)
			return err;
	}
	pass_through(group_of(walk, cause), episode->out_ns, walk->at_ns);
	walk->spots[walk->lane].followed = true;
	walk->lane = waker;
	return 0;
}

static int name_queue(struct walk *walk, const struct timeline_cause *cause, const char **ret)
{
	const char **name = &walk->after[position_of(walk, cause)];

	if (!*name)
		*name = strings_take(&walk->path->strings, text_format("after %s", CAUSE_LABEL(cause->state, cause->cause)));
	*ret = *name;
	return *name ? 0 : -ENOMEM;
}

/* The time from the wake-up, or the preemption, until a CPU was there. */
static int leave_queue(struct walk *walk, const struct run_episode *episode)
{
	const struct timeline_cause *cause = timeline_cause(walk->timeline, episode);
	uint64_t begin_ns = episode_wake_ns(episode), ns = walk->at_ns - begin_ns;
	const char *name;
	int err;

	if (!cause)
		return charge(walk, begin_ns, STATE_RUN_QUEUE, PATH_PREEMPTED, 0, &walk->tallies.preempted[walk->lane]);
	err = name_queue(walk, cause, &name);
	if (err)
		return err;
	if (episode->blocked_ns && is_inside(cause)) {
		struct path_through *through = &group_of(walk, cause)->through;

		through->handovers++;
		through->handover_ns += ns;
	}
	return charge(walk, begin_ns, STATE_RUN_QUEUE, name, cause->wait ? cause->wait->stack : 0,
		      &walk->tallies.queues[position_of(walk, cause)]);
}

/* From where the walk is in its lane to the next earlier edge of it. Each edge is passed once: then the lane's spot has moved. */
static int step(struct walk *walk)
{
	const struct lane *lane = &walk->timeline->lanes[walk->lane];
	struct spot *spot = &walk->spots[walk->lane];
	const struct run_episode *episode;
	int err;

	while (spot->episode && lane->episodes[spot->episode - 1].out_ns >= walk->at_ns)
		*spot = (struct spot){.episode = spot->episode - 1};
	episode = spot->episode ? &lane->episodes[spot->episode - 1] : NULL;
	err = charge(walk, episode ? episode_in_ns(episode) : lane->begin_ns, STATE_CPU, "", 0, &walk->tallies.cpus[walk->lane]);
	if (err || !walk->at_ns)
		return err;
	if (!episode)
		return enter_creator(walk);
	if (walk->at_ns > episode_wake_ns(episode))
		err = leave_queue(walk, episode);
	if (!err && walk->at_ns > episode->out_ns)
		err = leave_wait(walk, episode);
	return err;
}

static int walk_back(struct walk *walk)
{
	struct path *path = walk->path;
	int err = 0;

	walk->at_ns = walk->timeline->wall_ns;
	if (walk->at_ns)
		err = enter_end(walk);
	while (!err && walk->at_ns)
		err = step(walk);
	for (size_t i = 0; i < path->n_segments / 2; i++) {
		struct path_segment segment = path->segments[i];

		path->segments[i] = path->segments[path->n_segments - 1 - i];
		path->segments[path->n_segments - 1 - i] = segment;
	}
	return err;
}

/* --- all of it --- */

static int by_name(const void *a, const void *b)
{
	const struct timeline_cause *x = *(const struct timeline_cause *const *)a, *y = *(const struct timeline_cause *const *)b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	/* The timeline has each name once. */
	return (x->cause > y->cause) - (x->cause < y->cause);
}

static int group_causes(struct walk *walk)
{
	_cleanup_free_ const struct timeline_cause **causes = calloc(walk->n_causes, sizeof(*causes));
	size_t n = 0;

	walk->groups = calloc(walk->n_causes, sizeof(*walk->groups));
	if (!causes || !walk->groups)
		return -ENOMEM;
	for (size_t i = 0; i < walk->n_causes; i++)
		if (walk->timeline->causes[i].cause)
			causes[n++] = &walk->timeline->causes[i];
	if (n)
		qsort(causes, n, sizeof(*causes), by_name);
	for (size_t i = 0; i < n; i++) {
		if (!i || by_name(&causes[i - 1], &causes[i]))
			walk->groups[walk->n_groups++] = (struct group){
			    .covered_ns = UINT64_MAX, .through = {.state = causes[i]->state, .cause = causes[i]->cause}};
		walk->group[position_of(walk, causes[i])] = walk->n_groups - 1;
	}
	return 0;
}

static int by_time_behind(const void *a, const void *b)
{
	const struct path_through *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->handover_ns != y->handover_ns)
		return x->handover_ns > y->handover_ns ? -1 : 1;
	return x->state != y->state ? (int)x->state - (int)y->state : strcmp(x->cause, y->cause);
}

static int keep_groups(const struct walk *walk)
{
	struct path *path = walk->path;

	path->through = calloc(walk->n_groups + 1, sizeof(*path->through));
	if (!path->through)
		return -ENOMEM;
	for (size_t i = 0; i < walk->n_groups; i++)
		if (walk->groups[i].through.count || walk->groups[i].through.handovers)
			path->through[path->n_through++] = walk->groups[i].through;
	qsort(path->through, path->n_through, sizeof(*path->through), by_time_behind);
	return 0;
}

static int prepare(struct walk *walk)
{
	const struct timeline *timeline = walk->timeline;
	struct path_tallies *tallies = &walk->tallies;
	size_t lanes = timeline->n_lanes + 1;

	walk->n_causes = timeline->run->n_waits + CLASS_COUNT;
	walk->spots = calloc(lanes, sizeof(*walk->spots));
	walk->after = calloc(walk->n_causes, sizeof(*walk->after));
	walk->group = calloc(walk->n_causes, sizeof(*walk->group));
	tallies->waits = calloc(walk->n_causes, sizeof(*tallies->waits));
	tallies->queues = calloc(walk->n_causes, sizeof(*tallies->queues));
	tallies->preempted = calloc(lanes, sizeof(*tallies->preempted));
	tallies->cpus = calloc(lanes, sizeof(*tallies->cpus));
	if (!walk->spots || !walk->after || !walk->group || !tallies->waits || !tallies->queues || !tallies->preempted ||
	    !tallies->cpus)
		return -ENOMEM;
	for (size_t i = 0; i < timeline->n_lanes; i++)
		walk->spots[i].episode = timeline->lanes[i].n_episodes;
	return group_causes(walk);
}

static void finish(struct walk *walk)
{
	free(walk->spots);
	free(walk->after);
	free(walk->group);
	free(walk->groups);
	free(walk->tallies.waits);
	free(walk->tallies.queues);
	free(walk->tallies.preempted);
	free(walk->tallies.cpus);
	path_active_free(walk->active);
	path_holders_free(walk->holders);
	run_index_free(walk->threads);
}

int path_open(const struct timeline *timeline, const struct thread_view *threads, struct path **ret)
{
	struct path *path = calloc(1, sizeof(*path));
	struct walk walk = {.timeline = timeline, .views = threads, .path = path};
	int err = path ? run_index_threads(timeline->run, &walk.threads) : -ENOMEM;

	if (!err)
		err = prepare(&walk);
	if (!err)
		err = walk_back(&walk);
	if (!err)
		err = keep_groups(&walk);
	if (!err) {
		path->wall_ns = timeline->wall_ns;
		err = path_sum(timeline, &walk.tallies, walk.after, path);
	}
	if (!err)
		err = path_tell(path);
	finish(&walk);
	if (err)
		path_close(path);
	else
		*ret = path;
	return err;
}

void path_close(struct path *path)
{
	if (!path)
		return;
	free(path->segments);
	free(path->rows);
	free(path->threads);
	free(path->through);
	free(path->sentence);
	strings_free(path->strings);
	free(path);
}
