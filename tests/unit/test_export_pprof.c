/* SPDX-License-Identifier: Apache-2.0 */
/* pprof's profile, unpacked: its values are the account, and everything that is referred to is there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

#include "export/utf8.h"
#include "flame_fixture.h"
#include "pprof.pb-c.h"

typedef Perftools__Profiles__Profile profile_t;
typedef Perftools__Profiles__Sample sample_t;

#define ROOM (16u << 20)

static profile_t *profile_of(const struct run *run, uint32_t states)
{
	const struct export_options options = {.states = states};
	size_t length;
	char *bytes = exported_bytes("pprof", run, &options, &length);
	uint8_t *plain = malloc(ROOM);
	z_stream stream = {.next_in = (void *)bytes, .avail_in = length, .next_out = plain, .avail_out = ROOM};
	profile_t *profile;

	assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	profile = perftools__profiles__profile__unpack(NULL, stream.total_out, plain);
	assert_non_null(profile);
	free(plain);
	free(bytes);
	return profile;
}

static void put_away(profile_t *profile)
{
	perftools__profiles__profile__free_unpacked(profile, NULL);
}

static const char *text(const profile_t *profile, int64_t position)
{
	assert_in_range(position, 0, profile->n_string_table - 1);
	return profile->string_table[position];
}

static const char *frame_name(const profile_t *profile, uint64_t id)
{
	for (size_t i = 0; i < profile->n_location; i++) {
		if (profile->location[i]->id != id)
			continue;
		assert_int_equal(profile->location[i]->n_line, 1);
		for (size_t j = 0; j < profile->n_function; j++)
			if (profile->function[j]->id == profile->location[i]->line[0]->function_id)
				return text(profile, profile->function[j]->name);
	}
	fail_msg("no location %llu, or no function of it", (unsigned long long)id);
	return NULL;
}

/* "" without such a label. */
static const char *label(const profile_t *profile, const sample_t *sample, const char *key)
{
	for (size_t i = 0; i < sample->n_label; i++)
		if (!strcmp(text(profile, sample->label[i]->key), key))
			return text(profile, sample->label[i]->str);
	return "";
}

static int64_t number(const profile_t *profile, const sample_t *sample, const char *key)
{
	for (size_t i = 0; i < sample->n_label; i++)
		if (!strcmp(text(profile, sample->label[i]->key), key))
			return sample->label[i]->num;
	return -1;
}

/* Sum of values[which] of samples whose innermost frame is called so ("": all). */
static int64_t sum_of(const profile_t *profile, int which, const char *leaf)
{
	int64_t sum = 0;

	for (size_t i = 0; i < profile->n_sample; i++) {
		assert_int_equal(profile->sample[i]->n_value, 2);
		if (!leaf[0] || !strcmp(frame_name(profile, profile->sample[i]->location_id[0]), leaf))
			sum += profile->sample[i]->value[which];
	}
	return sum;
}

static void check_references(const profile_t *profile)
{
	assert_string_equal(profile->string_table[0], "");
	for (size_t i = 0; i < profile->n_string_table; i++)
		for (const char *s = profile->string_table[i]; *s;) {
			uint32_t point;
			int length = utf8_decode(s, &point);

			assert_true(length && point >= 0x20 && point != 0x7f);
			s += length;
		}
	for (size_t i = 0; i < profile->n_location; i++) {
		const Perftools__Profiles__Location *location = profile->location[i];

		assert_int_not_equal(location->id, 0);
		assert_in_range(location->mapping_id, 0, profile->n_mapping);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(location->id, profile->location[j]->id);
		frame_name(profile, location->id);
		if (!location->mapping_id)
			continue;
		assert_int_equal(profile->mapping[location->mapping_id - 1]->id, location->mapping_id);
		assert_true(location->address < profile->mapping[location->mapping_id - 1]->memory_limit);
	}
	for (size_t i = 0; i < profile->n_mapping; i++)
		assert_true(text(profile, profile->mapping[i]->filename)[0]);
	for (size_t i = 0; i < profile->n_sample; i++)
		for (size_t j = 0; j < profile->sample[i]->n_location_id; j++)
			frame_name(profile, profile->sample[i]->location_id[j]);
}

