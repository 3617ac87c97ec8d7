/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the experiment that a finding proposes would bring. A few, of runs of moderate length: the report must not wait for them. A prediction
 * that cannot be had, is doubtful or promises little is left out; it is no reason for the report to fail.
 */
#include <errno.h>
#include <string.h>

#include "explain/internal.h"
#include "explain/predict.h"
#include "explain/timeline.h"
#include "lib/text.h"

#define PREDICTIONS_MAX 2
#define EPISODES_MAX    200000
#define SPEEDUP_LEAST   1.05

static const struct {
	const char *rule;
	struct predict_change change;
	const char *words; /* what is changed */
} experiments[] = {
    {"lock", {.kind = PREDICT_WITHOUT_LOCK}, "Without this lock"},
    {"run_queue", {.kind = PREDICT_CPUS}, "On twice as many CPUs"},
    {"peer", {.kind = PREDICT_SCALE_WAIT, .factor = 0.5}, "If these waits took half the time"},
    {"disk", {.kind = PREDICT_SCALE_WAIT, .factor = 0.5}, "If these waits took half the time"},
    {"sleep", {.kind = PREDICT_SCALE_WAIT, .factor = 0.5}, "If these waits took half the time"},
};

#define EXPERIMENTS (sizeof(experiments) / sizeof(experiments[0]))

static size_t experiment_of(const struct explanation *explanation, const struct finding *finding)
{
	for (size_t i = 0; i < EXPERIMENTS; i++) {
		if (strcmp(experiments[i].rule, finding->rule) != 0)
			continue;
		return experiments[i].change.kind == PREDICT_CPUS ? (explanation->cpus ? i : EXPERIMENTS)
								  : (finding->cause[0] ? i : EXPERIMENTS);
	}
	return EXPERIMENTS;
}

static int add_words(struct finding *finding, const char *words, const struct prediction *prediction)
{
	char *text;

	if (prediction->refused || prediction->doubtful || prediction->speedup < SPEEDUP_LEAST)
		return 0;
	text = text_format("%s%s%s about %s instead of %s (predicted).", finding->try_next, finding->try_next[0] ? " " : "",
			   words, FIGURE_NS(prediction->predicted_ns), FIGURE_NS(prediction->measured_ns));
	if (!text)
		return -ENOMEM;
	free(finding->try_next);
	finding->try_next = text;
	return 0;
}

int explain_predictions(struct explanation *explanation)
{
	int err = 0;

	if (!explanation->timeline || explanation->run->n_episodes > EPISODES_MAX || explanation->at_rest)
		return 0;
	for (size_t i = 0, n = 0; !err && i < explanation->n_findings && n < PREDICTIONS_MAX; i++) {
		struct finding *finding = &explanation->findings[i];
		size_t which = experiment_of(explanation, finding);
		struct prediction *prediction = NULL;
		struct predict_change change;

		if (which == EXPERIMENTS)
			continue;
		change = experiments[which].change;
		change.cause = finding->cause;
		change.number = 2 * explanation->cpus;
		n++;
		if (predict(explanation, &change, &prediction))
			continue;
		err = add_words(finding, experiments[which].words, prediction);
		prediction_free(prediction);
	}
	return err;
}
