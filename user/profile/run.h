/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of a measured run, as trace/ delivers it, profile/ stores it and explain/ reads it: plain facts, with every name
 * resolved, and no judgement. Which state a wait belongs to and what it is called is explain/'s business.
 *
 * Times: nanoseconds; points in time are on CLOCK_MONOTONIC, and only differences between them mean something.
 * Ownership: a struct run owns all its arrays and strings; run_free() releases them. No string is NULL unless its comment says so.
 */
#ifndef CONCPROF_RUN_H
#define CONCPROF_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct run_process {
	uint64_t id;     /* serial, from 1; 1 is the root */
	uint64_t parent; /* serial; 0: none */
	uint32_t pid;
	char *comm;
	char *cgroup; /* its path in the cgroup v2 hierarchy ("/system.slice/nginx.service"), as last seen; NULL: not known */
	uint64_t begin_ns, end_ns;
	int exit_status; /* wait status as waitpid() gives it; meaningful if ended */
	bool ended;      /* before the end of the measurement */
	uint64_t undelivered_threads;
	uint64_t undelivered_life_ns;         /* life of threads whose record could not be delivered */
	uint64_t undelivered_ns[CLASS_SLOTS]; /* the same by class; sums to undelivered_life_ns */
};

struct run_thread {
	uint64_t id; /* serial, from 1 */
	uint64_t process;
	uint64_t parent; /* serial of the creating thread; 0: the root */
	uint32_t pid, tid;
	char *comm;
	uint64_t begin_ns, life_ns;
	uint64_t ns[CLASS_SLOTS];        /* by class; sums to life_ns, or the residual is printed */
	uint64_t voluntary, involuntary; /* switch-outs, counted by us */
	uint64_t syscalls, connects, faults;
	bool ended;                                                   /* the audit is exact only then */
	uint64_t audit_on_cpu_ns, audit_run_delay_ns, audit_switches; /* the kernel's own account over the same life */
};

/* Waits of one thread for one cause. The classes PREEMPTED and WOKEN (run queue) have rows too. */
struct run_wait {
	uint64_t id; /* its position in the array + 1 */
	uint64_t thread;
	uint32_t class;
	uint32_t op;    /* futex: FUTEX_* command (linux/futex.h), flags taken out; poll: 1 if the set had several peers */
	bool expects_2; /* futex: a plain wait that expects the value 2 */
	bool join;      /* futex: the word is the tid word of a thread of the same process */
	char *syscall;  /* "read", "futex"; "" outside syscalls */
	char *object;   /* what it waited for, if that has a name: "127.0.0.1:8000", "pipe:[123]", a path; "" if not */
	/* futex only: the named data object that holds the word; symbol is "" when there is none */
	char *symbol;
	uint64_t offset;   /* of the word from the symbol's begin */
	char *file;        /* basename of the ELF object that defines the symbol, or of the mapping; "[heap]", "[anon]", "" */
	uint64_t address;  /* the futex word */
	bool unattributed; /* time of the class whose cause could not be kept: only class and total_ns mean something */
	bool inside;       /* the peer of the socket or pipe is known to be a followed process */
	uint64_t stack;    /* where it blocked: id of a run_stack; 0: not taken */
	uint64_t holder;   /* serial of the thread that held the lock when the waits began; 0: not known */
	uint64_t waker;    /* serial of the thread that ended the waits; 0: none that was followed */
	char *waker_name;  /* of what else ended them: "timer", "interrupt", "sshd[812]"; NULL: not known, or see waker */
	uint64_t count, timed_out, total_ns, max_ns;
	uint64_t log2_ns[WAIT_LOG2_SLOTS]; /* bucket i: 2^i <= ns < 2^(i+1) */
};

/* What a frame is made of. Numbers stand in recordings: add at the end. */
enum frame_kind {
	FRAME_USER,
	FRAME_KERNEL,
	FRAME_UNFINISHED, /* at the root of a stack that could not be followed to its end; `function` says why */
	FRAME_KIND_COUNT
};

struct run_frame {
	uint64_t id;      /* its position in the array + 1 */
	uint32_t kind;    /* enum frame_kind */
	char *function;   /* "" when it has no name: say object+0xaddress */
	char *object;     /* basename of the ELF file, "[kernel]", a module, "[jit]", "[anon]"; "" when not known */
	uint64_t address; /* in the object's own addressing; the return address, but for innermost frames. 0 for merged ones */
	char *source;     /* file, with --lines; "" when not known */
	uint32_t line;    /* 0 when not known */
	bool inlined;     /* the compiler merged it into its caller, the next outer frame */
};

/* A stack is its caller's stack and one more frame: all stacks of a run are a tree. */
struct run_stack {
	uint64_t id;     /* its position in the array + 1 */
	uint64_t parent; /* the stack without its innermost frame, always a smaller id; 0: this frame is the outermost */
	uint64_t frame;  /* the innermost frame */
};

/* Samples of one thread on a CPU at one stack. They divide exact time (the thread's own account): never add them up as time. */
struct run_sample {
	uint64_t thread;
	uint64_t stack;
	uint64_t count;
};

