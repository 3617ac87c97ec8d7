/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as compilers, strip and objcopy leave them: PLT stubs, separate debug files, lines and inlined functions. */
#include "symbols_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>

/* Exported functions around static ones, calls through the PLT, and a function that is inlined twice over. */
static const char source[] = "#include <stdlib.h>\n"
			     "extern char *getenv(const char *);\n"
			     "static inline __attribute__((always_inline)) int twice(int x)\n"
			     "{\n"
			     "	return *(volatile int *)&x * 2;\n" /* line 5 */
			     "}\n"
			     "static inline __attribute__((always_inline)) int around(int x)\n"
			     "{\n"
			     "	return twice(x) + 1;\n" /* line 9 */
			     "}\n"
			     "__attribute__((noinline)) static int hidden(int x)\n"
			     "{\n"
			     "	return around(x) ^ atoll_(x);\n" /* line 13 */
			     "}\n"
			     "int exported(int x)\n"
			     "{\n"
			     "	return hidden(x) + !getenv(\"x\");\n"
			     "}\n"
			     "void *table[] = {(void *)malloc};\n"
			     "void *more(int n)\n"
			     "{\n"
			     "	return malloc(n);\n"
			     "}\n";

/* whole.so; and of it, without symbols, bare.so, whose debug file is bare.debug. */
static int make_objects(void **state)
{
	int err = make_folder(state);
	char *call;

	if (err)
		return err;
	{
		_cleanup_free_ char *text = strdup(source);

		/* A call that cannot be seen through. */
		call = strstr(text, "atoll_(x)");
		memcpy(call, "(int)x*3 ", 9);
		write_text("source.c", text, strlen(text));
	}
	shell("gcc -O2 -g -shared -fPIC -fcf-protection=none -Wl,--build-id -o whole.so source.c");
	shell("objcopy --only-keep-debug whole.so bare.debug");
	shell("objcopy --strip-all --add-gnu-debuglink=bare.debug whole.so bare.so");
	shell("objcopy --remove-section .note.gnu.build-id bare.debug anonymous.debug");
	shell(
	    "objcopy --strip-all --remove-section .note.gnu.build-id --add-gnu-debuglink=anonymous.debug whole.so anonymous.so");
	shell("gcc -O2 -shared -fPIC -fcf-protection=full -Wl,-z,ibtplt,-z,now -o sec.so source.c");
	shell("gcc -O2 -shared -fPIC -fcf-protection=full -Wl,-z,ibtplt,-z,lazy -s -o lazy.so source.c");
	return 0;
}

/* Where a function begins, by nm; 0: nm does not know it. */
static uint64_t by_nm(const char *file, const char *function)
{
	char command[3 * PATH_MAX], line[256];
	uint64_t address = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "nm '%s' | grep ' %s$'", IN_FOLDER(file), function);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (fgets(line, sizeof(line), pipe))
		address = strtoull(line, NULL, 16);
	pclose(pipe);
	return address;
}

static struct symbol_object *object_of(struct symbolizer *symbolizer, const char *name)
{
	struct symbol_object *object;

	assert_int_equal(symbolizer_object(symbolizer, -1, IN_FOLDER(name), &object), 0);
	return object;
}

/* Whether any address of the file's code has this name, and nothing else between its first and last. */
static unsigned int bytes_named(struct symbolizer *symbolizer, struct symbol_object *object, const char *function)
{
	unsigned int bytes = 0;
	uint64_t last = 0;

	for (uint64_t address = 0; address < 0x3000; address++) {
		struct symbol_frame frame;

		symbolizer_user(symbolizer, object, address, &frame, 1);
		if (!frame.function || strcmp(frame.function, function) != 0)
			continue;
		assert_true(last == 0 || address == last + 1 || frame.offset == 0);
		last = address;
		bytes++;
	}
	return bytes;
}

