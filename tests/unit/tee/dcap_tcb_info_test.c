/* The shape of TCB information and of QE identities: each member, changed. */
#include "tests/tdx_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "tee/dcap_qe.h"

struct documents {
	struct dcap_scene scene;
	struct dcap_test_collateral collateral;
	struct arena arena;
};

static int setup(void **state)
{
	static struct documents documents;

	documents = (struct documents){.arena = arena_init(1 << 20)};
	dcap_scene_make(&documents.scene);
	dcap_scene_kind(&documents.scene, 5, DCAP_TD15);
	dcap_test_collateral_make(&documents.scene, &documents.collateral);
	*state = &documents;
	return 0;
}

static int teardown(void **state)
{
	arena_done(&((struct documents *)*state)->arena);
	return 0;
}

static enum tobi_err read_tcb(struct documents *documents, struct dcap_tcb_info *ret_info)
{
	struct writer json = wr_init(LIMIT_DOCUMENT);
	enum tobi_err err;

	dcap_test_tcb_value(&documents->collateral.tcb, &json);
	err = dcap_tcb_info_read(wr_view(&json), &documents->arena, ret_info, NULL);
	wr_done(&json);
	return err;
}

static enum tobi_err read_qe(struct documents *documents, struct dcap_qe_identity *ret_qe)
{
	struct writer json = wr_init(LIMIT_DOCUMENT);
	enum tobi_err err;

	dcap_test_identity_value(&documents->collateral.qe, &json);
	err = dcap_qe_identity_read(wr_view(&json), &documents->arena, ret_qe, NULL);
	wr_done(&json);
	return err;
}

static void test_dcap_tcb_info__both_versions__read(void **state)
{
	struct documents *documents = *state;
	struct dcap_tcb_info info;

	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	assert_true(info.tdx);
	assert_int_equal(info.issued, DCAP_NOW - 5 * DCAP_DAY);
	assert_int_equal(info.next_update, DCAP_NOW + 25 * DCAP_DAY);
	assert_int_equal(info.evaluation, 17);
	assert_memory_equal(info.fmspc, documents->scene.pck.fmspc, 6);
	assert_int_equal(info.level_count, 2);
	assert_memory_equal(info.levels[0].sgx, documents->scene.pck.components, 16);
	assert_int_equal(info.levels[0].pcesvn, documents->scene.pck.pcesvn);
	assert_int_equal(info.levels[0].tdx[0], 3);
	assert_int_equal(info.levels[1].advice.status, DCAP_OUT_OF_DATE);
	assert_string_equal(info.levels[1].advice.advisories[0], "INTEL-SA-00002");
	assert_int_equal(info.module_count, 1);
	assert_int_equal(info.modules[0].version, 1);
	assert_int_equal(info.modules[0].levels.items[1].svn, 2);
	documents->collateral.tcb.document.version = 2;
	documents->collateral.tcb.document.id = "SGX";
	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	assert_false(info.tdx);
	assert_memory_equal(info.levels[0].sgx, documents->scene.pck.components, 16);
}

struct edit {
	const char *from, *to;
};

