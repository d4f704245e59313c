/* Hexadecimal, lower case. */
#ifndef TOBI_BASE_HEX_H
#define TOBI_BASE_HEX_H

#include <stdbool.h>

#include "tobichi/bytes.h"

/* out has room for 2 * bytes.size + 1; it is terminated. */
void hex_write(struct tobi_bytes bytes, char *out, size_t room);
/* Exactly 2 * size digits, either case, terminated; else false and out is untouched. */
bool hex_read(const char *text, uint8_t *ret_out, size_t size);

#endif
