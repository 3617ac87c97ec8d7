/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/proc_maps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool proc_maps_line(char *line, struct mapping *mapping)
{
	char permissions[5];
	uint64_t end;
	int path = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &mapping->start, &end, permissions,
		   &mapping->file_offset, &mapping->major, &mapping->minor, &mapping->inode, &path) < 7 ||
	    !path || end <= mapping->start || strlen(permissions) != 4 || permissions[2] != 'x')
		return false;
	mapping->length = end - mapping->start;
	mapping->path = line + path;
	mapping->kind = MAPPING_ANONYMOUS;
	if (strcmp(mapping->path, "[vdso]") == 0)
		mapping->kind = MAPPING_VDSO;
	else if (strcmp(mapping->path, "[vsyscall]") == 0)
		return false;
	else if (mapping->path[0] == '/')
		mapping->kind = MAPPING_FILE;
	return true;
}
