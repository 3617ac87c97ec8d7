/* SPDX-License-Identifier: Apache-2.0 */
#include "export/prediction.h"

#include "export/writer.h"

#define JSON_SCHEMA 1

static void put_figures(struct json *json, const struct prediction *prediction)
{
	json_number(json, "measured_ns", prediction->measured_ns);
	json_number(json, "replayed_ns", prediction->replayed_ns);
	json_real(json, "replay_error", prediction->replay_error);
	json_bool(json, "doubtful", prediction->doubtful);
	json_number(json, "predicted_ns", prediction->predicted_ns);
	json_real(json, "speedup", prediction->speedup);
	json_number(json, "cpus", prediction->cpus);
	json_number(json, "cpus_seen", prediction->cpus_seen);
	json_real(json, "running", prediction->running);
	json_number(json, "forced", prediction->forced);
	json_string(json, "sentence", prediction->headline);
	json_string(json, "calibration", prediction->calibration);
	json_string(json, "limit", prediction->limit);
	json_open(json, "assumptions", '[');
	for (char *const *assumption = prediction->assumptions; *assumption; assumption++)
		json_string(json, NULL, *assumption);
	json_close(json, ']');
}

int export_prediction(FILE *out, const struct prediction_output *output)
{
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	json_number(&json, "schema", JSON_SCHEMA);
	json_string(&json, "version", output->host->version);
	json_string(&json, "run", output->run);
	json_open(&json, "prediction", '{');
	json_string(&json, "change", output->prediction->change);
	json_string(&json, "refused", output->prediction->refused);
	if (!output->prediction->refused)
		put_figures(&json, output->prediction);
	json_close(&json, '}');
	json_close(&json, '}');
	return json_end(&json);
}
