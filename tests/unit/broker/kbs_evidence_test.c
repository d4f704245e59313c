/*
 * Evidence of each platform in the form that its clients send, made by the platforms that
 * the tests play: what comes out is what the verifier accepts for that nonce, and for no
 * other.
 */
#include "broker/kbs_evidence.h"

#include <stdio.h>

#include "base/hex.h"
#include "broker/evidence.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/cca_scene.h"
#include "tests/dcap_collateral.h"
#include "tests/evidence.h"
#include "tests/quote_scene.h"
#include "tests/snp_json.h"
#include "tests/tdx_run.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

/* A hash, and zeros: what a guest has bound itself to. */
static uint8_t data[KBS_REPORT_DATA_SIZE];

/* What one platform's client sends, and what verifies it. */
static struct {
	json_t *primary;
	struct writer policy;
	struct tobi_collateral *set;
	struct tobi_bytes beside[LIMIT_PIECES];
	size_t beside_count;
	bool config_unknown;
	int64_t time;
	struct arena arena;
	struct kbs_evidence out;
	struct tobi_fault fault;
} world;

static int enter(void **state)
{
	(void)state;
	memset(data, 0, sizeof(data));
	for (size_t i = 0; i < KBS_HASH_SIZE; i++)
		data[i] = (uint8_t)(0xa0 + i);
	memset(&world, 0, sizeof(world));
	world.policy = wr_init(LIMIT_POLICY);
	world.set = tobi_collateral_new();
	world.arena = arena_init(16 << 20);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	json_decref(world.primary);
	wr_done(&world.policy);
	tobi_collateral_free(world.set);
	arena_done(&world.arena);
	return 0;
}

static enum tobi_err read(enum kbs_tee tee, const char *additional)
{
	return kbs_evidence_read(tee, world.primary, NULL, additional, &world.arena,
				 &world.out, &world.fault);
}

static void must_read(enum kbs_tee tee)
{
	if (read(tee, ""))
		fail_msg("%s: %s: %s", world.fault.object, world.fault.field,
			 world.fault.message);
}

static struct tobi_result *appraise(const uint8_t *nonce, size_t size)
{
	const struct presented presented = {.evidence = world.out.evidence,
					    .pieces = world.out.pieces,
					    .piece_count = world.out.piece_count +
							   world.beside_count,
					    .nonce = {nonce, size},
					    .config_unknown = world.config_unknown};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;

	for (size_t i = 0; i < world.beside_count; i++)
		world.out.pieces[world.out.piece_count + i] = world.beside[i];
	if (tobi_policy_parse(wr_view(&world.policy), "test", &policy, &world.fault))
		fail_msg("%s: %s", world.fault.field, world.fault.message);
	if (broker_appraise(policy, world.set, &presented, world.time, &result,
			    &world.fault))
		fail_msg("%s", world.fault.message);
	tobi_policy_free(policy);
	return result;
}

/* As it is, and not with a hash of somebody else. */
static void accepted_for_its_nonce_alone(void)
{
	uint8_t other[KBS_REPORT_DATA_SIZE];
	struct tobi_result *result = appraise(data, world.out.nonce_size);

	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s", tobi_result_reason(result));
	tobi_result_free(result);
	bytes_copy(other, sizeof(other), data, sizeof(data));
	other[0] ^= 1;
	result = appraise(other, world.out.nonce_size);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
}

/* Every member that is taken away, or of another type: no crash, and never as before. */
static void members_matter(enum kbs_tee tee, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		json_t *whole = world.primary, *json = json_deep_copy(whole);

		world.primary = json;
		json_object_del(json, names[i]);
		assert_int_not_equal(read(tee, ""), 0);
		json_object_set_new(json, names[i], json_integer(7));
		assert_int_not_equal(read(tee, ""), 0);
		json_object_set_new(json, names[i], json_true());
		assert_int_not_equal(read(tee, ""), 0);
		json_object_set_new(json, names[i], json_string("*"));
		assert_int_not_equal(read(tee, ""), 0);
		json_object_set_new(json, names[i], json_pack("[i]", -1));
		assert_int_not_equal(read(tee, ""), 0);
		json_object_set_new(json, names[i], json_object());
		assert_int_not_equal(read(tee, ""), 0);
		json_decref(json);
		world.primary = whole;
	}
}
#define MEMBERS(tee, ...) members_matter(tee, (const char *const[]){__VA_ARGS__, NULL})

