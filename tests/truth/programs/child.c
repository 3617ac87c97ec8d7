/* SPDX-License-Identifier: Apache-2.0 */
/* Children that live a known time, awaited in every way: wait4, waitid, vfork, a clone3 that waits as vfork does. */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include "ledger.h"

static pid_t sleeper(unsigned int ms)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		nap(ms);
		_exit(0);
	}
	return pid;
}

/* The child shares our memory and stack: it sleeps in the kernel and leaves. */
static pid_t __attribute__((noinline)) vfork_sleeper(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		usleep(60000);
		_exit(0);
	}
	return pid;
}

static pid_t __attribute__((noinline)) clone3_sleeper(void)
{
	struct clone_args args = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		usleep(60000);
		_exit(0);
	}
	return pid;
}

int main(void)
{
	struct tally t = {0};
	siginfo_t info;
	pid_t pid;

	pid = sleeper(80);
	MUST(BLOCKED(&t, waitpid(pid, NULL, 0)) == pid);
	pid = sleeper(80);
	MUST(BLOCKED(&t, waitid(P_PID, (id_t)pid, &info, WEXITED)) == 0);
	pid = BLOCKED(&t, vfork_sleeper());
	MUST(pid > 0 && BLOCKED(&t, waitpid(pid, NULL, 0)) == pid);
	pid = BLOCKED(&t, clone3_sleeper());
	MUST(pid > 0 && BLOCKED(&t, waitpid(pid, NULL, 0)) == pid);
	ledger_wait("child", &t, "-");
	ledger("processes 5");
	return 0;
}
