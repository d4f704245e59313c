#include "tee/dcap_crl.h"

#include "tests/bytes.h"
#include "tests/dcap_scene.h"

struct world {
	struct dcap_scene scene;
	struct tobi_collateral *set;
	struct tee_request request;
	X509 *root;
};

static int setup(void **state)
{
	static struct world world;

	world = (struct world){.set = tobi_collateral_new()};
	dcap_scene_make(&world.scene);
	world.root = dcap_scene_certificate(&world.scene, DCAP_ROOT);
	world.request = (struct tee_request){.time = DCAP_NOW, .collateral = world.set};
	assert_non_null(world.set);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	X509_free(world->root);
	tobi_collateral_free(world->set);
	memo_free(world->request.memo);
	return 0;
}

static enum tobi_err find(struct world *world, struct dcap_crl **crl)
{
	return dcap_crl_find(&world->request, COLLATERAL_INTEL_ROOT_CRL, "", world->root,
			     crl, NULL);
}

static enum tobi_err put_and_find(struct world *world)
{
	struct dcap_crl *crl = NULL;
	enum tobi_err err;

	/* Of several the newest counts: here there is one. */
	tobi_collateral_free(world->set);
	world->set = tobi_collateral_new();
	assert_non_null(world->set);
	world->request.collateral = world->set;
	dcap_scene_put_crls(&world->scene, world->set);
	err = find(world, &crl);
	assert_true(err ? !crl : crl != NULL);
	dcap_crl_unref(crl);
	return err;
}

static void test_dcap_crl_find__good__window_and_dates(void **state)
{
	struct world *world = *state;
	struct dcap_crl *crl = NULL;

	world->request.grace = 100;
	dcap_scene_put_crls(&world->scene, world->set);
	assert_int_equal(find(world, &crl), TOBI_OK);
	assert_true(crl->next_update == world->scene.root_crl.next_update);
	assert_true(crl->window.not_after == crl->next_update + 100);
	assert_true(crl->window.not_before == world->scene.root_crl.this_update);
	dcap_crl_unref(crl);
}

static void test_dcap_crl_find__absent__fails(void **state)
{
	struct world *world = *state;
	struct dcap_crl *crl = NULL;

	assert_int_equal(find(world, &crl), TOBI_E_CERTIFICATE);
	assert_int_equal(dcap_crl_find(&world->request, COLLATERAL_PCK_CRL, "platform",
				       world->root, &crl, NULL),
			 TOBI_E_CERTIFICATE);
	world->request.collateral = NULL;
	assert_int_equal(find(world, &crl), TOBI_E_CERTIFICATE);
	assert_null(crl);
}

static void test_dcap_crl_find__issued_before_the_baseline__fails(void **state)
{
	struct world *world = *state;

	world->request.baseline = world->scene.root_crl.this_update;
	assert_int_equal(put_and_find(world), TOBI_OK);
	world->request.baseline++;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
}

static void test_dcap_crl_find__past_its_date__counts_in_the_grace(void **state)
{
	struct world *world = *state;

	world->request.time = world->scene.root_crl.next_update - 1;
	assert_int_equal(put_and_find(world), TOBI_OK);
	world->request.time++;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	world->request.grace = 1;
	assert_int_equal(put_and_find(world), TOBI_OK);
	world->request.time++;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
}

static void test_dcap_crl_find__not_as_it_must_be__fails(void **state)
{
	struct world *world = *state;
	const struct dcap_scene_crl good = world->scene.root_crl;
	struct dcap_scene_crl *crl = &world->scene.root_crl;

	crl->damage = true;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	crl->number = -1;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	crl->no_key_identifier = true;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	crl->critical = true;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	crl->issuer_name = "Intel SGX Root CB";
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	crl->issuer_key = DCAP_KEY_OTHER;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	crl->this_update = DCAP_NOW + 1;
	assert_int_equal(put_and_find(world), TOBI_E_CERTIFICATE);
	*crl = good;
	assert_int_equal(put_and_find(world), TOBI_OK);
}

