/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/dwarf_frames.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <libelf.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Inlined functions in one another; compilers stop earlier. */
#define DEPTH_MAX 64
/* Namespaces and classes in one another. */
#define SCOPES_MAX 32

struct range {
	uint64_t start, end;
	uint32_t unit;    /* which compilation unit */
	Dwarf_Off offset; /* of the function's entry; unused for a unit */
};

struct ranges {
	struct range *all; /* by start */
	size_t count, room;
};

struct unit {
	Dwarf_Die die;
	struct ranges functions; /* read when one is asked for */
	bool read;
};

struct dwarf_object {
	Dwarf *dwarf;
	struct unit *units;
	size_t n_units, units_room;
	struct ranges ranges; /* of all units */
};

static int ranges_push(struct ranges *ranges, const struct range *range)
{
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 64;
		struct range *all = reallocarray(ranges->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		ranges->all = all;
		ranges->room = room;
	}
	ranges->all[ranges->count++] = *range;
	return 0;
}

/* The address ranges of a unit's or function's entry. What the linker threw away was left at 0. */
static int add_ranges(struct ranges *ranges, Dwarf_Die *die, uint32_t unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;
	int err = 0;

	while (!err && (offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
		struct range range = {.start = start, .end = end, .unit = unit, .offset = dwarf_dieoffset(die)};

		if (start && start < end)
			err = ranges_push(ranges, &range);
	}
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end < y->end) - (x->end > y->end);
}

static void ranges_sort(struct ranges *ranges)
{
	if (ranges->count)
		qsort(ranges->all, ranges->count, sizeof(*ranges->all), by_start);
}

/* Ranges do not overlap in files that make sense; a few steps back are for those that nearly do. */
static const struct range *ranges_find(const struct ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->all[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t back = 0; back < 8 && low > back; back++) {
		const struct range *range = &ranges->all[low - 1 - back];

		if (address < range->end)
			return range;
	}
	return NULL;
}

static int add_unit(struct dwarf_object *object, const Dwarf_Die *die)
{
	if (object->n_units == object->units_room) {
		size_t room = object->units_room ? 2 * object->units_room : 64;
		struct unit *units = reallocarray(object->units, room, sizeof(*units));

		if (!units)
			return -ENOMEM;
		object->units = units;
		object->units_room = room;
	}
	object->units[object->n_units] = (struct unit){.die = *die};
	object->n_units++;
	return add_ranges(&object->ranges, &object->units[object->n_units - 1].die, object->n_units - 1);
}

static int read_units(struct dwarf_object *object)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Half version;
	Dwarf_Die die;
	uint8_t type;
	int err = 0;

	while (!err && dwarf_get_units(object->dwarf, unit, &unit, &version, &type, &die, NULL) == 0) {
		if (type == DW_UT_compile && dwarf_tag(&die) == DW_TAG_compile_unit)
			err = add_unit(object, &die);
	}
	ranges_sort(&object->ranges);
	return err;
}

int dwarf_object_open(int fd, int shared, struct dwarf_object **ret)
{
	struct dwarf_object *object = calloc(1, sizeof(*object));
	Elf *elf;

	if (!object)
		return -ENOMEM;
	*ret = object;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	object->dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
	if (!object->dwarf)
		return -ENOEXEC;
	if (shared >= 0)
		dwarf_setalt(object->dwarf, dwarf_begin(shared, DWARF_C_READ));
	return read_units(object);
}

static int add_functions(struct unit *unit, Dwarf_Die *parent, int depth)
{
	Dwarf_Die child;
	int err = 0;

	if (depth == SCOPES_MAX || dwarf_child(parent, &child))
		return 0;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_subprogram:
			err = add_ranges(&unit->functions, &child, 0);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type: /* Rust's have methods */
			err = add_functions(unit, &child, depth + 1);
			break;
		default:
			break;
		}
	} while (!err && dwarf_siblingof(&child, &child) == 0);
	return err;
}

/* The function that holds `vaddr`, and what is inlined at it: outermost first. */
static size_t find_chain(struct dwarf_object *object, struct unit *unit, uint64_t vaddr, Dwarf_Die chain[DEPTH_MAX])
{
	const struct range *range;
	Dwarf_Die block, child;
	size_t count = 1;
	bool deeper = true;

	if (!unit->read) {
		unit->read = true;
		add_functions(unit, &unit->die, 0);
		ranges_sort(&unit->functions);
	}
	range = ranges_find(&unit->functions, vaddr);
	if (!range || !dwarf_offdie(object->dwarf, range->offset, &chain[0]))
		return 0;
	block = chain[0];
	while (deeper && count < DEPTH_MAX) {
		deeper = false;
		if (dwarf_child(&block, &child))
			break;
		do {
			int tag = dwarf_tag(&child);

			if ((tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) || dwarf_haspc(&child, vaddr) != 1)
				continue;
			if (tag == DW_TAG_inlined_subroutine)
				chain[count++] = child;
			block = child;
			deeper = true;
			break;
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	return count;
}

static const char *function_name(Dwarf_Die *die)
{
	static const unsigned int names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		Dwarf_Attribute attribute;
		const char *name = dwarf_formstring(dwarf_attr_integrate(die, names[i], &attribute));

		if (name)
			return name;
	}
	return NULL;
}

/* Where `inlined` was called. */
static void call_site(struct unit *unit, Dwarf_Die *inlined, struct dwarf_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n_files;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0)
		frame->line = line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) == 0 &&
	    dwarf_getsrcfiles(&unit->die, &files, &n_files) == 0)
		frame->source = dwarf_filesrc(files, file, NULL, NULL);
}

size_t dwarf_object_frames(struct dwarf_object *object, uint64_t vaddr, struct dwarf_frame *frames, size_t max)
{
	const struct range *range = ranges_find(&object->ranges, vaddr);
	struct unit *unit = range ? &object->units[range->unit] : NULL;
	Dwarf_Die chain[DEPTH_MAX];
	Dwarf_Line *place;
	size_t count;

	if (!unit || max == 0)
		return 0;
	count = find_chain(object, unit, vaddr, chain);
	for (size_t i = 0; i < (count ? count : 1) && i < max; i++) {
		Dwarf_Die *die = count ? &chain[count - 1 - i] : NULL;

		frames[i] = (struct dwarf_frame){.function = die ? function_name(die) : NULL, .inlined = i + 1 < count};
		if (i > 0) {
			call_site(unit, &chain[count - i], &frames[i]);
			continue;
		}
		place = dwarf_getsrc_die(&unit->die, vaddr);
		if (place) {
			int line;

			frames[i].source = dwarf_linesrc(place, NULL, NULL);
			frames[i].line = dwarf_lineno(place, &line) == 0 ? line : 0;
		}
	}
	return count ? (count < max ? count : max) : 1;
}
