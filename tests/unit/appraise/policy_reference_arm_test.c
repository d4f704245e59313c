/* Reference values of a maker's devices (Arm's PSA profile): its keys in the place of
 * roots, its firmware in the place of names in the policy. */
#include "appraise/policy_reference.h"
#include "codec/base64.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/corim_scene.h"
#include "tests/cca_scene.h"
#include "tests/psa_scene.h"

#define OF(value)                                                                        \
	value value value value value value value value value value value value value    \
	    value value value value value value value value value value value value      \
		value value value value value value value
#define MODEL "m1 0 m3 0 t560 h" OF("1a") " 1 \"ACME\" 2 \"RoadRunner\""
#define COMPONENT(name, digest)                                                          \
	"m2 0 \"psa.software-component\" 1 m3 2 a1 a2 1 h" OF(                           \
	    digest) " 11 \"" name "\" 13 a1 t560 h" OF("51") " "
#define SPE COMPONENT("SPE", "a1")
#define NSPE COMPONENT("NSPE", "a2")
#define OLD_NSPE COMPONENT("NSPE", "a3")

/* What the maker publishes, of the device's key or of another one. */
static struct tobi_result *appraise(const char *components, const char *instance,
				    bool with_other_key)
{
	struct writer words = wr_init(16384), spki = wr_init(1024), key = wr_init(4096);
	struct writer document = wr_init(65536), more = wr_init(65536);
	struct corim_frame frame = {.profile = "t32 \"tag:arm.com,2025:psa#1.0.0\""};
	struct tobi_result *result;
	struct test_psa psa;

	test_psa_make(&psa, PSA_TFM);
	psa.without_root = true;
	psa.section = NULL;
	assert_int_equal(key_spki(with_other_key ? psa.other_key : psa.key, &spki, NULL),
			 0);
	base64_write(&key, wr_view(&spki));
	wr_printf(&words,
		  "m2 0 a1 a2 " MODEL " %s "
		  "3 a1 a2 m2 0 m1 0 t560 h" OF("1a") " 1 t550 h01%s a1 t554 \"%.*s\"",
		  components, instance, (int)key.size, (const char *)key.ptr);
	wr_u8(&words, 0);
	frame.triples = (const char *)words.ptr;
	corim_frame(&document, &frame, NULL, NULL);
	wr_printf(&more, "reference-values:\n  unsigned: allowed\n  documents: [");
	base64_write(&more, wr_view(&document));
	wr_printf(&more, "]\n");
	wr_u8(&more, 0);
	psa.more = (const char *)more.ptr;
	result = test_psa_appraise(&psa);
	test_psa_done(&psa);
	wr_done(&words);
	wr_done(&spki);
	wr_done(&key);
	wr_done(&document);
	wr_done(&more);
	return result;
}

#define DEVICE OF("1d")

static void test_reference_values__of_a_device__stand_for_roots_and_names(void **state)
{
	(void)state;
	expect_accepted(appraise("a2 " SPE NSPE, DEVICE, false));
}

static void test_reference_values__another_key__is_no_root(void **state)
{
	(void)state;
	FAILS("PSA-SIGNATURE", appraise("a2 " SPE NSPE, DEVICE, true));
	FAILS("PSA-SIGNATURE", appraise("a2 " SPE NSPE, OF("1e"), false));
}

/* Each component must be one that the maker has released. */
static void test_reference_values__firmware_that_is_not_listed__is_refused(void **state)
{
	(void)state;
	FAILS("POLICY-REFERENCE-MATCH", appraise("a2 " SPE OLD_NSPE, DEVICE, false));
	FAILS("POLICY-REFERENCE-IMAGE", appraise("a1 " SPE, DEVICE, false));
}

/* ---- a realm, beside its platform ---- */