/* Each form in which Intel and its caches serve one. */
static void test_dcap_crl_find__pem_and_hexadecimal__read(void **state)
{
	struct world *world = *state;
	struct writer der = wr_init(LIMIT_CRL), text = wr_init(LIMIT_CRL);
	struct collateral_item item = {.kind = COLLATERAL_INTEL_ROOT_CRL, .name = ""};
	struct dcap_crl *crl = NULL;

	dcap_scene_list(&world->scene.root_crl, &der);
	for (size_t i = 0; i < der.size; i++)
		wr_printf(&text, "%02x", der.ptr[i]);
	item.data = wr_view(&text);
	assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	assert_int_equal(find(world, &crl), TOBI_OK);
	dcap_crl_unref(crl);
	wr_done(&der);
	wr_done(&text);
}

static void test_dcap_crl_find__no_list__fails(void **state)
{
	struct world *world = *state;
	const struct collateral_item item = {
	    .kind = COLLATERAL_INTEL_ROOT_CRL, .name = "", .data = BYTES('x')};
	struct dcap_crl *crl = NULL;

	assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	assert_int_equal(find(world, &crl), TOBI_E_MALFORMED);
}

static void
test_dcap_crl_find__with_a_memo__the_same_until_something_changes(void **state)
{
	struct world *world = *state;
	struct dcap_crl *first = NULL, *again = NULL, *changed = NULL;

	world->request.memo = memo_new();
	dcap_scene_put_crls(&world->scene, world->set);
	assert_int_equal(find(world, &first), TOBI_OK);
	assert_int_equal(find(world, &again), TOBI_OK);
	assert_ptr_equal(first, again);
	dcap_crl_unref(again);
	world->scene.root_crl.revoked[0] = 5;
	dcap_scene_put_crls(&world->scene, world->set);
	assert_int_equal(find(world, &changed), TOBI_OK);
	assert_ptr_not_equal(first, changed);
	dcap_crl_unref(changed);
	dcap_crl_unref(first);
	/* Known, but not at that time, nor from that baseline on. */
	world->request.time = world->scene.root_crl.next_update;
	assert_int_equal(find(world, &first), TOBI_E_CERTIFICATE);
	world->request.grace = 1;
	assert_int_equal(find(world, &first), TOBI_OK);
	dcap_crl_unref(first);
	world->request.grace = 0;
	assert_int_equal(find(world, &first), TOBI_E_CERTIFICATE);
	world->request.time = DCAP_NOW;
	world->request.baseline = DCAP_NOW;
	assert_int_equal(find(world, &first), TOBI_E_CERTIFICATE);
}

/* A list is one of its issuer's: who else has that name has another key. */
static void test_dcap_crl_find__with_a_memo__for_its_issuer_only(void **state)
{
	struct world *world = *state;
	struct dcap_crl *crl = NULL;
	X509 *root = world->root, *other;

	world->request.memo = memo_new();
	dcap_scene_put_crls(&world->scene, world->set);
	assert_int_equal(find(world, &crl), TOBI_OK);
	dcap_crl_unref(crl);
	crl = NULL;
	world->scene.certificates[DCAP_ROOT].key = DCAP_KEY_OTHER;
	world->scene.certificates[DCAP_ROOT].issuer_key = DCAP_KEY_OTHER;
	other = dcap_scene_certificate(&world->scene, DCAP_ROOT);
	world->root = other;
	assert_int_equal(find(world, &crl), TOBI_E_CERTIFICATE);
	world->root = root;
	X509_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_crl_find__good__window_and_dates),
	    TEST(test_dcap_crl_find__absent__fails),
	    TEST(test_dcap_crl_find__issued_before_the_baseline__fails),
	    TEST(test_dcap_crl_find__past_its_date__counts_in_the_grace),
	    TEST(test_dcap_crl_find__not_as_it_must_be__fails),
	    TEST(test_dcap_crl_find__pem_and_hexadecimal__read),
	    TEST(test_dcap_crl_find__no_list__fails),
	    TEST(test_dcap_crl_find__with_a_memo__the_same_until_something_changes),
	    TEST(test_dcap_crl_find__with_a_memo__for_its_issuer_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
