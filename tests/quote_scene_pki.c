#include <openssl/x509v3.h>

#include "pki/chain.h"
#include "pki/extension.h"
#include "tee/tpm_certificate.h"
#include "tests/check.h"
#include "tests/extension.h"
#include "tests/quote_scene.h"

enum { DAY = 24 * 3600 };

/* Critical, as the TCG asks for where there is no subject. */
static void add_maker(X509 *certificate)
{
	static const char *const fields[][2] = {{"2.23.133.2.1", "id:54455354"},
						{"2.23.133.2.2", "Test TPM"},
						{"2.23.133.2.3", "id:00010002"}};
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	X509_NAME *directory = X509_NAME_new();

	assert_true(names && name && directory);
	for (size_t i = 0; i < 3; i++) {
		ASN1_OBJECT *oid = OBJ_txt2obj(fields[i][0], 1);

		assert_int_equal(X509_NAME_add_entry_by_OBJ(
				     directory, oid, MBSTRING_UTF8,
				     (const unsigned char *)fields[i][1], -1, -1, 0),
				 1);
		ASN1_OBJECT_free(oid);
	}
	name->type = GEN_DIRNAME;
	name->d.directoryName = directory;
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 1,
					   X509V3_ADD_DEFAULT),
			 1);
	GENERAL_NAMES_free(names);
}

/* SEQUENCE { zone, project number, project, instance id, name, [0] { [0] 1, [1] true } }
 */
static void add_instance(X509 *certificate, const struct quote_certificate *said)
{
	static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
				      0xd6, 0x79, 0x02, 0x01, 0x15};
	static const struct extension_name name = {"instance", {oid, sizeof(oid)}};
	uint8_t body[] = {0x30, 0x34, 0x0c, 0x06, 0x7a, 0x6f, 0x6e, 0x65, 0x2d,
			  0x61, 0x02, 0x02, 0x04, 0xd2, 0x0c, 0x07, 0x70, 0x72,
			  0x6f, 0x6a, 0x65, 0x63, 0x74, 0x02, 0x09, 0x00, 0xff,
			  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x04,
			  0x76, 0x6d, 0x2d, 0x31, 0xa0, 0x0c, 0x30, 0x0a, 0xa0,
			  0x03, 0x02, 0x01, 0x01, 0xa1, 0x03, 0x01, 0x01, 0xff};
	const struct extension extension = {{body, sizeof(body)}, false};

	if (said->not_in_production)
		body[sizeof(body) - 1] = 0;
	if (said->damaged_instance)
		body[3] = 0x7f;
	assert_int_equal(extension_add(certificate, &name, &extension, NULL), 0);
}

static void add_text_name(X509_NAME *name, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						    (const unsigned char *)text, -1, -1,
						    0),
			 1);
}

static X509 *start(const char *subject, const char *issuer, EVP_PKEY *key,
		   int64_t not_after)
{
	X509 *certificate = X509_new();

	assert_non_null(certificate);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	ASN1_TIME_set(X509_getm_notBefore(certificate), QUOTE_NOW - 9 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after);
	if (*subject)
		add_text_name(X509_get_subject_name(certificate), subject);
	add_text_name(X509_get_issuer_name(certificate), issuer);
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	return certificate;
}

static void end(X509 *certificate, EVP_PKEY *signer, struct writer *out)
{
	unsigned char *der = NULL;
	int size;

	assert_true(X509_sign(certificate, signer, EVP_sha384()) > 0);
	size = i2d_X509(certificate, &der);
	assert_true(size > 0);
	wr_done(out);
	*out = wr_init(LIMIT_CERTIFICATE);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	X509_free(certificate);
}

static void make_root(const char *name, EVP_PKEY *key, struct writer *out)
{
	X509 *certificate = start(name, name, key, QUOTE_NOW + 900 * DAY);

	add_extension(certificate, NULL, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, NULL, NID_key_usage, "critical,keyCertSign");
	end(certificate, key, out);
}

static void add_ek(X509 *certificate, EVP_PKEY *ek)
{
	uint8_t hash[SHA256_SIZE];
	const struct extension extension = {{hash, sizeof(hash)}, false};

	assert_int_equal(key_spki_sha256(ek, hash, NULL), 0);
	assert_int_equal(
	    extension_add(certificate, &tpm_certificate_ek, &extension, NULL), 0);
}

static void make_leaf(const struct quote_scene *scene, struct quote_certificate *said)
{
	X509 *certificate = start("", said->by_a_stranger ? "Stranger" : "Test TPM CA",
				  said->key, said->not_after);

	add_extension(certificate, NULL, NID_basic_constraints,
		      said->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(certificate, NULL, NID_key_usage, said->usage);
	add_extension(certificate, NULL, NID_ext_key_usage, said->purposes);
	if (said->names_maker)
		add_maker(certificate);
	if (said->names_instance)
		add_instance(certificate, said);
	if (said->names_ek)
		add_ek(certificate, scene->ek);
	end(certificate, said->by_a_stranger ? scene->stranger_key : scene->root_key,
	    &said->der);
}

void quote_scene_certificates(struct quote_scene *scene)
{
	make_root("Test TPM CA", scene->root_key, &scene->root);
	make_root("Stranger", scene->stranger_key, &scene->stranger);
	if (!scene->ak_certificate.key)
		scene->ak_certificate.key = scene->ak;
	if (!scene->ek_certificate.key)
		scene->ek_certificate.key = scene->ek;
	make_leaf(scene, &scene->ak_certificate);
	make_leaf(scene, &scene->ek_certificate);
	wr_done(&scene->root_pem);
	scene->root_pem = wr_init(LIMIT_PEM);
	assert_int_equal(chain_write_pem(wr_view(&scene->root), &scene->root_pem, NULL),
			 0);
}
