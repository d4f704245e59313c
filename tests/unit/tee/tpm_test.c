/* Quotes of a TPM of its own: the right one is accepted, in each form, and each check
 * refuses alone. */
#include "tee/tpm.h"

#include <stdlib.h>

#include "appraise/explain.h"
#include "pki/cert.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/quote_scene.h"
#include "token/claims_buffer.h"

static struct tobi_result *appraise(enum quote_key kind,
				    void (*change)(struct quote_scene *scene))
{
	struct quote_scene scene;
	struct tobi_result *result;

	quote_scene_make(&scene, kind);
	change(&scene);
	result = quote_scene_appraise(&scene);
	quote_scene_done(&scene);
	return result;
}

#define CHANGE(name, ...)                                                                \
	static void name(struct quote_scene *scene)                                      \
	{                                                                                \
		(void)scene;                                                             \
		__VA_ARGS__;                                                             \
	}
CHANGE(does_not_change, (void)0)
CHANGE(has_a_bare_signature, scene->bare_signature = true)
CHANGE(has_its_key_as_spki, scene->as_spki = true)
CHANGE(has_a_certificate_alone, scene->without_public = true)
CHANGE(is_named_by_the_policy, scene->names_key = true; scene->names_root = false;
       scene->without_certificate = true)
CHANGE(is_named_and_brings_no_key, scene->names_key = true;
       scene->without_certificate = true; scene->without_public = true)
CHANGE(brings_its_ek, scene->with_ek = true)
CHANGE(certifies_a_key, scene->with_certify = true)
CHANGE(is_signed_with_sha384, scene->hash = TPM_ALG_SHA384)
CHANGE(is_signed_with_sha512, scene->hash = TPM_ALG_SHA512)
CHANGE(quotes_one_pcr, scene->selections[0].pcrs = 1 << 7; scene->selection_count = 1)
CHANGE(selects_an_empty_bank, scene->selections[1].pcrs = 0)
/* As Google's are: with the purpose of an endorsement key, or with none. */
CHANGE(is_of_google, scene->ak_certificate.names_instance = true;
       scene->ak_certificate.purposes = CERT_EK_PURPOSE)
CHANGE(is_of_google_today, scene->ak_certificate.names_instance = true;
       scene->ak_certificate.purposes = NULL; scene->ak_certificate.names_maker = false)

/* Claims, and the quote's extra data for them. */
static struct tobi_bytes claims, bound;

static void is_collected(struct quote_scene *scene)
{
	scene->claims_buffer = claims;
	scene->extra = bound;
}

/* What is wrong with it, each. */
CHANGE(has_two_quotes, scene->twice_the_quote = true)
CHANGE(has_a_piece_that_cannot_be_read, scene->unreadable_piece = true)
CHANGE(has_two_values_of_a_pcr,
       scene->more_piece = text_bytes("sha256:\n  1 : 0x"
				      "00000000000000000000000000000000"
				      "00000000000000000000000000000000\n"))
CHANGE(is_of_a_stranger, scene->ak_certificate.by_a_stranger = true)
CHANGE(has_no_certificate, scene->without_certificate = true)
CHANGE(has_anothers_certificate, scene->ak_certificate.key = scene->other)
CHANGE(has_an_expired_certificate, scene->ak_certificate.not_after = QUOTE_NOW - 1)
CHANGE(trusts_vendors_alone, scene->vendors_roots = true)
CHANGE(has_a_ca_certificate, scene->ak_certificate.is_ca = true)
CHANGE(has_a_certificate_for_no_signing, scene->ak_certificate.usage = "keyAgreement")
CHANGE(has_a_certificate_without_usage, scene->ak_certificate.usage = NULL)
CHANGE(has_a_certificate_for_tls, scene->ak_certificate.purposes = "serverAuth")
CHANGE(has_a_certificate_of_no_purpose, scene->ak_certificate.purposes = NULL)
CHANGE(has_the_purpose_of_an_ek, scene->ak_certificate.purposes = CERT_EK_PURPOSE)
CHANGE(is_of_google_for_tls, scene->ak_certificate.names_instance = true;
       scene->ak_certificate.purposes = "serverAuth")
CHANGE(has_an_unreadable_instance, scene->ak_certificate.names_instance = true;
       scene->ak_certificate.damaged_instance = true)
