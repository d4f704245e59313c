/* Times as the vendors, policies and command lines write them: RFC 3339, of UTC. */
#ifndef TOBI_BASE_DATE_H
#define TOBI_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* Exactly "2026-05-17T12:00:00Z", a time that there is, from 1970 on; else false, and
 * ret_seconds is untouched. */
bool date_read(const char *text, int64_t *ret_seconds);

#endif
