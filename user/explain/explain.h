/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why: from the facts of a run to states, named causes, budget, progress and overlap; and from two runs to the difference, item by
 * item, and to findings in words. Pure functions: the same run gives the same explanation.
 *
 * Definitions (all times ns; T is the wall time of the run):
 *   progress of a thread   its on-CPU time + waits for something outside the run (a peer that is not followed, a disk, a timer,
 *                          memory, a signal)
 *   inside waits           lock, sync, child, pipe, a followed local peer; and run_queue
 *   X                      sum of progress over all threads;  N = X / T, the overlap
 *   speedup                T_A/T_B = (X_A/X_B) x (N_B/N_A), exactly
 *   budget                 mean number of threads in each state: sum over threads of t(state) / T
 */
#ifndef CONCPROF_EXPLAIN_H
#define CONCPROF_EXPLAIN_H

#include "profile/run.h"

enum state {
#define STATE(id, name, group, gloss, colour, letter) STATE_##id,
#include "states.def"
#undef STATE
	STATE_COUNT
};

enum state_group { STATE_GROUP_CPU, STATE_GROUP_QUEUE, STATE_GROUP_WAIT };

struct state_info {
	const char *name, *gloss;
	enum state_group group;
	uint32_t colour;
	char letter; /* a capital of its own */
};
extern const struct state_info state_info[STATE_COUNT];

/* Default state of a class (classes.def). */
extern const enum state class_state[CLASS_COUNT];

/* What the user may tell the rules. */
struct explain_options {
	const char *const *locks; /* --lock SYMBOL, NULL-terminated; NULL: none */
	unsigned int cpus;        /* of the machine the run was measured on (struct host); 0: not known */
};

/* All waits of one thread with the same state, cause, holder and waker, merged; or, where said so, with the same state and cause. */
struct wait {
	const struct run_thread *thread;
	enum state state;
	const char *cause;               /* for people: `GIL`, `127.0.0.1:8000`, `join`, `preempted`; never empty */
	const struct run_thread *holder; /* held the lock when the waits began; NULL: not known */
	const struct run_thread *waker;  /* ended the waits; NULL: none that was followed */
	const char *waker_name;          /* what else ended them; NULL: not known, or see waker */
	bool outside;                    /* counts as progress */
	bool join;                       /* for the end of a thread or process */
	bool joining;                    /* an inside wait of a thread that only joins: waiting for its own workers */
	bool mixed;                      /* a poll set without sockets, of pipes, signals: which of them it is for is not known */
	bool idle;                       /* of a thread that is idle, or for work: see rest.c */
	uint64_t set_ns;                 /* part of total_ns: in one poll set for many descriptors (epoll) */
	uint64_t timed_out_ns;           /* part of total_ns: of rows whose waits were all ended by their own timeouts */
	uint64_t count, timed_out, total_ns, max_ns;
	uint64_t log2_ns[WAIT_LOG2_SLOTS];
	uint64_t stack; /* struct run_stack of the largest row; 0: not taken */
	uint64_t stack_ns;
};

/* Who held or ended most of a cause's waits. */
struct party {
	const struct run_thread *thread; /* NULL: see name */
	const char *name;                /* "timer", "sshd[812]"; NULL: not known, or see thread */
	uint64_t ns;                     /* the part of the cause's total_ns that was so */
	uint64_t count;                  /* how many different ones there were */
};

/* What a thread waited for most: one cause, or, when none has half of its state's time, all of the state's. */
struct most {
	enum state state;
	const char *cause; /* "" when there are several */
	uint64_t kinds;    /* how many causes; 0: it never waited */
	uint64_t total_ns;
};

struct thread_view {
	const struct run_thread *thread;
	uint64_t ns[STATE_COUNT]; /* sums to life_ns - residual_ns */
	int64_t residual_ns;      /* life - sum of states: 0, or something is wrong */
	uint64_t progress_ns;
	bool only_joins;  /* a main thread that spends nearly all its life waiting for its workers */
	bool idle;        /* a helper that sleeps nearly all its life, beside threads that work; or it only waits for work */
	struct most most; /* runnable time left out */
};

struct process_view {
	const struct run_process *process;
	uint64_t ns[STATE_COUNT]; /* threads + undelivered */
};

/* All threads' waits with the same state and cause, undelivered threads' included: the totals of a state sum to the state. */
struct cause_view {
	enum state state;
	const char *cause;
	bool outside, join, joining, idle;
	uint64_t kinds;                /* causes taken together: 1, but for topics */
	uint64_t set_ns, timed_out_ns; /* as in struct wait */
	uint64_t count, timed_out, total_ns, max_ns, threads;
	double mean; /* mean number of threads that waited so: total / T */
	uint64_t log2_ns[WAIT_LOG2_SLOTS];
	struct party holder, waker;
	const char *place;  /* where most of it blocked: "orders_add <- handle_request"; NULL: not known */
	uint64_t place_ns;  /* that part of total_ns */
	uint64_t placed_ns; /* part of total_ns that has any such place */
};

