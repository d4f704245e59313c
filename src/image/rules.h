/* The rules for single values of a manifest (docs/PROTOCOL.md section 1.1). */
#ifndef TOBI_IMAGE_RULES_H
#define TOBI_IMAGE_RULES_H

#include <stdbool.h>

#include "tobichi/bytes.h"

/* 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit. */
bool rule_name(struct tobi_bytes text);
/* Absolute, at most LIMIT_PATH, without ".", "..", "//" or a slash at the end; "/" is
 * one. */
bool rule_path(struct tobi_bytes text);
/* A path that is neither "/" nor at or below /proc, /sys or /dev. */
bool rule_writable(struct tobi_bytes text);
/* [A-Za-z_][A-Za-z0-9_]*, at most 256. */
bool rule_variable(struct tobi_bytes text);
/* host:port with a name, an IPv4 address or an IPv6 address in brackets; port 1 to 65535.
 */
bool rule_egress(struct tobi_bytes text);
/* repository/type: each part 1 to 128 of A-Z a-z 0-9 . _ -, without a dot at its start,
 * as a broker names its resources. */
bool rule_scope(struct tobi_bytes text);
/* Nothing, "launch", or the path of a file. */
bool rule_policy(struct tobi_bytes text);
bool rule_clients(struct tobi_bytes text); /* of clients: program, too */

#endif