static void test_values_are_the_account(void **state)
{
	struct run *run = run_orders();
	profile_t *profile = profile_of(run, 0);
	uint64_t lives = 0, waits = 0;

	(void)state;
	check_references(profile);
	assert_int_equal(profile->n_sample_type, 2);
	assert_string_equal(text(profile, profile->sample_type[1]->type), "time");
	assert_string_equal(text(profile, profile->sample_type[1]->unit), "nanoseconds");
	assert_int_equal(profile->default_sample_type, profile->sample_type[1]->type);
	assert_string_equal(text(profile, profile->sample_type[0]->unit), "count");
	assert_int_equal(profile->duration_nanos, run->end_ns - run->begin_ns);
	for (size_t i = 0; i < run->n_threads; i++) {
		int64_t sum = 0;

		lives += run->threads[i].life_ns;
		for (size_t j = 0; j < profile->n_sample; j++)
			if (number(profile, profile->sample[j], "tid") == run->threads[i].tid)
				sum += profile->sample[j]->value[1];
		assert_int_equal(sum, run->threads[i].life_ns);
	}
	assert_int_equal(sum_of(profile, 1, ""), lives);
	for (size_t i = 0; i < run->n_waits; i++)
		if (!strcmp(run->waits[i].symbol, "orders_lock"))
			waits += run->waits[i].count;
	assert_int_equal(sum_of(profile, 0, "[lock] orders_lock"), waits);
	assert_int_equal(sum_of(profile, 1, "[lock] log_lock"), 4 * 130 * MS);
	put_away(profile);
	profile = profile_of(run, 1u << STATE_LOCK);
	assert_int_equal(sum_of(profile, 1, "[lock] log_lock") + sum_of(profile, 1, "[lock] orders_lock"),
			 sum_of(profile, 1, ""));
	put_away(profile);
	run_free(run);
}

static void test_a_sample(void **state)
{
	static const char *const frames[] = {"[lock] orders_lock", "futex_wait", "work", "main"};
	struct run *run = build_run("program", 1 * S);
	struct run_thread *thread;
	const sample_t *sample = NULL;
	struct run_wait *wait;
	profile_t *profile;

	(void)state;
	build_process(run, 0, "server");
	build_thread(run, 1, 0, "server", 0, 1);
	thread = build_thread(run, 1, 1, "worker", 0, 1 * S);
	build_frame(run, "first_[k]", 9);
	build_cpu(thread, 600 * MS, 0);
	wait = build_futex(run, thread, "orders_lock", 0, true, 3, 400 * MS);
	wait->stack = build_stack(run, "main;work;futex_wait_[k]");
	profile = profile_of(run, 0);
	check_references(profile);
	for (size_t i = 0; i < profile->n_sample; i++)
		if (!strcmp(label(profile, profile->sample[i], "state"), "lock"))
			sample = profile->sample[i];
	assert_non_null(sample);
	assert_int_equal(sample->n_location_id, 4);
	for (int i = 0; i < 4; i++)
		assert_string_equal(frame_name(profile, sample->location_id[i]), frames[i]);
	assert_string_equal(label(profile, sample, "cause"), "orders_lock");
	assert_string_equal(label(profile, sample, "thread"), "worker");
	assert_string_equal(label(profile, sample, "process"), "server");
	assert_int_equal(number(profile, sample, "pid"), thread->pid);
	assert_int_equal(sample->value[0], 3);
	assert_int_equal(sample->value[1], 400 * MS);
	/* The program comes first, though a frame of the kernel does. */
	assert_string_equal(text(profile, profile->mapping[0]->filename), "program");
	assert_int_equal(sum_of(profile, 1, "[not sampled]"), 600 * MS);
	put_away(profile);
	run_free(run);
}

static void test_hostile_names_and_threads_without_a_record(void **state)
{
	struct run *run = run_orders();
	char *endless = malloc(100001);
	profile_t *profile;

	(void)state;
	memset(endless, 'x', 100000);
	endless[100000] = '\0';
	for (size_t i = 0; i < run->n_frames; i++) {
		set_text(&run->frames[i].function, i % 3 == 0 ? HOSTILE : i % 3 == 1 ? endless : "");
		set_text(&run->frames[i].object, i % 2 ? HOSTILE : endless);
		run->frames[i].address = i % 5 ? UINT64_MAX - 1 : 0;
	}
	for (size_t i = 0; i < run->n_threads; i++)
		set_text(&run->threads[i].comm, i % 2 ? HOSTILE : "");
	set_text(&run->processes[0].comm, "\xff");
	run->processes[0].undelivered_threads = 1;
	run->processes[0].undelivered_life_ns = 5000;
	run->processes[0].undelivered_ns[CLASS_FUTEX] = 2000;
	run->processes[0].undelivered_ns[CLASS_USER] = 3000;
	profile = profile_of(run, 0);
	check_references(profile);
	assert_int_equal(sum_of(profile, 1, "[no record of the thread]"), 3000);
	assert_int_equal(sum_of(profile, 1, "[sync] futex, unattributed"), 2000);
	put_away(profile);
	free(endless);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_orders();

	(void)state;
	assert_int_equal(exported_to_full("pprof", run), -ENOSPC);
	assert_int_equal(exported_nothing("pprof"), -ENODATA);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values_are_the_account),
	    cmocka_unit_test(test_a_sample),
	    cmocka_unit_test(test_hostile_names_and_threads_without_a_record),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	};

	return cmocka_run_group_tests_name("pprof", tests, NULL, NULL);
}
