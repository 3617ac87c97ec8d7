/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_plt.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* libtorch_cpu has 60,000 stubs; a hostile file shall not take much memory. */
#define RELOCATIONS_MAX (1u << 20)
#define PLT_BYTES_MAX   (16u << 20)

/* A slot of the GOT and who is behind it. */
struct slot {
	uint64_t address, target;
	uint32_t symbol;
};

struct slots {
	struct slot *all; /* by address, once sorted */
	size_t count;
	/* .rela.plt in its own order: a lazy stub pushes its index into it */
	struct slot *lazy;
	size_t n_lazy;
};

struct stubs {
	struct elf_plt_stub *all;
	size_t count;
};

/* The relocations of one section that fill slots with functions. */
static int read_slots(const struct elf_file *file, const struct elf_section *section, struct slot **ret, size_t *ret_count)
{
	_cleanup_free_ char *contents = NULL;
	size_t count = section->bytes / sizeof(Elf64_Rela);
	struct slot *slots;
	int err;

	err = elf_file_contents(file, section, RELOCATIONS_MAX * sizeof(Elf64_Rela), &contents);
	if (err)
		return err;
	slots = calloc(count + 1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		Elf64_Rela relocation;

		memcpy(&relocation, contents + i * sizeof(relocation), sizeof(relocation));
		switch (ELF64_R_TYPE(relocation.r_info)) {
		case R_X86_64_JUMP_SLOT:
		case R_X86_64_GLOB_DAT:
			slots[i].symbol = ELF64_R_SYM(relocation.r_info);
			break;
		case R_X86_64_IRELATIVE:
			slots[i].target = relocation.r_addend;
			break;
		default:
			continue;
		}
		slots[i].address = relocation.r_offset;
	}
	*ret = slots;
	*ret_count = count;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* .rela.plt first; .rela.dyn holds the slots of .plt.got. Static programs have only .rela.plt. */
static int slots_read(const struct elf_file *file, struct slots *slots)
{
	const struct elf_section *plt = elf_file_section(file, ".rela.plt"), *dyn = elf_file_section(file, ".rela.dyn");
	_cleanup_free_ struct slot *others = NULL;
	size_t n_others = 0;
	int err = 0;

	if (plt)
		err = read_slots(file, plt, &slots->lazy, &slots->n_lazy);
	/* .plt.got is a handful of stubs: not worth an error if .rela.dyn is very large. */
	if (!err && dyn && elf_file_section(file, ".plt.got"))
		err = read_slots(file, dyn, &others, &n_others);
	if (err == -EFBIG)
		err = 0;
	if (err)
		return err;
	slots->all = calloc(slots->n_lazy + n_others + 1, sizeof(*slots->all));
	if (!slots->all)
		return -ENOMEM;
	for (size_t i = 0; i < slots->n_lazy + n_others; i++) {
		const struct slot *slot = i < slots->n_lazy ? &slots->lazy[i] : &others[i - slots->n_lazy];

		if (slot->address)
			slots->all[slots->count++] = *slot;
	}
	qsort(slots->all, slots->count, sizeof(*slots->all), by_address);
	return 0;
}

static const struct slot *slot_at(const struct slots *slots, uint64_t address)
{
	struct slot wanted = {.address = address};

	return bsearch(&wanted, slots->all, slots->count, sizeof(wanted), by_address);
}

/*
 * What the stub in `code` jumps to. With IBT it begins with endbr64 (f3 0f 1e fa), and with MPX or IBT the jump has a bnd prefix
 * (f2):
 *   ff 25 d32        jmp *d32(%rip)
 *   68 i32           push $i32, the first instruction of an IBT stub's lazy half in .plt; then a jump to the head of .plt
 */
static const struct slot *stub_slot(const struct slots *slots, const uint8_t *code, size_t bytes, uint64_t address)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	const struct slot *slot;
	size_t at = 0;
	uint32_t index;
	int32_t away;

	if (bytes >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
		at += sizeof(endbr64);
	if (at < bytes && code[at] == 0xf2)
		at++;
	if (bytes - at >= 6 && code[at] == 0xff && code[at + 1] == 0x25) {
		memcpy(&away, code + at + 2, sizeof(away));
		return slot_at(slots, address + at + 6 + away);
	}
	if (bytes - at >= 5 && code[at] == 0x68) {
		memcpy(&index, code + at + 1, sizeof(index));
		slot = index < slots->n_lazy ? &slots->lazy[index] : NULL;
		return slot && slot->address ? slot : NULL;
	}
	return NULL;
}

static int read_stubs(const struct elf_file *file, const struct elf_section *section, const struct slots *slots,
		      struct stubs *stubs)
{
	_cleanup_free_ char *code = NULL;
	size_t stub_bytes = section->entry_bytes == 8 ? 8 : 16; /* only .plt.got has stubs of 8 bytes, and says so */
	struct elf_plt_stub *all;
	int err;

	if (!(section->flags & SHF_EXECINSTR) || section->address + section->bytes < section->address)
		return 0;
	err = elf_file_contents(file, section, PLT_BYTES_MAX, &code);
	if (err)
		return err;
	all = reallocarray(stubs->all, stubs->count + section->bytes / stub_bytes + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	stubs->all = all;
	for (size_t at = 0; section->bytes - at >= stub_bytes; at += stub_bytes) {
		const struct slot *slot = stub_slot(slots, (const uint8_t *)code + at, stub_bytes, section->address + at);

		if (slot)
			all[stubs->count++] = (struct elf_plt_stub){.address = section->address + at,
								    .bytes = stub_bytes,
								    .symbol = slot->symbol,
								    .target = slot->target};
	}
	return 0;
}

int elf_plt_read(const struct elf_file *file, struct elf_plt_stub **ret, size_t *count)
{
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got", ".iplt"};
	struct slots slots = {0};
	struct stubs stubs = {0};
	int err;

	err = slots_read(file, &slots);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && !err && slots.count; i++) {
		const struct elf_section *section = elf_file_section(file, sections[i]);

		if (section)
			err = read_stubs(file, section, &slots, &stubs);
	}
	free(slots.all);
	free(slots.lazy);
	if (err) {
		free(stubs.all);
		return err;
	}
	*ret = stubs.all;
	*count = stubs.count;
	return 0;
}
