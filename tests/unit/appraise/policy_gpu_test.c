/* What a policy asks of NVIDIA's devices: each key refuses alone, and is read strictly.
 */
#include <stdlib.h>

#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/nvidia_scene.h"

static struct nvidia_scene *scene_new(void)
{
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	nvidia_scene_init(scene);
	return scene;
}

static void scene_free(struct nvidia_scene *scene)
{
	nvidia_scene_done(scene);
	free(scene);
}

static struct tobi_result *asked(const char *gpu)
{
	struct nvidia_scene *scene = scene_new();
	struct tobi_result *result;

	scene->gpu = gpu;
	result = nvidia_scene_appraise(scene);
	scene_free(scene);
	return result;
}

static struct tobi_result *silent(size_t place, enum nv_answer answer, const char *gpu)
{
	struct nvidia_scene *scene = scene_new();
	struct tobi_result *result;

	scene->answers[place] = answer;
	scene->gpu = gpu;
	result = nvidia_scene_appraise(scene);
	scene_free(scene);
	return result;
}

static struct tobi_result *lacking(bool driver, bool vbios)
{
	struct nvidia_scene *scene = scene_new();
	struct tobi_result *result;

	scene->driver_rim.absent = driver;
	scene->vbios_rim.absent = vbios;
	result = nvidia_scene_appraise(scene);
	scene_free(scene);
	return result;
}

static struct tobi_result *at(int64_t this_update, int64_t next_update, const char *more)
{
	struct nvidia_scene *scene = scene_new();
	struct tobi_result *result;

	scene->this_update = this_update;
	scene->next_update = next_update;
	scene->more = more;
	result = nvidia_scene_appraise(scene);
	scene_free(scene);
	return result;
}

static const char other_firmware[] =
    "{fwids: "
    "[f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
    "f1f1f1f1f1f1f1f1f1f0]}";

static void test_policy_gpu__each_key_not_met__refuses_alone(void **state)
{
	(void)state;
	FAILS("POLICY-GPU-COUNT", asked("{min-count: 2}"));
	FAILS("POLICY-GPU-ARCH", asked("{architectures: [blackwell, ls10]}"));
	FAILS("POLICY-GPU-DRIVER", asked("{drivers: [550.90.08, '570']}"));
	FAILS("POLICY-GPU-DRIVER", asked("{min-driver: 550.90.08}"));
	FAILS("POLICY-GPU-DRIVER", asked("{min-driver: 550.90.07.1}"));
	FAILS("POLICY-GPU-DRIVER", asked("{min-driver: '1000'}"));
	FAILS("POLICY-GPU-VBIOS", asked("{vbios: [96.00.9F.00.02]}"));
	FAILS("POLICY-GPU-BOARD", asked("{projects: [G520]}"));
	FAILS("POLICY-GPU-BOARD", asked("{project-skus: ['0205']}"));
	FAILS("POLICY-GPU-BOARD", asked("{chip-skus: ['885']}"));
	FAILS("POLICY-GPU-BOARD", asked("{boards: ['1079']}"));
	FAILS("POLICY-GPU-CHIP", asked("{chips: [48b02d92494badf5]}"));
	FAILS("POLICY-GPU-PCIE", asked("{protected-pcie: required}"));
	FAILS("POLICY-GPU-FWID", asked(other_firmware));
	expect_accepted(asked("{min-driver: 550.90.07}"));
	expect_accepted(asked("{min-driver: 550.90}"));
	expect_accepted(asked("{min-driver: '99.999'}"));
	expect_accepted(asked("{protected-pcie: refused}"));
}

static void test_policy_gpu__no_reference_values__refuses_unless_named(void **state)
{
	(void)state;
	FAILS("POLICY-GPU-RIM", lacking(true, false));
	FAILS("POLICY-GPU-RIM", lacking(false, true));
	FAILS("POLICY-GPU-RIM", lacking(true, true));
}

static void test_policy_gpu__not_answered_for__refuses_where_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		static const size_t places[] = {NV_IDENTITY, NV_PROVISIONER,
						NV_ROM,	     NV_RIM_CA,
						NV_RIM_L3,   NV_RIM_SIGNER};

		FAILS("POLICY-GPU-OCSP",
		      silent(places[i], NV_SILENT, "{ocsp: required}"));
		expect_accepted(silent(places[i], NV_SILENT, "{min-count: 1}"));
		FAILS("POLICY-GPU-HOLD", silent(places[i], NV_HOLD, "{ocsp: required}"));
		FAILS("POLICY-GPU-HOLD", silent(places[i], NV_HOLD, "{min-count: 1}"));
	}
}

