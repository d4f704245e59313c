/* OCSP answers as bytes: read strictly, and about one certificate. */
#include <stdlib.h>

#include "pki/ocsp.h"
#include "tests/bytes.h"
#include "tests/nvidia_scene.h"

static struct nvidia_scene *made(enum nv_answer answer, bool forged)
{
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	nvidia_scene_init(scene);
	scene->answers[NV_ROM] = answer;
	scene->forged = forged;
	nvidia_scene_make(scene);
	return scene;
}

static void unmake(struct nvidia_scene *scene)
{
	nvidia_scene_done(scene);
	free(scene);
}

static bool about(const struct nvidia_scene *scene, enum nv_place place,
		  struct ocsp_answer *ret_answer)
{
	CLEANUP(OCSP_BASICRESP_freep) OCSP_BASICRESP *basic = NULL;

	assert_int_equal(ocsp_read(wr_view(&scene->ocsp[NV_ROM]), "test", &basic, NULL),
			 0);
	return ocsp_answers(basic, scene->certificates[place].certificate,
			    scene->certificates[place - 1].certificate, ret_answer);
}

static void test_ocsp_answers__each_status__is_told(void **state)
{
	static const struct {
		enum nv_answer answer;
		enum ocsp_status status;
	} rows[] = {{NV_GOOD, OCSP_GOOD},
		    {NV_HOLD, OCSP_HOLD},
		    {NV_REVOKED, OCSP_REVOKED},
		    {NV_UNKNOWN, OCSP_UNKNOWN}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct nvidia_scene *scene = made(rows[i].answer, false);
		struct ocsp_answer answer;

		assert_true(about(scene, NV_ROM, &answer));
		assert_int_equal(answer.status, rows[i].status);
		assert_true(answer.genuine);
		assert_int_equal(answer.window.not_before, NV_NOW - NV_HOUR);
		assert_int_equal(answer.window.not_after, NV_NOW + NV_DAY);
		assert_false(about(scene, NV_PROVISIONER, &answer));
		assert_false(about(scene, NV_LEAF, &answer));
		unmake(scene);
	}
}

static void test_ocsp_answers__not_by_who_may__is_not_genuine(void **state)
{
	struct nvidia_scene *scene = made(NV_GOOD, true);
	struct ocsp_answer answer;

	(void)state;
	assert_true(about(scene, NV_ROM, &answer));
	assert_false(answer.genuine);
	unmake(scene);
}

static void test_ocsp_answers__any_byte_changed__is_not_genuine(void **state)
{
	struct nvidia_scene *scene = made(NV_GOOD, false);
	struct writer *bytes = &scene->ocsp[NV_ROM];
	size_t still = 0;

	(void)state;
	for (size_t i = 0; i < bytes->size; i += 3) {
		CLEANUP(OCSP_BASICRESP_freep) OCSP_BASICRESP *basic = NULL;
		struct ocsp_answer answer = {0};

		bytes->ptr[i] ^= 1;
		if (!ocsp_read(wr_view(bytes), "test", &basic, NULL) &&
		    ocsp_answers(basic, scene->certificates[NV_ROM].certificate,
				 scene->certificates[NV_PROVISIONER].certificate,
				 &answer))
			still += answer.genuine;
		bytes->ptr[i] ^= 1;
	}
	assert_int_equal(still, 0);
	unmake(scene);
}

static void test_ocsp_read__cut_or_longer__fails(void **state)
{
	struct nvidia_scene *scene = made(NV_GOOD, false);
	struct writer *bytes = &scene->ocsp[NV_ROM];
	OCSP_BASICRESP *basic = NULL;

	(void)state;
	for (size_t size = 0; size < bytes->size; size++) {
		struct block cut = block_new((struct tobi_bytes){bytes->ptr, size});

		assert_int_not_equal(ocsp_read(block_view(cut), "test", &basic, NULL),
				     TOBI_OK);
		block_done(cut);
	}
	wr_u8(bytes, 0);
	assert_int_equal(ocsp_read(wr_view(bytes), "test", &basic, NULL),
			 TOBI_E_TRAILING);
	unmake(scene);
}

static void test_ocsp_read__an_error_instead__unsupported(void **state)
{
	OCSP_BASICRESP *basic = NULL;

	(void)state;
	/* tryLater */
	assert_int_equal(
	    ocsp_read(BYTES(0x30, 0x03, 0x0a, 0x01, 0x03), "test", &basic, NULL),
	    TOBI_E_UNSUPPORTED);
	/* successful, and nothing in it */
	assert_int_equal(
	    ocsp_read(BYTES(0x30, 0x03, 0x0a, 0x01, 0x00), "test", &basic, NULL),
	    TOBI_E_MALFORMED);
}

static void test_ocsp_read__too_large__limit(void **state)
{
	struct tobi_bytes bytes = {calloc(1, LIMIT_DOCUMENT + 1), LIMIT_DOCUMENT + 1};
	OCSP_BASICRESP *basic = NULL;

	(void)state;
	assert_int_equal(ocsp_read(bytes, "test", &basic, NULL), TOBI_E_LIMIT);
	bytes.size--;
	assert_int_equal(ocsp_read(bytes, "test", &basic, NULL), TOBI_E_MALFORMED);
	free((void *)bytes.ptr);
}

static void test_ocsp_name__short_and_long__last_eight_bytes(void **state)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	char name[OCSP_NAME_SIZE + 1];

	(void)state;
	ASN1_INTEGER_set(serial, 0x1234);
	ocsp_name(serial, name);
	assert_string_equal(name, "0000000000001234");
	ASN1_STRING_set(serial, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", 10);
	ocsp_name(serial, name);
	assert_string_equal(name, "030405060708090a");
	ASN1_INTEGER_free(serial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ocsp_answers__each_status__is_told),
	    cmocka_unit_test(test_ocsp_answers__not_by_who_may__is_not_genuine),
	    cmocka_unit_test(test_ocsp_answers__any_byte_changed__is_not_genuine),
	    cmocka_unit_test(test_ocsp_read__cut_or_longer__fails),
	    cmocka_unit_test(test_ocsp_read__an_error_instead__unsupported),
	    cmocka_unit_test(test_ocsp_read__too_large__limit),
	    cmocka_unit_test(test_ocsp_name__short_and_long__last_eight_bytes),
	};

	return cmocka_run_group_tests_name("pki ocsp", tests, NULL, NULL);
}
