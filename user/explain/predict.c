/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/predict.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "explain/predict_internal.h"
#include "lib/text.h"

/* The replay with locks as mutual exclusion is preferred, as it lets the order change; unless it is worse by more than this. */
#define EXCLUDE_GOOD  0.05
#define EXCLUDE_WORSE 0.02

/* One prediction in the making. */
struct study {
	const struct explanation *explanation;
	const struct timeline *timeline;
	const struct predict_change *change;
	struct kinds kinds;
	struct fates none, fates;
	struct capacity capacity;
	enum lock_mode mode;
	bool locks;
	struct program program;
	struct replay_result result;
	struct pool_found pool;
	uint64_t dealt_ns;
	struct prediction *prediction;
};

static int fates_open(struct fates *fates, const struct timeline *timeline)
{
	*fates = (struct fates){.n = timeline->run->n_waits + CLASS_COUNT, .factor = 1};
	fates->changed = calloc(fates->n + 1, sizeof(*fates->changed));
	return fates->changed ? 0 : -ENOMEM;
}

/* *ret: the wall time; 0 when the replay does not come to its end. The program and the result are the study's. */
static int replay_with(struct study *study, const struct fates *fates, enum lock_mode mode, unsigned int cpus,
		       unsigned int threads, bool deal, uint64_t *ret)
{
	int err;

	program_free(&study->program);
	replay_free(&study->result);
	*ret = 0;
	err = program_build(study->timeline, fates, &study->capacity, mode, &study->program);
	if (err)
		return err;
	if (deal) {
		pool_found_free(&study->pool);
		err = program_deal(&study->program, study->timeline, &study->kinds, threads, &study->pool);
	}
	if (err)
		return err;
	study->program.input.cpus = cpus;
	study->program.input.latency_ns = study->capacity.latency_ns;
	err = replay(&study->program.input, &study->result);
	if (err == -EDEADLK)
		return 0;
	if (!err)
		*ret = study->result.end_ns + study->program.tail_ns;
	return err;
}

static double error_of(const struct study *study, uint64_t replayed_ns)
{
	return ((double)replayed_ns - (double)study->timeline->wall_ns) / (double)study->timeline->wall_ns;
}

/* Without a change: which way to replay locks comes closer to what was measured. */
static int calibrate(struct study *study)
{
	struct prediction *prediction = study->prediction;
	uint64_t excluded_ns = 0, ordered_ns = 0;
	double excluded, ordered;
	int err;

	for (size_t i = 0; i < study->kinds.n; i++)
		study->locks |= study->kinds.items[i].inner_lock && study->kinds.items[i].total_ns;
	err = replay_with(study, &study->none, LOCKS_EXCLUDE, study->capacity.cpus, 0, false, &excluded_ns);
	if (!err && study->locks && study->change->kind != PREDICT_THREADS)
		err = replay_with(study, &study->none, LOCKS_IN_ORDER, study->capacity.cpus, 0, false, &ordered_ns);
	if (err)
		return err;
	excluded = fabs(error_of(study, excluded_ns));
	ordered = fabs(error_of(study, ordered_ns));
	study->mode = LOCKS_EXCLUDE;
	if (ordered_ns && excluded > EXCLUDE_GOOD && excluded > ordered + EXCLUDE_WORSE)
		study->mode = LOCKS_IN_ORDER;
	prediction->replayed_ns = study->mode == LOCKS_EXCLUDE ? excluded_ns : ordered_ns;
	prediction->replay_error = error_of(study, prediction->replayed_ns);
	prediction->doubtful = fabs(prediction->replay_error) > PREDICT_ERROR_MAX;
	if (!prediction->replayed_ns)
		prediction->refused =
		    strdup("The recorded waits do not fit each other: a replay of them does not come to its end.");
	return prediction->replayed_ns || prediction->refused ? 0 : -ENOMEM;
}

static int refuse_pool(struct study *study, int err)
{
	struct prediction *prediction = study->prediction;

	if (err == -ENOENT)
		prediction->refused =
		    strdup("No pool of workers is seen in this run: no thread created several of one name (numbers apart) "
			   "that lived at the same time.");
	else
		prediction->refused =
		    text_format("What the workers (%s, %u at a time) do cannot be cut into items: they hardly ever wait "
				"between them, and how they take them is not recorded. Run it with another number of "
				"workers instead.",
				study->pool.name ? study->pool.name : "?", study->pool.number);
	return prediction->refused ? 0 : -ENOMEM;
}

