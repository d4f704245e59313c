/*
 * What the broker counts, in Prometheus' text format (version 0.0.4). No label carries
 * what came from outside: a client cannot make the table grow.
 *
 * Threads: the loop's only.
 */
#ifndef TOBI_DAEMONS_BROKER_METRICS_H
#define TOBI_DAEMONS_BROKER_METRICS_H

#include "broker/http.h"

/* X(member, name, label, help): counters; those of one name stand together. */
#define METRIC_COUNTERS(X)                                                               \
	X(accepted, "connections_total", "", "Connections that were taken.")             \
	X(full, "connections_refused_total", "reason=\"total\"",                         \
	  "Connections that were closed at once.")                                       \
	X(client_full, "connections_refused_total", "reason=\"client\"", "")             \
	X(unknown_peer, "connections_refused_total", "reason=\"unknown\"", "")           \
	X(handshakes, "tls_handshakes_total", "result=\"done\"", "TLS handshakes.")      \
	X(bad_handshakes, "tls_handshakes_total", "result=\"failed\"", "")               \
	X(sessions, "attested_sessions_total", "result=\"open\"",                        \
	  "Sessions of attested TLS.")                                                   \
	X(bad_sessions, "attested_sessions_total", "result=\"failed\"", "")              \
	X(malformed, "requests_refused_total", "reason=\"malformed\"",                   \
	  "Requests that no handler saw.")                                               \
	X(no_route, "requests_refused_total", "reason=\"route\"", "")                    \
	X(too_large, "requests_refused_total", "reason=\"size\"", "")                    \
	X(client_rate, "requests_refused_total", "reason=\"client_rate\"", "")           \
	X(all_rate, "requests_refused_total", "reason=\"rate\"", "")                     \
	X(queue_full, "requests_refused_total", "reason=\"queue\"", "")                  \
	X(no_memory, "requests_refused_total", "reason=\"memory\"", "")                  \
	X(stopping, "requests_refused_total", "reason=\"stopping\"", "")                 \
	X(session_over, "requests_refused_total", "reason=\"session_over\"", "")         \
	X(slow_head, "timeouts_total", "phase=\"head\"",                                 \
	  "Connections that were closed for being slow.")                                \
	X(slow_body, "timeouts_total", "phase=\"body\"", "")                             \
	X(slow_work, "timeouts_total", "phase=\"request\"", "")                          \
	X(slow_reply, "timeouts_total", "phase=\"reply\"", "")                           \
	X(idle, "timeouts_total", "phase=\"idle\"", "")                                  \
	X(denied, "requests_denied_total", "",                                           \
	  "Administration by nobody who may, of those that reached a handler.")          \
	X(failures, "request_failures_total", "", "Requests that the broker failed.")    \
	X(reloads, "reloads_total", "result=\"done\"", "Reloads of files.")              \
	X(bad_reloads, "reloads_total", "result=\"failed\"", "")

struct metrics_counters {
#define X(member, name, label, help) uint64_t member;
	METRIC_COUNTERS(X)
#undef X
};

/* Now, not since the start. */
struct metrics_gauges {
	uint64_t connections, queue, working, body_memory, certificate_expiry;
	int64_t started; /* seconds since 1970 */
};

struct metrics;

/* Routes of one name are counted together. */
TOBI_MUST_USE enum tobi_err metrics_new(const struct broker_route *const *tables,
					struct metrics **ret_metrics,
					struct tobi_fault *fault);
void metrics_free(struct metrics *metrics);
struct metrics_counters *metrics_counters(struct metrics *metrics);
/* A request that a handler has answered. */
void metrics_answered(struct metrics *metrics, const struct broker_route *route,
		      int status, uint64_t microseconds);
void metrics_write(const struct metrics *metrics, const struct metrics_gauges *gauges,
		   struct writer *out);

#endif