CHANGE(has_a_key_that_signs_anything, scene->attributes &= ~(uint32_t)TPM_RESTRICTED)
CHANGE(has_a_key_that_may_leave, scene->attributes &= ~(uint32_t)TPM_FIXED_TPM)
CHANGE(has_a_key_that_moves, scene->attributes &= ~(uint32_t)TPM_FIXED_PARENT)
CHANGE(has_a_key_from_elsewhere, scene->attributes &= ~(uint32_t)TPM_SENSITIVE_ORIGIN)
CHANGE(has_a_key_that_decrypts, scene->attributes |= TPM_DECRYPT)
CHANGE(has_a_key_that_does_not_sign, scene->attributes &= ~(uint32_t)TPM_SIGN)
CHANGE(brings_a_strange_ek, scene->with_ek = true;
       scene->ek_certificate.by_a_stranger = true)
CHANGE(brings_an_old_ek, scene->with_ek = true;
       scene->ek_certificate.not_after = QUOTE_NOW - 1)
/* In a collection: by itself it is not known as a quote. */
CHANGE(is_of_no_tpm, scene->magic = 0xff544346; is_collected(scene))
CHANGE(is_bound_to_other_claims, is_collected(scene); scene->extra = scene->given_nonce)
CHANGE(is_signed_by_another, scene->signs = scene->other)
CHANGE(is_damaged, scene->damage_signature = true)
CHANGE(has_no_signature, scene->without_signature = true)
CHANGE(selects_nothing, scene->selection_count = 0)
CHANGE(selects_a_bank_twice, scene->selections[1].hash = TPM_ALG_SHA256)
CHANGE(selects_an_unknown_bank, scene->selections[1].hash = 0x0012)
CHANGE(selects_pcr_24, scene->selections[0].pcrs |= 1u << 24)
CHANGE(lacks_a_value, scene->banks[0].pcrs[3].size = 0)
CHANGE(lacks_a_bank, scene->bank_count = 1)
CHANGE(has_another_value, scene->banks[0].pcrs[3].ptr = scene->values[0][4])
CHANGE(has_another_digest, scene->damage_digest = true)
CHANGE(certifies_another_key, scene->with_certify = true; scene->names_another = true)
CHANGE(certifies_a_key_that_did_not_come, scene->with_certify = true;
       scene->without_certified = true)
CHANGE(certifies_a_key_that_may_leave, scene->with_certify = true;
       scene->certified_attributes &= ~(uint32_t)TPM_FIXED_TPM)
CHANGE(certifies_with_a_damaged_signature, scene->with_certify = true;
       scene->damage_certify = true)
CHANGE(certifies_by_another_key, scene->with_certify = true;
       scene->certify_signs = scene->other)
CHANGE(is_for_another_nonce, scene->extra = text_bytes("another nonce than was given"))
CHANGE(is_for_a_longer_nonce, scene->given_nonce.size--)

/* The section tpm of the policy, with what it says refused. */
#define PCR_7                                                                            \
	"  pcrs:\n    - index: 7\n      value: "                                         \
	"0808080808080808080808080808080808080808080808080808080808080808\n"
CHANGE(quotes_sha1_alone, scene->selections[0].hash = TPM_ALG_SHA1;
       scene->selection_count = 1; scene->bank_count = 3;
       scene->tpm =
	   "  pcr-digests: "
	   "[c3c42f0ca6a4a4e0d4b3b4eb1a1b7b67b5e3b9cbb9c4ca2a3e1b6b3f4d0b5e11]\n")
CHANGE(quotes_sha1_as_allowed, scene->selections[0].hash = TPM_ALG_SHA1;
       scene->selection_count = 1; scene->bank_count = 3;
       scene->tpm = "  banks: [sha1]\n  pcrs:\n    - index: 7\n      value: "
		    "2828282828282828282828282828282828282828\n")
CHANGE(has_an_accepted_value_of_sha384,
       scene->tpm = "  pcrs:\n    - index: 2\n      value: "
		    "131313131313131313131313131313131313131313131313"
		    "131313131313131313131313131313131313131313131313\n")
CHANGE(has_a_value_that_is_not_named,
       scene->tpm = "  pcrs:\n    - index: 2\n      value: "
		    "131313131313131313131313131313131313131313131313"
		    "131313131313131313131313131313131313131313131314\n")
CHANGE(lacks_a_named_pcr,
       scene->tpm = "  pcrs:\n    - index: 16\n      value: "
		    "1111111111111111111111111111111111111111111111111111111111111111\n")
