/* SPDX-License-Identifier: Apache-2.0 */
#include <search.h>

#include "explain/strings.h"

struct strings {
	void *tree;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *strings_take(struct strings **strings, char *text)
{
	char **node = NULL;

	if (text && !*strings)
		*strings = calloc(1, sizeof(**strings));
	if (text && *strings)
		node = tsearch(text, &(*strings)->tree, by_text);
	if (!node || *node != text)
		free(text);
	return node ? *node : NULL;
}

void strings_free(struct strings *strings)
{
	if (!strings)
		return;
	tdestroy(strings->tree, free);
	free(strings);
}
