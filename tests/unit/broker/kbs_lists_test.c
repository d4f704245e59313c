#include "broker/kbs_lists.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "broker/kbs_evidence.h"
#include "codec/json.h"
#include "tee/snp_report.h"
#include "tests/bytes.h"
#include "tests/snp_json.h"
#include "tests/snp_scene.h"

#define SIXTEEN "0,1,2,3,4,5,6,7,8,9,10,99,100,199,200,255"
#define BEFORE "{\"tee-evidence\":{\"primary_evidence\":{\"a\":"
#define BEHIND "},\"additional_evidence\":\"\"}}"
#define MARK "\"\\u0001"

static struct world {
	struct arena arena;
	struct kbs_lists lists;
	struct tobi_bytes text;
} world;

static int enter(void **state)
{
	(void)state;
	world = (struct world){.arena = arena_init(16 << 20)};
	return 0;
}

static int leave(void **state)
{
	(void)state;
	arena_done(&world.arena);
	return 0;
}

static void take(const char *text)
{
	struct block block = block_new(text_bytes(text));
	struct tobi_bytes text_then;

	assert_int_equal(
	    kbs_lists_take(block_view(block), &world.arena, &world.lists, &text_then), 0);
	world.text = arena_copy(&world.arena, text_then);
	block_done(block);
}

static void left_alone(const char *text)
{
	take(text);
	assert_int_equal(world.lists.count, 0);
	assert_bytes_equal(world.text, text_bytes(text));
}

static void test_kbs_lists__of_bytes__marks_and_the_bytes(void **state)
{
	static const uint8_t bytes[] = {0, 1, 2,  3,  4,   5,	6,   7,
					8, 9, 10, 99, 100, 199, 200, 255};
	const struct tobi_bytes wanted = {bytes, sizeof(bytes)};

	(void)state;
	take(BEFORE "[" SIXTEEN "],\"b\":[\"x\",{\"c\":[ 0,1 ,2\n,3,4,5,6,7,8,9,10,\t99"
		    ",100,199,200,\r255 ]}]" BEHIND);
	assert_int_equal(world.lists.count, 2);
	assert_bytes_equal(world.lists.lists[0], wanted);
	assert_bytes_equal(world.lists.lists[1], wanted);
	assert_bytes_equal(
	    world.text,
	    text_bytes(BEFORE MARK "0\",\"b\":[\"x\",{\"c\":" MARK "1\"}]" BEHIND));
}

static void test_kbs_lists__other_lists__as_they_were(void **state)
{
	static const char *const others[] = {
	    "[]",
	    "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]",
	    "[" SIXTEEN ",256]",
	    "[" SIXTEEN ",1000]",
	    "[" SIXTEEN ",-1]",
	    "[" SIXTEEN ",01]",
	    "[" SIXTEEN ",00]",
	    "[" SIXTEEN ",1.0]",
	    "[" SIXTEEN ",1e0]",
	    "[" SIXTEEN ",]",
	    "[" SIXTEEN ",,1]",
	    "[" SIXTEEN " 1]",
	    "[" SIXTEEN ",\"1\"]",
	    "[" SIXTEEN ",null]",
	    "[" SIXTEEN ",[1]]",
	    "[," SIXTEEN "]",
	    "[" SIXTEEN,
	    "[" SIXTEEN ",",
	    "[" SIXTEEN "}",
	    "\"[" SIXTEEN "]\"",
	    "\"\\\"[" SIXTEEN "]\"",
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(text, sizeof(text), BEFORE "%s" BEHIND, others[i]);
		left_alone(text);
		snprintf(text, sizeof(text), BEFORE "%s", others[i]);
		left_alone(text);
	}
	left_alone("");
}

