/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/version.h"

const char concprof_version[] = CONCPROF_VERSION;
