/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the libraries that it is given, keeps them all, and half a second later, when whoever follows it has heard of them, sleeps a millisecond in
 * the function `visit` of each, which has to call back.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

#define LIBRARIES_MAX 1000

static volatile int visits;

static void sleep_here(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	nanosleep(&pause, NULL);
	visits++;
}

int main(int argc, char **argv)
{
	static void (*visit[LIBRARIES_MAX])(void (*)(void));
	const struct timespec pause = {.tv_nsec = 500000000};

	if (argc > LIBRARIES_MAX)
		return 2;
	for (int i = 1; i < argc; i++) {
		void *library = dlopen(argv[i], RTLD_NOW);

		visit[i] = library ? (void (*)(void (*)(void)))dlsym(library, "visit") : NULL;
		if (!visit[i]) {
			fprintf(stderr, "libraries: %s\n", dlerror());
			return 1;
		}
	}
	nanosleep(&pause, NULL);
	for (int i = 1; i < argc; i++)
		visit[i](sleep_here);
	return 0;
}