/* A function that computed: its own time, without what it called. Exact time of threads, divided over their samples. */
struct hot_function {
	const char *function; /* "" for code without symbols: object says where */
	const char *object;
	bool kernel;
	uint64_t samples;
	uint64_t self_ns;
};

/* Comparisons with accounts that concprof did not make, and sums over all threads. */
struct checks {
	uint64_t threads, ended;              /* delivered threads; of those, ended: the kernel's account is exact */
	uint64_t switches, kernel_switches;   /* of the ended ones: counted by us, by the kernel */
	uint64_t switches_differ;             /* ended threads whose two counts differ */
	uint64_t on_cpu_ns, kernel_on_cpu_ns; /* of the ended ones */
	double on_cpu_error;                  /* (ours - the kernel's) / the kernel's; 0 when the kernel has none */
	double on_cpu_ns_a_switch;            /* the same difference, by switch */
	bool on_cpu_from_wake;                /* ours is less, as the kernel counts from the wake-up where a CPU was idle */
	bool on_cpu_differs;                  /* more than what is explained by when who looks at the clock: see checks.c */
	double worst_on_cpu_error;            /* of one thread with at least 1 ms on a CPU, the largest by magnitude */
	uint64_t ledger_wall_ns;              /* T by the workload's own clock; 0: it keeps none */
	double wall_error;                    /* (T - the ledger's) / the ledger's */
	uint64_t running_processes;           /* that had not ended when the root had: their accounts are cut */
	uint64_t undelivered_threads;
	uint64_t losses;          /* kinds of loss with something missing */
	uint64_t repaired;        /* events that were not seen, and taken from the kernel's own account */
	uint64_t surplus_ns;      /* waits that were attributed beyond their class's account, and cut back: not 0 is a defect */
	uint64_t unattributed_ns; /* waits without a known cause */
};

#define FINDING_LOSSES "losses" /* the account has gaps; comes first whatever its size */

struct finding {
	const char *rule; /* identifier, stable */
	char *sentence;
	enum state state;
	char *cause; /* may be "" */
	double seconds;
	char *try_next; /* the experiment that would confirm it; may be "" */
};

/* The explanation of one run. Refers to the run, which must outlive it. */
struct explanation {
	const struct run *run;
	struct thread_view *threads; /* same order as run->threads */
	struct process_view *processes;
	struct wait *waits; /* by thread, state, cause, holder and waker; largest total first */
	size_t n_waits;
	struct wait
	    *thread_waits; /* by thread, state and cause alone: holder, waker and stack are not set; largest total first */
	size_t n_thread_waits;
	struct strings *strings;   /* that waits and causes refer to */
	struct cause_view *causes; /* largest total first */
	size_t n_causes;
	/*
	 * The same for sentences and columns, largest total first: joining and idle threads left out; waiting for a CPU is one; and where no
	 * cause has half of what it is one of (state, outside, join), all of them are one, with "" for a cause.
	 */
	struct cause_view *topics;
	size_t n_topics;
	uint64_t wall_ns;
	uint64_t ns[STATE_COUNT]; /* over all processes, undelivered included */
	uint64_t cpu_ns;          /* user + kernel + cpu */
	double budget[STATE_COUNT];
	double joining;            /* part of the budget: threads that only join */
	double idle;               /* part of the budget: waits of threads that are idle */
	uint64_t progress_ns;      /* X */
	uint64_t idle_progress_ns; /* part of X that is said of nobody: idle threads' outside waits */
	double overlap;            /* N */
	uint64_t residual_ns;      /* sum of |residual| over threads */
	unsigned int cpus;         /* 0: not known */
	unsigned int
	    workers; /* most threads alive at a time for at least 1% of T, without those that only join or are idle; at least 1 */
	double running;                                /* mean number of threads on a CPU: cpu_ns / T */
	uint64_t syscalls, connects, faults, switches; /* over all delivered threads */
	bool at_rest;        /* for at least half of T nobody had anything to do, and work could only come from outside: rest.c */
	bool in_doubt;       /* at rest, but for a thread that waits for long for a lock, or for what may be no work: rest.c */
	bool waits_for_work; /* at rest, not in doubt, hardly ever on a CPU, and mostly in waits for work: nothing is wrong */
	uint64_t for_work_ns; /* waits for work */
	bool stuck;           /* cut short or observed, nothing on a CPU, and every wait is for another of the threads: rest.c */
	/* The thread that used nearly all of the CPU time, where that is worth a word; NULL: there is none. */
	const struct thread_view *one_worker;
	/* By own time, largest first; empty without samples. */
	struct hot_function *hot;
	size_t n_hot;
	bool jit_unfinished;     /* most stacks that could not be followed end in code made at run time */
	uint64_t samples;        /* of all functions */
	uint64_t not_sampled_ns; /* on-CPU time of threads that no sample met */
	struct checks checks;
	struct timeline *timeline; /* timeline.h; NULL: the run has none */
	struct path *path;         /* path.h: the critical path; NULL without a timeline */
	struct finding *findings;  /* strongest first */
	size_t n_findings;
	char *headline; /* one sentence on this run alone, without a line end */
};

