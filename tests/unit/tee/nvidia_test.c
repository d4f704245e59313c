/* Devices under roots of their own: right ones are accepted, and each check refuses
 * alone. */
#include <stdlib.h>

#include "tests/alone.h"
#include "tests/nvidia_scene.h"

static void does_not_change(struct nvidia_scene *scene)
{
	(void)scene;
}

/* ---- accepted ---- */

static void is_a_blackwell(struct nvidia_scene *scene)
{
	scene->blackwell = true;
	scene->chip = "GB100";
	scene->arch = "BLACKWELL";
	scene->json = true;
	scene->certificates[NV_ROM].name = "GB100 A01 GSP BROM";
	scene->driver_rim.product = scene->vbios_rim.product = "GB100";
	scene->gpu = "{architectures: [hopper, blackwell], ocsp: required}";
}
static void is_a_switch(struct nvidia_scene *scene)
{
	scene->chip = "LS_10";
	scene->block_count = 31;
	scene->driver = NULL;
	scene->reported_fwid_size = 0;
	scene->vbios_text = "96.10.55.00.01";
	scene->certificates[NV_ROM].name = "LS_10 A01 FSP BROM";
	scene->driver_rim.absent = true;
	scene->vbios_rim.version = "96.10.55.00.01";
	scene->vbios_rim.product = "LS10";
	scene->vbios_rim.edition = "SWITCH";
	scene->gpu = "{architectures: [ls10], min-driver: 1, projects: [x], "
		     "protected-pcie: required}";
}
static void is_serialized(struct nvidia_scene *scene)
{
	scene->json = true;
}
static void is_of_coco(struct nvidia_scene *scene)
{
	scene->coco = true;
	scene->device_count = 4;
	scene->gpu = "{min-count: 4}";
}
static void does_not_name_its_firmware(struct nvidia_scene *scene)
{
	scene->reported_fwid_size = 0;
}
static void has_no_video_decoder(struct nvidia_scene *scene)
{
	scene->nvdec = 0x55;
	scene->driver_rim.before = (struct nv_edit){
	    "index=\"35\" active=\"True\" alternatives=\"2\" ns2:Hash0=\"ee",
	    "index=\"35\" active=\"True\" alternatives=\"2\" ns2:Hash0=\"ef"};
	memset(scene->digests[35], 0x77, 48);
}
static void answers_by_itself(struct nvidia_scene *scene)
{
	scene->by_issuer = true;
}
static void is_on_hold_and_that_is_allowed(struct nvidia_scene *scene)
{
	scene->answers[NV_ROM] = NV_HOLD;
	scene->gpu = "{ocsp: required, hold: allowed}";
}
static void has_no_answers_and_none_are_asked(struct nvidia_scene *scene)
{
	for (size_t i = 0; i < NV_PLACES; i++)
		scene->answers[i] = NV_SILENT;
	scene->gpu = "{}";
	scene->gpu = NULL;
	scene->more = "gpu:\n  min-count: 1\n";
}
static void has_old_answers_within_the_grace(struct nvidia_scene *scene)
{
	scene->this_update = NV_NOW - 3 * NV_DAY;
	scene->next_update = NV_NOW - 2 * NV_DAY;
	scene->more = "collateral: {grace: 180000}\n";
}
static void is_named_by_its_firmware(struct nvidia_scene *scene)
{
	scene->driver_rim.absent = scene->vbios_rim.absent = true;
	scene->gpu = "{rim: optional, fwids: "
		     "[f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
		     "f1f1f1f1f1f1"
		     "f1f1f1f1f1f1f1f1f1]}";
}
static void is_all_that_is_asked(struct nvidia_scene *scene)
{
	scene->protected_pcie = 0xaa;
	scene->gpu =
	    "{architectures: [hopper], drivers: [550.90.07], min-driver: 550.54.14, "
	    "vbios: [96.00.9f.00.01], projects: ['1010'], project-skus: ['0200'], "
	    "chip-skus: ['882'], boards: ['945'], chips: [48b02d92494badf4], "
	    "protected-pcie: required}";
}

