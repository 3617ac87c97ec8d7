-- SPDX-License-Identifier: Apache-2.0
--
-- A concprof recording, version 3. This file is the contract for everyone who queries one.
--
--   sqlite3 run.concprof "SELECT * FROM run_states"
--
-- PRAGMA application_id is 0x434e4350 ("CNCP"); PRAGMA user_version is the version of the format. A reader of version N reads
-- recordings of version N. Within a version, views and indexes may be added; tables and columns do not change.
--
-- Times are nanoseconds. Points in time (begin_ns, end_ns) are on CLOCK_MONOTONIC of the machine: only differences mean something.
-- `seq` is the order of the rows in the recording and carries no other meaning. Booleans are 0 or 1. Text that is not known is ''.
-- Text is kept as the bytes that the kernel or the program gave (a comm or a path need not be UTF-8).
--
-- Time is stored by class: what the kernel can tell apart when a thread blocks. A class has a default state; the rules that refine it
-- (an interpreter's lock, a mutex, a join: see user/explain/rules.c) are applied when a recording is read, so that better rules serve old
-- recordings too. The views below use the default states; `concprof report FILE --json -` gives the refined ones.

-- What the recording says of itself: 'format', 'program' (version that wrote it), 'kernel' (uname -r), 'cpus' (online).
CREATE TABLE meta (
	key   TEXT PRIMARY KEY NOT NULL,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- Where a nanosecond of a thread's life can go. Numbers hold within one recording; names hold everywhere.
CREATE TABLE class (
	id    INTEGER PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE,
	state TEXT NOT NULL,          -- the default state
	gloss TEXT NOT NULL
);

-- One measured run. With two, the first is the baseline.
CREATE TABLE run (
	id           INTEGER PRIMARY KEY, -- 1, 2, ...
	name         TEXT    NOT NULL,    -- 'threads-cpu'; for a command its basename
	begin_ns     INTEGER NOT NULL,
	end_ns       INTEGER NOT NULL,    -- wall time T = end_ns - begin_ns
	exit_status  INTEGER NOT NULL,    -- of the root process: 0..255, 128+n for signal n
	interrupted  INTEGER NOT NULL,    -- ended by the user
	no_syscalls  INTEGER NOT NULL,    -- on-CPU time has no user and kernel sides
	failure      TEXT,                -- why the run does not count; NULL if it does
	sample_hz    INTEGER NOT NULL,    -- on-CPU stacks were sampled at this rate; 0: not at all
	attached     INTEGER NOT NULL,    -- to processes that were alive: begin_ns is not an exec
	timeline     INTEGER NOT NULL,    -- table episode has every episode
	stolen_ns    INTEGER NOT NULL,    -- time that the hypervisor took from the machine's CPUs meanwhile, in ticks
	others_ns    INTEGER NOT NULL,    -- CPU time that all else on the machine used meanwhile (with stolen_ns), in ticks
	tax_probe_ns INTEGER NOT NULL,    -- concprof's own time inside the kernel, estimated
	tax_cpu_ns   INTEGER NOT NULL,    -- CPU time of concprof itself
	tax_events   INTEGER NOT NULL     -- events handled
);

-- The command line of a run.
CREATE TABLE argument (
	seq   INTEGER PRIMARY KEY,
	run   INTEGER NOT NULL REFERENCES run (id),
	value TEXT    NOT NULL
);

CREATE TABLE process (
	seq                 INTEGER PRIMARY KEY,
	run                 INTEGER NOT NULL REFERENCES run (id),
	id                  INTEGER NOT NULL, -- serial number within the run; 1 is the root (pids are reused, these are not)
	parent              INTEGER NOT NULL, -- serial; 0: none
	pid                 INTEGER NOT NULL,
	comm                TEXT    NOT NULL,
	cgroup              TEXT,             -- its path in the cgroup v2 hierarchy, as last seen; NULL: not known
	begin_ns            INTEGER NOT NULL,
	end_ns              INTEGER NOT NULL,
	exit_status         INTEGER NOT NULL, -- wait status, as waitpid() gives it; means something if ended
	ended               INTEGER NOT NULL, -- before the end of the measurement
	undelivered_threads INTEGER NOT NULL, -- threads whose own record was lost; their time is in process_time
	undelivered_life_ns INTEGER NOT NULL
);

-- Time of the threads whose own record was lost, by class.
CREATE TABLE process_time (
	seq     INTEGER PRIMARY KEY,
	run     INTEGER NOT NULL REFERENCES run (id),
	process INTEGER NOT NULL, -- process.id of the same run
	class   INTEGER NOT NULL REFERENCES class (id),
	ns      INTEGER NOT NULL
);

CREATE TABLE thread (
	seq                INTEGER PRIMARY KEY,
	run                INTEGER NOT NULL REFERENCES run (id),
	id                 INTEGER NOT NULL, -- serial number within the run; 1 is the root
	process            INTEGER NOT NULL, -- process.id of the same run
	parent             INTEGER NOT NULL, -- serial of the creating thread; 0: the root
	pid                INTEGER NOT NULL,
	tid                INTEGER NOT NULL,
	comm               TEXT    NOT NULL,
	begin_ns           INTEGER NOT NULL,
	life_ns            INTEGER NOT NULL,
	voluntary          INTEGER NOT NULL, -- switches off a CPU, counted by concprof: blocked
	involuntary        INTEGER NOT NULL, --                                          still runnable
	syscalls           INTEGER NOT NULL,
	connects           INTEGER NOT NULL, -- of those: connect()
	faults             INTEGER NOT NULL, -- page faults, minor and major
	ended              INTEGER NOT NULL, -- the kernel's account (audit_*) is exact only then
	audit_on_cpu_ns    INTEGER NOT NULL,
	audit_run_delay_ns INTEGER NOT NULL,
	audit_switches     INTEGER NOT NULL
);

-- Where a thread's life went: one row for each class that occurs. Sums to thread.life_ns.
CREATE TABLE thread_time (
	seq    INTEGER PRIMARY KEY,
	run    INTEGER NOT NULL REFERENCES run (id),
	thread INTEGER NOT NULL, -- thread.id of the same run
	class  INTEGER NOT NULL REFERENCES class (id),
	ns     INTEGER NOT NULL
);

-- The waits of one thread for one cause, summed. What thread_time has beyond these rows has no known cause.
CREATE TABLE wait (
	seq          INTEGER PRIMARY KEY,
	run          INTEGER NOT NULL REFERENCES run (id),
	id           INTEGER NOT NULL, -- from 1, within the run
	thread       INTEGER NOT NULL, -- thread.id of the same run
	class        INTEGER NOT NULL REFERENCES class (id),
	op           INTEGER NOT NULL, -- futex: FUTEX_* command (linux/futex.h); poll: 1 if the set had several peers
	expects_2    INTEGER NOT NULL, -- futex: a plain wait that expects the value 2, as glibc's low-level locks do
	is_join      INTEGER NOT NULL, -- futex: on the tid word of a thread of the same process
	syscall      TEXT    NOT NULL, -- 'read', 'futex'
	object       TEXT    NOT NULL, -- '127.0.0.1:8000', 'pipe:[123]', a path
	symbol       TEXT    NOT NULL, -- futex: the named data object that holds the word
	symbol_offset INTEGER NOT NULL, --       the word's place in it
	file         TEXT    NOT NULL, --        the ELF file that defines it, or '[heap]', '[anon]'
	address      INTEGER NOT NULL, --        the word's address (64 bits, shown as signed)
	unattributed INTEGER NOT NULL, -- the cause could not be kept: only class and total_ns mean something
	inside       INTEGER NOT NULL, -- the peer is known to be a followed process
	stack        INTEGER NOT NULL, -- where it blocked: stack.id of the same run; 0: not taken
	holder       INTEGER NOT NULL, -- thread.id that held the lock when the waits began; 0: not known
	waker        INTEGER NOT NULL, -- thread.id that ended the waits; 0: none that was followed
	waker_name   TEXT,             -- what else ended them: 'timer', 'interrupt', 'sshd[812]'
	count        INTEGER NOT NULL,
	timed_out    INTEGER NOT NULL,
	total_ns     INTEGER NOT NULL,
	max_ns       INTEGER NOT NULL,
	log2_ns      TEXT    NOT NULL  -- JSON array; element i counts waits of 2^i <= ns < 2^(i+1); trailing zeros left out
);

-- A place in a program. Frames of one function at different return addresses are different frames.
CREATE TABLE frame (
	seq      INTEGER PRIMARY KEY,
	run      INTEGER NOT NULL REFERENCES run (id),
	id       INTEGER NOT NULL, -- from 1, within the run
	kind     INTEGER NOT NULL, -- 0 user, 1 kernel, 2 the mark at the root of a stack that could not be followed to its end
	function TEXT    NOT NULL, -- '' when it has no name: it is object+address then
	object   TEXT    NOT NULL, -- the ELF file's name, '[kernel]', '[jit]'
	address  INTEGER NOT NULL, -- in the object's own addressing (64 bits, shown as signed)
	source   TEXT    NOT NULL, -- with --lines: the file
	line     INTEGER NOT NULL,
	inlined  INTEGER NOT NULL  -- merged by the compiler into its caller, the next outer frame
);

-- Stacks are a tree: each is its caller's stack (parent; 0: none) and one frame, the innermost. View stack_text spells them out.
CREATE TABLE stack (
	seq    INTEGER PRIMARY KEY,
	run    INTEGER NOT NULL REFERENCES run (id),
	id     INTEGER NOT NULL, -- from 1, within the run; a parent's is smaller
	parent INTEGER NOT NULL,
	frame  INTEGER NOT NULL  -- frame.id of the same run
);

-- Where threads were on a CPU, by sampling. The samples of a thread divide its on-CPU time, which is exact; they are no times themselves.
CREATE TABLE sample (
	seq    INTEGER PRIMARY KEY,
	run    INTEGER NOT NULL REFERENCES run (id),
	thread INTEGER NOT NULL, -- thread.id of the same run
	stack  INTEGER NOT NULL, -- stack.id of the same run
	count  INTEGER NOT NULL
);

-- The timeline: each time that a thread was off its CPU, in the order of threads, and of time. It was blocked first (blocked_ns; 0: it was
-- preempted), then it waited for a CPU (queued_ns). Between its episodes a thread is on a CPU: view intervals unfolds that. Empty unless
-- run.timeline. The episodes of a thread sum to its classes in thread_time; those of a row of wait to its count and total_ns.
CREATE TABLE episode (
	seq        INTEGER PRIMARY KEY,
	run        INTEGER NOT NULL REFERENCES run (id),
	thread     INTEGER NOT NULL, -- thread.id of the same run
	out_ns     INTEGER NOT NULL, -- the switch-out, since run.begin_ns
	blocked_ns INTEGER NOT NULL,
	queued_ns  INTEGER NOT NULL,
	class      INTEGER NOT NULL REFERENCES class (id), -- of the blocked part; 'preempted' or 'woken' when there is none
	wait       INTEGER NOT NULL  -- wait.id of the same run: what it waited for, where, who ended it; 0: not blocked, or not known
);

-- The samples in time, with a timeline (of very many, an even part): what a thread was computing at that moment. In the order of threads, and of time.
CREATE TABLE moment (
	seq    INTEGER PRIMARY KEY,
	run    INTEGER NOT NULL REFERENCES run (id),
	thread INTEGER NOT NULL, -- thread.id of the same run
	at_ns  INTEGER NOT NULL, -- since run.begin_ns
	stack  INTEGER NOT NULL  -- stack.id of the same run
);

-- Figures by name: kind 'loss' (what could not be measured, and how often; none is good), kind 'ledger' (what the workload
-- says of itself; units are in the names), and kind 'stack' (how unwinding went: stacks taken, and why some are unfinished).
CREATE TABLE figure (
	seq   INTEGER PRIMARY KEY,
	run   INTEGER NOT NULL REFERENCES run (id),
	kind  TEXT    NOT NULL,
	name  TEXT    NOT NULL,
	value REAL    NOT NULL
);

-- Seconds of each thread in each (default) state.
CREATE VIEW thread_states AS
	SELECT r.name AS run_name, t.run, t.id AS thread, t.pid, t.tid, t.comm, c.state, sum(x.ns) AS ns, sum(x.ns) / 1e9 AS seconds,
	       1.0 * sum(x.ns) / t.life_ns AS share
	FROM thread_time x JOIN thread t ON t.run = x.run AND t.id = x.thread JOIN class c ON c.id = x.class JOIN run r ON r.id = x.run
	GROUP BY t.run, t.id, c.state;

-- Seconds of each process in each (default) state, threads without a record of their own included.
CREATE VIEW process_states AS
	SELECT run, process, state, sum(ns) AS ns, sum(ns) / 1e9 AS seconds FROM (
		SELECT t.run, t.process, c.state, x.ns
		FROM thread_time x JOIN thread t ON t.run = x.run AND t.id = x.thread JOIN class c ON c.id = x.class
		UNION ALL
		SELECT u.run, u.process, c.state, u.ns FROM process_time u JOIN class c ON c.id = u.class)
	GROUP BY run, process, state;

-- Each run's budget: the mean number of threads in each (default) state.
CREATE VIEW run_states AS
	SELECT r.id AS run, r.name, s.state, sum(s.ns) AS ns, 1.0 * sum(s.ns) / (r.end_ns - r.begin_ns) AS mean_threads
	FROM process_states s JOIN run r ON r.id = s.run
	GROUP BY r.id, s.state;

-- What threads waited for, in words.
CREATE VIEW waits AS
	SELECT w.run, t.comm, t.tid, c.name AS class, w.syscall,
	       CASE WHEN w.unattributed THEN '(not known)' WHEN w.is_join THEN '(join)' WHEN w.symbol <> '' THEN w.symbol
	            WHEN w.object <> '' THEN w.object ELSE w.file END AS what,
	       w.count, w.timed_out, w.total_ns / 1e9 AS seconds, w.max_ns / 1e9 AS longest
	FROM wait w JOIN thread t ON t.run = w.run AND t.id = w.thread JOIN class c ON c.id = w.class;

-- The timeline unfolded: what each thread was doing when, since run.begin_ns, in (default) states; on a CPU without its sides. `wait` leads
-- to the cause of a blocked interval. A thread that was found blocked, or that began on a CPU, begins so.
CREATE VIEW intervals AS
	WITH seen AS (
		SELECT e.run, e.thread, e.out_ns, e.blocked_ns, e.queued_ns, e.class, e.wait,
		       lead(e.out_ns) OVER w AS next_out_ns, e.out_ns + e.blocked_ns + e.queued_ns AS in_ns
		FROM episode e WINDOW w AS (PARTITION BY e.run, e.thread ORDER BY e.seq)),
	life AS (
		SELECT t.run, t.id AS thread, t.begin_ns - r.begin_ns AS begin_ns, t.begin_ns - r.begin_ns + t.life_ns AS end_ns
		FROM thread t JOIN run r ON r.id = t.run WHERE r.timeline)
	SELECT run, thread, begin_ns, end_ns, end_ns - begin_ns AS ns, state, wait FROM (
		SELECT l.run, l.thread, l.begin_ns, coalesce((SELECT min(out_ns) FROM episode e WHERE e.run = l.run AND e.thread = l.thread),
		       l.end_ns) AS end_ns, 'cpu' AS state, 0 AS wait FROM life l
		UNION ALL
		SELECT s.run, s.thread, s.out_ns, s.out_ns + s.blocked_ns, c.state, s.wait FROM seen s JOIN class c ON c.id = s.class
		UNION ALL
		SELECT run, thread, out_ns + blocked_ns, in_ns, 'run_queue', 0 FROM seen
		UNION ALL
		SELECT s.run, s.thread, s.in_ns, coalesce(s.next_out_ns, l.end_ns), 'cpu', 0
		FROM seen s JOIN life l ON l.run = s.run AND l.thread = s.thread)
	WHERE end_ns > begin_ns;

-- Stacks in words, outermost frame first, as flame graphs fold them.
CREATE VIEW stack_text AS
	WITH RECURSIVE spelled (run, id, text) AS (
		SELECT s.run, s.id, CASE WHEN f.function <> '' THEN f.function ELSE f.object || printf('+0x%x', f.address) END
		FROM stack s JOIN frame f ON f.run = s.run AND f.id = s.frame WHERE s.parent = 0
		UNION ALL
		SELECT s.run, s.id, p.text || ';' || CASE WHEN f.function <> '' THEN f.function
		       ELSE f.object || printf('+0x%x', f.address) END
		FROM spelled p JOIN stack s ON s.run = p.run AND s.parent = p.id JOIN frame f ON f.run = s.run AND f.id = s.frame)
	SELECT run, id, text FROM spelled;

-- The histograms, unfolded: `waits` waits took at least from_ns and less than twice that.
CREATE VIEW wait_histogram AS
	SELECT w.seq AS wait, w.run, w.thread, (1 << j.key) AS from_ns, j.value AS waits
	FROM wait w, json_each(w.log2_ns) j WHERE j.value > 0;

-- @indexes: from here on at the commit, when all rows are in.
CREATE UNIQUE INDEX process_by_id ON process (run, id);
CREATE UNIQUE INDEX thread_by_id ON thread (run, id);
CREATE INDEX thread_time_by_thread ON thread_time (run, thread);
CREATE INDEX process_time_by_process ON process_time (run, process);
CREATE INDEX wait_by_thread ON wait (run, thread);
CREATE UNIQUE INDEX wait_by_id ON wait (run, id);
CREATE UNIQUE INDEX frame_by_id ON frame (run, id);
CREATE INDEX stack_by_parent ON stack (run, parent);
CREATE INDEX sample_by_thread ON sample (run, thread);