static void test_policy_gpu__answers_of_another_time__refuses(void **state)
{
	(void)state;
	FAILS("POLICY-GPU-OCSP", at(NV_NOW - NV_DAY, NV_NOW, NULL));
	expect_accepted(at(NV_NOW - NV_DAY, NV_NOW + 1, NULL));
	expect_accepted(at(NV_NOW, NV_NOW + 1, NULL));
	FAILS("POLICY-GPU-OCSP", at(NV_NOW + 1, NV_NOW + NV_DAY, NULL));
	FAILS("POLICY-GPU-OCSP", at(NV_NOW - NV_DAY, 0, NULL));
	FAILS("POLICY-GPU-OCSP",
	      at(NV_NOW - NV_DAY, NV_NOW - 100, "collateral: {grace: 100}\n"));
	expect_accepted(at(NV_NOW - NV_DAY, NV_NOW - 99, "collateral: {grace: 100}\n"));
	FAILS("POLICY-GPU-OCSP", at(NV_NOW - NV_DAY, NV_NOW + NV_DAY,
				    "collateral: {baseline: '2030-03-17T17:46:40Z'}\n"));
}

static void test_policy_gpu__what_weakens_is_allowed__is_said(void **state)
{
	struct nvidia_scene *scene = scene_new();
	struct tobi_result *result;

	(void)state;
	scene->answers[NV_ROM] = NV_HOLD;
	scene->vbios_rim.absent = true;
	scene->gpu =
	    "{hold: allowed, rim: optional, fwids: "
	    "[f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
	    "f1f1f1f1f1f1f1f1f1f1f1f1f1f1]}";
	result = nvidia_scene_appraise(scene);
	expect_allowance(result, "ON HOLD");
	expect_allowance(result, "NOT COMPARED");
	expect_allowance(result, "GPU ALONE");
	expect_accepted(result);
	scene_free(scene);
}

static enum tobi_err parse(const char *gpu, struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	enum tobi_err err;

	wr_printf(&yaml,
		  "version: 1\ntiers: [nvidia-gpu]\nidentity: {mode: any-instance}\n"
		  "gpu: %s\n",
		  gpu);
	err = tobi_policy_parse(wr_view(&yaml), "gpu.yaml", &policy, fault);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

static void test_policy_gpu__wrong_keys__malformed(void **state)
{
	static const struct {
		const char *gpu, *field;
	} wrong[] = {
	    {"{min-count: 17}", "gpu.min-count"},
	    {"{min-count: -1}", "gpu.min-count"},
	    {"{min-count: '01'}", "gpu.min-count"},
	    {"{min-count: 1x}", "gpu.min-count"},
	    {"{architectures: [HOPPER]}", "gpu.architectures"},
	    {"{rim: required}", "gpu.rim"},
	    {"{ocsp: optional}", "gpu.ocsp"},
	    {"{hold: yes}", "gpu.hold"},
	    {"{protected-pcie: yes}", "gpu.protected-pcie"},
	    {"{min-driver: 550..1}", "gpu.min-driver"},
	    {"{min-driver: 550.1.}", "gpu.min-driver"},
	    {"{min-driver: v550}", "gpu.min-driver"},
	    {"{drivers: ['12345678901234567890123456789012']}", "gpu.drivers"},
	    {"{fwids: [ab]}", "gpu.fwids"},
	    {"{chips: [48b02d92494badf]}", "gpu.chips"},
	    {"{rim: optional}", "images"}, /* then nothing says what may run */
	    {"{unknown: 1}", ""},
	};
	struct tobi_fault fault;

	(void)state;
	assert_int_equal(parse("{min-count: 16}", NULL), TOBI_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fault = (struct tobi_fault){0};
		assert_int_equal(parse(wrong[i].gpu, &fault), TOBI_E_MALFORMED);
		assert_string_equal(fault.field, wrong[i].field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_gpu__each_key_not_met__refuses_alone),
	    cmocka_unit_test(test_policy_gpu__no_reference_values__refuses_unless_named),
	    cmocka_unit_test(test_policy_gpu__not_answered_for__refuses_where_asked),
	    cmocka_unit_test(test_policy_gpu__answers_of_another_time__refuses),
	    cmocka_unit_test(test_policy_gpu__what_weakens_is_allowed__is_said),
	    cmocka_unit_test(test_policy_gpu__wrong_keys__malformed),
	};

	return cmocka_run_group_tests_name("policy gpu", tests, NULL, NULL);
}
