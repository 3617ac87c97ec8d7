/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: an ELF object, or else .eh_frame with an object made around it, compiled to an unwind table, taken apart, and walked
 * over hostile memory.
 */
#include "cfi_builder.h"
#include "symbols/unwind_walk.h"

struct fuzzed {
	const struct unwind_object *object;
	const struct unwind_rule *rules;
	const uint8_t *data;
	size_t bytes;
};

static enum unwind_stop fuzzed_rule(void *context, uint64_t rip, struct unwind_rule *ret)
{
	const struct fuzzed *fuzzed = context;

	*ret = fuzzed->rules[unwind_table_rule(fuzzed->object->table, rip)];
	return UNWIND_WHOLE;
}

/* Words from the input, or addresses inside the table, so that walks go on. */
static int fuzzed_read(void *context, uint64_t address, void *to, size_t bytes)
{
	const struct fuzzed *fuzzed = context;
	const struct unwind_table *table = fuzzed->object->table;
	uint64_t word = table->start + fuzzed->data[address % fuzzed->bytes] * 37 % (table->end - table->start);

	if (address % 11 == 0 && fuzzed->bytes >= 8)
		memcpy(&word, fuzzed->data + address % (fuzzed->bytes - 7), sizeof(word));
	if (address % 97 == 0)
		return -1;
	memcpy(to, &word, bytes);
	return 0;
}

static void walk(const struct fuzzed *fuzzed)
{
	const struct unwind_view view = {.context = (void *)fuzzed, .rule = fuzzed_rule, .read = fuzzed_read};
	struct unwind_registers registers = {.rip = fuzzed->object->table->start, .rsp = 0x7000, .rbp = 0x7100};
	uint64_t frames[UNWIND_FRAMES_MAX];
	size_t count;

	unwind_walk(&view, registers, frames, UNWIND_FRAMES_MAX, &count);
	if (count == 0 || count > UNWIND_FRAMES_MAX)
		abort();
}

static void take_apart(const struct unwind_table *table)
{
	uint32_t words[1024];
	struct unwind_part part;

	for (size_t page = 0; page < table->n_pages && page < 100000; page += part.n_pages) {
		if (unwind_table_part(table, page, 1024, words, &part) || part.n_pages + 1 + part.n_rows > 1024)
			abort();
		if (UNWIND_ROW_RULE(words[part.n_pages + 1]) != unwind_table_rule(table, part.start))
			abort();
	}
}

static void try_image(const uint8_t *image, size_t bytes, const uint8_t *data, size_t data_bytes)
{
	struct unwind_object *object;
	struct unwind_rules *rules;
	struct fuzzed fuzzed = {.data = data, .bytes = data_bytes};
	size_t count;

	if (unwind_rules_new(&rules))
		return;
	if (unwind_object_compile_memory(image, bytes, rules, &object) == 0) {
		fuzzed.object = object;
		fuzzed.rules = unwind_rules_all(rules, &count);
		if (object->table) {
			if (table_fault(object->table, count))
				abort();
			take_apart(object->table);
			walk(&fuzzed);
		}
		unwind_object_free(object);
	}
	unwind_rules_free(rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes frames = {}, image;

	if (bytes == 0)
		return 0;
	if (bytes > 4 && memcmp(data, "\177ELF", 4) == 0) {
		try_image(data, bytes, data, bytes);
		return 0;
	}
	/* The first byte says where the rest stands. */
	if (data[0] & 4)
		put_cie(&frames);
	put_bytes(&frames, data + 1, bytes - 1);
	image = make_image(&(struct image_parts){
	    .eh_frame = data[0] & 1 ? NULL : &frames,
	    .debug_frame = data[0] & 1 ? &frames : NULL,
	    .debug_frame_flags = data[0] & 8 ? SHF_COMPRESSED : 0,
	    .no_sections = data[0] & 2,
	});
	try_image(image.data, image.count, data, bytes);
	free_bytes(&image);
	free_bytes(&frames);
	return 0;
}
