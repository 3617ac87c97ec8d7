/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_VERSION_H
#define CONCPROF_VERSION_H

/* `git describe` of the source this was built from. */
extern const char concprof_version[];

#endif
