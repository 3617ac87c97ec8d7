/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code made at run time, as just-in-time compilers do: no file behind it, no unwind tables, but a frame pointer, and a name in
 * /tmp/perf-PID.map. main -> jit_outer -> jit_inner -> sleep_here.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EACH 64

static volatile int done;

__attribute__((noinline)) static void sleep_here(void)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	nanosleep(&pause, NULL);
	done++;
}

/* push %rbp; mov %rsp,%rbp; movabs $target,%rax; call *%rax; pop %rbp; ret */
static void emit(uint8_t *at, uint64_t target)
{
	static const uint8_t head[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8}, tail[] = {0xff, 0xd0, 0x5d, 0xc3};

	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), &target, sizeof(target));
	memcpy(at + sizeof(head) + sizeof(target), tail, sizeof(tail));
}

int main(void)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64];
	FILE *map;

	if (code == MAP_FAILED)
		return 1;
	emit(code, (uint64_t)(uintptr_t)sleep_here);
	emit(code + EACH, (uint64_t)(uintptr_t)code);
	if (mprotect(code, 4096, PROT_READ | PROT_EXEC))
		return 1;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	if (!map)
		return 1;
	fprintf(map, "%lx %x jit_inner\n%lx %x jit_outer\n", (unsigned long)code, EACH, (unsigned long)(code + EACH), EACH);
	fclose(map);
	for (int i = 0; i < 20; i++)
		((void (*)(void))(code + EACH))();
	unlink(path);
	return done != 20;
}