/* ---- refused ---- */

static void has_the_vendors_roots(struct nvidia_scene *scene)
{
	scene->vendors_roots = true;
}
static const int reversed[] = {NV_LEAF, NV_PROVISIONER, NV_ROM, NV_IDENTITY, NV_ROOT, -1};
static void is_out_of_order(struct nvidia_scene *scene)
{
	scene->chain = reversed;
}
static const int more[] = {NV_LEAF, NV_ROM, NV_PROVISIONER, NV_IDENTITY, NV_RIM_ROOT,
			   NV_ROOT, -1};
static void has_one_too_many(struct nvidia_scene *scene)
{
	scene->chain = more;
}
static const int rootless[] = {NV_LEAF, NV_ROM, NV_PROVISIONER, NV_IDENTITY, -1};
static void lacks_the_root(struct nvidia_scene *scene)
{
	scene->chain = rootless;
	scene->gpu = "{min-count: 1}";
	for (size_t i = 0; i < NV_PLACES; i++)
		scene->answers[i] = NV_SILENT;
}
static void has_expired(struct nvidia_scene *scene)
{
	scene->certificates[NV_PROVISIONER].not_after = NV_NOW - 1;
	scene->gpu = "{min-count: 1}";
}
static void has_a_p256_key(struct nvidia_scene *scene)
{
	scene->certificates[NV_IDENTITY].kind = KEY_P256;
}
static void has_a_weak_digest(struct nvidia_scene *scene)
{
	scene->certificates[NV_ROM].weak_digest = true;
}
static void has_a_leaf_of_no_use(struct nvidia_scene *scene)
{
	scene->certificates[NV_LEAF].usage = "critical,keyAgreement";
}
static void has_a_rom_of_another_chip(struct nvidia_scene *scene)
{
	scene->certificates[NV_ROM].name = "GB100 A01 GSP BROM";
}
static void says_nothing_of_itself(struct nvidia_scene *scene)
{
	scene->chip = NULL;
	scene->driver_rim.absent = scene->vbios_rim.absent = true;
	scene->gpu = "{rim: optional, fwids: "
		     "[000000000000000000000000000000000000000000000000000000000000000000"
		     "000000000000000000000000000000]}";
	scene->reported_fwid_size = 0;
}
static void was_changed(struct nvidia_scene *scene)
{
	scene->damaged = true; /* a byte of the first digest's head is in its form */
}
static void was_signed_by_another(struct nvidia_scene *scene)
{
	scene->by_another = true;
}
static void runs_other_firmware(struct nvidia_scene *scene)
{
	scene->reported_fwid[47] ^= 1;
}
static void has_half_a_hash(struct nvidia_scene *scene)
{
	scene->reported_fwid_size = 32;
}
static void was_asked_with_another_nonce(struct nvidia_scene *scene)
{
	scene->json = true;
	scene->device_count = 2;
	scene->nonces[1][0] ^= 1;
	scene->said_nonce[0] = 0x4e;
}
static void is_there_twice(struct nvidia_scene *scene)
{
	scene->json = scene->twice = true;
	scene->device_count = 3;
	scene->gpu = "{min-count: 3}";
}
static void says_another_nonce(struct nvidia_scene *scene)
{
	scene->json = true;
	scene->said_nonce[5] ^= 1;
}
static void says_another_architecture(struct nvidia_scene *scene)
{
	scene->json = true;
	scene->arch = "BLACKWELL";
}
static void is_revoked(struct nvidia_scene *scene)
{
	scene->answers[NV_ROM] = NV_REVOKED;
	scene->gpu = "{min-count: 1}";
}
static void has_a_revoked_signer(struct nvidia_scene *scene)
{
	scene->answers[NV_RIM_SIGNER] = NV_REVOKED;
	scene->gpu = "{min-count: 1}";
}
static void is_not_known(struct nvidia_scene *scene)
{
	scene->answers[NV_IDENTITY] = NV_UNKNOWN;
	scene->gpu = "{min-count: 1}";
}
static void was_revoked_long_ago(struct nvidia_scene *scene)
{
	scene->answers[NV_ROM] = NV_REVOKED;
	scene->this_update = NV_NOW - 9 * NV_DAY;
	scene->next_update = NV_NOW - 8 * NV_DAY;
	scene->gpu = "{min-count: 1}";
}
static void has_forged_answers(struct nvidia_scene *scene)
{
	scene->forged = true;
	scene->gpu = "{min-count: 1}";
}
static void has_answers_of_a_key_for_something_else(struct nvidia_scene *scene)
{
	scene->certificates[NV_RESPONDER].purpose = "critical,serverAuth";
	scene->gpu = "{min-count: 1}";
}
static void has_answers_of_an_expired_responder(struct nvidia_scene *scene)
{
	scene->certificates[NV_RESPONDER].not_after = scene->this_update - 1;
	scene->gpu = "{min-count: 1}";
}
static void has_values_under_another_root(struct nvidia_scene *scene)
{
	scene->driver_rim.short_chain = true;
	for (size_t i = 0; i < NV_PLACES; i++)
		scene->answers[i] = NV_SILENT;
	scene->gpu = "{min-count: 1}";
}
static void has_values_of_an_expired_signer(struct nvidia_scene *scene)
{
	scene->certificates[NV_RIM_SIGNER].not_after = NV_NOW - 1;
	scene->gpu = "{min-count: 1}";
}
static void has_values_of_another_signer(struct nvidia_scene *scene)
{
	scene->vbios_rim.by_another = true;
}
static void has_values_that_were_changed(struct nvidia_scene *scene)
{
	scene->driver_rim.after = (struct nv_edit){"tagId=\"t\"", "tagId=\"u\""};
}
static void has_values_of_another_driver(struct nvidia_scene *scene)
{
	scene->driver_rim.version = "550.90.08";
}
static void has_values_of_another_chip(struct nvidia_scene *scene)
{
	scene->vbios_rim.product = "GB100";
}
static void has_one_index_in_both(struct nvidia_scene *scene)
{
	scene->driver_rim.active |= 1;
}
static void measures_something_else(struct nvidia_scene *scene)
{
	scene->driver_rim.wrong_digest = true;
}
static void lacks_a_measurement(struct nvidia_scene *scene)
{
	is_a_switch(scene);
	scene->vbios_rim.active |= UINT64_C(1) << 31;
	scene->gpu = "{min-count: 1}";
}
static void has_a_video_decoder_of_another(struct nvidia_scene *scene)
{
	has_no_video_decoder(scene);
	scene->nvdec = 0xaa;
	scene->driver_rim.before = (struct nv_edit){0};
	scene->driver_rim.before = (struct nv_edit){
	    "index=\"35\" active=\"True\" alternatives=\"2\"",
	    "index=\"35\" active=\"True\" alternatives=\"1\" ns2:Hash00=\"\""};
}
static void twice(struct nvidia_scene *scene)
{
	scene->vbios_rim.before = (struct nv_edit){"index=\"9\"", "index=\"8\""};
}
static void has_no_index(struct nvidia_scene *scene)
{
	scene->vbios_rim.before = (struct nv_edit){"index=\"9\"", "index=\"64\""};
}
static void has_no_hash(struct nvidia_scene *scene)
{
	scene->vbios_rim.before = (struct nv_edit){"ns2:Hash0", "ns2:Hash7"};
}
static void has_a_short_hash(struct nvidia_scene *scene)
{
	scene->vbios_rim.before = (struct nv_edit){"ns2:Hash0=\"01", "ns2:Hash0=\""};
}
static void has_another_size(struct nvidia_scene *scene)
{
	scene->vbios_rim.before = (struct nv_edit){"size=\"48\"", "size=\"32\""};
}
static void hides_a_hash(struct nvidia_scene *scene)
{
	scene->driver_rim.before =
	    (struct nv_edit){"alternatives=\"2\"", "alternatives=\"1\""};
}
static void is_half_active(struct nvidia_scene *scene)
{
	scene->driver_rim.before = (struct nv_edit){"active=\"True\"", "active=\"yes\""};
}
static void has_no_payload(struct nvidia_scene *scene)
{
	scene->vbios_rim.before =
	    (struct nv_edit){"</ns0:Payload>", "</ns0:Payload><x/>"};
	scene->vbios_rim.active = 0;
}
static void has_two_payloads(struct nvidia_scene *scene)
{
	scene->vbios_rim.before =
	    (struct nv_edit){"</ns0:Payload>", "</ns0:Payload><ns0:Payload/>"};
}
static void has_two_metas(struct nvidia_scene *scene)
{
	scene->vbios_rim.before = (struct nv_edit){
	    "<ns0:Payload>", "<ns0:Meta colloquialVersion=\"1\"/><ns0:Payload>"};
}
static void has_an_odd_version(struct nvidia_scene *scene)
{
	scene->vbios_rim.version = "96.00.9F.00 01";
}
static void has_an_odd_edition(struct nvidia_scene *scene)
{
	scene->driver_rim.edition = "CPU";
}

