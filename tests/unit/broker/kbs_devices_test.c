/* A guest with NVIDIA's devices beside its CPU: appraised together, each bound to the
 * session by a hash of its own. */
#include <stdio.h>

#include "tests/kbs_world.h"
#include "tests/nvidia_scene.h"

#define ONE "/kbs/v0/resource/red/secret/one"

static struct nvidia_scene devices;
static char additional[LIMIT_EVIDENCE];
static struct tobi_collateral *set;

static int enter(void **state)
{
	struct writer policy = wr_init(LIMIT_POLICY);

	kbs_world_enter(state);
	nvidia_scene_init(&devices);
	devices.coco = true;
	devices.device_count = 2;
	nvidia_scene_make(&devices);
	kbs.guest.more = "gpu: {min-count: 2, ocsp: required}\n";
	snp_scene_policy(&kbs.guest, &policy);
	nvidia_scene_roots(&devices, &policy);
	kbs.guest.more = "";
	if (world_put_policy("red", wr_view(&policy)))
		fail_msg("%s: %s", world.fault.field, world.fault.message);
	set = tobi_collateral_new();
	world.broker->setup.collateral = set;
	wr_done(&policy);
	return 0;
}

static int leave(void **state)
{
	nvidia_scene_done(&devices);
	tobi_collateral_free(set);
	return kbs_world_leave(state);
}

/* What NVIDIA publishes of them is the broker's to have. */
static void publish(void)
{
	struct tobi_bytes pieces[NV_PIECES];
	size_t count = nvidia_scene_pieces(&devices, pieces);
	struct tobi_fault fault = {0};

	for (size_t i = 0; i < count; i++) {
		if (tobi_collateral_add(set, pieces[i], "piece", &fault))
			fail_msg("%s", fault.message);
	}
}

/* Asked with the hash of this session, changed at its first byte by that much. */
static void ask_devices(uint8_t change)
{
	uint8_t data[KBS_REPORT_DATA_SIZE];

	assert_int_equal(kbs_binding_devices(kbs.nonce, kbs.jwk, data, NULL), 0);
	data[0] ^= change;
	for (size_t i = 0; i < 2; i++)
		bytes_copy(devices.nonces[i], 32, data, 32);
	nvidia_scene_make(&devices);
	publish();
	snprintf(additional, sizeof(additional), "{\"nvidia\":%.*s}",
		 (int)devices.evidence.size, (const char *)devices.evidence.ptr);
	kbs.additional = additional;
}

static void denied_by(const char *code)
{
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 401);
	assert_string_equal(kbs_error_type(), "PolicyDeny");
	if (!strstr(last_note()->reason, code))
		fail_msg("%s: not by %s", last_note()->reason, code);
	assert_int_equal(stand_in.opened, 0);
}

static void test_kbs_devices__beside_the_cpu__given(void **state)
{
	(void)state;
	kbs_auth();
	ask_devices(0);
	assert_int_equal(kbs_attest(), 200);
	if (kbs_get(ONE, kbs.cookie, NULL) != 200)
		fail_msg("%s", last_note()->reason);
	assert_true(kbs_answer_opens("the first secret"));
}

static void test_kbs_devices__asked_with_something_else__denied(void **state)
{
	(void)state;
	kbs_auth();
	ask_devices(1);
	assert_int_equal(kbs_attest(), 200);
	denied_by("GPU-NONCE");
}

/* Of an earlier session of the same guest: its nonce was another one. */
static void test_kbs_devices__of_an_earlier_session__denied(void **state)
{
	(void)state;
	kbs_auth();
	ask_devices(0);
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	denied_by("GPU-NONCE");
}

static void test_kbs_devices__left_out__denied(void **state)
{
	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	denied_by("POLICY-GPU-COUNT");
}

static void test_kbs_devices__one_that_is_not_genuine__denied(void **state)
{
	(void)state;
	devices.damaged = true;
	kbs_auth();
	ask_devices(0);
	assert_int_equal(kbs_attest(), 200);
	denied_by("GPU-SIGNATURE");
}

int main(int argc, char **argv)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    T_(test_kbs_devices__beside_the_cpu__given),
	    T_(test_kbs_devices__asked_with_something_else__denied),
	    T_(test_kbs_devices__of_an_earlier_session__denied),
	    T_(test_kbs_devices__left_out__denied),
	    T_(test_kbs_devices__one_that_is_not_genuine__denied),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
