/* A server of the broker's with handlers of the test's own, in a thread, on loopback. */
#ifndef TESTS_BROKER_WORLD_H
#define TESTS_BROKER_WORLD_H

#include "daemons/broker/server.h"

/* GET /hello, POST /echo (1000 bytes), GET /wait (until world_release()), GET /secret,
 * GET /fail, GET /item/{}, GET /seen, GET /owner, PUT /operator; of those who attest GET
 * /attested, GET /proven, POST /proven/echo, GET /denied. */
extern const struct broker_route world_routes[];

/* limits: more lines for the section limits, "  workers: 1\n", or "". */
void world_start(const char *limits);
/* plain: as the configuration has it; reach_agent: the server's, when it is "inside". */
void world_start_as(const char *plain,
		    enum tobi_err (*reach_agent)(int *ret_fd, struct tobi_fault *fault),
		    const char *limits);
/* With a listener of attested TLS, too. */
void world_start_attested(const char *limits);
/* Ends the server as SIGTERM does, and waits for it. */
void world_stop(void);
/* The same, without waiting. */
void world_ask_to_stop(void);
void world_wait(void);
/* Those that wait in /wait go on; and how many are in it now. */
void world_release(void);
unsigned world_waiting(void);
/* Waits until that many are. */
void world_wait_for(unsigned count);
/* How often /echo was called. */
unsigned world_echoed(void);
/* Read by the loop's thread, while nothing else runs. */
const struct metrics_counters *world_count(void);
/* When the server has ended. */
const struct metrics_counters *world_count_last(void);

/* A connection; every wait on it ends after ten seconds. */
int world_connect(void);
int world_connect_attested(void);
void world_send(int fd, const char *bytes, size_t size);
/* What comes until the other side closes, terminated. false: it did not close. */
bool world_read_all(int fd, char *out, size_t room);
/* One reply: its status, and its body in out (terminated). 0 when it closed first. */
int world_read_reply(int fd, char *out, size_t room);
/* The status of the first reply to these bytes on a new connection; *ret_closed: the
 * server has closed after it. 0: no reply. */
int world_status(const char *bytes, bool *ret_closed);

#endif
