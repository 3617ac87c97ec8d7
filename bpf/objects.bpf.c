// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the objects that threads wait for are called: each is delivered once, when a wait meets it first. What stands in a wait's key is a
 * number for it. All of this runs with interrupts off (at a switch-out, or in a wake-up), so that one scratch a CPU will do; and another one
 * for what is asked about other tasks at attach, which may be interrupted.
 */
#include "concprof.bpf.h"

#define TEXT_BYTES OBJECT_TEXT_BYTES
#define DEPTH_MAX  40 /* components of a path, and mounts crossed; beyond them its begin is left out */
#define HASH_WORDS (TEXT_BYTES / 8)

struct object_scratch {
	struct record_object record;
	char beyond[TEXT_BYTES]; /* where what is copied to the end of the text may reach, for all that the verifier knows */
	char path[2 * TEXT_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct object_scratch);
} object_scratches SEC(".maps");

static __always_inline struct object_scratch *object_scratch(void)
{
	u32 which = is_about_other();

	return bpf_map_lookup_elem(&object_scratches, &which);
}

static __always_inline bool is_same(const union wait_where *a, const union wait_where *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2];
}

/* Delivers what is in the scratch: `bytes` of text from its begin. `flags`: whether user space is to look at once. */
static __always_inline void deliver(struct thread *t, struct object_scratch *scratch, const union wait_where *where, u64 bytes,
				    u64 flags)
{
	u64 size = __builtin_offsetof(struct record_object, text) + bytes;

	barrier_var(size); /* or the compiler would prove the bound elsewhere than where the verifier looks */
	if (size > sizeof(scratch->record))
		return;
	scratch->record.kind = RECORD_OBJECT;
	scratch->record.where = *where;
	scratch->record.process = t->process;
	scratch->record.tgid = t->tgid;
	scratch->record.bytes = bytes;
	if (bpf_ringbuf_output(&records, &scratch->record, size, flags))
		lose(LOSS_OBJECT_UNDELIVERED);
}

/* --- files --- */

struct path_walk {
	struct mount *mount;
	struct dentry *dentry;
	u32 at; /* where the text begins that is there so far; it ends at TEXT_BYTES */
	u32 done;
};

/* One component towards the root of the process's mounts, or one mount crossed. */
static long path_step(u32 i, struct path_walk *walk)
{
	struct object_scratch *scratch = object_scratch();
	struct dentry *dentry = walk->dentry, *parent;
	struct mount *mount = walk->mount;
	const unsigned char *name;
	u32 bytes, at;

	if (!scratch)
		return 1;
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above != mount && above) {
			walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			walk->mount = above;
			return 0;
		}
		/* A file system that is mounted nowhere has objects that are their own root: memory files, sockets. */
		if (walk->at < TEXT_BYTES) {
			walk->done = 1;
			return 1;
		}
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry && walk->at < TEXT_BYTES) {
		walk->done = 1;
		return 1;
	}
	bytes = BPF_CORE_READ(dentry, d_name.len);
	if (bytes + 1 > walk->at || bytes >= TEXT_BYTES)
		return 1;
	walk->at -= bytes + 1;
	at = walk->at & (TEXT_BYTES - 1);
	scratch->path[at] = '/';
	name = BPF_CORE_READ(dentry, d_name.name);
	bpf_probe_read_kernel(&scratch->path[at + 1], bytes & (TEXT_BYTES - 1), name);
	walk->dentry = parent;
	return 0;
}