CHANGE(has_no_values, scene->without_pcrs = true)
CHANGE(quotes_too_few, scene->tpm = "  quoted: [0, 7, 16]\n" PCR_7)
CHANGE(quotes_what_it_must, scene->tpm = "  quoted: [0, 7, 15]\n" PCR_7)
CHANGE(has_a_digest_that_is_not_named,
       scene->tpm =
	   "  pcr-digests: "
	   "[0000000000000000000000000000000000000000000000000000000000000000]\n")
CHANGE(was_reset, scene->tpm = "  resets: 11\n" PCR_7)
CHANGE(was_reset_too_seldom, scene->tpm = "  min-resets: 13\n" PCR_7)
CHANGE(was_restarted, scene->tpm = "  restarts: 2\n" PCR_7)
CHANGE(was_restarted_too_seldom, scene->tpm = "  min-restarts: 4\n" PCR_7)
CHANGE(was_reset_as_said, scene->tpm = "  resets: 12\n  min-resets: 12\n  restarts: 3\n"
				       "  min-restarts: 3\n" PCR_7)
CHANGE(has_an_old_clock, scene->tpm = "  min-clock: 987654322\n" PCR_7)
CHANGE(has_a_clock_set_back, scene->safe = false; scene->tpm = "  safe: required\n" PCR_7)
CHANGE(has_a_right_clock, scene->tpm = "  min-clock: 987654321\n  safe: required\n" PCR_7)
CHANGE(has_old_firmware, scene->tpm = "  min-firmware: 2019102300163637\n" PCR_7)
CHANGE(has_other_firmware, scene->tpm = "  firmware: [2019102300163637]\n" PCR_7)
CHANGE(has_right_firmware, scene->tpm = "  min-firmware: 2019102300163636\n  firmware: "
					"[2019102300163636]\n" PCR_7)
CHANGE(needs_a_certificate, is_named_by_the_policy(scene);
       scene->tpm = "  ak-certificate: required\n" PCR_7)
CHANGE(needs_the_public_area, scene->without_public = true;
       scene->tpm = "  ak-public: required\n" PCR_7)
CHANGE(has_both, scene->tpm = "  ak-certificate: required\n  ak-public: required\n" PCR_7)
CHANGE(names_no_ek,
       scene->tpm = "  eks: [0000000000000000000000000000000000000000000000000000000000"
		    "000000]\n" PCR_7)
CHANGE(is_of_another_ek, scene->ak_certificate.names_ek = true;
       scene->tpm = "  eks: [0000000000000000000000000000000000000000000000000000000000"
		    "000000]\n" PCR_7)
CHANGE(certifies_a_key_that_is_not_named, scene->with_certify = true;
       scene->tpm =
	   "  certified-keys: [00000000000000000000000000000000000000000000000000"
	   "00000000000000]\n" PCR_7)
/* That is no statement at all. */
CHANGE(certifies_by_no_tpm, certifies_a_key_that_is_not_named(scene);
       scene->certify_magic = 0)
CHANGE(is_of_no_instance, scene->tpm = "  gce-projects: [project]\n" PCR_7)
CHANGE(is_of_another_project, is_of_google(scene);
       scene->tpm = "  gce-projects: [proj]\n" PCR_7)
CHANGE(is_of_another_zone, is_of_google(scene);
       scene->tpm = "  gce-zones: [zone-b]\n" PCR_7)
CHANGE(is_of_another_instance, is_of_google(scene);
       scene->tpm = "  gce-instances: [vm-2, '18374970154963143175']\n" PCR_7)
CHANGE(is_not_in_production, is_of_google(scene);
       scene->ak_certificate.not_in_production = true;
       scene->tpm = "  gce-projects: [project]\n" PCR_7)
CHANGE(is_of_a_named_instance, is_of_google(scene);
       scene->tpm = "  gce-projects: ['1234']\n  gce-zones: [zone-a]\n  gce-instances: "
		    "['18374969024012125703', vm-1]\n" PCR_7)

static void (*const right[])(struct quote_scene *scene) = {
    does_not_change,
    has_its_key_as_spki,
    has_a_certificate_alone,
    is_named_by_the_policy,
    is_named_and_brings_no_key,
    brings_its_ek,
    certifies_a_key,
    quotes_one_pcr,
    selects_an_empty_bank,
    is_of_google,
    is_of_google_today,
    quotes_sha1_as_allowed,
    has_an_accepted_value_of_sha384,
    quotes_what_it_must,
    was_reset_as_said,
    has_a_right_clock,
    has_right_firmware,
    has_both,
    is_of_a_named_instance,
    is_collected,
};

