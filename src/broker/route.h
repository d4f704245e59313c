/* Which handler a request is for: by the tables of broker/http.h, and nothing else. */
#ifndef TOBI_BROKER_ROUTE_H
#define TOBI_BROKER_ROUTE_H

#include "broker/http.h"

enum { ROUTE_ALLOWED_SIZE = 32 };

/*
 * The first row, over all tables (NULL ends them), whose pattern and method fit: 0. 404
 * when no pattern fits, 405 when none of those that do has the method; *ret_allowed are
 * then the methods that there are, of enum http_method.
 */
int route_find(const struct broker_route *const *tables, enum http_method method,
	       const char *path, const struct broker_route **ret_route,
	       unsigned *ret_allowed);
/* "GET, PUT", for the header Allow. */
void route_allowed(unsigned methods, char out[static ROUTE_ALLOWED_SIZE]);
/* "GET"; of one method. */
const char *route_method(enum http_method method);
/* What stands in the path for the index-th {} of a pattern that fits; empty when there
 * is none. Borrowed from path. */
struct tobi_bytes route_part(const char *pattern, const char *path, size_t index);

#endif