/* ---- SEV-SNP ---- */

static void make_snp(const char *lines)
{
	struct writer report = wr_init(LIMIT_EVIDENCE);
	struct snp_scene scene;

	snp_scene_make(&scene);
	bytes_copy(scene.report + 0x50, 64, data, 64);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	world.primary =
	    snp_json_evidence(report.ptr, false, scene.pieces, scene.piece_count);
	scene.more = lines;
	snp_scene_policy(&scene, &world.policy);
	world.time = scene.time;
	snp_scene_done(&scene);
	wr_done(&report);
}

static void test_kbs_evidence__snp__accepted(void **state)
{
	(void)state;
	make_snp("");
	must_read(KBS_TEE_SNP);
	assert_bytes_equal(world.out.bound, ((struct tobi_bytes){data, 64}));
	assert_int_equal(world.out.config.size, 32);
	assert_int_equal(world.out.config.ptr[0], 0x48);
	assert_string_equal(world.out.config_name, "HOST_DATA");
	assert_int_equal(world.out.piece_count, 4);
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_SNP, "attestation_report");
}

/* The verdict says what it was that was allowed. */
static void test_kbs_evidence__unknown_configuration__is_an_allowance(void **state)
{
	struct tobi_result *result;
	const char *allowance;
	bool said = false;

	(void)state;
	make_snp("allow: [unknown-config]\n");
	must_read(KBS_TEE_SNP);
	world.config_unknown = true;
	result = appraise(data, world.out.nonce_size);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	for (size_t i = 0; (allowance = tobi_result_allowance(result, i)); i++)
		said |= strstr(allowance, "UNKNOWN CONFIGURATION") == allowance;
	assert_true(said);
	tobi_result_free(result);
}

static void test_kbs_evidence__snp_chain__null_absent_and_wrong(void **state)
{
	json_t *entry;

	(void)state;
	make_snp("");
	json_object_set_new(world.primary, "cert_chain", json_null());
	must_read(KBS_TEE_SNP);
	assert_int_equal(world.out.piece_count, 0);
	json_object_del(world.primary, "cert_chain");
	must_read(KBS_TEE_SNP);
	json_object_set_new(world.primary, "cert_chain", json_string("x"));
	assert_int_equal(read(KBS_TEE_SNP, ""), TOBI_E_MALFORMED);
	json_object_set_new(world.primary, "cert_chain", json_pack("[i]", 7));
	assert_int_equal(read(KBS_TEE_SNP, ""), TOBI_E_MALFORMED);
	/* What is the host's own, and an empty end, are passed over. */
	entry = json_pack("[{s:{s:s}, s:[i]}, {s:s, s:[]}]", "cert_type", "OTHER",
			  "01020304-0000-0000-0000-000000000000", "data", 7, "cert_type",
			  "Empty", "data");
	json_object_set_new(world.primary, "cert_chain", entry);
	must_read(KBS_TEE_SNP);
	assert_int_equal(world.out.piece_count, 0);
	json_object_set_new(json_array_get(entry, 1), "data", json_pack("[i]", 256));
	assert_int_equal(read(KBS_TEE_SNP, ""), TOBI_E_MALFORMED);
}

static void test_kbs_evidence__snp_certificates__at_most_so_many(void **state)
{
	json_t *chain = json_array();

	(void)state;
	make_snp("");
	for (size_t i = 0; i < LIMIT_PIECES; i++)
		json_array_append_new(
		    chain, json_pack("{s:s, s:[i]}", "cert_type", "ASK", "data", 1));
	json_object_set(world.primary, "cert_chain", chain);
	must_read(KBS_TEE_SNP);
	json_array_append_new(chain,
			      json_pack("{s:s, s:[i]}", "cert_type", "ASK", "data", 1));
	assert_int_equal(read(KBS_TEE_SNP, ""), TOBI_E_LIMIT);
	json_decref(chain);
}

/* ---- TDX and SGX ---- */

static json_t *base64_json(struct tobi_bytes bytes)
{
	struct writer text = wr_init(2 * LIMIT_EVIDENCE);
	json_t *json;

	base64_write(&text, bytes);
	json = json_stringn((const char *)text.ptr, text.size);
	wr_done(&text);
	return json;
}