static void test_tpm_examine__right_quotes__are_accepted(void **state)
{
	static const enum quote_key kinds[] = {QUOTE_P256, QUOTE_P384, QUOTE_RSA,
					       QUOTE_RSAPSS};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		expect_accepted(appraise(QUOTE_P256, right[i]));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		expect_accepted(appraise(kinds[i], does_not_change));
		expect_accepted(appraise(kinds[i], is_signed_with_sha384));
		expect_accepted(appraise(kinds[i], is_signed_with_sha512));
		expect_accepted(appraise(kinds[i], certifies_a_key));
		expect_accepted(appraise(kinds[i], has_a_bare_signature));
	}
}

#undef FAILS
#define FAILS(code, change)                                                              \
	{                                                                                \
		code, #change, change                                                    \
	}
struct wrong {
	const char *code, *name;
	void (*change)(struct quote_scene *scene);
};

static const struct wrong wrong[] = {
    FAILS("TPM-PARTS", has_two_quotes),
    FAILS("TPM-PARTS", has_a_piece_that_cannot_be_read),
    FAILS("TPM-PARTS", has_two_values_of_a_pcr),
    FAILS("TPM-AK-CHAIN", is_of_a_stranger),
    FAILS("TPM-AK-CHAIN", has_no_certificate),
    FAILS("TPM-AK-CHAIN", has_anothers_certificate),
    FAILS("TPM-AK-CHAIN", has_an_expired_certificate),
    FAILS("TPM-AK-CHAIN", trusts_vendors_alone),
    FAILS("TPM-AK-CERTIFICATE", has_a_ca_certificate),
    FAILS("TPM-AK-CERTIFICATE", has_a_certificate_for_no_signing),
    FAILS("TPM-AK-CERTIFICATE", has_a_certificate_without_usage),
    FAILS("TPM-AK-CERTIFICATE", has_a_certificate_for_tls),
    FAILS("TPM-AK-CERTIFICATE", has_a_certificate_of_no_purpose),
    FAILS("TPM-AK-CERTIFICATE", has_the_purpose_of_an_ek),
    FAILS("TPM-AK-CERTIFICATE", is_of_google_for_tls),
    FAILS("TPM-AK-CERTIFICATE", has_an_unreadable_instance),
    FAILS("TPM-AK-KEY", has_a_key_that_signs_anything),
    FAILS("TPM-AK-KEY", has_a_key_that_may_leave),
    FAILS("TPM-AK-KEY", has_a_key_that_moves),
    FAILS("TPM-AK-KEY", has_a_key_from_elsewhere),
    FAILS("TPM-AK-KEY", has_a_key_that_decrypts),
    FAILS("TPM-AK-KEY", has_a_key_that_does_not_sign),
    FAILS("TPM-EK-CHAIN", brings_a_strange_ek),
    FAILS("TPM-EK-CHAIN", brings_an_old_ek),
    FAILS("TPM-QUOTE-TYPE", is_of_no_tpm),
    FAILS("TPM-BINDING", is_bound_to_other_claims),
    FAILS("TPM-QUOTE-SIGNATURE", is_signed_by_another),
    FAILS("TPM-QUOTE-SIGNATURE", is_damaged),
    FAILS("TPM-QUOTE-PCRS", has_another_value),
    FAILS("TPM-QUOTE-PCRS", has_another_digest),
    FAILS("TPM-CERTIFY", certifies_another_key),
    FAILS("TPM-CERTIFY", certifies_a_key_that_did_not_come),
    FAILS("TPM-CERTIFY", certifies_a_key_that_may_leave),
    FAILS("TPM-CERTIFY", certifies_with_a_damaged_signature),
    FAILS("TPM-CERTIFY", certifies_by_another_key),
    FAILS("CLAIMS-NONCE", is_for_another_nonce),
    FAILS("CLAIMS-NONCE", is_for_a_longer_nonce),
    FAILS("POLICY-PCRS", has_a_value_that_is_not_named),
    FAILS("POLICY-PCRS", lacks_a_named_pcr),
    FAILS("POLICY-PCRS", has_no_values),
    FAILS("POLICY-TPM-QUOTED", quotes_too_few),
    FAILS("POLICY-TPM-DIGEST", has_a_digest_that_is_not_named),
    FAILS("POLICY-TPM-RESETS", was_reset),
    FAILS("POLICY-TPM-RESETS", was_reset_too_seldom),
    FAILS("POLICY-TPM-RESETS", was_restarted),
    FAILS("POLICY-TPM-RESETS", was_restarted_too_seldom),
    FAILS("POLICY-TPM-CLOCK", has_an_old_clock),
    FAILS("POLICY-TPM-CLOCK", has_a_clock_set_back),
    FAILS("POLICY-TPM-FIRMWARE", has_old_firmware),
    FAILS("POLICY-TPM-FIRMWARE", has_other_firmware),
    FAILS("POLICY-TPM-AK", needs_a_certificate),
    FAILS("POLICY-TPM-AK", needs_the_public_area),
    FAILS("POLICY-TPM-EK", names_no_ek),
    FAILS("POLICY-TPM-EK", is_of_another_ek),
    FAILS("POLICY-TPM-CERTIFIED-KEY", certifies_a_key_that_is_not_named),
    FAILS("POLICY-TPM-CERTIFIED-KEY", certifies_by_no_tpm),
    FAILS("POLICY-TPM-GCE", is_of_no_instance),
    FAILS("POLICY-TPM-GCE", is_of_another_project),
    FAILS("POLICY-TPM-GCE", is_of_another_zone),
    FAILS("POLICY-TPM-GCE", is_of_another_instance),
    FAILS("POLICY-TPM-GCE", is_not_in_production),
};

