#include <event2/buffer.h>
#include <event2/event.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/guard.h"
#include "tests/bytes.h"

/* Linked with --wrap=free: what libevent and OpenSSL give back comes by here. */
static struct {
	bool on;
	unsigned blocks, unwiped;
} watch;

static const char mark[] = "the secret that was sent";

void __real_free(void *ptr);
void __wrap_free(void *ptr);

void __wrap_free(void *ptr)
{
	if (watch.on && ptr) {
		watch.blocks++;
		watch.unwiped +=
		    memmem(ptr, malloc_usable_size(ptr), mark, sizeof(mark)) != NULL;
	}
	__real_free(ptr);
}

static void expect_wiped(void)
{
	watch.on = false;
	assert_true(watch.blocks > 0);
	assert_int_equal(watch.unwiped, 0);
	watch.blocks = 0;
}

static void test_guard_memory__dumps__are_forbidden(void **state)
{
	struct rlimit core;

	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_max, 0);
}

static void test_guard_memory__buffers_of_libevent__are_wiped(void **state)
{
	struct evbuffer *buffer = evbuffer_new();

	(void)state;
	watch.on = true;
	/* Made contiguous and larger, so that it is copied and the old copy freed. */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(evbuffer_add(buffer, mark, sizeof(mark)), 0);
	assert_non_null(evbuffer_pullup(buffer, -1));
	assert_int_equal(evbuffer_drain(buffer, sizeof(mark)), 0);
	evbuffer_free(buffer);
	expect_wiped();
}

static void test_guard_memory__blocks_of_openssl__are_wiped(void **state)
{
	char *block = OPENSSL_malloc(sizeof(mark));
	char *grown;

	(void)state;
	memcpy(block, mark, sizeof(mark));
	watch.on = true;
	grown = OPENSSL_realloc(block, 100000);
	assert_string_equal(grown, mark);
	grown = OPENSSL_realloc(grown, sizeof(mark));
	assert_string_equal(grown, mark);
	assert_null(OPENSSL_realloc(grown, 0));
	block = OPENSSL_strdup(mark);
	OPENSSL_free(block);
	OPENSSL_free(NULL);
	expect_wiped();
}

/* Before anything else, in a process of its own: OpenSSL is asked once. */
static int status_when_used_before(void)
{
	struct tobi_fault fault = {0};
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		OPENSSL_free(OPENSSL_malloc(1));
		_exit((int)guard_memory(&fault));
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int used_before;

static void test_guard_memory__openssl_was_used_before__is_an_error(void **state)
{
	(void)state;
	assert_true(WIFEXITED(used_before));
	assert_int_equal(WEXITSTATUS(used_before), TOBI_E_CRYPTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guard_memory__dumps__are_forbidden),
	    cmocka_unit_test(test_guard_memory__buffers_of_libevent__are_wiped),
	    cmocka_unit_test(test_guard_memory__blocks_of_openssl__are_wiped),
	    cmocka_unit_test(test_guard_memory__openssl_was_used_before__is_an_error),
	};

	used_before = status_when_used_before();
	if (guard_memory(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
