/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that reads DWARF, and what is said to it. It can do nothing but read the descriptors that it is given: no
 * privileges, no files, no memory beyond a limit; a damaged or hostile file costs this process, which is started again, and
 * nothing else.
 *
 * Over a socket of packets: a request, and a reply with as many frames as were found.
 */
#ifndef CONCPROF_LINES_PROCESS_H
#define CONCPROF_LINES_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#define LINES_FRAMES_MAX 64
#define LINES_REPLY_MAX  (64u << 10) /* bytes; frames that do not fit are left out */

struct lines_request {
	uint32_t object;  /* a number of the asker's */
	uint32_t n_files; /* descriptors in this packet: the file with the DWARF, and the one that it shares with others */
	uint64_t vaddr;
};

struct lines_reply {
	uint32_t count;
	uint32_t unreadable; /* the object has no DWARF to be read */
};

/* One frame; the function's and the source's name follow, without NUL, then padding up to a multiple of 4. */
struct lines_reply_frame {
	uint32_t line;
	uint16_t function_bytes, source_bytes; /* 0: not known */
	uint32_t inlined;
};

/* Replies until `socket` is closed. Does not return. */
__attribute__((noreturn)) void lines_process(int socket);

#endif