static void test_names_of_stubs(void **state)
{
	static const char *const files[] = {"whole.so", "sec.so", "lazy.so", "bare.so"};
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct symbol_object *object = object_of(symbolizer, files[i]);

		/* With IBT there are two stubs for a function: .plt.sec, and the lazy half in .plt. */
		assert_int_equal(bytes_named(symbolizer, object, "getenv@plt"), i == 1 || i == 2 ? 32 : 16);
		assert_true(bytes_named(symbolizer, object, "malloc@plt") >= 8);
		assert_int_equal(bytes_named(symbolizer, object, "nobody@plt"), 0);
	}
	symbolizer_close(symbolizer);
}

static void test_stripped_without_its_debug_file(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);
	struct symbol_object *object;

	(void)state;
	shell("mkdir alone; cp bare.so alone");
	object = object_of(symbolizer, "alone/bare.so");
	assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "exported")), "exported+0");
	assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "hidden") + 1), "?");
	symbolizer_close(symbolizer);
}

static void test_debug_file_by_link(void **state)
{
	static const char *const places[] = {"bare.so", "anonymous.so", "hiding/bare.so"};

	(void)state;
	shell("mkdir -p hiding/.debug; cp bare.so hiding; cp bare.debug hiding/.debug");
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct symbolizer *symbolizer = symbolizer_for_test(false, false);
		struct symbol_object *object = object_of(symbolizer, places[i]);

		assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "hidden") + 1), "hidden+0x1");
		assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "exported")), "exported+0");
		symbolizer_close(symbolizer);
	}
}

/* By descriptor, with the path as a process sees it; as the process sees it means its links, too. */
static void test_debug_file_in_the_processs_root(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);
	_cleanup_close_ int fd = open(IN_FOLDER("bare.so"), O_RDONLY | O_CLOEXEC);
	struct symbol_object *object;
	char path[2 * PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/root%s", getpid(), IN_FOLDER("bare.so"));
	assert_int_equal(symbolizer_object(symbolizer, fd, path, &object), 0);
	assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "hidden") + 1), "hidden+0x1");
	symbolizer_close(symbolizer);
}

static void test_another_debug_file_is_refused(void **state)
{
	static const char *const objects[] = {"wrong/bare.so", "wrong/anonymous.so"};

	(void)state;
	/* Another build by the name that the link gives; a file of another check sum; a FIFO; nonsense. */
	shell("mkdir wrong; cp bare.so anonymous.so wrong; cd wrong; sed s/x*3/x*5/ ../source.c > other.c;"
	      "gcc -O2 -g -shared -fPIC -Wl,--build-id -o bare.debug other.c; cp ../anonymous.debug .; printf x >> "
	      "anonymous.debug");
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
			struct symbolizer *symbolizer = symbolizer_for_test(true, false);
			struct symbol_object *object = object_of(symbolizer, objects[i]);

			assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "hidden") + 1), "?");
			assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "exported")), "exported+0");
			symbolizer_close(symbolizer);
		}
		shell("cd wrong; rm *.debug; mkfifo bare.debug; echo nonsense > anonymous.debug");
	}
}

static void test_debug_file_from_a_server(void **state)
{
	char urls[2 * PATH_MAX], cache[PATH_MAX];
	struct symbolizer *symbolizer;
	struct symbol_object *object;

	(void)state;
	symbolizer = symbolizer_for_test(false, false);
	object = object_of(symbolizer, "bare.so");
	shell("mkdir -p served/buildid/%s cache away; cp bare.debug served/buildid/%s/debuginfo; cp bare.so away",
	      symbol_object_build_id(object), symbol_object_build_id(object));
	symbolizer_close(symbolizer);
	snprintf(urls, sizeof(urls), "file://%s/", IN_FOLDER("served"));
	setenv("DEBUGINFOD_URLS", urls, 1);
	setenv("DEBUGINFOD_CACHE_PATH", in_folder("cache", cache), 1);
	for (int asked = 0; asked < 2; asked++) {
		symbolizer = symbolizer_for_test(false, asked);
		object = object_of(symbolizer, "away/bare.so");
		assert_string_equal(NAME_AT(symbolizer, object, by_nm("whole.so", "hidden") + 1), asked ? "hidden+0x1" : "?");
		symbolizer_close(symbolizer);
	}
	unsetenv("DEBUGINFOD_URLS");
}

