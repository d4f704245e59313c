#include "root/tpm_record.h"

#include <stdlib.h>

#include "tests/bytes.h"

static struct tpm_object object(uint32_t handle)
{
	struct tpm_object made = {.handle = handle, .name = {0, 11, 7}, .name_size = 34};

	return made;
}

static struct tpm_record sample(void)
{
	struct tpm_record record = {.device = "swtpm:path=/run/tpm",
				    .auth = {1, 2, 3},
				    .storage = object(0x81000001),
				    .key = object(0x81005400),
				    .seal = object(0x81005401),
				    .ak = object(0x81005402),
				    .counter = object(0x01815400),
				    .pcrs = 0xff};

	assert_int_equal(tpm_blob_set(&record.key_public, text_bytes("key")), 0);
	assert_int_equal(tpm_blob_set(&record.ak_public, text_bytes("ak")), 0);
	assert_int_equal(tpm_blob_set(&record.certify, text_bytes("certify")), 0);
	assert_int_equal(tpm_blob_set(&record.certify_signature, text_bytes("signature")),
			 0);
	return record;
}

static struct writer written(const struct tpm_record *record)
{
	struct writer out = wr_init(LIMIT_TPM_RECORD);

	tpm_record_write(&out, record);
	assert_int_equal(wr_err(&out), 0);
	return out;
}

static void test_tpm_record__written__is_read_as_it_was(void **state)
{
	struct tpm_record made = sample(), read;
	struct writer out = written(&made);

	(void)state;
	assert_int_equal(tpm_record_parse(wr_view(&out), &read, NULL), 0);
	assert_memory_equal(&read, &made, sizeof(made));
	wr_done(&out);
}

static void test_tpm_record_parse__cut_or_longer__fails(void **state)
{
	struct tpm_record made = sample(), read = {.pcrs = 77};
	struct writer out = written(&made);
	struct tobi_fault fault;

	(void)state;
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(tpm_record_parse(block_view(cut), &read, &fault), 0);
		block_done(cut);
	}
	wr_u8(&out, 0);
	assert_int_equal(tpm_record_parse(wr_view(&out), &read, &fault), TOBI_E_TRAILING);
	assert_int_equal(read.pcrs, 77);
	wr_done(&out);
}

static void expect(const struct tpm_record *record, enum tobi_err err, const char *field)
{
	struct writer out = written(record);
	struct tpm_record read;
	struct tobi_fault fault = {0};

	assert_int_equal(tpm_record_parse(wr_view(&out), &read, &fault), err);
	assert_string_equal(fault.field, field);
	wr_done(&out);
}

/* A transient object, one of the platform's firmware, an NV index for a key. */
static void test_tpm_record_parse__a_handle_of_another_kind__is_refused(void **state)
{
	static const uint32_t wrong[] = {0x80000000, 0x01815400, 0x40000001, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tpm_record record = sample();

		record.key.handle = wrong[i];
		expect(&record, TOBI_E_MALFORMED, "platform key");
	}
	for (size_t i = 0; i < 1; i++) {
		struct tpm_record record = sample();

		record.counter.handle = 0x81005403;
		expect(&record, TOBI_E_MALFORMED, "counter");
	}
}

static void test_tpm_record_parse__beyond_what_a_tpm_has__is_refused(void **state)
{
	struct tpm_record record = sample();

	(void)state;
	record.pcrs = 1 << TPM_PCR_COUNT;
	expect(&record, TOBI_E_LIMIT, "PCRs");
	record = sample();
	record.ak.name_size = 33;
	expect(&record, TOBI_E_MALFORMED, "attestation key");
	record = sample();
	record.certify.size = 0;
	expect(&record, TOBI_E_MALFORMED, "certification");
	record.certify.size = TPM_ATTEST_MAX + 1;
	expect(&record, TOBI_E_LIMIT, "certification");
	record = sample();
	record.key_public.size = TPM_PUBLIC_MAX + 1;
	expect(&record, TOBI_E_LIMIT, "platform key");
}

static void test_tpm_record_parse__another_version__is_refused(void **state)
{
	struct tpm_record made = sample(), read;
	struct writer out = written(&made);
	struct tobi_fault fault = {0};

	(void)state;
	out.ptr[2] = 2;
	assert_int_equal(tpm_record_parse(wr_view(&out), &read, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_string_equal(fault.field, "version");
	wr_done(&out);
}

static struct writer written_pending(const struct tpm_pending *pending)
{
	struct writer out = wr_init(LIMIT_TPM_RECORD);

	tpm_pending_write(&out, pending);
	assert_int_equal(wr_err(&out), 0);
	return out;
}

static void test_tpm_pending__written__is_read_as_it_was(void **state)
{
	struct tpm_pending made = {.device = "device:/dev/tpmrm0",
				   .tag = {1, 2, 3},
				   .owner_file = "/etc/owner"},
			   read;
	struct writer out = written_pending(&made);

	(void)state;
	assert_int_equal(tpm_pending_parse(wr_view(&out), &read, NULL), 0);
	assert_memory_equal(&read, &made, sizeof(made));
	wr_done(&out);
	made.owner_file[0] = 0;
	out = written_pending(&made);
	assert_int_equal(tpm_pending_parse(wr_view(&out), &read, NULL), 0);
	assert_string_equal(read.owner_file, "");
	wr_done(&out);
}

static void test_tpm_pending_parse__cut_longer_or_unknown__fails(void **state)
{
	struct tpm_pending made = {.device = "device:/dev/tpmrm0"}, read;
	struct writer out = written_pending(&made);
	struct tobi_fault fault;

	(void)state;
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(tpm_pending_parse(block_view(cut), &read, &fault),
				     0);
		block_done(cut);
	}
	out.ptr[0] = 0xa3; /* a key less, which is then behind it */
	assert_int_not_equal(tpm_pending_parse(wr_view(&out), &read, &fault), 0);
	out.ptr[0] = 0xa4;
	out.ptr[2] = 2;
	assert_int_equal(tpm_pending_parse(wr_view(&out), &read, &fault),
			 TOBI_E_UNSUPPORTED);
	out.ptr[2] = 1;
	wr_u8(&out, 0);
	assert_int_equal(tpm_pending_parse(wr_view(&out), &read, &fault),
			 TOBI_E_TRAILING);
	wr_done(&out);
}

static void test_tpm_tag__of_another_authorisation__is_another(void **state)
{
	uint8_t auth[TPM_AUTH_SIZE] = {1}, one[TPM_TAG_SIZE], other[TPM_TAG_SIZE];

	(void)state;
	assert_int_equal(tpm_tag(auth, one), 0);
	auth[31] = 1;
	assert_int_equal(tpm_tag(auth, other), 0);
	assert_memory_not_equal(one, other, TPM_TAG_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_record__written__is_read_as_it_was),
	    cmocka_unit_test(test_tpm_record_parse__cut_or_longer__fails),
	    cmocka_unit_test(test_tpm_record_parse__a_handle_of_another_kind__is_refused),
	    cmocka_unit_test(test_tpm_record_parse__beyond_what_a_tpm_has__is_refused),
	    cmocka_unit_test(test_tpm_record_parse__another_version__is_refused),
	    cmocka_unit_test(test_tpm_pending__written__is_read_as_it_was),
	    cmocka_unit_test(test_tpm_pending_parse__cut_longer_or_unknown__fails),
	    cmocka_unit_test(test_tpm_tag__of_another_authorisation__is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