static int change_threads(struct study *study, uint64_t *ret)
{
	int err = replay_with(study, &study->none, study->mode, study->capacity.cpus, 0, true, &study->dealt_ns);

	if (!err)
		err = replay_with(study, &study->none, study->mode, study->capacity.cpus, study->change->number, true, ret);
	return err == -ENOENT || err == -ESRCH ? refuse_pool(study, err) : err;
}

static int change_waits(struct study *study, uint64_t *ret)
{
	int err = kinds_select(&study->kinds, study->change, &study->fates, &study->prediction->refused);

	if (err)
		return err == -ENOENT ? 0 : err;
	study->fates.factor = study->change->kind == PREDICT_WITHOUT_LOCK ? 0 : study->change->factor;
	return replay_with(study, &study->fates, study->mode, study->capacity.cpus, 0, false, ret);
}

static int apply(struct study *study)
{
	struct prediction *prediction = study->prediction;
	uint64_t predicted_ns = 0, used_ns;
	int err;

	prediction->cpus = study->capacity.cpus;
	switch (study->change->kind) {
	case PREDICT_CPUS:
		prediction->cpus = study->change->number;
		capacity_set_cpus(&study->capacity, study->timeline, study->change->number);
		err = replay_with(study, &study->none, study->mode, study->change->number, 0, false, &predicted_ns);
		break;
	case PREDICT_THREADS:
		err = change_threads(study, &predicted_ns);
		break;
	default:
		err = change_waits(study, &predicted_ns);
		break;
	}
	if (err || prediction->refused)
		return err;
	if (!predicted_ns) {
		prediction->refused =
		    strdup("With the change, the recorded waits do not fit each other: the replay does not come to its end.");
		return prediction->refused ? 0 : -ENOMEM;
	}
	prediction->predicted_ns = predicted_ns;
	prediction->speedup = (double)prediction->measured_ns / predicted_ns;
	used_ns = study->result.cpu_ns > study->program.lost_ns ? study->result.cpu_ns - study->program.lost_ns : 0;
	prediction->running = (double)used_ns / (study->result.end_ns ? study->result.end_ns : 1);
	prediction->in_use = (double)study->result.cpu_ns / (study->result.end_ns ? study->result.end_ns : 1);
	prediction->forced = study->result.forced;
	return 0;
}

static int make(struct study *study)
{
	int err = kinds_open(study->timeline, &study->kinds);

	if (!err)
		err = fates_open(&study->none, study->timeline);
	if (!err)
		err = fates_open(&study->fates, study->timeline);
	if (!err)
		err = capacity_measure(study->timeline, study->explanation->cpus, &study->capacity);
	if (err)
		return err;
	study->prediction->measured_ns = study->timeline->wall_ns;
	study->prediction->cpus_seen = study->capacity.cpus;
	study->prediction->confined = study->capacity.confined;
	err = calibrate(study);
	if (!err && !study->prediction->refused)
		err = apply(study);
	return err;
}

static int tell(const struct study *study)
{
	struct telling telling = {.explanation = study->explanation,
				  .change = study->change,
				  .kinds = &study->kinds,
				  .capacity = &study->capacity,
				  .fates = &study->fates,
				  .program = &study->program,
				  .result = &study->result,
				  .pool = study->pool.name ? &study->pool : NULL,
				  .dealt_ns = study->dealt_ns,
				  .mode = study->mode,
				  .locks = study->locks};

	return predict_tell(&telling, study->prediction);
}

int predict(const struct explanation *explanation, const struct predict_change *change, struct prediction **ret)
{
	struct study study = {.explanation = explanation, .timeline = explanation->timeline, .change = change};
	int err;

	if (!study.timeline)
		return -ENODATA;
	study.prediction = calloc(1, sizeof(*study.prediction));
	if (!study.prediction)
		return -ENOMEM;
	err = make(&study);
	if (!err)
		err = tell(&study);
	program_free(&study.program);
	replay_free(&study.result);
	pool_found_free(&study.pool);
	kinds_close(&study.kinds);
	capacity_free(&study.capacity);
	free(study.none.changed);
	free(study.fates.changed);
	if (err)
		prediction_free(study.prediction);
	else
		*ret = study.prediction;
	return err;
}

void prediction_free(struct prediction *prediction)
{
	if (!prediction)
		return;
	for (size_t i = 0; i < PREDICT_ASSUMPTIONS; i++)
		free(prediction->assumptions[i]);
	free(prediction->refused);
	free(prediction->change);
	free(prediction->headline);
	free(prediction->calibration);
	free(prediction->limit);
	free(prediction);
}
