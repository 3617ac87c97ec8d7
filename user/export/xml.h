/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_EXPORT_XML_H
#define CONCPROF_EXPORT_XML_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Text from strangers as XML text or attribute value, at most `max` characters of it (then the last is an ellipsis). Whatever bytes it
 * holds, the document stays well-formed and nothing becomes markup; what XML 1.0 cannot hold, and controls, become U+FFFD. Marks that
 * change the direction of text do, too: they could make one name look like another.
 */
#define XML_WHOLE SIZE_MAX
bool xml_is_shown(uint32_t point); /* false: it becomes U+FFFD */
void xml_put(FILE *out, const char *text, size_t max);

#endif
