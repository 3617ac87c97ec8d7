/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/path.h"
#include "explain/strings.h"
#include "explain/timeline.h"

static int explain(struct explanation *explanation, const struct explain_options *options)
{
	int err = run_check(explanation->run, NULL);

	if (!err && !explanation->wall_ns)
		err = -EINVAL;
	if (!err)
		err = explain_waits(explanation, options);
	if (!err)
		err = explain_budget(explanation);
	if (err)
		return err;
	explain_judge_rest(explanation);
	explain_one_worker(explanation);
	explain_checks(explanation);
	err = timeline_open(explanation->run, options, &explanation->timeline);
	if (!err)
		err = path_open(explanation->timeline, explanation->threads, &explanation->path);
	if (err == -ENODATA)
		err = 0;
	if (!err)
		err = explain_hot_functions(explanation, options);
	if (!err)
		err = explain_unfinished(explanation);
	if (!err)
		err = explain_findings(explanation);
	if (!err)
		err = explain_predictions(explanation);
	if (!err)
		err = explain_headline(explanation);
	explain_merge_waits(explanation);
	return err;
}

int explain_run(const struct run *run, const struct explain_options *options, struct explanation **ret)
{
	struct explanation *explanation = calloc(1, sizeof(*explanation));
	int err;

	if (!explanation)
		return -ENOMEM;
	explanation->run = run;
	explanation->wall_ns = run->end_ns - run->begin_ns;
	explanation->cpus = options ? options->cpus : 0;
	err = explain(explanation, options);
	if (err)
		explanation_free(explanation);
	else
		*ret = explanation;
	return err;
}

void explanation_free(struct explanation *explanation)
{
	if (!explanation)
		return;
	for (size_t i = 0; i < explanation->n_findings; i++) {
		free(explanation->findings[i].sentence);
		free(explanation->findings[i].cause);
		free(explanation->findings[i].try_next);
	}
	free(explanation->threads);
	free(explanation->processes);
	free(explanation->waits);
	free(explanation->thread_waits);
	free(explanation->hot);
	path_close(explanation->path);
	timeline_close(explanation->timeline);
	strings_free(explanation->strings);
	free(explanation->causes);
	free(explanation->topics);
	free(explanation->findings);
	free(explanation->headline);
	free(explanation);
}