/* The path of a file into the scratch's text. Returns its length. */
__noinline u32 path_of_file(u64 address)
{
	struct object_scratch *scratch = object_scratch();
	struct file *file = (struct file *)address;
	struct path_walk walk = {.at = TEXT_BYTES};
	u32 bytes;

	if (!scratch)
		return 0;
	walk.mount = (void *)BPF_CORE_READ(file, f_path.mnt) - bpf_core_field_offset(struct mount, mnt);
	walk.dentry = BPF_CORE_READ(file, f_path.dentry);
	bpf_loop(DEPTH_MAX, path_step, &walk, 0);
	bytes = TEXT_BYTES - walk.at;
	if (bytes > TEXT_BYTES)
		return 0;
	if (!walk.done && walk.at >= 4) {
		/* Its begin had no room. */
		walk.at -= 3;
		bytes += 3;
		scratch->path[walk.at & (TEXT_BYTES - 1)] = '.';
		scratch->path[(walk.at + 1) & (TEXT_BYTES - 1)] = '.';
		scratch->path[(walk.at + 2) & (TEXT_BYTES - 1)] = '.';
	}
	bpf_probe_read_kernel(scratch->record.text, bytes & (2 * TEXT_BYTES - 1), &scratch->path[walk.at & (TEXT_BYTES - 1)]);
	return bytes;
}

/* --- unix sockets --- */

static u64 hash_text(const char *text)
{
	const u64 *words = (const u64 *)text;
	u64 hash = 0x9e3779b97f4a7c15;

	for (u32 i = 0; i < HASH_WORDS; i++) {
		hash ^= words[i];
		hash *= 0xff51afd7ed558ccd;
		hash ^= hash >> 32;
	}
	return hash;
}

static __always_inline void text_clear(struct object_scratch *scratch)
{
	__builtin_memset(scratch->record.text, 0, sizeof(scratch->record.text));
}

/* The name of a unix socket into the scratch's text: "@name" for an abstract one. Returns its length; 0: it has none. */
static __always_inline u32 unix_name(struct object_scratch *scratch, struct unix_sock_name *address)
{
	s32 len = 0;

	bpf_probe_read_kernel(&len, sizeof(len), &address->len);
	len -= 2; /* the family */
	if (len <= 0 || len > 108)
		return 0;
	bpf_probe_read_kernel(scratch->record.text, len & 127, address->path);
	if (!scratch->record.text[0]) {
		scratch->record.text[0] = '@';
		return len;
	}
	/* A path ends with a zero, which len counts in. */
	if (!scratch->record.text[(len - 1) & 127])
		len--;
	return len;
}

/* Fills t->open.where for the unix socket of `file`; its name is then in the scratch. Returns the name's length. */
__noinline u32 unix_fill(struct thread *t, u64 address)
{
	struct object_scratch *scratch = object_scratch();
	struct file *file = (struct file *)address;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct unix_sock *own = (struct unix_sock *)BPF_CORE_READ(socket, sk);
	struct sock *peer = BPF_CORE_READ(own, peer);
	struct unix_sock_name *name;
	bool serves = false;
	struct pid *pid;
	u32 bytes = 0;

	if (!t || !scratch)
		return 0;
	text_clear(scratch);
	/* An accepted socket has the name of the one that listened; a connected one's peer has it. */
	name = BPF_CORE_READ(own, addr);
	if (name)
		serves = !(t->open.where.local.kind & WHERE_LISTENS);
	else if (peer)
		name = BPF_CORE_READ((struct unix_sock *)peer, addr);
	if (name)
		bytes = unix_name(scratch, name);
	if (bytes) {
		t->open.where.local.name = hash_text(scratch->record.text);
		if (serves) {
			/* Its clients may be any number: they are one. */
			t->open.where.local.kind |= WHERE_SERVES;
		} else {
			pid = BPF_CORE_READ((struct sock *)own, sk_peer_pid);
			if (pid)
				t->open.where.local.tgid = BPF_CORE_READ(pid, numbers[0].nr);
		}
	} else {
		/* Both ends of a pair were made by one process, and may be anyone's now: who has the other is for user space to find. */
		t->open.where.local.kind |= WHERE_UNNAMED;
		if (peer)
			t->open.where.local.name = BPF_CORE_READ(peer, sk_socket, file, f_inode, i_ino);
	}
	return bytes;
}

/* --- what a wait meets --- */

