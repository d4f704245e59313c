/* A TPM that is busy, silent or gone, played by a TCTI of the test. */
#include "root/tpm_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/writer.h"
#include "root/tpm_session.h"
#include "tests/bytes.h"

/* What must not be late has as long as it needs; what must end has time to be asked more
 * than once, however busy this machine is. */
enum { PATIENCE_MS = 60000, SHORT_MS = 1000, HEADER = 10 };

static struct {
	TSS2_TCTI_CONTEXT *inner;
	int pipe[2];
	unsigned busy_left, transmitted;
	TPM2_RC busy_code;
	bool silent, gone;
} fake;

static void answer(uint8_t *response, size_t *size, TPM2_RC code, size_t whole)
{
	struct writer out = wr_init(64);

	wr_uint_be(&out, 0x8001, 2);
	wr_uint_be(&out, whole, 4);
	wr_uint_be(&out, code, 4);
	wr_reserve(&out, whole - HEADER);
	bytes_copy(response, *size, out.ptr, whole);
	*size = whole;
	wr_done(&out);
}

static TSS2_RC fake_transmit(TSS2_TCTI_CONTEXT *inner, size_t size,
			     const uint8_t *command)
{
	(void)inner;
	assert_int_equal(size, 12);
	assert_int_equal(command[11], 7);
	fake.transmitted++;
	if (fake.gone)
		return TSS2_TCTI_RC_IO_ERROR;
	if (!fake.silent)
		assert_int_equal(write(fake.pipe[1], "x", 1), 1);
	return TSS2_RC_SUCCESS;
}

static TSS2_RC fake_receive(TSS2_TCTI_CONTEXT *inner, size_t *size, uint8_t *response,
			    int32_t timeout)
{
	char ready;

	(void)inner;
	(void)timeout;
	assert_int_equal(read(fake.pipe[0], &ready, 1), 1);
	if (fake.busy_left) {
		fake.busy_left--;
		answer(response, size, fake.busy_code, HEADER);
	} else {
		answer(response, size, TPM2_RC_SUCCESS, 40);
	}
	return TSS2_RC_SUCCESS;
}

static TSS2_RC fake_handles(TSS2_TCTI_CONTEXT *inner, TSS2_TCTI_POLL_HANDLE *handles,
			    size_t *count)
{
	(void)inner;
	*count = 1;
	handles[0].fd = fake.pipe[0];
	return TSS2_RC_SUCCESS;
}

static struct tpm_link *make_link(int64_t patience_ms)
{
	TSS2_TCTI_CONTEXT_COMMON_V2 *inner = calloc(1, sizeof(*inner));
	struct tpm_link *link = NULL;

	memset(&fake, 0, sizeof(fake));
	assert_int_equal(pipe(fake.pipe), 0);
	fake.busy_code = TPM2_RC_RETRY;
	inner->v1.version = 2;
	inner->v1.transmit = fake_transmit;
	inner->v1.receive = fake_receive;
	inner->v1.getPollHandles = fake_handles;
	fake.inner = (TSS2_TCTI_CONTEXT *)inner;
	assert_int_equal(tpm_link_wrap(fake.inner, patience_ms, &link, NULL), 0);
	return link;
}

static void drop_link(struct tpm_link *link)
{
	tpm_link_close(link);
	close(fake.pipe[0]);
	close(fake.pipe[1]);
}

static TSS2_RC command(struct tpm_link *link)
{
	static const uint8_t bytes[12] = {[11] = 7};

	return Tss2_Tcti_Transmit(tpm_link_tcti(link), sizeof(bytes), bytes);
}

static TSS2_RC receive(struct tpm_link *link, size_t room, size_t *ret_size)
{
	uint8_t response[64];

	*ret_size = room;
	return Tss2_Tcti_Receive(tpm_link_tcti(link), ret_size, response,
				 TSS2_TCTI_TIMEOUT_BLOCK);
}

static void test_tpm_link__busy__is_asked_again(void **state)
{
	static const TPM2_RC codes[] = {TPM2_RC_RETRY, TPM2_RC_YIELDED, TPM2_RC_TESTING};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tpm_link *link = make_link(PATIENCE_MS);
		size_t size;

		fake.busy_left = 3;
		fake.busy_code = codes[i];
		assert_int_equal(command(link), 0);
		assert_int_equal(receive(link, 64, &size), 0);
		assert_int_equal(size, 40);
		assert_int_equal(fake.transmitted, 4);
		assert_false(link->late);
		drop_link(link);
	}
}

