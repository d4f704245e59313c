/* What certificates of keys of TPMs say. */
#include "tee/tpm_certificate.h"

#include "pki/chain.h"
#include "tests/check.h"
#include "tests/quote_scene.h"

static X509 *read(const struct writer *der)
{
	X509 *certificate = NULL;

	assert_int_equal(
	    chain_read_certificate(wr_view(der), "certificate", &certificate, NULL), 0);
	return certificate;
}

/* The AK's certificate as a scene has it. */
static const char *wrong_of(void (*change)(struct quote_certificate *said))
{
	struct quote_scene scene;
	const char *wrong;
	X509 *certificate;

	quote_scene_make(&scene, QUOTE_P256);
	change(&scene.ak_certificate);
	quote_scene_certificates(&scene);
	certificate = read(&scene.ak_certificate.der);
	wrong = tpm_certificate_wrong_ak(certificate);
	X509_free(certificate);
	quote_scene_done(&scene);
	return wrong;
}

#define CHANGE(name, ...)                                                                \
	static void name(struct quote_certificate *said)                                 \
	{                                                                                \
		(void)said;                                                              \
		__VA_ARGS__;                                                             \
	}
CHANGE(is_right, (void)0)
CHANGE(has_two_purposes, said->purposes = "serverAuth," CERT_AK_PURPOSE)
CHANGE(is_googles, said->names_instance = true; said->purposes = CERT_EK_PURPOSE)
CHANGE(has_no_purpose, said->purposes = NULL)
CHANGE(is_for_tls, said->purposes = "serverAuth")
CHANGE(is_an_eks, said->purposes = CERT_EK_PURPOSE)
CHANGE(is_a_ca, said->is_ca = true)
CHANGE(signs_nothing, said->usage = "critical,keyEncipherment")
CHANGE(has_no_usage, said->usage = NULL)

static void test_tpm_certificate_wrong_ak(void **state)
{
	(void)state;
	assert_null(wrong_of(is_right));
	assert_null(wrong_of(has_two_purposes));
	assert_null(wrong_of(is_googles));
	assert_non_null(wrong_of(has_no_purpose));
	assert_non_null(wrong_of(is_for_tls));
	assert_non_null(wrong_of(is_an_eks));
	assert_non_null(wrong_of(is_a_ca));
	assert_non_null(wrong_of(signs_nothing));
	assert_non_null(wrong_of(has_no_usage));
}

static void test_tpm_certificate__words__are_read(void **state)
{
	struct quote_scene scene;
	struct tpm_maker maker;
	uint8_t said[SHA256_SIZE], ek[SHA256_SIZE];
	X509 *ak, *other;

	(void)state;
	quote_scene_make(&scene, QUOTE_P256);
	scene.ak_certificate.names_ek = true;
	scene.ek_certificate.names_maker = false;
	quote_scene_certificates(&scene);
	ak = read(&scene.ak_certificate.der);
	other = read(&scene.ek_certificate.der);
	assert_false(tpm_certificate_is_ek(ak));
	assert_true(tpm_certificate_is_ek(other));
	tpm_certificate_maker(ak, &maker);
	assert_string_equal(maker.manufacturer, "id:54455354");
	assert_string_equal(maker.model, "Test TPM");
	assert_string_equal(maker.version, "id:00010002");
	tpm_certificate_maker(other, &maker);
	assert_string_equal(maker.manufacturer, "");
	assert_true(tpm_certificate_read_ek(ak, said));
	assert_int_equal(key_spki_sha256(scene.ek, ek, NULL), 0);
	assert_memory_equal(said, ek, sizeof(ek));
	assert_false(tpm_certificate_read_ek(other, said));
	X509_free(ak);
	X509_free(other);
	quote_scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_certificate_wrong_ak),
	    cmocka_unit_test(test_tpm_certificate__words__are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
