/* Reference values of what a confidential VM of Azure has started: of its virtual TPM. */
#include "codec/base64.h"
#include "tests/azure_scene.h"
#undef FAILS
#include "tests/alone.h"
#include "tests/corim_scene.h"

/* The value that the scene's TPM has in PCR 4. */
#define GOOD "h4444444444444444444444444444444444444444444444444444444444444444"
#define GOOD_7 "h4747474747474747474747474747474747474747474747474747474747474747"
#define OTHER "h4544444444444444444444444444444444444444444444444444444444444444"
#define PCR_4(digest) PCR("4", digest)
#define PCR(number, digest)                                                              \
	"m1 0 a1 a2 m1 0 m1 2 \"TPM~2.0\" a1 m2 0 " number " 1 m1 2 a1 a2 1 " digest

static struct tobi_result *appraise(bool tdx, const char *triples)
{
	struct writer document = wr_init(65536), lines = wr_init(65536);
	struct corim_frame frame = {.triples = triples};
	struct azure_scene scene;
	struct tobi_result *result;
	enum tobi_err err;

	corim_frame(&document, &frame, NULL, NULL);
	wr_printf(&lines, "reference-values:\n  unsigned: allowed\n  documents: [");
	base64_write(&lines, wr_view(&document));
	wr_printf(&lines, "]\n");
	wr_u8(&lines, 0);
	azure_scene_make(&scene, tdx);
	scene.lines = (const char *)lines.ptr;
	result = azure_scene_verify(&scene, &err);
	assert_int_equal(err, 0);
	azure_scene_done(&scene);
	wr_done(&document);
	wr_done(&lines);
	return result;
}

static void test_reference_values__of_its_tpm__are_compared(void **state)
{
	(void)state;
	for (int tdx = 0; tdx < 2; tdx++) {
		expect_accepted(appraise(tdx, PCR_4(GOOD)));
		expect_alone(appraise(tdx, PCR_4(OTHER)), "POLICY-REFERENCE-MATCH");
	}
}

/* Of what else was measured, a document may speak, but not instead. */
static void test_reference_values__of_its_firmware_alone__are_not_enough(void **state)
{
	(void)state;
	expect_alone(appraise(false, PCR("7", GOOD_7)), "POLICY-REFERENCE-IMAGE");
	/* The paravisor's launch. */
	expect_alone(appraise(true, "m1 0 a1 a2 m1 0 m1 2 \"TDX\" a1 m1 1 m1 3 m1 3 F"),
		     "POLICY-REFERENCE-IMAGE");
}

/* The hardware has no such registers, and the TPM no launch measurement. */
static void test_reference_values__of_the_other_environment__do_not_match(void **state)
{
	(void)state;
	expect_alone(
	    appraise(true,
		     "m1 0 a1 a2 m1 0 m2 1 \"Intel~Corporation\" 2 \"TDX\" a1 m2 0 4 "
		     "1 m1 2 a1 a2 1 " GOOD),
	    "POLICY-REFERENCE-MATCH");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reference_values__of_its_tpm__are_compared),
	    cmocka_unit_test(
		test_reference_values__of_its_firmware_alone__are_not_enough),
	    cmocka_unit_test(
		test_reference_values__of_the_other_environment__do_not_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