static void make_dcap(unsigned version, enum dcap_body kind)
{
	const size_t at = kind == DCAP_SGX ? 320 : 520;
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	static struct tdx_run run;

	tdx_run_init(&run);
	tdx_run_kind(&run, version, kind);
	bytes_copy(run.scene.body + at, 64, data, 64);
	dcap_scene_quote(&run.scene, &quote);
	world.primary = json_pack("{s:o}", "quote", base64_json(wr_view(&quote)));
	if (kind != DCAP_SGX)
		json_object_set_new(world.primary, "cc_eventlog", json_null());
	tdx_run_policy(&run, "", &world.policy);
	dcap_test_put(&run.scene, &run.collateral, world.set);
	world.time = run.time;
	tdx_run_done(&run);
	wr_done(&quote);
}

static void test_kbs_evidence__tdx__accepted(void **state)
{
	(void)state;
	make_dcap(4, DCAP_TD10);
	must_read(KBS_TEE_TDX);
	assert_bytes_equal(world.out.bound, ((struct tobi_bytes){data, 64}));
	assert_string_equal(world.out.config_name, "MRCONFIGID");
	assert_int_equal(world.out.config.size, 48);
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_TDX, "quote");
	assert_int_equal(read(KBS_TEE_SGX, ""), TOBI_E_MALFORMED);
}

static void test_kbs_evidence__tdx_log__is_a_piece(void **state)
{
	(void)state;
	make_dcap(5, DCAP_TD15);
	json_object_set_new(world.primary, "cc_eventlog", base64_json(text_bytes("log")));
	must_read(KBS_TEE_TDX);
	assert_int_equal(world.out.piece_count, 1);
	assert_bytes_equal(world.out.pieces[0], text_bytes("log"));
	json_object_set_new(world.primary, "cc_eventlog", json_string("bG9n="));
	assert_int_equal(read(KBS_TEE_TDX, ""), TOBI_E_MALFORMED);
	json_object_set_new(world.primary, "cc_eventlog", json_integer(1));
	assert_int_equal(read(KBS_TEE_TDX, ""), TOBI_E_MALFORMED);
}

static void test_kbs_evidence__sgx__accepted(void **state)
{
	(void)state;
	make_dcap(3, DCAP_SGX);
	must_read(KBS_TEE_SGX);
	assert_bytes_equal(world.out.bound, ((struct tobi_bytes){data, 64}));
	assert_string_equal(world.out.config_name, "CONFIGID");
	assert_int_equal(world.out.config.size, 64);
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_SGX, "quote");
	assert_int_equal(read(KBS_TEE_TDX, ""), TOBI_E_MALFORMED);
}

/* ---- Azure ---- */

static void make_azure(bool tdx, enum azure_form form, size_t extra)
{
	struct writer evidence = wr_init(LIMIT_EVIDENCE);
	struct azure_scene scene;

	azure_scene_make(&scene, tdx);
	scene.form = form;
	scene.extra = scene.nonce = (struct tobi_bytes){data, extra};
	azure_scene_evidence(&scene, &evidence);
	assert_int_equal(
	    json_parse(wr_view(&evidence), LIMIT_EVIDENCE, "test", &world.primary, NULL),
	    0);
	azure_scene_policy(&scene, &world.policy);
	if (tdx)
		dcap_test_put(&scene.td.scene, &scene.td.collateral, world.set);
	world.time = tdx ? scene.td.time : scene.snp.time;
	/* AMD's certificates, which a client does not have: they are collateral. */
	for (size_t i = 0; i < scene.piece_count; i++)
		world.beside[world.beside_count++] =
		    arena_copy(&world.arena, scene.pieces[i]);
	azure_scene_done(&scene);
	wr_done(&evidence);
}

static void test_kbs_evidence__azure_snp__accepted_with_each_size(void **state)
{
	static const size_t sizes[] = {32, 48, 64};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		leave(NULL);
		enter(NULL);
		make_azure(false, i % 2 ? AZURE_NUMBERS : AZURE_JSON, sizes[i]);
		must_read(KBS_TEE_AZ_SNP);
		assert_int_equal(world.out.nonce_size, sizes[i]);
		assert_bytes_equal(world.out.bound,
				   ((struct tobi_bytes){data, sizes[i]}));
		assert_string_equal(world.out.config_name, "PCR 8");
		assert_int_equal(world.out.config.size, 32);
		assert_true(world.out.config_extends);
		accepted_for_its_nonce_alone();
	}
	MEMBERS(KBS_TEE_AZ_SNP, "hcl_report", "tpm_quote");
	assert_int_equal(read(KBS_TEE_AZ_TDX, ""), TOBI_E_MALFORMED);
}

