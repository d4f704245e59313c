/* The end of a program is noticed: by its signal, and without it. */
#include "tests/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "supervise.h"

static struct {
	struct event_base *base;
	bool running, ended;
	int status;
} world;

static void on_running(void *context)
{
	(void)context;
	world.running = true;
}

static void on_failed(void *context, const struct tobi_fault *fault)
{
	(void)context;
	fail_msg("%s", fault->message);
}

static void on_ended(void *context, int status)
{
	(void)context;
	world.ended = true;
	world.status = status;
	event_base_loopbreak(world.base);
}

static enum tobi_err no_confinement(const struct manifest *manifest,
				    struct tobi_fault *fault)
{
	(void)manifest, (void)fault;
	return TOBI_OK;
}

static void give_up(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	event_base_loopbreak(world.base);
}

static void run(int64_t look_ms, bool blocked, const char *seconds)
{
	const struct timeval at_most = {.tv_sec = 20};
	char program[] = "/bin/sleep", time[8];
	char *arguments[] = {program, time, NULL}, *environment[] = {NULL};
	struct program_vectors vectors = {arguments, environment};
	struct manifest *manifest = calloc(1, sizeof(*manifest));
	struct supervisor_setup setup = {.look_ms = look_ms,
					 .running = on_running,
					 .failed = on_failed,
					 .ended = on_ended};
	struct supervisor *supervisor = NULL;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t child;

	snprintf(time, sizeof(time), "%s", seconds);
	world.base = event_base_new();
	world.running = world.ended = false;
	manifest->directory = (struct tobi_bytes){(const uint8_t *)"/", 1};
	manifest->limits.files = 64;
	setup.base = world.base;
	setup.program = (struct program_spec){.manifest = manifest,
					      .vectors = &vectors,
					      .stdio = {null, null, null},
					      .uid = (uid_t)-1,
					      .gid = (gid_t)-1,
					      .confine = no_confinement};
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	assert_int_equal(sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &child, NULL), 0);
	assert_int_equal(supervisor_new(&setup, &supervisor, NULL), TOBI_OK);
	assert_int_equal(
	    event_base_once(world.base, -1, EV_TIMEOUT, give_up, NULL, &at_most), 0);
	supervisor_start(supervisor);
	assert_true(world.running);
	event_base_dispatch(world.base);
	assert_true(world.ended);
	assert_int_equal(world.status, 0);
	supervisor_free(supervisor);
	event_base_free(world.base);
	sigprocmask(SIG_UNBLOCK, &child, NULL);
	free(manifest);
	close(null);
}

/* It has looked many times before, and the signal still counts. */
static void test_supervise__program_that_runs_for_long__its_end_is_seen(void **state)
{
	(void)state;
	run(10, false, "0.5");
}

static void test_supervise__signal_is_lost__its_end_is_seen(void **state)
{
	(void)state;
	run(10, true, "0.1");
}

/* Never looking is no way out of the first. */
static void test_supervise__by_the_signal_alone(void **state)
{
	(void)state;
	run(3600 * 1000, false, "0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_supervise__program_that_runs_for_long__its_end_is_seen),
	    cmocka_unit_test(test_supervise__signal_is_lost__its_end_is_seen),
	    cmocka_unit_test(test_supervise__by_the_signal_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
