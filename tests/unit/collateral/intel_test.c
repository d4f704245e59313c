#include "collateral/intel.h"
#include "pki/signature.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

#define SIGNATURE                                                                        \
	"00000000000000000000000000000000000000000000000000000000000000000000000000"     \
	"000000000000000000000000000000000000000000000000000000"
#define TCB(body) "{\"tcbInfo\":" body ",\"signature\":\"" SIGNATURE "\"}"

static enum tobi_err read_text(const char *text, struct intel_document *document)
{
	struct block block = block_new(text_bytes(text));
	enum tobi_err err = intel_document_read(block_view(block), "it", document, NULL);

	/* Nothing of it may point into bytes that are gone. */
	document->body = (struct tobi_bytes){0};
	block_done(block);
	return err;
}

static void test_intel__signed_by_vendor__holds(void **state)
{
	struct vendor_scene scene;
	struct intel_document document = {0};

	(void)state;
	vendor_scene_make(&scene, 1900000000);
	assert_int_equal(
	    intel_document_read(wr_view(&scene.sgx_tcb_info), "it", &document, NULL),
	    TOBI_OK);
	assert_int_equal(document.kind, COLLATERAL_SGX_TCB_INFO);
	assert_string_equal(document.fmspc, VENDOR_FMSPC);
	assert_int_equal(document.issued, 1900000000 - 3600);
	assert_int_equal(document.next, 1900000000 + 24 * 3600);
	assert_true(ec_signature_holds(
	    scene.tcb.key, document.body,
	    (struct tobi_bytes){document.signature, INTEL_SIGNATURE_SIZE}));
	assert_int_equal(
	    intel_document_read(wr_view(&scene.tdx_identity), "it", &document, NULL),
	    TOBI_OK);
	assert_int_equal(document.kind, COLLATERAL_TDX_QE_IDENTITY);
	vendor_scene_done(&scene);
}

static void test_intel__truncated_anywhere__fails(void **state)
{
	struct vendor_scene scene;
	struct intel_document document;

	(void)state;
	vendor_scene_make(&scene, 1900000000);
	for (size_t i = 0; i < scene.sgx_tcb_info.size; i++) {
		struct block block =
		    block_new((struct tobi_bytes){scene.sgx_tcb_info.ptr, i});

		assert_int_not_equal(
		    intel_document_read(block_view(block), "it", &document, NULL),
		    TOBI_OK);
		block_done(block);
	}
	vendor_scene_done(&scene);
}

static void test_intel__versions_and_ids__tell_the_kind(void **state)
{
	struct intel_document document;

	(void)state;
	assert_int_equal(
	    read_text(TCB("{\"version\":2,\"fmspc\":\"00906ea10000\"}"), &document),
	    TOBI_OK);
	assert_int_equal(document.kind, COLLATERAL_SGX_TCB_INFO);
	assert_string_equal(document.fmspc, "00906EA10000");
	assert_int_equal(document.issued, 0);
	assert_int_equal(
	    read_text(TCB("{\"id\":\"TDX\",\"version\":3,\"fmspc\":\"00906EA10000\"}"),
		      &document),
	    TOBI_OK);
	assert_int_equal(document.kind, COLLATERAL_TDX_TCB_INFO);
}

static void test_intel__other_forms__fail(void **state)
{
	static const struct {
		const char *text;
		enum tobi_err err;
	} cases[] = {
	    {"{}", TOBI_E_UNSUPPORTED},
	    {"[]", TOBI_E_UNSUPPORTED},
	    {"{\"tcbInfo\":{},\"signature\":\"00\"}", TOBI_E_MALFORMED},
	    {"{\"tcbInfo\":{}}", TOBI_E_UNSUPPORTED},
	    {"{\"tcbInfo\":1,\"signature\":\"00\"}", TOBI_E_UNSUPPORTED},
	    {"{\"tcbInfo\":{},\"signature\":\"\",\"more\":1}", TOBI_E_UNSUPPORTED},
	    {TCB("{\"fmspc\":\"00906EA10000\"}"), TOBI_E_MALFORMED},
	    {TCB("{\"version\":1.5,\"fmspc\":\"00906EA10000\"}"), TOBI_E_MALFORMED},
	    {TCB("{\"version\":3}"), TOBI_E_MALFORMED},
	    {TCB("{\"version\":3,\"fmspc\":\"00906EA1000\"}"), TOBI_E_MALFORMED},
	    {TCB("{\"version\":3,\"fmspc\":\"00906EA1000g\"}"), TOBI_E_MALFORMED},
	    {TCB("{\"version\":3,\"fmspc\":12}"), TOBI_E_MALFORMED},
	    {TCB("{\"id\":\"SEV\",\"version\":3,\"fmspc\":\"00906EA10000\"}"),
	     TOBI_E_UNSUPPORTED},
	    {TCB("{\"id\":3,\"version\":3,\"fmspc\":\"00906EA10000\"}"),
	     TOBI_E_UNSUPPORTED},
	    {"{\"enclaveIdentity\":{\"id\":\"QVE\"},\"signature\":\"" SIGNATURE "\"}",
	     TOBI_E_UNSUPPORTED},
	    {"{\"tcbInf\\u006f\":{\"version\":2,\"fmspc\":\"00906EA10000\"},"
	     "\"signature\":\"" SIGNATURE "\"}",
	     TOBI_E_MALFORMED},
	};
	struct intel_document document;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(read_text(cases[i].text, &document), cases[i].err);
}

static void is_span(const char *json, const char *name, const char *expected)
{
	assert_bytes_equal(intel_member_span(text_bytes(json), name),
			   text_bytes(expected));
}

static void test_intel_span__exactly_the_value(void **state)
{
	(void)state;
	is_span("{\"a\":{\"b\":[1,{}]},\"c\":2}", "a", "{\"b\":[1,{}]}");
	is_span("{ \"x\" : 1 , \"a\" : {} }", "a", "{}");
	is_span("{\"x\":\"\\\"a\\\":{\",\"a\":\"}\\\\\"}", "a", "\"}\\\\\"");
	is_span("{\"x\":{\"a\":1},\"a\":[2]}", "a", "[2]");
	is_span("{\"ab\":1,\"a\":null}", "a", "null");
	is_span("{\"b\":1}", "a", "");
	is_span("{}", "a", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_intel__signed_by_vendor__holds),
	    cmocka_unit_test(test_intel__truncated_anywhere__fails),
	    cmocka_unit_test(test_intel__versions_and_ids__tell_the_kind),
	    cmocka_unit_test(test_intel__other_forms__fail),
	    cmocka_unit_test(test_intel_span__exactly_the_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
