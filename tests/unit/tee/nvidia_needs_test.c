/* What NVIDIA's services are asked for, by what a device says. */
#include "tee/nvidia_needs.h"

#include "pki/ocsp.h"
#include "tests/bytes.h"
#include "tests/check.h"
#include "tests/nvidia_scene.h"

static struct nvidia_scene scene;

static int set_up(void **state)
{
	(void)state;
	nvidia_scene_init(&scene);
	scene.json = true;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nvidia_scene_done(&scene);
	return 0;
}

static enum tobi_err find(struct needs *ret_needs)
{
	nvidia_scene_make(&scene);
	*ret_needs = (struct needs){0};
	return nvidia_needs(wr_view(&scene.evidence), ret_needs, NULL);
}

static const struct need *need_at(const struct needs *needs, const char *path)
{
	for (size_t i = 0; i < needs->count; i++) {
		if (strcmp(needs->list[i].path, path) == 0)
			return &needs->list[i];
	}
	return NULL;
}

static size_t questions(const struct needs *needs)
{
	size_t count = 0;

	for (size_t i = 0; i < needs->count; i++)
		count += needs->list[i].service == SERVICE_OCSP;
	return count;
}

static void test_nvidia_needs__gpu__two_files_and_three_answers(void **state)
{
	static struct needs needs;
	const struct need *driver, *vbios;

	(void)state;
	assert_int_equal(find(&needs), TOBI_OK);
	driver = need_at(&needs, "/v1/rim/NV_GPU_DRIVER_GH100_550.90.07");
	assert_non_null(driver);
	assert_string_equal(driver->name, "550.90.07");
	assert_int_equal(driver->kind, COLLATERAL_NVIDIA_RIM);
	vbios = need_at(&needs, "/v1/rim/NV_GPU_VBIOS_1010_0200_882_96009F0001");
	assert_non_null(vbios);
	assert_int_equal(vbios->service, SERVICE_RIM);
	assert_int_equal(questions(&needs), 3);
	assert_int_equal(needs.count, 5);
	assert_null(needs.note);
}

/* Each is what a responder reads, and about the certificate that its name says. */
static void test_nvidia_needs__questions__are_of_ocsp(void **state)
{
	static struct needs needs;

	(void)state;
	assert_int_equal(find(&needs), TOBI_OK);
	for (size_t i = 0; i < needs.count; i++) {
		const struct need *need = &needs.list[i];
		const unsigned char *at = need->body;
		char name[OCSP_NAME_SIZE + 1];
		ASN1_INTEGER *serial = NULL;
		OCSP_REQUEST *request;

		if (need->service != SERVICE_OCSP)
			continue;
		request = d2i_OCSP_REQUEST(NULL, &at, (long)need->body_size);
		assert_non_null(request);
		assert_ptr_equal(at, need->body + need->body_size);
		assert_int_equal(OCSP_request_onereq_count(request), 1);
		assert_int_equal(
		    OCSP_id_get0_info(
			NULL, NULL, NULL, &serial,
			OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0))),
		    1);
		ocsp_name(serial, name);
		assert_string_equal(name, need->name);
		OCSP_REQUEST_free(request);
	}
}

static void test_nvidia_needs__devices_that_are_alike__ask_once(void **state)
{
	static struct needs needs;

	(void)state;
	scene.device_count = 2;
	assert_int_equal(find(&needs), TOBI_OK);
	assert_int_equal(needs.count, 5);
}

static void test_nvidia_needs__report_alone__is_noted(void **state)
{
	static struct needs needs;

	(void)state;
	scene.json = false;
	assert_int_equal(find(&needs), TOBI_OK);
	assert_int_equal(needs.count, 1);
	assert_non_null(strstr(needs.note, "did not come with it"));
}

/* What a device says goes into an address. */
static void test_nvidia_needs__version_that_is_no_name__is_malformed(void **state)
{
	static const char *const bad[] = {"../../x", "550?a=b", "550 90", "550#", "a/b"};
	static struct needs needs;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		scene.driver = bad[i];
		assert_int_equal(find(&needs), TOBI_E_MALFORMED);
	}
}

static void test_nvidia_needs__cut__fails(void **state)
{
	static struct needs needs;

	(void)state;
	assert_int_equal(find(&needs), TOBI_OK);
	for (size_t size = 0; size + 1 < scene.evidence.size; size += 97) {
		struct block block =
		    block_new((struct tobi_bytes){scene.evidence.ptr, size});

		needs = (struct needs){0};
		assert_int_not_equal(nvidia_needs(block_view(block), &needs, NULL),
				     TOBI_OK);
		block_done(block);
	}
	assert_int_equal(nvidia_needs(text_bytes("a quote"), &needs, NULL),
			 TOBI_E_UNSUPPORTED);
}

static void test_nvidia_needs_of_rim__signers__but_the_root(void **state)
{
	static struct needs needs;

	(void)state;
	nvidia_scene_make(&scene);
	needs = (struct needs){0};
	assert_int_equal(nvidia_needs_of_rim(wr_view(&scene.driver_xml), &needs, NULL),
			 TOBI_OK);
	assert_int_equal(questions(&needs), 3);
	assert_int_equal(needs.count, 3);
	assert_int_equal(nvidia_needs_of_rim(wr_view(&scene.vbios_xml), &needs, NULL),
			 TOBI_OK);
	assert_int_equal(needs.count, 3);
	/* Nothing can be asked about a file that cannot be read. */
	needs = (struct needs){0};
	assert_int_equal(nvidia_needs_of_rim(text_bytes("<a/>"), &needs, NULL), TOBI_OK);
	assert_int_equal(needs.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_nvidia_needs__gpu__two_files_and_three_answers),
	    TEST(test_nvidia_needs__questions__are_of_ocsp),
	    TEST(test_nvidia_needs__devices_that_are_alike__ask_once),
	    TEST(test_nvidia_needs__report_alone__is_noted),
	    TEST(test_nvidia_needs__version_that_is_no_name__is_malformed),
	    TEST(test_nvidia_needs__cut__fails),
	    TEST(test_nvidia_needs_of_rim__signers__but_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
