/* SPDX-License-Identifier: Apache-2.0 */
#include "export/json_path.h"

#include "explain/path.h"

static void put_rows(struct json *json, const struct path *path)
{
	json_open(json, "rows", '[');
	for (size_t i = 0; i < path->n_rows; i++) {
		const struct path_row *row = &path->rows[i];

		json_open(json, NULL, '{');
		json_string(json, "state", state_info[row->state].name);
		json_string(json, "cause", row->cause);
		json_string(json, "function", row->function);
		json_number(json, "ns", row->ns);
		json_number(json, "count", row->count);
		json_number(json, "threads", row->n_threads);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_threads(struct json *json, const struct path *path)
{
	json_open(json, "threads", '[');
	for (size_t i = 0; i < path->n_threads; i++) {
		json_open(json, NULL, '{');
		json_number(json, "thread", path->threads[i].thread->id);
		json_number(json, "ns", path->threads[i].ns);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_through(struct json *json, const struct path *path)
{
	json_open(json, "through", '[');
	for (size_t i = 0; i < path->n_through; i++) {
		const struct path_through *through = &path->through[i];

		json_open(json, NULL, '{');
		json_string(json, "state", state_info[through->state].name);
		json_string(json, "cause", through->cause);
		json_number(json, "count", through->count);
		json_number(json, "ns", through->ns);
		json_number(json, "handovers", through->handovers);
		json_number(json, "handover_ns", through->handover_ns);
		json_close(json, '}');
	}
	json_close(json, ']');
}

void json_path(struct json *json, const struct path *path)
{
	if (!path) {
		json_null(json, "critical_path");
		return;
	}
	json_open(json, "critical_path", '{');
	json_number(json, "wall_ns", path->wall_ns);
	json_number(json, "cpu_ns", path->cpu_ns);
	json_number(json, "sampled_ns", path->sampled_ns);
	json_number(json, "samples", path->samples);
	json_string(json, "sentence", path->sentence);
	json_number(json, "segments_count", path->n_segments);
	put_rows(json, path);
	put_threads(json, path);
	put_through(json, path);
	json_close(json, '}');
}

void json_path_items(struct json *json, const struct comparison *comparison)
{
	if (!comparison->before->path || !comparison->after->path) {
		json_null(json, "path_items");
		return;
	}
	json_open(json, "path_items", '[');
	for (size_t i = 0; i < comparison->n_path_items; i++) {
		const struct path_difference *item = &comparison->path_items[i];

		json_open(json, NULL, '{');
		json_string(json, "state", state_info[item->state].name);
		json_string(json, "cause", item->cause);
		json_string(json, "function", item->function);
		json_number(json, "before_ns", item->before_ns);
		json_number(json, "after_ns", item->after_ns);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_signed(json, "path_residual_ns", comparison->path_residual_ns);
}
