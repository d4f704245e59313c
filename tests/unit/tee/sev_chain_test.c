#include "tee/sev_chain.h"

#include "base/limits.h"
#include "tests/bytes.h"
#include "tests/sev_scene.h"

static struct test_amd amd;
static struct test_sev sev;

static int enter(void **state)
{
	(void)state;
	test_amd_make(&amd, 2048, TEST_KEY_ID_ROME);
	test_sev_make(&sev, &amd);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_sev_done(&sev);
	test_amd_done(&amd);
	return 0;
}

static struct key_pins pins_of(EVP_PKEY *key)
{
	struct key_pins pins = {.count = 1};

	assert_int_equal(key_spki_sha256(key, pins.keys[0], NULL), 0);
	return pins;
}

static struct sev_chain verify(struct tobi_bytes chain)
{
	struct sev_certificates *certificates = calloc(1, sizeof(*certificates));
	struct key_pins pins = pins_of(amd.ark_key);
	struct sev_chain out = {0};

	assert_int_equal(sev_certificates_add(certificates, chain, NULL), 0);
	assert_true(sev_chain_verify(certificates, &pins, &out));
	free(certificates);
	return out;
}

static void test_sev_chain_verify__good__every_link_holds(void **state)
{
	struct writer chain = wr_init(LIMIT_EVIDENCE);
	uint8_t chip[SHA256_SIZE], owner[SHA256_SIZE];
	struct sev_chain found;

	(void)state;
	test_sev_chain(&sev, &chain);
	found = verify(wr_view(&chain));
	for (size_t i = 0; i < SEV_LINKS; i++)
		assert_null(found.wrong[i]);
	assert_true(sev_chain_holds(&found));
	assert_string_equal(found.generation, "rome");
	assert_int_equal(key_spki_sha256(sev.cek_key, chip, NULL), 0);
	assert_int_equal(key_spki_sha256(sev.oca_key, owner, NULL), 0);
	assert_memory_equal(found.chip, chip, sizeof(chip));
	assert_memory_equal(found.owner, owner, sizeof(owner));
	wr_done(&chain);
}

static void test_sev_chain_verify__nothing__no_link_holds(void **state)
{
	struct sev_chain found = verify((struct tobi_bytes){0});

	(void)state;
	for (size_t i = 0; i < SEV_LINKS; i++)
		assert_non_null(found.wrong[i]);
	assert_false(sev_chain_holds(&found));
}

/* A certificate whose key is no key is an issuer of nothing. */
static void test_sev_chain_verify__key_off_its_curve__links_fail(void **state)
{
	struct test_sev other = sev;
	struct writer chain = wr_init(LIMIT_EVIDENCE);
	struct sev_chain found;

	(void)state;
	other.pek[20] ^= 1;
	test_sev_sign(other.pek, 0, SEV_OCA, SEV_ECDSA_SHA256, sev.oca_key);
	test_sev_sign(other.pek, 1, SEV_CEK, SEV_ECDSA_SHA256, sev.cek_key);
	test_sev_chain(&other, &chain);
	found = verify(wr_view(&chain));
	assert_null(found.wrong[SEV_LINK_PEK]);
	assert_non_null(found.wrong[SEV_LINK_PDH]);
	assert_false(sev_chain_holds(&found));
	wr_done(&chain);
}

/* Nobody has signed these bytes: a slot that is not used has an algorithm, or a value. */
static void test_sev_chain_verify__unused_slot_not_empty__link_fails(void **state)
{
	enum { SLOT = 1044 + 520, ALGORITHM = SLOT + 4, VALUE = SLOT + 8 };
	static const size_t places[] = {ALGORITHM, ALGORITHM + 3, VALUE, VALUE + 511};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct test_sev other = sev;
		struct writer chain = wr_init(LIMIT_EVIDENCE);
		struct sev_chain found;

		other.cek[places[i]] ^= 1;
		other.oca[places[i]] ^= 1;
		other.pdh[places[i]] ^= 1;
		test_sev_chain(&other, &chain);
		found = verify(wr_view(&chain));
		assert_non_null(found.wrong[SEV_LINK_CEK]);
		assert_non_null(found.wrong[SEV_LINK_OCA]);
		assert_non_null(found.wrong[SEV_LINK_PDH]);
		assert_null(found.wrong[SEV_LINK_PEK]);
		assert_null(found.wrong[SEV_LINK_OWNER]);
		assert_false(sev_chain_holds(&found));
		wr_done(&chain);
	}
}

static void test_sev_certificates_add__limits(void **state)
{
	struct sev_certificates *certificates = calloc(1, sizeof(*certificates));
	struct writer many = wr_init(LIMIT_EVIDENCE);

	(void)state;
	for (unsigned i = 0; i < SEV_AMD_MAX; i++) { /* each another one */
		wr_bytes(&many, amd.ask, amd.size);
		many.ptr[many.size - 1] = (uint8_t)i;
	}
	wr_bytes(&many, amd.ask, amd.size);
	many.ptr[many.size - 1] = 0; /* one of them again */
	assert_int_equal(sev_certificates_add(certificates, wr_view(&many), NULL), 0);
	assert_int_equal(certificates->ask_count, SEV_AMD_MAX);
	many.ptr[many.size - 1] = SEV_AMD_MAX;
	assert_int_equal(sev_certificates_add(certificates, wr_view(&many), NULL),
			 TOBI_E_LIMIT);
	many.size = 0;
	for (unsigned i = 0; i <= SEV_CERTIFICATES_MAX; i++)
		wr_bytes(&many, sev.pdh, sizeof(sev.pdh));
	assert_int_equal(sev_certificates_add(certificates, wr_view(&many), NULL),
			 TOBI_E_LIMIT);
	many.size -= sizeof(sev.pdh);
	assert_int_equal(sev_certificates_add(certificates, wr_view(&many), NULL), 0);
	wr_u8(&many, 1);
	assert_int_equal(sev_certificates_add(certificates, wr_view(&many), NULL),
			 TOBI_E_TRAILING);
	wr_done(&many);
	free(certificates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sev_chain_verify__good__every_link_holds),
	    cmocka_unit_test(test_sev_chain_verify__nothing__no_link_holds),
	    cmocka_unit_test(test_sev_chain_verify__key_off_its_curve__links_fail),
	    cmocka_unit_test(test_sev_chain_verify__unused_slot_not_empty__link_fails),
	    cmocka_unit_test(test_sev_certificates_add__limits),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