static void test_kbs_evidence__azure_with_another_size__refused(void **state)
{
	static const size_t sizes[] = {0, 16, 31, 33, 47};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		leave(NULL);
		enter(NULL);
		make_azure(false, AZURE_JSON, sizes[i]);
		assert_int_equal(read(KBS_TEE_AZ_SNP, ""), TOBI_E_MALFORMED);
	}
}

static void test_kbs_evidence__azure_tdx__accepted(void **state)
{
	(void)state;
	make_azure(true, AZURE_JSON, 48);
	must_read(KBS_TEE_AZ_TDX);
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_AZ_TDX, "td_quote", "hcl_report", "tpm_quote");
	assert_int_equal(read(KBS_TEE_AZ_SNP, ""), TOBI_E_MALFORMED);
}

/* ---- Arm CCA ---- */

static void test_kbs_evidence__cca__accepted(void **state)
{
	struct writer token = wr_init(LIMIT_EVIDENCE);
	struct test_cca cca;

	(void)state;
	test_cca_make(&cca, CCA_REALM_2);
	test_cca_write(&cca, &token);
	test_cca_policy(&cca, &world.policy);
	bytes_copy(data, sizeof(data), cca.given_nonce.ptr, cca.given_nonce.size);
	world.primary = json_pack("{s:o}", "token", snp_json_numbers(wr_view(&token)));
	world.time = CCA_NOW;
	must_read(KBS_TEE_CCA);
	assert_bytes_equal(world.out.bound, cca.given_nonce);
	assert_int_equal(world.out.config.size, 64);
	world.out.nonce_size = 64; /* the scene's challenge is no hash with zeros */
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_CCA, "token");
	test_cca_done(&cca);
	wr_done(&token);
}

/* ---- a TPM ---- */

static json_t *pcrs_json(const struct quote_scene *scene)
{
	char hex[2 * TPM_HASH_MAX + 1];
	json_t *list = json_array();

	for (unsigned i = 0; i < TPM_PCRS; i++) {
		hex_write(scene->banks[0].pcrs[i], hex, sizeof(hex));
		json_array_append_new(list, json_string(hex));
	}
	return list;
}

static void make_tpm(size_t extra)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE), spki = wr_init(512);
	struct writer signature = wr_init(LIMIT_EVIDENCE);
	struct quote_scene scene;

	quote_scene_make(&scene, QUOTE_P256);
	scene.names_key = true;
	scene.extra = scene.given_nonce = (struct tobi_bytes){data, extra};
	scene.selections[0].pcrs = 0xffffff;
	scene.selection_count = 1;
	quote_scene_quote(&scene, &quote);
	quote_scene_sign(&scene, scene.ak, wr_view(&quote), false, &signature);
	assert_int_equal(key_spki(scene.ak, &spki, NULL), 0);
	world.primary = json_pack(
	    "{s:{s:o, s:o, s:o}, s:o}", "tpm_quote", "message",
	    base64_json(wr_view(&quote)), "signature", base64_json(wr_view(&signature)),
	    "pcrs", pcrs_json(&scene), "ak_public", base64_json(wr_view(&spki)));
	quote_scene_policy(&scene, &world.policy);
	world.time = scene.now;
	quote_scene_done(&scene);
	wr_done(&quote);
	wr_done(&spki);
	wr_done(&signature);
}

static void test_kbs_evidence__tpm__accepted(void **state)
{
	(void)state;
	make_tpm(32);
	must_read(KBS_TEE_TPM);
	assert_int_equal(world.out.nonce_size, 32);
	assert_null(world.out.config_name);
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_TPM, "tpm_quote");
}

/* ---- Tobichi's own ---- */

static void make_own(bool with_claims)
{
	static const uint8_t key_hash[32] = {7};
	static struct test_scene scene;
	struct writer evidence = wr_init(LIMIT_EVIDENCE), text = wr_init(LIMIT_EVIDENCE);

	test_scene_make(&scene);
	scene.claims_buffer.size = 0;
	claims_buffer_write(&scene.claims_buffer,
			    (struct tobi_bytes){data, KBS_HASH_SIZE}, key_hash,
			    TOBI_ROLE_SERVER, (struct tobi_bytes){0});
	if (with_claims)
		test_scene_evidence(&scene, &evidence);
	else
		test_scene_session_evidence(&scene, wr_view(&scene.claims_buffer),
					    &evidence);
	base64url_write(&text, wr_view(&evidence));
	world.primary =
	    json_pack("{s:s%}", "evidence", (const char *)text.ptr, text.size);
	test_scene_policy(&scene, &world.policy);
	world.time = TEST_NOW;
	test_scene_done(&scene);
	wr_done(&evidence);
	wr_done(&text);
}

