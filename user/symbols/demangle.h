/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C++ (Itanium ABI) and Rust (legacy and v0) names as the source has them, by libiberty. A hostile name of a few hundred bytes
 * can stand for gigabytes of text or for endless recursion: depth is limited by libiberty, and the text by stopping it here.
 */
#ifndef CONCPROF_DEMANGLE_H
#define CONCPROF_DEMANGLE_H

/* A demangled name ends with "..." after so many bytes. */
#define DEMANGLED_MAX 4096

/* NULL when `name` is not mangled, or memory is short; the caller frees. C++ names come with parameters: overloads differ. */
char *demangle(const char *name);

#endif