static const struct edit tcb_edits[] = {
    {"\"version\":3", "\"version\":4"},
    {"\"version\":3", "\"version\":\"3\""},
    {"\"version\":3,", ""},
    {"\"id\":\"TDX\"", "\"id\":\"TD\""},
    {"\"id\":\"TDX\",", ""},
    {"\"issueDate\"", "\"issuedate\""},
    {"\"nextUpdate\"", "\"nextupdate\""},
    {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":-1"},
    {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":17.0"},
    {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":4294967296"},
    {"\"tcbEvaluationDataNumber\":17,", ""},
    {"\"fmspc\":\"00", "\"fmspc\":\"0"},
    {"\"pceId\":\"0000\"", "\"pceId\":\"000g\""},
    {"\"tcbType\":0", "\"tcbType\":1"},
    {"\"tcbType\":0,", ""},
    {"\"tdxModule\":", "\"tdxmodule\":"},
    {"\"mrsigner\":\"00", "\"mrsigner\":\""},
    {"\"attributes\":\"00", "\"attributes\":\"0"},
    {"\"attributesMask\":\"ff", "\"attributesMask\":\"fff"},
    {"\"TDX_01\"", "\"TDX_00\""},
    {"\"TDX_01\"", "\"TDX_1\""},
    {"\"TDX_01\"", "\"SEAM01\""},
    {"\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[],\"x\":["},
    {"\"isvsvn\":3", "\"isvsvn\":65536"},
    {"\"isvsvn\":3", "\"isvsvn\":2"},
    {"\"isvsvn\":3", "\"isvsvn\":1"},
    {"\"sgxtcbcomponents\":[{\"svn\":5},", "\"sgxtcbcomponents\":["},
    {"\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":[{\"svn\":5},"},
    {"{\"svn\":5}", "{\"svn\":256}"},
    {"{\"svn\":5}", "{\"svn\":-5}"},
    {"{\"svn\":5}", "{\"svn\":\"5\"}"},
    {"{\"svn\":5}", "5"},
    {"\"tdxtcbcomponents\":", "\"tdxcomponents\":"},
    {"\"pcesvn\":", "\"pcesvn\":9"},
    {"\"pcesvn\":", "\"pce\":"},
    {"\"pcesvn\":", "\"pcesvn\":-"},
    {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Good\""},
    {"\"tcbStatus\":\"OutOfDate\"", "\"tcbStatus\":\"SWHardeningNeeded\""},
    {"\"tcbDate\":\"2025-05-14", "\"tcbDate\":\"2025-02-30"},
    {"\"pceId\":", "\"pceId\":\"0000\",\"pceId\":"},
    {"\"INTEL-SA-00003\"", "\"INTEL\\x\""},
    {"\"INTEL-SA-00003\"", "3"},
    /* Dates, and what they are of. */
    {"\"issueDate\":\"2", "\"issueDate\":\"x"},
    {"\"nextUpdate\":\"2", "\"nextUpdate\":2,\"x\":\"2"},
    {"\"tcbDate\":\"", "\"tcbDate\":5,\"x\":\""},
    {"\"tcbDate\":", "\"tcbdate\":"},
    {"\"tcbStatus\":", "\"tcbstatus\":"},
    {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":0"},
    {"\"advisoryIDs\":[\"INTEL-SA-00003\"]", "\"advisoryIDs\":\"INTEL-SA-00003\""},
    /* Whose it is. */
    {"\"id\":\"TDX\"", "\"id\":1"},
    {"\"id\":\"TDX\"", "\"id\":\"tdx\""},
    {"\"fmspc\":", "\"fmsp\":"},
    {"\"fmspc\":\"00", "\"fmspc\":\"0000"},
    {"\"fmspc\":\"00", "\"fmspc\":\"zz"},
    {"\"pceId\":", "\"pceid\":"},
    {"\"pceId\":\"00", "\"pceId\":\"0000"},
    {"\"pceId\":\"0000\"", "\"pceId\":0"},
    {"\"tcbType\":0", "\"tcbType\":\"0\""},
    {"\"tcbType\":0", "\"tcbType\":-1"},
    /* The module, and those with a version. */
    {"\"tdxModule\":{", "\"tdxModule\":[],\"x\":{"},
    {"\"tdxModule\":{", "\"tdxModule\":\"\",\"x\":{"},
    {"\"mrsigner\":\"00", "\"mrsigner\":\"0000"},
    {"\"mrsigner\":\"00", "\"mrsigner\":\"0x"},
    {"\"mrsigner\":", "\"mrSigner\":"},
    {"\"attributes\":", "\"attribute\":"},
    {"\"attributesMask\":", "\"attributesmask\":"},
    {"\"id\":\"TDX_01\"", "\"id\":1"},
    {"\"id\":\"TDX_01\",", ""},
    {"\"TDX_01\"", "\"TDX_011\""},
    {"\"TDX_01\"", "\"TDX_0x\""},
    {"\"tdxModuleIdentities\":[{", "\"tdxModuleIdentities\":[1,{"},
    {"\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":{},\"x\":["},
    {"\"tcbLevels\":[{\"tcb\":{\"isvsvn\"",
     "\"tcbLevels\":[],\"x\":[{\"tcb\":{\"isvsvn\""},
    {"\"isvsvn\":3", "\"isvsvn\":-3"},
    {"\"isvsvn\":3", "\"isvsvn\":\"3\""},
    {"\"isvsvn\":3", "\"svn\":3"},
    {"{\"isvsvn\":3}", "3"},
    {"\"tcb\":{\"isvsvn\":3}", "\"x\":{}"},
    /* The platform's levels. */
    {"\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcblevels\":[{\"tcb\":{\"sgx"},
    {"\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[1,{\"tcb\":{\"sgx"},
    {"\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[{\"x\":{\"sgx"},
    {"\"tcb\":{\"sgxtcbcomponents\":[", "\"tcb\":[],\"x\":{\"sgxtcbcomponents\":["},
    {"\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":{},\"x\":["},
    {"\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":[],\"x\":["},
    {"\"tdxtcbcomponents\":[", "\"tdxtcbcomponents\":[],\"x\":["},
    {"\"tdxtcbcomponents\":[{\"svn\":3},", "\"tdxtcbcomponents\":["},
    {"\"tdxtcbcomponents\":[", "\"tdxtcbcomponents\":[{\"svn\":3},"},
    {"{\"svn\":5}", "{\"svn\":5.5}"},
    {"{\"svn\":5}", "{\"Svn\":5}"},
    {"\"pcesvn\":", "\"pcesvn\":\"1\",\"x\":"},
};

static void test_dcap_tcb_info__a_member_wrong__refused(void **state)
{
	struct documents *documents = *state;
	struct dcap_tcb_info info;

	for (size_t i = 0; i < sizeof(tcb_edits) / sizeof(tcb_edits[0]); i++) {
		documents->collateral.tcb.document.edits[0].from = tcb_edits[i].from;
		documents->collateral.tcb.document.edits[0].to = tcb_edits[i].to;
		if (!read_tcb(documents, &info))
			fail_msg("taken: %s", tcb_edits[i].to);
	}
}

/* The first level that matches counts: so an order that is none is refused. */
static void test_dcap_tcb_info__levels_out_of_order__refused(void **state)
{
	struct documents *documents = *state;
	struct dcap_test_level *levels = documents->collateral.tcb.levels;
	struct dcap_test_level first = levels[0];
	struct dcap_tcb_info info;

	levels[0] = levels[1];
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	levels[1] = first;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	/* 1, 3, 2 against 1, 2, 3: the first that differs tells. */
	levels[0] = levels[1] = first;
	levels[0].sgx[1] = 3;
	levels[0].sgx[2] = 2;
	levels[1].sgx[1] = 2;
	levels[1].sgx[2] = 3;
	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	levels[1].sgx[1] = 4;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	/* PCESVN alone. */
	levels[1] = levels[0];
	levels[1].pcesvn--;
	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	/* It counts before the TDX components do. */
	levels[1].tdx[0]++;
	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	levels[1].pcesvn += 2;
	levels[1].tdx[0] -= 2;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	/* These alone. */
	levels[1].pcesvn = levels[0].pcesvn;
	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	levels[1].tdx[0] += 2;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	/* Twice the same: two answers. */
	levels[1] = levels[0];
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	documents->collateral.tcb.level_count = 0;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
}

static void test_dcap_tcb_info__module_twice__refused(void **state)
{
	struct documents *documents = *state;
	struct dcap_test_tcb *tcb = &documents->collateral.tcb;
	struct dcap_tcb_info info;

	tcb->modules[1] = tcb->modules[0];
	tcb->module_count = 2;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
	tcb->modules[1].id = "TDX_1F";
	assert_int_equal(read_tcb(documents, &info), TOBI_OK);
	assert_int_equal(info.modules[1].version, 0x1f);
	tcb->modules[1].level_count = 0;
	assert_int_equal(read_tcb(documents, &info), TOBI_E_MALFORMED);
}

static void test_dcap_tcb_info__every_truncation__refused(void **state)
{
	struct documents *documents = *state;
	struct writer json = wr_init(LIMIT_DOCUMENT);
	struct dcap_tcb_info info;

	dcap_test_tcb_value(&documents->collateral.tcb, &json);
	for (size_t size = 0; size < json.size; size++)
		assert_int_not_equal(
		    dcap_tcb_info_read((struct tobi_bytes){json.ptr, size},
				       &documents->arena, &info, NULL),
		    TOBI_OK);
	wr_done(&json);
}

/* Two levels are there besides. */
static enum tobi_err read_with_levels(struct documents *documents, unsigned count)
{
	struct dcap_test_document *document = &documents->collateral.qe.document;
	struct writer json = wr_init(LIMIT_DOCUMENT);
	struct dcap_qe_identity identity;
	enum tobi_err err;

	wr_printf(&json, "\"tcbLevels\":[");
	for (unsigned i = count - 2; i > 0; i--)
		wr_printf(&json,
			  "{\"tcb\":{\"isvsvn\":%u},"
			  "\"tcbDate\":\"2025-05-14T00:00:00Z\","
			  "\"tcbStatus\":\"OutOfDate\"},",
			  i + 100);
	wr_u8(&json, 0);
	document->edits[0].from = "\"tcbLevels\":[";
	document->edits[0].to = (const char *)json.ptr;
	err = read_qe(documents, &identity);
	wr_done(&json);
	return err;
}

static void test_dcap_tcb_info__too_many_levels__refused(void **state)
{
	assert_int_equal(read_with_levels(*state, DCAP_LEVELS_MAX), TOBI_OK);
	assert_int_equal(read_with_levels(*state, DCAP_LEVELS_MAX + 1), TOBI_E_LIMIT);
}

static const struct edit qe_edits[] = {
    {"\"version\":2", "\"version\":1"},
    {"\"id\":\"TD_QE\"", "\"id\":\"QVE\""},
    {"\"id\":\"TD_QE\",", ""},
    {"\"issueDate\"", "\"issuedate\""},
    {"\"nextUpdate\"", "\"nextupdate\""},
    {"\"tcbEvaluationDataNumber\":17,", ""},
    {"\"miscselect\":\"", "\"miscselect\":\"00"},
    {"\"miscselectMask\":\"FFFFFFFF\",", ""},
    {"\"attributes\":\"", "\"attributes\":\"0"},
    {"\"attributesMask\"", "\"attributesmask\""},
    {"\"mrsigner\":\"dc", "\"mrsigner\":\""},
    {"\"isvprodid\":2", "\"isvprodid\":65536"},
    {"\"isvprodid\":2", "\"isvprodid\":\"2\""},
    {"\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":["},
    {"\"isvsvn\":8", "\"isvsvn\":6"},
    {"\"isvsvn\":8", "\"isvsvn\":5"},
    {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"ConfigurationNeeded\""},
    {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Fine\""},
    {"\"tcbStatus\":", "\"tcbstatus\":"},
    {"\"tcbDate\":", "\"tcbdate\":"},
    {"\"tcbDate\":\"2025-05-14", "\"tcbDate\":\"2025-05-32"},
    {"\"version\":2,", ""},
    {"\"version\":2", "\"version\":3"},
    {"\"version\":2", "\"version\":\"2\""},
    {"\"id\":\"TD_QE\"", "\"id\":2"},
    {"\"id\":\"TD_QE\"", "\"id\":\"td_qe\""},
    {"\"issueDate\":\"2", "\"issueDate\":\"x"},
    {"\"nextUpdate\":\"2", "\"nextUpdate\":2,\"x\":\"2"},
    {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":\"17\""},
    {"\"miscselect\":", "\"miscSelect\":"},
    {"\"miscselect\":\"0", "\"miscselect\":\""},
    {"\"miscselect\":\"0", "\"miscselect\":\"x"},
    {"\"miscselectMask\":\"FF", "\"miscselectMask\":\""},
    {"\"miscselectMask\":\"FF", "\"miscselectMask\":\"FFFF"},
    {"\"miscselectMask\":\"FF", "\"miscselectMask\":\"xx"},
    {"\"attributes\":\"15", "\"attributes\":\""},
    {"\"attributes\":\"15", "\"attributes\":\"xx"},
    {"\"attributes\":", "\"Attributes\":"},
    {"\"attributesMask\":\"fb", "\"attributesMask\":\""},
    {"\"attributesMask\":\"fb", "\"attributesMask\":\"fbfb"},
    {"\"mrsigner\":", "\"mrSigner\":"},
    {"\"mrsigner\":\"dc", "\"mrsigner\":\"dcdc"},
    {"\"mrsigner\":\"dc", "\"mrsigner\":\"xx"},
    {"\"isvprodid\":", "\"isvProdID\":"},
    {"\"isvprodid\":2", "\"isvprodid\":-2"},
    {"\"tcbLevels\":[", "\"tcbLevels\":{},\"x\":["},
    {"\"tcbLevels\":[", "\"tcbLevels\":[1,"},
    {"\"tcbLevels\":[{\"tcb\"", "\"tcbLevels\":[{\"x\""},
    {"\"isvsvn\":8", "\"isvSvn\":8"},
    {"\"isvsvn\":8", "\"isvsvn\":\"8\""},
    {"\"isvsvn\":8", "\"isvsvn\":65536"},
    {"{\"isvsvn\":8}", "[8]"},
};

static void test_dcap_qe_identity__a_member_wrong__refused(void **state)
{
	struct documents *documents = *state;
	struct dcap_qe_identity identity;

	assert_int_equal(read_qe(documents, &identity), TOBI_OK);
	assert_true(identity.tdx);
	assert_int_equal(identity.product, 2);
	assert_int_equal(identity.signer[31], 0xdc);
	assert_int_equal(identity.levels.count, 2);
	for (size_t i = 0; i < sizeof(qe_edits) / sizeof(qe_edits[0]); i++) {
		documents->collateral.qe.document.edits[0].from = qe_edits[i].from;
		documents->collateral.qe.document.edits[0].to = qe_edits[i].to;
		if (!read_qe(documents, &identity))
			fail_msg("taken: %s", qe_edits[i].to);
	}
}

/* ---- documents that others damaged (Open Enclave) ---- */

static const struct {
	const char *file;
	bool good, identity;
} damaged[] = {
    {"qe_identity_v2_ok.json", true, true},
    {"qe_identity_v2_missing_attributes.json", false, true},
    {"qe_identity_v2_missing_id.json", false, true},
    {"qe_identity_v2_missing_mrsigner.json", false, true},
    {"qe_identity_v2_missing_nextupdate.json", false, true},
    {"qe_identity_v2_missing_signature.json", false, true},
    {"qe_identity_v2_missing_tcb_levels.json", false, true},
    {"tcbInfoNegativeCompSvn.json", false, false},
    {"tcbInfoNegativeFloat.json", false, false},
    {"tcbInfoNegativeIntegerOverflow.json", false, false},
    {"tcbInfoNegativeInvalidIssueDate.json", false, false},
    {"tcbInfoNegativeMissingNextUpdate.json", false, false},
    {"tcbInfoNegativePceSvn.json", false, false},
    {"tcbInfoNegativePropertyMissingLevel2.json", false, false},
    {"tcbInfoNegativePropertyWrongTypeLevel2.json", false, false},
    {"tcbInfoNegativeSignature.json", false, false},
    {"tcbInfoNegativeStringEscape.json", false, false},
};

static enum tobi_err read_file(const char *folder, size_t index, struct arena *arena)
{
	struct writer text = wr_init(LIMIT_DOCUMENT);
	struct dcap_envelope envelope;
	struct dcap_tcb_info info;
	struct dcap_qe_identity identity;
	bool is_identity = damaged[index].identity;
	char path[512];
	enum tobi_err err;

	snprintf(path, sizeof(path), "%s/sgx/openenclave-embedded-bad/%s", folder,
		 damaged[index].file);
	assert_int_equal(file_read(path, LIMIT_DOCUMENT, "vector", &text, NULL), TOBI_OK);
	err = dcap_envelope_read(wr_view(&text),
				 is_identity ? "enclaveIdentity" : "tcbInfo", "vector",
				 &envelope, NULL);
	if (!err)
		err = is_identity
			  ? dcap_qe_identity_read(envelope.signed_part, arena, &identity,
						  NULL)
			  : dcap_tcb_info_read(envelope.signed_part, arena, &info, NULL);
	wr_done(&text);
	return err;
}

static void test_dcap_documents__of_others__as_the_vectors_say(void **state)
{
	struct documents *documents = *state;
	const char *folder = getenv("TOBICHI_VECTORS");

	if (!folder) {
		print_message("TOBICHI_VECTORS is not set\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		if (!read_file(folder, i, &documents->arena) != damaged[i].good)
			fail_msg("%s", damaged[i].file);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_tcb_info__both_versions__read),
	    TEST(test_dcap_tcb_info__a_member_wrong__refused),
	    TEST(test_dcap_tcb_info__levels_out_of_order__refused),
	    TEST(test_dcap_tcb_info__module_twice__refused),
	    TEST(test_dcap_tcb_info__every_truncation__refused),
	    TEST(test_dcap_tcb_info__too_many_levels__refused),
	    TEST(test_dcap_qe_identity__a_member_wrong__refused),
	    TEST(test_dcap_documents__of_others__as_the_vectors_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