static void test_kbs_evidence__own__accepted(void **state)
{
	(void)state;
	make_own(true);
	must_read(KBS_TEE_TOBICHI);
	assert_bytes_equal(world.out.bound, ((struct tobi_bytes){data, KBS_HASH_SIZE}));
	assert_null(world.out.config_name);
	accepted_for_its_nonce_alone();
	MEMBERS(KBS_TEE_TOBICHI, "evidence");
}

static void test_kbs_evidence__own_without_claims__refused(void **state)
{
	(void)state;
	make_own(false);
	assert_int_equal(read(KBS_TEE_TOBICHI, ""), TOBI_E_MALFORMED);
}

/* ---- what is not served ---- */

static void test_kbs_tee__names__those_that_are_served(void **state)
{
	static const char *const none[] = {
	    "",	   "sample", "sampledevice", "se",	  "csv", "hygondcu", "dpu",
	    "sev", "nvidia", "azsnpvtpm",    "aztdxvtpm", "SNP", "snp ",     "sn"};

	(void)state;
	for (size_t i = 1; i < KBS_TEES; i++)
		assert_int_equal(kbs_tee_named(kbs_tee_name((enum kbs_tee)i)), i);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(kbs_tee_named(none[i]), KBS_TEE_NONE);
	assert_string_equal(kbs_tee_name(KBS_TEE_NONE), "");
	assert_string_equal(kbs_tee_name((enum kbs_tee)255), "");
	world.primary = json_object();
	assert_int_equal(read(KBS_TEE_NONE, ""), TOBI_E_UNSUPPORTED);
	assert_int_equal(read((enum kbs_tee)255, ""), TOBI_E_UNSUPPORTED);
}

static void test_kbs_evidence__no_object__malformed(void **state)
{
	(void)state;
	world.primary = json_array();
	for (size_t i = 1; i < KBS_TEES; i++)
		assert_int_equal(read((enum kbs_tee)i, ""), TOBI_E_MALFORMED);
}

static void test_kbs_evidence__additional_that_is_not_known__refused(void **state)
{
	static const char *const texts[] = {
	    "x",
	    "[]",
	    "7",
	    "{\"sampledevice\":{}}",
	    "{\"nvidia\":{}}",
	    "{\"nvidia\":{\"device_evidence_list\":[]}}",
	    "{\"nvidia\":{\"arch\":1,\"evidence\":2,\"certificate\":3},\"other\":{}}",
	    "{\"nvidia\":{},\"nvidia\":{}}"};

	(void)state;
	make_snp("");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_not_equal(read(KBS_TEE_SNP, texts[i]), 0);
	assert_int_equal(read(KBS_TEE_SNP, "{}"), 0);
	assert_false(world.out.has_devices);
}

int main(void)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    T_(test_kbs_evidence__snp__accepted),
	    T_(test_kbs_evidence__unknown_configuration__is_an_allowance),
	    T_(test_kbs_evidence__snp_chain__null_absent_and_wrong),
	    T_(test_kbs_evidence__snp_certificates__at_most_so_many),
	    T_(test_kbs_evidence__tdx__accepted),
	    T_(test_kbs_evidence__tdx_log__is_a_piece),
	    T_(test_kbs_evidence__sgx__accepted),
	    T_(test_kbs_evidence__azure_snp__accepted_with_each_size),
	    T_(test_kbs_evidence__azure_with_another_size__refused),
	    T_(test_kbs_evidence__azure_tdx__accepted),
	    T_(test_kbs_evidence__cca__accepted),
	    T_(test_kbs_evidence__tpm__accepted),
	    T_(test_kbs_evidence__own__accepted),
	    T_(test_kbs_evidence__own_without_claims__refused),
	    T_(test_kbs_tee__names__those_that_are_served),
	    T_(test_kbs_evidence__no_object__malformed),
	    T_(test_kbs_evidence__additional_that_is_not_known__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