struct change {
	void (*change)(struct nvidia_scene *scene);
	const char *code; /* NULL: accepted */
};

static struct tobi_result *appraise(void (*change)(struct nvidia_scene *scene))
{
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));
	struct tobi_result *result;

	assert_non_null(scene);
	nvidia_scene_init(scene);
	change(scene);
	result = nvidia_scene_appraise(scene);
	nvidia_scene_done(scene);
	free(scene);
	return result;
}

static void test_tee_nvidia__right_in_each_form__accepts(void **state)
{
	static void (*const right[])(struct nvidia_scene *) = {
	    does_not_change,
	    is_a_blackwell,
	    is_a_switch,
	    is_serialized,
	    is_of_coco,
	    does_not_name_its_firmware,
	    has_no_video_decoder,
	    answers_by_itself,
	    is_on_hold_and_that_is_allowed,
	    has_no_answers_and_none_are_asked,
	    has_old_answers_within_the_grace,
	    is_named_by_its_firmware,
	    is_all_that_is_asked,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		print_message("right %zu\n", i);
		expect_accepted(appraise(right[i]));
	}
}

static void test_tee_nvidia__wrong_certificates_or_report__refuses(void **state)
{
	(void)state;
	FAILS("GPU-CHAIN", appraise(is_out_of_order));
	FAILS("GPU-CHAIN", appraise(has_one_too_many));
	FAILS("GPU-CHAIN", appraise(lacks_the_root));
	FAILS("GPU-CHAIN", appraise(has_expired));
	FAILS("GPU-PROFILE", appraise(has_a_p256_key));
	FAILS("GPU-PROFILE", appraise(has_a_weak_digest));
	FAILS("GPU-PROFILE", appraise(has_a_leaf_of_no_use));
	FAILS("GPU-PROFILE", appraise(has_a_rom_of_another_chip));
	FAILS("GPU-SIGNATURE", appraise(was_signed_by_another));
	FAILS("GPU-FWID", appraise(runs_other_firmware));
	FAILS("GPU-FWID", appraise(has_half_a_hash));
	FAILS("GPU-NONCE", appraise(was_asked_with_another_nonce));
	FAILS("GPU-NONCE", appraise(says_another_nonce));
	FAILS("GPU-TWICE", appraise(is_there_twice));
	FAILS("GPU-ARCH", appraise(says_another_architecture));
}

