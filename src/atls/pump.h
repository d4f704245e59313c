/*
 * Moves plain bytes between an open attested connection and local descriptors, both ways,
 * with whole TLS records and little copying.
 *
 * It takes the TLS session over from the connection's stream: after atls_pump_new() the
 * stream must not be used. Either side may end first: an end of file is passed on (as
 * TLS's close_notify, as shutdown(2) or close(2)) and the other direction goes on.
 */
#ifndef TOBI_ATLS_PUMP_H
#define TOBI_ATLS_PUMP_H

#include "atls/conn.h"

struct atls_pump;

/* fault NULL: both directions have ended in order. Called once; free the pump, then the
 * connection, in it or later. */
typedef void atls_pump_ended(struct atls_pump *pump, const struct tobi_fault *fault,
			     void *context);

/*
 * conn is open and outlives the pump. from and to are non-blocking: one socket twice, or
 * two pipes; they are the pump's from now on, on failure too.
 */
TOBI_MUST_USE enum tobi_err atls_pump_new(struct event_base *base, struct atls_conn *conn,
					  int from, int to, atls_pump_ended *ended,
					  void *context, struct atls_pump **ret_pump,
					  struct tobi_fault *fault);
/* Closes from and to. */
void atls_pump_free(struct atls_pump *pump);

#endif