static void test_tpm_examine__each_thing_wrong__fails_its_check_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		print_message("%s: %s\n", wrong[i].code, wrong[i].name);
		expect_alone(appraise(QUOTE_P256, wrong[i].change), wrong[i].code);
	}
}

/* Of these another check cannot pass either. */
static const struct wrong together[] = {
    FAILS("TPM-QUOTE-SIGNATURE", has_no_signature),
    FAILS("TPM-QUOTE-SELECTION", selects_nothing),
    FAILS("TPM-QUOTE-SELECTION", selects_a_bank_twice),
    FAILS("TPM-QUOTE-SELECTION", selects_an_unknown_bank),
    FAILS("TPM-QUOTE-SELECTION", selects_pcr_24),
    FAILS("TPM-QUOTE-SELECTION", lacks_a_value),
    FAILS("TPM-QUOTE-SELECTION", lacks_a_bank),
    FAILS("POLICY-TPM-BANK", quotes_sha1_alone),
};

static void test_tpm_examine__things_wrong_together__are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++) {
		struct tobi_result *result = appraise(QUOTE_P256, together[i].change);

		print_message("%s: %s\n", together[i].code, together[i].name);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		assert_int_equal(outcome_of(result, together[i].code), TOBI_FAILED);
		tobi_result_free(result);
	}
}

/* As an agent's: claims with the verifier's nonce, and their hash in the quote. */
static int enter(void **state)
{
	static const uint8_t nonce[32] = {[0 ... 31] = 0x51}, spki[32];
	static uint8_t hash[SHA256_SIZE], bytes[512];
	struct writer out = wr_init(sizeof(bytes));

	(void)state;
	claims_buffer_write(&out, (struct tobi_bytes){nonce, sizeof(nonce)}, spki,
			    TOBI_ROLE_SERVER, (struct tobi_bytes){0});
	claims = (struct tobi_bytes){bytes, out.size};
	bytes_copy(bytes, sizeof(bytes), out.ptr, out.size);
	wr_done(&out);
	bound = (struct tobi_bytes){hash, sizeof(hash)};
	return hash_sha256(claims, hash) ? -1 : 0;
}

/* A quote is all that there is here, and comes beside an enclave's evidence elsewhere:
 * the page has lines for both. */
static void test_explain_html__quote_alone__each_link_is_there_once(void **state)
{
	static const char link[] = "<code>TPM-QUOTE-SIGNATURE</code>";
	struct tobi_result *result = appraise(QUOTE_P256, does_not_change);
	struct writer page = wr_init(1 << 20);
	char *chain, *end, *first;

	(void)state;
	explain_html(result, &page);
	wr_u8(&page, 0);
	assert_int_equal(wr_err(&page), TOBI_OK);
	chain = strstr((char *)page.ptr, "<ol class=\"chain\">");
	assert_non_null(chain);
	end = strstr(chain, "</ol>");
	assert_non_null(end);
	*end = 0;
	first = strstr(chain, link);
	assert_non_null(first);
	assert_null(strstr(first + 1, link));
	wr_done(&page);
	tobi_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_examine__right_quotes__are_accepted),
	    cmocka_unit_test(test_tpm_examine__each_thing_wrong__fails_its_check_alone),
	    cmocka_unit_test(test_tpm_examine__things_wrong_together__are_refused),
	    cmocka_unit_test(test_explain_html__quote_alone__each_link_is_there_once),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
