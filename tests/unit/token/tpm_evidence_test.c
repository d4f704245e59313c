#include "token/tpm_evidence.h"

#include <stdlib.h>

#include "tests/bytes.h"

static const uint8_t value[32] = {1, 2, 3};

static void make(struct tpm_evidence *evidence)
{
	*evidence = (struct tpm_evidence){.quote = text_bytes("quote"),
					  .quote_signature = text_bytes("signature"),
					  .ak = text_bytes("ak"),
					  .key = text_bytes("key"),
					  .certify = text_bytes("certify"),
					  .certify_signature = text_bytes("signature 2"),
					  .chain_count = 2,
					  .chain_sizes = {2, 1}};
	evidence->pcrs[0] = evidence->pcrs[23] = (struct tobi_bytes){value, 32};
	evidence->chains[0][0] = text_bytes("leaf");
	evidence->chains[0][1] = text_bytes("CA");
	evidence->chains[1][0] = text_bytes("owner's");
}

static void test_tpm_evidence__written__is_read_as_it_was(void **state)
{
	struct writer out = wr_init(LIMIT_TPM_EVIDENCE);
	struct tpm_evidence made, read;

	(void)state;
	make(&made);
	tpm_evidence_write(&out, &made);
	assert_int_equal(tpm_evidence_parse(wr_view(&out), &read, NULL), 0);
	assert_bytes_equal(read.quote, made.quote);
	assert_bytes_equal(read.certify_signature, made.certify_signature);
	assert_bytes_equal(read.pcrs[23], made.pcrs[23]);
	assert_int_equal(read.pcrs[1].size, 0);
	assert_int_equal(read.chain_count, 2);
	assert_int_equal(read.chain_sizes[0], 2);
	assert_bytes_equal(read.chains[1][0], made.chains[1][0]);
	wr_done(&out);
}

static void test_tpm_evidence_parse__cut_or_longer__fails(void **state)
{
	struct writer out = wr_init(LIMIT_TPM_EVIDENCE);
	struct tpm_evidence made, read;
	struct tobi_fault fault;

	(void)state;
	make(&made);
	tpm_evidence_write(&out, &made);
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(tpm_evidence_parse(block_view(cut), &read, &fault),
				     0);
		block_done(cut);
	}
	wr_u8(&out, 0);
	assert_int_equal(tpm_evidence_parse(wr_view(&out), &read, &fault),
			 TOBI_E_TRAILING);
	wr_done(&out);
}

static void expect(const char *hex, enum tobi_err err, const char *field)
{
	struct block block = block_unhex(hex);
	struct tpm_evidence read;
	struct tobi_fault fault = {0};

	assert_int_equal(tpm_evidence_parse(block_view(block), &read, &fault), err);
	assert_string_equal(fault.field, field);
	block_done(block);
}

static void test_tpm_evidence_parse__of_another_form__is_named(void **state)
{
	(void)state;
	expect("a10001", TOBI_E_MALFORMED, "a required key");
	expect("a10002", TOBI_E_UNSUPPORTED, "version");
	expect("a10900", TOBI_E_MALFORMED, "unknown key");
	expect("a20001190100", TOBI_E_MALFORMED, "unknown key");
	/* PCR 24, a value of 31 bytes, three chains, an empty one */
	expect("a20001"
	       "03a118185820000000000000000000000000000000000000000000000000000000000000"
	       "0000",
	       TOBI_E_MALFORMED, "PCRs");
	expect("a2000103a100581f00000000000000000000000000000000000000000000000000000000"
	       "000000",
	       TOBI_E_MALFORMED, "PCRs");
	expect("a200010583", TOBI_E_LIMIT, "attestation key's chains");
	expect("a2000105818000", TOBI_E_MALFORMED, "attestation key's chains");
	expect("a20001058189", TOBI_E_LIMIT, "attestation key's chains");
}

static void test_tpm_evidence_binding__any_other_input__is_other(void **state)
{
	struct writer one = wr_init(128), two = wr_init(128);
	const struct tobi_bytes bytes = {value, 32}, shorter = {value, 31};

	(void)state;
	tpm_evidence_binding(&one, bytes, bytes);
	assert_int_equal(one.size, 16 + 1 + 64);
	assert_int_equal(one.ptr[16], 0);
	tpm_evidence_binding(&two, shorter, bytes);
	assert_int_not_equal(one.size, two.size);
	wr_done(&one);
	wr_done(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_evidence__written__is_read_as_it_was),
	    cmocka_unit_test(test_tpm_evidence_parse__cut_or_longer__fails),
	    cmocka_unit_test(test_tpm_evidence_parse__of_another_form__is_named),
	    cmocka_unit_test(test_tpm_evidence_binding__any_other_input__is_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