/* What was compared with nothing is not said to be proven. */
static void
test_tee_nvidia__alone_without_a_name_for_its_nonce__is_not_compared(void **state)
{
	struct tobi_result *result = appraise(does_not_change);

	(void)state;
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (strcmp(check->code, "GPU-NONCE") == 0)
			assert_int_equal(check->outcome, TOBI_NOT_ASKED);
	}
	tobi_result_free(result);
}

static void test_tee_nvidia__revoked_or_not_answered_for__refuses(void **state)
{
	(void)state;
	FAILS("GPU-REVOKED", appraise(is_revoked));
	FAILS("GPU-REVOKED", appraise(has_a_revoked_signer));
	FAILS("GPU-REVOKED", appraise(is_not_known));
	FAILS("GPU-REVOKED", appraise(was_revoked_long_ago));
	FAILS("GPU-OCSP-SIGNATURE", appraise(has_forged_answers));
	FAILS("GPU-OCSP-SIGNATURE", appraise(has_answers_of_an_expired_responder));
	FAILS("GPU-OCSP-SIGNATURE", appraise(has_answers_of_a_key_for_something_else));
}

static void test_tee_nvidia__wrong_reference_values__refuses(void **state)
{
	(void)state;
	FAILS("GPU-RIM-SIGNATURE", appraise(has_values_of_another_signer));
	FAILS("GPU-RIM-SIGNATURE", appraise(has_values_that_were_changed));
	FAILS("GPU-RIM-VERSION", appraise(has_values_of_another_driver));
	FAILS("GPU-RIM-VERSION", appraise(has_values_of_another_chip));
	FAILS("GPU-RIM-INDEX", appraise(has_one_index_in_both));
	FAILS("GPU-RIM-MATCH", appraise(measures_something_else));
	FAILS("GPU-RIM-MATCH", appraise(lacks_a_measurement));
}