static void test_found_again(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);
	struct symbol_object *object = object_of(symbolizer, "whole.so"), *stripped = object_of(symbolizer, "bare.so");
	struct symbolizer_counts counts;

	(void)state;
	shell("cp whole.so copy.so; ln -s whole.so link.so");
	assert_ptr_equal(object_of(symbolizer, "whole.so"), object);
	assert_ptr_equal(object_of(symbolizer, "copy.so"), object); /* by build id */
	assert_ptr_equal(object_of(symbolizer, "link.so"), object);
	assert_ptr_not_equal(stripped, object); /* of the same build id, but it knows less */
	assert_string_equal(symbol_object_build_id(stripped), symbol_object_build_id(object));
	assert_int_equal(strlen(symbol_object_build_id(object)), 40);
	assert_string_equal(symbol_object_build_id(object_of(symbolizer, "anonymous.so")), "");
	symbolizer_counts(symbolizer, &counts);
	assert_int_equal(counts.objects, 3);
	symbolizer_close(symbolizer);
}

/* An address of `hidden` at which both functions are inlined. */
static size_t inlined_at(struct symbolizer *symbolizer, struct symbol_object *object, struct symbol_frame frames[8])
{
	uint64_t start = by_nm("whole.so", "hidden");

	for (uint64_t address = start; address < start + 64; address++) {
		if (symbolizer_user(symbolizer, object, address, frames, 8) == 3)
			return 3;
	}
	return 0;
}

static void test_lines_and_inlined_functions(void **state)
{
	static const char *const files[] = {"whole.so", "bare.so"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct symbolizer *symbolizer = symbolizer_for_test(true, false);
		struct symbol_object *object = object_of(symbolizer, files[i]);
		struct symbol_frame frames[8], one;

		for (int again = 0; again < 2; again++) { /* the second time from the cache */
			assert_int_equal(inlined_at(symbolizer, object, frames), 3);
			assert_string_equal(frames[0].function, "twice");
			assert_int_equal(frames[0].line, 5);
			assert_true(frames[0].inlined);
			assert_string_equal(frames[1].function, "around");
			assert_int_equal(frames[1].line, 9);
			assert_true(frames[1].inlined);
			assert_string_equal(frames[2].function, "hidden");
			assert_int_equal(frames[2].line, 13);
			assert_false(frames[2].inlined);
			assert_string_equal(strrchr(frames[2].source, '/'), "/source.c");
		}
		/* With room for one, the real function. */
		symbolizer_user(symbolizer, object, by_nm("whole.so", "hidden") + frames[2].offset, &one, 1);
		assert_string_equal(one.function, "hidden");
		assert_int_equal(one.line, 13);
		symbolizer_close(symbolizer);
	}
}

/* Our children of the name that the process gives itself. */
static pid_t lines_process_pid(void)
{
	char path[64], line[64] = "";
	pid_t pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file))
		pid = strtol(line, NULL, 10);
	fclose(file);
	return pid;
}

static void test_the_process_that_reads_dwarf(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(true, false);
	struct symbol_object *object = object_of(symbolizer, "whole.so"), *other = object_of(symbolizer, "bare.so");
	struct symbol_frame frames[8];
	struct symbolizer_counts counts;
	char path[64], status[4096];
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(lines_process_pid(), 0); /* not before it is needed */
	assert_int_equal(inlined_at(symbolizer, object, frames), 3);
	pid = lines_process_pid();
	assert_true(pid > 0);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY);
	status[read(fd, status, sizeof(status) - 1)] = '\0';
	close(fd);
	assert_non_null(strstr(status, "\nSeccomp:\t2\n"));
	assert_non_null(strstr(status, "\nNoNewPrivs:\t1\n"));
	if (geteuid() == 0) {
		assert_non_null(strstr(status, "\nUid:\t65534\t65534\t65534\t65534\n"));
		assert_non_null(strstr(status, "\nCapEff:\t0000000000000000\n"));
	}
	/* What kills it costs the lines of one object, not its names, and not other objects. */
	kill(pid, SIGKILL);
	assert_int_equal(symbolizer_user(symbolizer, object, by_nm("whole.so", "exported"), frames, 8), 1);
	assert_string_equal(frames[0].function, "exported");
	assert_null(frames[0].source);
	assert_int_equal(inlined_at(symbolizer, other, frames), 3);
	symbolizer_counts(symbolizer, &counts);
	assert_int_equal(counts.objects_no_lines, 1);
	assert_int_equal(counts.objects_unnamed, 0);
	symbolizer_close(symbolizer);
	assert_int_equal(lines_process_pid(), 0);
}

