/* What each kind measures, by the names of its profile. */
#include "tee/measure.h"

#include "tee/dcap_tcb.h"
#include "tee/nitro_claims.h"
#include "tee/sev_claims.h"
#include "tee/sgx_claims.h"
#include "tee/snp_claims.h"
#include "tee/tdx_claims.h"
#include "tests/bytes.h"

static const uint8_t hash[64] = {1, 2, 3, 4};
static const struct tobi_bytes small = {hash, 32}, large = {hash, 48}, id = {hash, 64};
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_init(8 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static const struct tee_measurement *by_number(const struct tee_claims *claims,
					       uint64_t number)
{
	for (size_t i = 0; i < claims->measurement_count; i++) {
		if (claims->measurements[i].mkey == TEE_MKEY_NUMBER &&
		    claims->measurements[i].number == number)
			return &claims->measurements[i];
	}
	fail_msg("nothing under %u", (unsigned)number);
	return NULL;
}

static const struct tee_measurement *by_text(const struct tee_claims *claims,
					     const char *text)
{
	for (size_t i = 0; i < claims->measurement_count; i++) {
		if (claims->measurements[i].mkey == TEE_MKEY_TEXT &&
		    strcmp(claims->measurements[i].text, text) == 0)
			return &claims->measurements[i];
	}
	return NULL;
}

static const struct tee_value *value_of(const struct tee_measurement *measurement,
					int64_t key)
{
	for (size_t i = 0; i < measurement->value_count; i++) {
		if (measurement->values[i].key == key)
			return &measurement->values[i];
	}
	return NULL;
}

static size_t images(const struct tee_claims *claims)
{
	size_t count = 0;

	for (size_t i = 0; i < claims->measurement_count; i++)
		count += claims->measurements[i].image;
	return count;
}

static void test_measure__soft__is_the_image(void **state)
{
	struct tee_claims claims = {.tier = "soft",
				    .image_id = large,
				    .signers = {large, large},
				    .signer_count = 2,
				    .config_id = large,
				    .agent = large,
				    .hardware = {hash, 33},
				    .svn = 3,
				    .product = 7,
				    .debug = true};
	const struct tee_measurement *image;

	(void)state;
	tee_measure(&claims, &arena);
	image = by_text(&claims, MEASURE_IMAGE);
	assert_string_equal(claims.environment.vendor, "Tobichi");
	assert_string_equal(claims.environment.model, "image");
	assert_int_equal(claims.environment.instance.size, 33);
	assert_true(image->image && image->has_svn && image->svn == 3);
	assert_int_equal(image->digests[0].algorithm, TEE_SHA384);
	assert_int_equal(image->flags, 1 << TEE_FLAG_DEBUG);
	assert_int_equal(by_text(&claims, MEASURE_PRODUCT)->svn, 7);
	assert_non_null(by_text(&claims, MEASURE_CONFIG));
	assert_non_null(by_text(&claims, MEASURE_AGENT));
	assert_int_equal(claims.measurement_count, 6);
	assert_int_equal(images(&claims), 1);
	/* Once is enough. */
	tee_measure(&claims, &arena);
	assert_int_equal(claims.measurement_count, 6);
}

static void test_measure__sgx__is_as_intels_profile_names_it(void **state)
{
	static const struct sgx_claims sgx = {.flags = 0x05, .xfrm = 0x03};
	static const struct dcap_tcb tcb = {.found = true, .evaluation = 17};
	static const struct dcap_claims dcap = {.tcb = &tcb};
	struct tee_claims claims = {.tier = "sgx",
				    .image_id = small,
				    .signers = {small},
				    .signer_count = 1,
				    .product = 0x0102,
				    .svn = 5,
				    .sgx = &sgx,
				    .dcap = &dcap};
	const struct tee_measurement *enclave;

	(void)state;
	tee_measure(&claims, &arena);
	enclave = &claims.measurements[0];
	assert_int_equal(claims.measurement_count, 1);
	assert_int_equal(enclave->mkey, TEE_MKEY_NONE);
	assert_true(enclave->image && enclave->flags_known == 1U << TEE_FLAG_DEBUG);
	assert_int_equal(enclave->digests[0].algorithm, TEE_SHA256);
	assert_int_equal(value_of(enclave, -73)->number, 5);
	assert_bytes_equal(value_of(enclave, -83)->bytes, small);
	assert_bytes_equal(value_of(enclave, -84)->bytes, small);
	assert_int_equal(value_of(enclave, -85)->number, 0x0102);
	assert_int_equal(value_of(enclave, -86)->number, 17);
	assert_bytes_equal(value_of(enclave, -82)->bytes,
			   BYTES(5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
}

static void test_measure__tdx__has_its_registers(void **state)
{
	const struct tdx_claims tdx = {.report = {.mr_td = large,
						  .mr_seam = large,
						  .mr_signer_seam = large,
						  .mr_config_id = large,
						  .mr_owner = large,
						  .mr_owner_config = large,
						  .attributes = 0x10000000,
						  .rtmrs = {large, large, large, large}}};
	struct tee_claims claims = {.tier = "tdx", .image_id = large, .tdx = &tdx};
	const struct tee_measurement *guest;

	(void)state;
	tee_measure(&claims, &arena);
	guest = &claims.measurements[0];
	assert_true(guest->image && guest->register_count == 4);
	assert_int_equal(guest->registers[3].number, 3);
	assert_bytes_equal(guest->registers[3].digests[0].value, large);
	assert_bytes_equal(value_of(guest, -83)->bytes, large);
	assert_bytes_equal(value_of(guest, -82)->bytes, BYTES(0, 0, 0, 0x10, 0, 0, 0, 0));
	assert_non_null(by_text(&claims, "mrseam"));
	assert_null(by_text(&claims, "mrservicetd"));
	assert_int_equal(images(&claims), 1);
}

static struct snp_claims snp_of(enum snp_key key)
{
	static const uint8_t tcb[8] = {1, 2, 0, 0, 0, 0, 3, 4};
	const struct tobi_bytes version = {tcb, 8};

	return (struct snp_claims){.report = {.version = 3,
					      .guest_svn = 9,
					      .policy = 0x30000,
					      .family_id = {hash, 16},
					      .image_id = {hash, 16},
					      .vmpl = 1,
					      .current_tcb = version,
					      .reported_tcb = version,
					      .committed_tcb = version,
					      .launch_tcb = version,
					      .key_info = (uint32_t)key << 2,
					      .measurement = large,
					      .host_data = small,
					      .id_key_digest = large,
					      .author_key_digest = large,
					      .report_id = small,
					      .migration_agent = small,
					      .chip_id = id,
					      .current = {1, 55, 29},
					      .committed = {1, 55, 28}},
				   .csp = "CN=cloud"};
}

static void test_measure__snp__is_as_amds_profile_names_it(void **state)
{
	const struct snp_claims snp = snp_of(SNP_KEY_VCEK);
	struct tee_claims claims = {.tier = "snp", .snp = &snp, .debug = true};

	(void)state;
	tee_measure(&claims, &arena);
	assert_int_equal(claims.environment.class_kind, TEE_CLASS_OID);
	assert_bytes_equal(claims.environment.class_id,
			   BYTES(0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x03, 0x01));
	assert_bytes_equal(claims.environment.instance, id);
	assert_true(by_number(&claims, 641)->image);
	assert_bytes_equal(by_number(&claims, 641)->digests[0].value, large);
	assert_int_equal(by_number(&claims, 1)->svn, 9);
	assert_int_equal(by_number(&claims, 2)->flags, 1 << TEE_FLAG_DEBUG);
	assert_bytes_equal(by_number(&claims, 2)->raw, BYTES(0, 0, 3, 0, 0, 0, 0, 0));
	assert_int_equal(by_number(&claims, 5)->svn, 1);
	assert_bytes_equal(by_number(&claims, 642)->raw, small);
	assert_true(by_number(&claims, 647)->svn == UINT64_C(0x0403000000000201));
	assert_string_equal(by_number(&claims, 3330)->version, "1.55.29");
	assert_string_equal(by_number(&claims, 3936)->version, "1.55.28");
	assert_int_equal(images(&claims), 1);
}

static void test_measure__snp_of_a_cloud__is_its(void **state)
{
	const struct snp_claims snp = snp_of(SNP_KEY_VLEK);
	struct tee_claims claims = {.tier = "snp", .snp = &snp};

	(void)state;
	tee_measure(&claims, &arena);
	assert_int_equal(claims.environment.class_id.ptr[8], 2);
	assert_bytes_equal(claims.environment.instance, text_bytes("CN=cloud"));
}

static void test_measure__nitro__is_by_pcrs(void **state)
{
	const struct nitro_claims nitro = {
	    .module_id = small, .pcrs = {[0] = large, [1] = large, [4] = large}};
	const struct nitro_claims tpm = {.tpm = true, .pcrs = {[0] = large, [4] = large}};
	struct tee_claims claims = {.tier = "nitro", .nitro = &nitro};
	struct tee_claims of_tpm = {.tier = "nitro-tpm", .nitro = &tpm};

	(void)state;
	tee_measure(&claims, &arena);
	assert_string_equal(claims.environment.vendor, "Amazon Web Services");
	assert_true(claims.measurement_count == 3 && images(&claims) == 1);
	assert_true(by_number(&claims, 0)->image);
	tee_measure(&of_tpm, &arena);
	assert_string_equal(of_tpm.environment.model, "NitroTPM");
	assert_true(images(&of_tpm) == 1 && by_number(&of_tpm, 4)->image);
}

static void test_measure__sev__is_known_when_the_policy_named_it(void **state)
{
	static const struct sev_claims sev = {.measured = true};
	struct tee_claims known = {.tier = "sev", .sev = &sev, .image_id = small};
	struct tee_claims unknown = {.tier = "sev", .sev = &sev};

	(void)state;
	tee_measure(&known, &arena);
	assert_true(by_text(&known, "launch-digest")->image);
	tee_measure(&unknown, &arena);
	assert_int_equal(unknown.measurement_count, 0);
}

static void test_measure__of_no_kind__is_nothing(void **state)
{
	struct tee_claims claims = {.tier = "cca"}, none = {0};

	(void)state;
	tee_measure(&claims, &arena);
	tee_measure(&none, &arena);
	assert_true(claims.measurement_count == 0 && none.measurement_count == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_measure__soft__is_the_image),
	    cmocka_unit_test(test_measure__sgx__is_as_intels_profile_names_it),
	    cmocka_unit_test(test_measure__tdx__has_its_registers),
	    cmocka_unit_test(test_measure__snp__is_as_amds_profile_names_it),
	    cmocka_unit_test(test_measure__snp_of_a_cloud__is_its),
	    cmocka_unit_test(test_measure__nitro__is_by_pcrs),
	    cmocka_unit_test(test_measure__sev__is_known_when_the_policy_named_it),
	    cmocka_unit_test(test_measure__of_no_kind__is_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