/* ESAPI asks for the size first: the answer that it then takes is the last one. */
static void test_tpm_link__busy_when_asked_for_the_size__gives_the_last(void **state)
{
	struct tpm_link *link = make_link(PATIENCE_MS);
	size_t size = 0;

	(void)state;
	fake.busy_left = 1;
	assert_int_equal(command(link), 0);
	assert_int_equal(
	    Tss2_Tcti_Receive(tpm_link_tcti(link), &size, NULL, TSS2_TCTI_TIMEOUT_BLOCK),
	    0);
	assert_int_equal(size, 40);
	assert_int_equal(receive(link, 39, &size), TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
	assert_int_equal(receive(link, 40, &size), 0);
	assert_int_equal(size, 40);
	drop_link(link);
}

static void test_tpm_link__busy_without_end__ends(void **state)
{
	struct tpm_link *link = make_link(SHORT_MS);
	size_t size;

	(void)state;
	fake.busy_left = 1000000;
	assert_int_equal(command(link), 0);
	assert_int_equal(receive(link, 64, &size), TSS2_TCTI_RC_IO_ERROR);
	assert_true(link->late);
	assert_in_range(fake.transmitted, 2, 100);
	drop_link(link);
}

static void test_tpm_link__silent__ends(void **state)
{
	struct tpm_link *link = make_link(SHORT_MS);
	size_t size;

	(void)state;
	fake.silent = true;
	assert_int_equal(command(link), 0);
	assert_int_equal(receive(link, 64, &size), TSS2_TCTI_RC_IO_ERROR);
	assert_true(link->late);
	drop_link(link);
}

static void test_tpm_link__gone__is_an_error_at_once(void **state)
{
	struct tpm_link *link = make_link(PATIENCE_MS);

	(void)state;
	fake.gone = true;
	assert_int_equal(command(link), TSS2_TCTI_RC_IO_ERROR);
	assert_false(link->late);
	drop_link(link);
}

static void test_tpm_link__a_command_over_the_limit__is_refused(void **state)
{
	struct tpm_link *link = make_link(PATIENCE_MS);
	static const uint8_t bytes[TPM2_MAX_COMMAND_SIZE + 1];

	(void)state;
	assert_int_equal(Tss2_Tcti_Transmit(tpm_link_tcti(link), sizeof(bytes), bytes),
			 TSS2_TCTI_RC_BAD_VALUE);
	drop_link(link);
}

static void test_tpm_link_open__what_is_no_device__is_not_written_to(void **state)
{
	char path[] = "/tmp/tobichi-tpm-XXXXXX", device[64], text[8] = "";
	int fd = mkstemp(path);
	struct tpm_link *link = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(write(fd, "content", 7), 7);
	snprintf(device, sizeof(device), "device:%s", path);
	assert_int_equal(tpm_link_open(device, PATIENCE_MS, &link, &fault),
			 TOBI_E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "is no device"));
	assert_int_equal(pread(fd, text, sizeof(text), 0), 7);
	assert_string_equal(text, "content");
	close(fd);
	unlink(path);
	assert_int_equal(tpm_link_open("device:/nonexistent", PATIENCE_MS, &link, &fault),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(tpm_link_open("tabrmd:", PATIENCE_MS, &link, &fault),
			 TOBI_E_ARGUMENT);
	assert_null(link);
}

static void expect_fault(TSS2_RC rc, enum tobi_err err, const char *word)
{
	struct tpm tpm = {0};
	struct tobi_fault fault = {0};

	assert_int_equal(tpm_result(&tpm, rc, "platform key", &fault), err);
	if (err)
		assert_string_equal(fault.field, "platform key");
	assert_non_null(strstr(fault.message, word));
}

/* With the number of a handle, a session or a parameter as TPMs add it. */
static void test_tpm_result__each_code__says_what_to_do(void **state)
{
	(void)state;
	expect_fault(TSS2_RC_SUCCESS, TOBI_OK, "");
	expect_fault(TPM2_RC_BAD_AUTH + TPM2_RC_S + TPM2_RC_1, TOBI_E_DENIED,
		     "--pin-file");
	expect_fault(TPM2_RC_AUTH_FAIL + TPM2_RC_S + TPM2_RC_1, TOBI_E_DENIED, "counts");
	expect_fault(TPM2_RC_LOCKOUT, TOBI_E_DENIED, "tpm2_dictionarylockout");
	expect_fault(TPM2_RC_HANDLE + TPM2_RC_P + TPM2_RC_1, TOBI_E_NOT_FOUND, "cleared");
	expect_fault(TPM2_RC_NV_SPACE, TOBI_E_LIMIT, "tpm2_evictcontrol");
	expect_fault(TPM2_RC_OBJECT_MEMORY, TOBI_E_LIMIT, "/dev/tpmrm0");
	expect_fault(TPM2_RC_SESSION_HANDLES, TOBI_E_LIMIT, "session");
	expect_fault(TPM2_RC_INITIALIZE, TOBI_E_SYSTEM, "not started");
	expect_fault(TSS2_TCTI_RC_IO_ERROR, TOBI_E_SYSTEM, "gone");
	expect_fault(TSS2_ESYS_RC_RSP_AUTH_FAILED, TOBI_E_PROTOCOL, "changed");
	expect_fault(TPM2_RC_ASYMMETRIC + TPM2_RC_P + TPM2_RC_1, TOBI_E_SYSTEM,
		     "tpm2_rc_decode");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_link__busy__is_asked_again),
	    cmocka_unit_test(test_tpm_link__busy_when_asked_for_the_size__gives_the_last),
	    cmocka_unit_test(test_tpm_link__busy_without_end__ends),
	    cmocka_unit_test(test_tpm_link__silent__ends),
	    cmocka_unit_test(test_tpm_link__gone__is_an_error_at_once),
	    cmocka_unit_test(test_tpm_link__a_command_over_the_limit__is_refused),
	    cmocka_unit_test(test_tpm_link_open__what_is_no_device__is_not_written_to),
	    cmocka_unit_test(test_tpm_result__each_code__says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