/* Whether it is new and there is room for it. */
static __always_inline bool is_new_file(union wait_where *where)
{
	u32 one = 1;

	if (bpf_map_lookup_elem(&files_met, where))
		return false;
	if (bpf_map_update_elem(&files_met, where, &one, BPF_ANY)) {
		/* No room: the file system stands for it. */
		where->file.inode = 0;
		if (bpf_map_lookup_elem(&files_met, where))
			return false;
	}
	return true;
}

static __always_inline bool is_new_peer(union wait_where *where)
{
	u32 one = 1;

	if (bpf_map_lookup_elem(&peers_met, where))
		return false;
	bpf_map_update_elem(&peers_met, where, &one, BPF_ANY);
	return true;
}

__noinline int file_met(struct thread *t, u64 file)
{
	struct object_scratch *scratch = object_scratch();
	union wait_where where;
	u32 bytes;

	if (!t || !scratch)
		return 0;
	where = t->open.where;
	if (is_new_file(&where) && where.file.inode) {
		bytes = path_of_file(file);
		deliver(t, scratch, &where, bytes, BPF_RB_NO_WAKEUP);
	}
	t->open.where = where;
	return 0;
}

__noinline int peer_met(struct thread *t, u32 bytes)
{
	struct object_scratch *scratch = object_scratch();
	union wait_where where;

	if (!t || !scratch)
		return 0;
	where = t->open.where;
	/* Who is at the other end can be seen while it lives. */
	if (is_new_peer(&where))
		deliver(t, scratch, &where, bytes, BPF_RB_FORCE_WAKEUP);
	return 0;
}

__noinline int object_met(struct thread *t, u64 file)
{
	union wait_where *where;

	if (!t || !file)
		return 0;
	where = &t->open.where;
	if (WHERE_IS_SOCKET(where) && where->peer.family == AF_UNIX) {
		/* Its number and state came from fd_look: what is known of it need not be found out again. */
		u64 socket = t->open.where.local.name;

		if (t->met_socket == socket && WHERE_IS_SOCKET(&t->met) && t->met.peer.family == AF_UNIX) {
			t->open.where = t->met;
			return 0;
		}
		t->met_socket = socket;
		peer_met(t, unix_fill(t, file));
	} else if (is_same(&t->met, &t->open.where)) {
		return 0;
	} else if (WHERE_IS(where, FD_FILE) || WHERE_IS(where, FD_TTY)) {
		file_met(t, file);
	} else if (WHERE_IS(where, FD_PIPE)) {
		peer_met(t, 0);
	} else if (WHERE_IS_SOCKET(where) && where->peer.kind & WHERE_HERE && where->peer.port) {
		peer_met(t, 0);
	}
	t->met = t->open.where;
	return 0;
}

__noinline int object_path_met(struct thread *t, u64 path)
{
	struct object_scratch *scratch = object_scratch();
	union wait_where where = {};
	long bytes;

	if (!t || !scratch || is_about_other())
		return 0;
	text_clear(scratch);
	bytes = bpf_probe_read_user_str(scratch->record.text, TEXT_BYTES, (void *)path);
	if (bytes <= 1) /* empty: the descriptor is meant */
		return 0;
	where.file.inode = hash_text(scratch->record.text);
	where.file.kind = FD_PATH;
	if (!is_same(&t->met, &where)) {
		t->met = where;
		if (is_new_file(&where) && where.file.inode)
			deliver(t, scratch, &where, bytes - 1, BPF_RB_NO_WAKEUP);
		else if (!where.file.inode)
			t->met = where;
	}
	t->open.where = t->met;
	return 0;
}

__noinline int object_task_met(struct thread *t, u32 tgid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct object_scratch *scratch = object_scratch();
	union wait_where where = {.file = {.inode = tgid, .kind = FD_TASK}};

	if (!t || !scratch || !is_new_peer(&where))
		return 0;
	bpf_probe_read_kernel(scratch->record.text, COMM_BYTES, task->group_leader->comm);
	deliver(t, scratch, &where, COMM_BYTES, BPF_RB_NO_WAKEUP);
	return 0;
}
