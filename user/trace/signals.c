/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/signals.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_take(struct signals *signals)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &signals->before);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0) {
		int err = -errno;

		sigprocmask(SIG_SETMASK, &signals->before, NULL);
		return err;
	}
	return 0;
}

bool signals_pass_on(struct signals *signals, int pid)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		asked = true;
		if (info.ssi_code != SI_KERNEL && pid > 0)
			kill(pid, info.ssi_signo);
	}
	return asked;
}

void signals_give_back(struct signals *signals)
{
	if (signals->fd < 0)
		return;
	signals_pass_on(signals, 0);
	close(signals->fd);
	signals->fd = -1;
	sigprocmask(SIG_SETMASK, &signals->before, NULL);
}