#define UUID "0 m2 0 t37 hcd1f0e5526f9460db9d8f7fde171787c 1 \"Workload\""
#define REALM "m2 " UUID " 1 t560 h" OF("11")
#define CCA_PLATFORM "m1 0 m1 0 t560 h" OF("1a")
#define RIM(digest) "m2 0 \"rim\" 1 m1 2 a1 a2 1 h" OF(digest)
#define REGISTERS(rim, rem)                                                              \
	"m1 1 m1 14 m2 \"rim\" a1 a2 1 h" OF(rim) " \"rem0\" a1 a2 1 h" OF(rem)
#define CONFIG "m2 0 \"cca.platform-config\" 1 m1 4 t560 hcfcfcfcf"

/* triples: words of a list of them. */
static struct tobi_result *appraise_realm(const char *triples)
{
	struct writer document = wr_init(65536), more = wr_init(65536);
	struct writer words = wr_init(16384);
	struct corim_frame frame = {.profile =
					"t32 \"tag:arm.com,2025:cca_realm#1.0.0\""};
	struct tobi_result *result;
	struct test_cca cca;

	test_cca_make(&cca, CCA_REALM_2);
	wr_printf(&words, "m1 0 %s", triples);
	wr_u8(&words, 0);
	frame.triples = (const char *)words.ptr;
	corim_frame(&document, &frame, NULL, NULL);
	wr_printf(&more, "reference-values:\n  unsigned: allowed\n  documents: [");
	base64_write(&more, wr_view(&document));
	wr_printf(&more, "]\n");
	wr_u8(&more, 0);
	cca.more = (const char *)more.ptr;
	result = test_cca_appraise(&cca);
	test_cca_done(&cca);
	wr_done(&document);
	wr_done(&more);
	wr_done(&words);
	return result;
}

static void test_reference_values__of_a_realm__are_of_its_own_class(void **state)
{
	(void)state;
	expect_accepted(appraise_realm("a1 a2 " REALM " a1 " RIM("11")));
	expect_accepted(appraise_realm("a1 a2 " REALM " a1 " REGISTERS("11", "e0")));
	expect_accepted(appraise_realm("a1 a2 m1 " UUID " a1 " RIM("11")));
	/* The platform's beside them. */
	expect_accepted(appraise_realm("a2 a2 " REALM " a1 " RIM("11") " a2 " CCA_PLATFORM
								       " a1 " CONFIG));
}

static void test_reference_values__of_another_realm__do_not_match(void **state)
{
	(void)state;
	FAILS("POLICY-REFERENCE-MATCH", appraise_realm("a1 a2 " REALM " a1 " RIM("12")));
	FAILS("POLICY-REFERENCE-MATCH",
	      appraise_realm("a1 a2 " REALM " a1 " REGISTERS("11", "e1")));
	/* By its instance. */
	FAILS("POLICY-REFERENCE-MATCH",
	      appraise_realm("a1 a2 m2 " UUID " 1 t560 h" OF("12") " a1 " RIM("11")));
	/* A class that is no UUID is the platform's. */
	FAILS("POLICY-REFERENCE-MATCH",
	      appraise_realm("a1 a2 " CCA_PLATFORM " a1 " RIM("11")));
	/* What is measured of the platform is not in the realm. */
	FAILS("POLICY-REFERENCE-MATCH", appraise_realm("a1 a2 " REALM " a1 " CONFIG));
}

/* A platform that is known says nothing of what runs on it. */
static void test_reference_values__of_its_platform__do_not_speak_of_it(void **state)
{
	(void)state;
	FAILS("POLICY-REFERENCE-IMAGE",
	      appraise_realm("a1 a2 " CCA_PLATFORM " a1 " CONFIG));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_reference_values__of_a_device__stand_for_roots_and_names),
	    cmocka_unit_test(test_reference_values__another_key__is_no_root),
	    cmocka_unit_test(
		test_reference_values__firmware_that_is_not_listed__is_refused),
	    cmocka_unit_test(test_reference_values__of_a_realm__are_of_its_own_class),
	    cmocka_unit_test(test_reference_values__of_another_realm__do_not_match),
	    cmocka_unit_test(test_reference_values__of_its_platform__do_not_speak_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
