/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/cut.h"

int cut_copy_string(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

int cut_copy_process(const struct run_process *from, struct run_process *to)
{
	int err;

	*to = *from;
	to->cgroup = NULL;
	err = cut_copy_string(from->comm, &to->comm);
	return err ? err : cut_copy_string(from->cgroup, &to->cgroup);
}

int cut_copy_thread(const struct run_thread *from, struct run_thread *to)
{
	*to = *from;
	return cut_copy_string(from->comm, &to->comm);
}

int cut_copy_wait(const struct run_wait *from, struct run_wait *to)
{
	int err;

	*to = *from;
	to->syscall = to->object = to->symbol = to->file = to->waker_name = NULL;
	err = cut_copy_string(from->syscall, &to->syscall);
	if (!err)
		err = cut_copy_string(from->object, &to->object);
	if (!err)
		err = cut_copy_string(from->symbol, &to->symbol);
	if (!err)
		err = cut_copy_string(from->file, &to->file);
	return err ? err : cut_copy_string(from->waker_name, &to->waker_name);
}

static int copy_figures(const struct run_figure *from, size_t n, struct run_figure **to, size_t *n_to)
{
	int err = 0;

	*to = calloc(n + 1, sizeof(**to));
	if (!*to)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++) {
		(*to)[i].value = from[i].value;
		err = cut_copy_string(from[i].name, &(*to)[i].name);
		*n_to = i + 1;
	}
	return err;
}

static int copy_command(const struct run *from, struct run *to)
{
	size_t n = 0;
	int err = 0;

	while (from->command && from->command[n])
		n++;
	to->command = calloc(n + 1, sizeof(*to->command));
	if (!to->command)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = cut_copy_string(from->command[i], &to->command[i]);
	return err;
}

static int copy_stacks(const struct run *from, struct run *to)
{
	int err = 0;

	to->frames = calloc(from->n_frames + 1, sizeof(*to->frames));
	to->stacks = calloc(from->n_stacks + 1, sizeof(*to->stacks));
	if (!to->frames || !to->stacks)
		return -ENOMEM;
	for (size_t i = 0; !err && i < from->n_frames; i++) {
		struct run_frame *frame = &to->frames[i];

		*frame = from->frames[i];
		frame->function = frame->object = frame->source = NULL;
		to->n_frames = i + 1;
		err = cut_copy_string(from->frames[i].function, &frame->function);
		if (!err)
			err = cut_copy_string(from->frames[i].object, &frame->object);
		if (!err)
			err = cut_copy_string(from->frames[i].source, &frame->source);
	}
	if (from->n_stacks)
		memcpy(to->stacks, from->stacks, from->n_stacks * sizeof(*to->stacks));
	to->n_stacks = from->n_stacks;
	return err;
}

int cut_copy_rest(const struct run *from, bool ledger, struct run *to)
{
	int err = cut_copy_string(from->name, &to->name);

	if (!err)
		err = cut_copy_string(from->failure, &to->failure);
	if (!err)
		err = copy_command(from, to);
	if (!err)
		err = copy_stacks(from, to);
	if (!err)
		err = copy_figures(from->losses, from->n_losses, &to->losses, &to->n_losses);
	if (!err)
		err = copy_figures(from->stack_figures, from->n_stack_figures, &to->stack_figures, &to->n_stack_figures);
	if (!err)
		err = copy_figures(from->ledger, ledger ? from->n_ledger : 0, &to->ledger, &to->n_ledger);
	return err;
}