struct difference {
	enum state state;
	char *cause;                  /* "" for the CPU states */
	uint64_t before_ns, after_ns; /* thread-time: seconds summed over threads */
	bool progress;                /* counts into X: these items' differences sum to X_A - X_B */
	bool joining;                 /* of threads that only join */
};

/* A part of the critical path, by what both runs call it: path_words(). */
struct path_difference {
	enum state state;
	char *cause, *function;       /* as struct path_row's */
	uint64_t before_ns, after_ns; /* wall time */
};

/* Why `after` is faster or slower than `before`. Refers to both. */
struct comparison {
	const struct explanation *before, *after;
	double speedup, progress_ratio, overlap_ratio; /* speedup == progress_ratio * overlap_ratio */
	struct difference *items;                      /* largest difference first */
	size_t n_items;
	char *headline;          /* speedup and the true reason, without a line end */
	size_t reason_at;        /* where in the headline the reason begins, or its end */
	struct repeats *repeats; /* repeats.h; NULL: nothing was said of repeats */
	char *reason;            /* the reason alone, in a few words: for tables */
	/* Why the runs cannot be compared (one failed, or was interrupted); NULL when they can. The figures are then of no use. */
	char *refused;
	char *progress_reason; /* what made X differ, with the measured quantities behind it; may be "" */
	char *overlap_reason;  /* how many at once, before and after; may be "" */
	/* The difference of the critical paths, largest first: it sums to that of the wall times. None unless both runs have a path. */
	struct path_difference *path_items;
	size_t n_path_items;
	int64_t path_residual_ns; /* T after - T before - sum of the items' differences: 0, or something is wrong */
};

/* What a wait is called: "sleep", `lock "GIL"`, "socket 127.0.0.1:8000", "join", "for a CPU". Shortened to fit; returns `label`. */
#define CAUSE_LABEL_BYTES 200
const char *cause_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause);
/* The same of several causes: "sync (59,995 different futexes)". `kinds` of 1: cause_label(). */
const char *topic_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause, uint64_t kinds);
/* For call sites: the buffer lives as long as the enclosing block. */
#define CAUSE_LABEL(state, cause) cause_label((char[CAUSE_LABEL_BYTES]){0}, state, cause)
/* Of a pointer to a struct cause_view or most. */
#define TOPIC_LABEL(topic) topic_label((char[CAUSE_LABEL_BYTES]){0}, (topic)->state, (topic)->cause, (topic)->kinds)
/* What causes of the state are, many of them: "futexes". */
const char *causes_noun(enum state state);

/* Of all threads that neither join nor are idle: how many waited so. The topic is one `of` another run, or of this one. */
double explain_topic_mean(const struct explanation *explanation, const struct explanation *of, const struct cause_view *topic);

/*
 * The length that a part `quantile` (0..1) of the waits did not exceed, from their histogram: of n waits in a bucket the k-th is taken to lie
 * k/n of the way up, and no result is beyond max_ns. 0 without a histogram.
 */
uint64_t explain_percentile(const uint64_t log2_ns[WAIT_LOG2_SLOTS], uint64_t max_ns, double quantile);

/* "worker/123": the thread's name and tid. "" for NULL. Returns `label`. */
#define THREAD_LABEL_BYTES 40
const char *thread_label(char label[THREAD_LABEL_BYTES], const struct run_thread *thread);
#define THREAD_LABEL(thread) thread_label((char[THREAD_LABEL_BYTES]){0}, thread)
/* Who a party is: "worker/123", "timer"; "" when not known. */
const char *party_label(char label[THREAD_LABEL_BYTES], const struct party *party);
/* A part of less than a tenth is no figure of the whole: "held by X 2%" would mean that nobody held it for long. */
static inline bool explain_part_counts(uint64_t part_ns, uint64_t total_ns)
{
	return part_ns && part_ns >= total_ns / 10;
}
#define PARTY_LABEL(party) party_label((char[THREAD_LABEL_BYTES]){0}, party)

/*
 * Leaves in the run only what belongs to processes of a cgroup: the one with this path or the last part of it ("nginx.service"), and those
 * below it. T stays as it is. What holders and wakers outside were called is kept in waker_name. Returns how many processes are left, or
 * -ENOMEM.
 */
int run_keep_cgroup(struct run *run, const char *cgroup);

/* 0 or -ENOMEM; -EINVAL when a run's numbers contradict themselves beyond what can be explained (T == 0). */
int explain_run(const struct run *run, const struct explain_options *options, struct explanation **ret);
int explain_difference(const struct explanation *before, const struct explanation *after, struct comparison **ret);
void explanation_free(struct explanation *explanation); /* NULL is fine */
void comparison_free(struct comparison *comparison);    /* NULL is fine */

#endif