/* Where the DWARF lies in whole.so, by readelf. */
static void dwarf_range(size_t *begin, size_t *end)
{
	char command[3 * PATH_MAX], line[256] = "";
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "readelf -SW '%s' | sed 's/^ *\\[ *[0-9]*\\]//' | awk '$1 ~ /^.debug_/ { if (!a) a = $4; b = $4; n = $5 } END { "
		 "print a, b, n }'",
		 IN_FOLDER("whole.so"));
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(line, sizeof(line), pipe));
	pclose(pipe);
	assert_int_equal(sscanf(line, "%zx %zx", begin, end), 2);
	*end += 16;
}

/* DWARF with flipped bits: a name at every address still, whatever becomes of the lines. */
static void test_damaged_dwarf(void **state)
{
	_cleanup_free_ char *bytes = NULL, *copy = NULL;
	unsigned int random = 3, with_lines = 0;
	uint64_t start = by_nm("whole.so", "hidden");
	int fd = open(IN_FOLDER("whole.so"), O_RDONLY);
	struct stat status;
	size_t begin, end;

	(void)state;
	dwarf_range(&begin, &end);
	assert_int_equal(fstat(fd, &status), 0);
	bytes = malloc(status.st_size);
	copy = malloc(status.st_size);
	assert_int_equal(read(fd, bytes, status.st_size), status.st_size);
	close(fd);
	for (int i = 0; i < 150; i++) {
		struct symbolizer *symbolizer = symbolizer_for_test(true, false);
		struct symbol_object *object;

		memcpy(copy, bytes, status.st_size);
		for (int flips = 0; flips < 8; flips++) {
			random = random * 1103515245 + 12345;
			copy[begin + (random >> 8) % (end - begin)] ^= 1 << (random >> 5) % 8;
		}
		fd = memory_file(copy, status.st_size);
		assert_int_equal(symbolizer_object(symbolizer, fd, NULL, &object), 0);
		for (uint64_t address = start; address < start + 8; address++) {
			struct symbol_frame frames[64];
			size_t count = symbolizer_user(symbolizer, object, address, frames, 64);

			assert_in_range(count, 1, 64);
			assert_non_null(frames[count - 1].function);
			assert_string_equal(frames[count - 1].function, "hidden");
			with_lines += frames[count - 1].line != 0;
		}
		symbolizer_close(symbolizer);
		close(fd);
	}
	assert_in_range(with_lines, 1, 150 * 8 - 1); /* some damage was in the way, and some was not */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_of_stubs),
	    cmocka_unit_test(test_stripped_without_its_debug_file),
	    cmocka_unit_test(test_debug_file_by_link),
	    cmocka_unit_test(test_debug_file_in_the_processs_root),
	    cmocka_unit_test(test_another_debug_file_is_refused),
	    cmocka_unit_test(test_debug_file_from_a_server),
	    cmocka_unit_test(test_found_again),
	    cmocka_unit_test(test_lines_and_inlined_functions),
	    cmocka_unit_test(test_the_process_that_reads_dwarf),
	    cmocka_unit_test(test_damaged_dwarf),
	};

	return cmocka_run_group_tests_name("debug files and lines", tests, make_objects, remove_folder);
}
