/* Documents and issuers' chains in files of their own, in every order. */
#include "collateral/collateral.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

enum { NOW = 1900000000, FILES = 4 };

static void add(struct tobi_collateral *set, const struct writer *bytes)
{
	assert_int_equal(tobi_collateral_add(set, wr_view(bytes), "file", NULL), TOBI_OK);
}

static void has_chain(const struct tobi_collateral *set, enum collateral_kind kind,
		      const char *name, const struct writer *chain)
{
	const struct collateral_item *item = collateral_find(set, kind, name);

	assert_non_null(item);
	assert_bytes_equal(item->chain, wr_view(chain));
}

/* The one that is not used yet, after so many that are not. */
static size_t pick(bool used[static FILES], size_t skip)
{
	size_t at = 0;

	while (used[at] || skip > 0)
		skip -= !used[at++];
	used[at] = true;
	return at;
}

static void test_join__any_order__is_the_same(void **state)
{
	struct vendor_scene scene;
	const struct writer *files[FILES];

	(void)state;
	vendor_scene_make(&scene, NOW);
	files[0] = &scene.sgx_tcb_info;
	files[1] = &scene.platform_crl;
	files[2] = &scene.tcb_chain;
	files[3] = &scene.platform_chain;
	for (size_t order = 0; order < 24; order++) {
		struct tobi_collateral *set = tobi_collateral_new();
		bool used[FILES] = {false};

		for (size_t i = 0, left = order; i < FILES; i++) {
			add(set, files[pick(used, left % (FILES - i))]);
			left /= FILES - i;
		}
		has_chain(set, COLLATERAL_SGX_TCB_INFO, VENDOR_FMSPC, &scene.tcb_chain);
		has_chain(set, COLLATERAL_PCK_CRL, "platform", &scene.platform_chain);
		tobi_collateral_free(set);
	}
	vendor_scene_done(&scene);
}

static void test_join__platform_certificate__has_its_issuers(void **state)
{
	struct vendor_scene scene;
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer pem = wr_init(8192);

	(void)state;
	vendor_scene_make(&scene, NOW);
	vendor_pem(&scene.pck, &pem);
	add(set, &pem);
	add(set, &scene.processor_chain);
	assert_int_equal(collateral_find(set, COLLATERAL_PCK, "")->chain.size, 0);
	add(set, &scene.platform_chain);
	has_chain(set, COLLATERAL_PCK, "", &scene.platform_chain);
	wr_done(&pem);
	tobi_collateral_free(set);
	vendor_scene_done(&scene);
}

static void test_join__two_of_one_name__the_one_that_signed(void **state)
{
	struct vendor_scene one, two;
	struct tobi_collateral *set = tobi_collateral_new();

	(void)state;
	vendor_scene_make(&one, NOW);
	vendor_scene_make(&two, NOW + 1);
	add(set, &one.tcb_chain);
	add(set, &two.tcb_chain);
	add(set, &one.sgx_tcb_info);
	add(set, &two.tdx_tcb_info);
	/* Roots of one name are both there: whoever verifies takes the one it trusts. */
	assert_non_null(
	    memmem(collateral_find(set, COLLATERAL_SGX_TCB_INFO, NULL)->chain.ptr,
		   collateral_find(set, COLLATERAL_SGX_TCB_INFO, NULL)->chain.size,
		   one.tcb_chain.ptr, 400));
	assert_non_null(
	    memmem(collateral_find(set, COLLATERAL_TDX_TCB_INFO, NULL)->chain.ptr,
		   collateral_find(set, COLLATERAL_TDX_TCB_INFO, NULL)->chain.size,
		   two.tcb_chain.ptr, 400));
	tobi_collateral_free(set);
	vendor_scene_done(&one);
	vendor_scene_done(&two);
}

static void test_join__changes_the_hash(void **state)
{
	struct vendor_scene scene;
	struct tobi_collateral *set = tobi_collateral_new();
	uint8_t before[SHA256_SIZE];

	(void)state;
	vendor_scene_make(&scene, NOW);
	add(set, &scene.sgx_tcb_info);
	bytes_copy(before, sizeof(before), collateral_at(set, 0)->hash, SHA256_SIZE);
	add(set, &scene.tcb_chain);
	assert_memory_not_equal(before,
				collateral_find(set, COLLATERAL_SGX_TCB_INFO, NULL)->hash,
				SHA256_SIZE);
	tobi_collateral_free(set);
	vendor_scene_done(&scene);
}

static void test_join__too_many_issuers__is_a_limit(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();
	enum tobi_err err = TOBI_OK;
	unsigned count = 0;

	(void)state;
	while (!err && count <= COLLATERAL_ISSUERS_MAX) {
		struct vendor_party party;
		struct writer pem = wr_init(8192);

		vendor_party_make("Intel SGX TCB Signing", KEY_P256, false, NOW, NULL,
				  &party);
		vendor_pem(&party, &pem);
		err = tobi_collateral_add(set, wr_view(&pem), "file", NULL);
		count += !err;
		vendor_party_done(&party);
		wr_done(&pem);
	}
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_int_equal(count, COLLATERAL_ISSUERS_MAX);
	tobi_collateral_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_join__any_order__is_the_same),
	    cmocka_unit_test(test_join__platform_certificate__has_its_issuers),
	    cmocka_unit_test(test_join__two_of_one_name__the_one_that_signed),
	    cmocka_unit_test(test_join__changes_the_hash),
	    cmocka_unit_test(test_join__too_many_issuers__is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