/*
 * The timeline: each time that a thread was off its CPU. It was blocked for blocked_ns (0: preempted), then waited for a CPU for queued_ns;
 * between its episodes it is on one. In the order of threads, and of time; those of a thread do not overlap.
 */
struct run_episode {
	uint64_t out_ns; /* the switch-out, since the run's begin */
	uint64_t blocked_ns, queued_ns;
	uint32_t thread; /* serial */
	uint32_t class;  /* of the blocked part; CLASS_PREEMPTED, or at its birth CLASS_WOKEN, when there is none */
	uint32_t wait;   /* id of the run_wait that it is part of; 0: there is no blocked part, or its cause could not be kept */
};

/* A sample in time, when there is a timeline; of very many, an even part. In the order of threads, and of time. */
struct run_moment {
	uint64_t at_ns;  /* since the run's begin */
	uint32_t thread; /* serial */
	uint32_t stack;  /* id of a run_stack */
};

/* A name and a number: losses, and what the workload says of itself (its ledger). */
struct run_figure {
	char *name;
	double value;
};

struct run {
	char *name;                /* "threads-cpu"; for a command its basename */
	char **command;            /* NULL-terminated argv */
	uint64_t begin_ns, end_ns; /* T = end_ns - begin_ns */
	/* Of a window of a longer run (window.h), never of a recorded one: where it begins in that, and how long that took. */
	uint64_t cut_ns, whole_ns; /* whole_ns is 0 for a whole run */
	int exit_status;           /* of the root process: 0..255, 128+n for signal n */
	bool interrupted;          /* ended by the user, or by -d */
	bool no_syscalls;          /* measured under --no-syscalls: on-CPU time has no sides */
	char *failure;             /* why the run does not count ("GET http://...: HTTP 404"); NULL if it does */

	struct run_process *processes;
	size_t n_processes;
	struct run_thread *threads;
	size_t n_threads;
	struct run_wait *waits;
	size_t n_waits;
	struct run_figure *losses; /* only those that are not zero */
	size_t n_losses;
	struct run_frame *frames;
	size_t n_frames;
	struct run_stack *stacks;
	size_t n_stacks;
	struct run_sample *samples;
	size_t n_samples;
	struct run_episode *episodes; /* none without a timeline */
	size_t n_episodes;
	struct run_moment *moments;
	size_t n_moments;
	struct run_figure *stack_figures; /* how unwinding went: "whole", "unfinished_no_rule" ... counts of stacks taken */
	size_t n_stack_figures;
	struct run_figure *ledger; /* units in the names: "wall_ns", "hashes", "bytes", "handoffs", "connections" */
	size_t n_ledger;

	uint64_t sample_hz; /* on-CPU stacks were sampled at this rate; 0: not at all */
	bool timeline;      /* every episode was kept: what is not in `episodes` did not happen */
	bool attached;      /* to processes that were alive: T begins at the mark, not at an exec */

	uint64_t tax_probe_ns; /* our own time in the kernel, estimated by timing every 64th event */
	uint64_t
	    others_ns; /* CPU time of all else on the machine meanwhile, concprof and what was stolen included; in ticks, too */
	uint64_t stolen_ns;  /* by the hypervisor, on all CPUs, meanwhile; the kernel counts it in ticks */
	uint64_t tax_cpu_ns; /* CPU time of concprof itself between begin and end */
	uint64_t tax_events; /* events handled */
};

/* Facts about the machine, kept with every profile. */
struct host {
	char *kernel;      /* uname -r */
	unsigned int cpus; /* online */
	char *version;     /* of concprof */
};

/* Class name, gloss and default state's name, from classes.def; class < CLASS_COUNT. */
const char *class_name(uint32_t class);
const char *class_gloss(uint32_t class);
const char *class_default_state(uint32_t class);
/* The class of a name in a recording, or -1. */
int class_by_name(const char *name);

/* What a loss of this name means, in words (abi.h); of one that is not known, that it is not in the account. */
const char *loss_gloss(const char *name);
/* Whether a loss of this name was made good from the kernel's own account (abi.h): it is told, but nothing is missing. */
bool loss_is_repaired(const char *name);

/*
 * The invariants that every reader relies on: references are valid, serials are unique, values are in range, and all times and counts
 * of a run sum to less than 2^62. 0, or -EINVAL with what is wrong in `reason` (RUN_REASON_BYTES, may be NULL); -ENOMEM.
 * That a thread's classes sum to its life is not one of them: a residual is shown, not refused.
 */
#define RUN_REASON_BYTES 160
int run_check(const struct run *run, char *reason);

/*
 * Whether it lies within its thread's life, and not before *at_ns, where the thread's one before it ended (0: there is none), and is of a
 * class that an episode can have. If so, *at_ns is then where it ends.
 */
bool run_episode_fits(const struct run *run, const struct run_thread *thread, const struct run_episode *episode, uint64_t *at_ns);

void run_free(struct run *run); /* NULL is fine; frees the struct itself too */
void run_wait_free_members(struct run_wait *wait);
void host_free_members(struct host *host);

#endif