static void test_kbs_lists__other_places__as_they_were(void **state)
{
	static const char *const others[] = {
	    "[" SIXTEEN "]",
	    "{\"a\":[" SIXTEEN "]}",
	    "{\"primary_evidence\":{\"a\":[" SIXTEEN "]}}",
	    "{\"runtime-data\":{\"tee-pubkey\":{\"a\":[" SIXTEEN "]}}}",
	    "{\"runtime-data\":{\"primary_evidence\":{\"a\":[" SIXTEEN "]}}}",
	    "{\"tee-evidence\":{\"additional_evidence\":{\"a\":[" SIXTEEN "]}}}",
	    "{\"tee-evidence\":{\"primary_evidence\":[[" SIXTEEN "]]}}",
	    "{\"tee-evidence\":{\"primary_evidence\":[" SIXTEEN "]}}",
	    "{\"tee-evidence\":[\"primary_evidence\",{\"a\":[" SIXTEEN "]}]}",
	    "{\"a\":{\"tee-evidence\":{\"primary_evidence\":{\"a\":[" SIXTEEN "]}}}}",
	    "{\"tee-evidence\":{\"primary_evidence\":{},\"b\":{\"a\":[" SIXTEEN "]}}}",
	    "{\"tee-evidence\":{\"primary_evidence\":{}},\"b\":{\"a\":[" SIXTEEN "]}}",
	    "{\"tee-evidence\":{\"a\":\"primary_evidence\",\"b\":{\"a\":[" SIXTEEN "]}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		left_alone(others[i]);
}

/* Else a client could name a list that is somewhere else in its text. */
static void test_kbs_lists__mark_of_the_clients__nothing_is_taken(void **state)
{
	json_t *mark = json_string("\x01"
				   "0");

	(void)state;
	left_alone(BEFORE "[" SIXTEEN "],\"b\":\"\\u00010\"" BEHIND);
	assert_null(kbs_lists_find(&world.lists, mark));
	take(BEFORE "[" SIXTEEN "],\"b\":\"\\u0002\"" BEHIND);
	assert_int_equal(world.lists.count, 1);
	assert_non_null(kbs_lists_find(&world.lists, mark));
	assert_null(kbs_lists_find(NULL, mark));
	json_string_set(mark, "\x01"
			      "1");
	assert_null(kbs_lists_find(&world.lists, mark));
	json_string_set(mark, "0");
	assert_null(kbs_lists_find(&world.lists, mark));
	json_decref(mark);
	assert_null(kbs_lists_find(&world.lists, NULL));
}

static void test_kbs_lists__more_than_the_limit__the_first(void **state)
{
	CLEANUP(wr_done) struct writer text = wr_init(64 << 10);

	(void)state;
	wr_printf(&text, BEFORE "[");
	for (size_t i = 0; i <= KBS_LISTS_MAX; i++)
		wr_printf(&text, "%s[" SIXTEEN "]", i ? "," : "");
	wr_printf(&text, "]" BEHIND);
	wr_u8(&text, 0);
	take((const char *)text.ptr);
	assert_int_equal(world.lists.count, KBS_LISTS_MAX);
	assert_non_null(
	    memmem(world.text.ptr, world.text.size, "63\",[" SIXTEEN "]]", 48));
}

/* ---- with the readers behind ---- */

static char *attestation(json_t *primary, size_t flags)
{
	json_t *json = json_pack("{s:{s:o,s:s}}", "tee-evidence", "primary_evidence",
				 primary, "additional_evidence", "");
	char *text = json_dumps(json, flags);

	json_decref(json);
	return text;
}

static json_t *snp_evidence(const struct snp_scene *scene)
{
	return snp_json_evidence(scene->report, false, scene->pieces, scene->piece_count);
}

static enum tobi_err read_back(struct kbs_evidence *ret_evidence)
{
	json_t *json = NULL;
	enum tobi_err err = json_parse(world.text, LIMIT_KBS_BODY, "test", &json, NULL);

	if (!err)
		err = kbs_evidence_read(
		    KBS_TEE_SNP,
		    json_object_get(json_object_get(json, "tee-evidence"),
				    "primary_evidence"),
		    &world.lists, "", &world.arena, ret_evidence, NULL);
	json_decref(json);
	return err;
}

static void test_kbs_lists__evidence_of_snp__the_same_bytes(void **state)
{
	struct snp_scene scene;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	for (size_t flags = 0; flags < 2; flags++) {
		struct kbs_evidence found = {0};
		char *text = attestation(snp_evidence(&scene),
					 flags ? JSON_INDENT(4) : JSON_COMPACT);

		take(text);
		free(text);
		assert_int_equal(world.lists.count, 12 + scene.piece_count);
		assert_int_equal(read_back(&found), 0);
		assert_bytes_equal(found.evidence,
				   ((struct tobi_bytes){scene.report, SNP_REPORT_SIZE}));
		assert_int_equal(found.piece_count, scene.piece_count);
		for (size_t i = 0; i < scene.piece_count; i++)
			assert_bytes_equal(found.pieces[i], scene.pieces[i]);
	}
	snp_scene_done(&scene);
}

static void refused(const char *where, const char *name, json_t *value)
{
	struct kbs_evidence found = {0};
	struct snp_scene scene;
	json_t *primary;
	char *text;

	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	primary = snp_evidence(&scene);
	json_object_set_new(
	    where ? json_object_get(primary, where)
		  : json_array_get(json_object_get(primary, "cert_chain"), 0),
	    name, value);
	text = attestation(primary, JSON_COMPACT);
	take(text);
	assert_true(world.lists.count > 10);
	assert_int_equal(read_back(&found), TOBI_E_MALFORMED);
	free(text);
	snp_scene_done(&scene);
}

/* A list stays one, wherever something else is wanted. */
static void test_kbs_lists__list_where_none_belongs__refused(void **state)
{
	static const uint8_t bytes[64] = {1};
	const struct tobi_bytes all = {bytes, sizeof(bytes)};

	(void)state;
	refused(NULL, "cert_type", snp_json_numbers(all));
	refused("attestation_report", "version", snp_json_numbers(all));
	refused("attestation_report", "current_tcb", snp_json_numbers(all));
	refused("attestation_report", "signature", snp_json_numbers(all));
	/* And of another size than it must have. */
	refused("attestation_report", "measurement", snp_json_numbers(all));
	refused("attestation_report", "measurement", json_string("0"));
	refused(NULL, "data", json_string("0"));
}

static void test_kbs_lists__every_cut__no_json(void **state)
{
	struct snp_scene scene;
	char *text;

	(void)state;
	snp_scene_make(&scene);
	text = attestation(snp_evidence(&scene), JSON_COMPACT);
	for (size_t size = strlen(text); size-- > 0;) {
		struct kbs_evidence found = {0};

		text[size] = '\0';
		take(text);
		assert_int_equal(read_back(&found), TOBI_E_MALFORMED);
		leave(state);
		enter(state);
	}
	free(text);
	snp_scene_done(&scene);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    TEST(test_kbs_lists__of_bytes__marks_and_the_bytes),
	    TEST(test_kbs_lists__other_lists__as_they_were),
	    TEST(test_kbs_lists__other_places__as_they_were),
	    TEST(test_kbs_lists__mark_of_the_clients__nothing_is_taken),
	    TEST(test_kbs_lists__more_than_the_limit__the_first),
	    TEST(test_kbs_lists__evidence_of_snp__the_same_bytes),
	    TEST(test_kbs_lists__list_where_none_belongs__refused),
	    TEST(test_kbs_lists__every_cut__no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