/* What cannot be read has no signature that could be proven, either. */
static void test_tee_nvidia__reference_values_of_another_form__refuses(void **state)
{
	static void (*const forms[])(struct nvidia_scene *) = {
	    twice,
	    has_no_index,
	    has_no_hash,
	    has_a_short_hash,
	    has_another_size,
	    hides_a_hash,
	    is_half_active,
	    has_no_payload,
	    has_two_payloads,
	    has_two_metas,
	    has_an_odd_version,
	    has_an_odd_edition,
	    has_a_video_decoder_of_another};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tobi_result *result = appraise(forms[i]);

		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		ALSO_FAILS("GPU-RIM-FORM", result);
		tobi_result_free(result);
	}
}

/* Of what nobody has certified not only the chain does not hold. */
static void test_tee_nvidia__nothing_to_prove_it_with__refuses(void **state)
{
	static void (*const roots[])(struct nvidia_scene *) = {
	    has_values_under_another_root, has_values_of_an_expired_signer,
	    has_the_vendors_roots};
	struct tobi_result *result;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		result = appraise(roots[i]);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		ALSO_FAILS("GPU-RIM-CHAIN", result);
		tobi_result_free(result);
	}
	result = appraise(has_the_vendors_roots);
	ALSO_FAILS("GPU-CHAIN", result);
	tobi_result_free(result);
	result = appraise(says_nothing_of_itself);
	ALSO_FAILS("GPU-PROFILE", result);
	tobi_result_free(result);
	result = appraise(was_changed);
	ALSO_FAILS("GPU-SIGNATURE", result);
	tobi_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tee_nvidia__right_in_each_form__accepts),
	    cmocka_unit_test(test_tee_nvidia__wrong_certificates_or_report__refuses),
	    cmocka_unit_test(
		test_tee_nvidia__alone_without_a_name_for_its_nonce__is_not_compared),
	    cmocka_unit_test(test_tee_nvidia__revoked_or_not_answered_for__refuses),
	    cmocka_unit_test(test_tee_nvidia__wrong_reference_values__refuses),
	    cmocka_unit_test(test_tee_nvidia__reference_values_of_another_form__refuses),
	    cmocka_unit_test(test_tee_nvidia__nothing_to_prove_it_with__refuses),
	};

	return cmocka_run_group_tests_name("tee nvidia", tests, NULL, NULL);
}
