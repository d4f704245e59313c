/* The certificates of nvidia_scene.h, and the answers for them. */
#include <openssl/ocsp.h>

#include "pki/extension.h"
#include "tests/check.h"
#include "tests/extension.h"
#include "tests/nvidia_scene_inside.h"

static void add_name(X509_NAME *name, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						    (const unsigned char *)text, -1, -1,
						    0),
			 1);
}

static void wrap(struct writer *out, uint8_t tag, struct tobi_bytes content)
{
	wr_u8(out, tag);
	if (content.size > 0x7f)
		wr_u8(out, 0x81);
	assert_true(content.size < 0x100);
	wr_u8(out, (uint8_t)content.size);
	wr_bytes(out, content.ptr, content.size);
}

/* SEQUENCE { SHA-384, digest } */
static void write_fwid(const struct nvidia_scene *scene, struct writer *out)
{
	static const uint8_t algorithm[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					    0x65, 0x03, 0x04, 0x02, 0x02};
	struct writer body = wr_init(256);

	wr_bytes(&body, algorithm, sizeof(algorithm));
	wrap(&body, 0x04, (struct tobi_bytes){scene->fwid, sizeof(scene->fwid)});
	wrap(out, 0x30, wr_view(&body));
	wr_done(&body);
}

/* DiceTcbInfo with a vendor before and an index behind, or a CompositeDeviceID. */
static void add_fwid(const struct nvidia_scene *scene, X509 *certificate, EVP_PKEY *key)
{
	static const uint8_t arcs[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01, 0x01};
	static const uint8_t vendor[] = {0x80, 0x02, 'N', 'V'}, layer[] = {0x84, 0x01, 0};
	const struct extension_name name = {
	    "DICE", {arcs, scene->blackwell ? sizeof(arcs) : sizeof(arcs) - 1}};
	struct writer body = wr_init(512), fwid = wr_init(256), all = wr_init(512);
	struct extension extension = {0};
	unsigned char *spki = NULL;
	int size;

	write_fwid(scene, &fwid);
	if (scene->blackwell) {
		wr_bytes(&body, vendor, sizeof(vendor));
		wr_bytes(&body, layer, sizeof(layer));
		wrap(&body, 0xa6, wr_view(&fwid));
	} else {
		size = i2d_PUBKEY(key, &spki);
		wr_bytes(&body, "\x02\x01\x01", 3);
		wr_bytes(&body, spki, (size_t)size);
		wr_bytes(&body, fwid.ptr, fwid.size);
		OPENSSL_free(spki);
	}
	wrap(&all, 0x30, wr_view(&body));
	extension.value = wr_view(&all);
	assert_int_equal(extension_add(certificate, &name, &extension, NULL), 0);
	wr_done(&body);
	wr_done(&fwid);
	wr_done(&all);
}

static void add_chip(const struct nvidia_scene *scene, X509 *certificate, size_t device)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "otherName:1.3.6.1.4.1.412.274.1;UTF8:NVIDIA:%s:48B02D92494BADF%zX",
		 scene->chip, 4 + (scene->twice ? 0 : device));
	add_extension(certificate, NULL, NID_subject_alt_name, text);
}

static void make_for(struct nvidia_scene *scene, enum nv_place place,
		     const struct nv_certificate *issuer, size_t device)
{
	struct nv_certificate *subject = &scene->certificates[place];
	X509 *certificate = X509_new();

	assert_non_null(certificate);
	if (subject->kind != KEY_P384) {
		EVP_PKEY_free(subject->key);
		subject->key = NULL;
		assert_int_equal(key_new(subject->kind, &subject->key, NULL), 0);
	}
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 0x1000u + place);
	ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)subject->not_before);
	ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)subject->not_after);
	add_name(X509_get_subject_name(certificate), subject->name);
	add_name(X509_get_issuer_name(certificate), issuer->name);
	assert_int_equal(X509_set_pubkey(certificate, subject->key), 1);
	add_extension(certificate, NULL, NID_basic_constraints, subject->constraints);
	add_extension(certificate, NULL, NID_key_usage, subject->usage);
	add_extension(certificate, NULL, NID_ext_key_usage, subject->purpose);
	if (place == NV_LEAF && scene->chip) {
		add_fwid(scene, certificate, subject->key);
		add_chip(scene, certificate, device);
	}
	assert_true(X509_sign(certificate, issuer->key,
			      subject->weak_digest ? EVP_sha256() : EVP_sha384()) > 0);
	X509_free(subject->certificate);
	subject->certificate = certificate;
}

static void make(struct nvidia_scene *scene, enum nv_place place,
		 const struct nv_certificate *issuer)
{
	make_for(scene, place, issuer, 0);
}

void nvidia_scene_leaf(struct nvidia_scene *scene, size_t device)
{
	make_for(scene, NV_LEAF, &scene->certificates[NV_ROM], device);
}

void nvidia_scene_certificates(struct nvidia_scene *scene)
{
	for (int i = NV_ROOT; i <= NV_RIM_SIGNER; i++) {
		bool root = i == NV_ROOT || i == NV_RIM_ROOT;

		make(scene, (enum nv_place)i, &scene->certificates[root ? i : i - 1]);
	}
}

static void add_status(const struct nvidia_scene *scene, OCSP_BASICRESP *answer,
		       enum nv_place place)
{
	OCSP_CERTID *id =
	    OCSP_cert_to_id(EVP_sha384(), scene->certificates[place].certificate,
			    scene->certificates[place - 1].certificate);
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)scene->this_update);
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)scene->next_update);
	enum nv_answer said = scene->answers[place];
	int status = said == NV_GOOD	  ? V_OCSP_CERTSTATUS_GOOD
		     : said == NV_UNKNOWN ? V_OCSP_CERTSTATUS_UNKNOWN
					  : V_OCSP_CERTSTATUS_REVOKED;
	int reason = said == NV_HOLD ? OCSP_REVOKED_STATUS_CERTIFICATEHOLD
				     : OCSP_REVOKED_STATUS_KEYCOMPROMISE;

	assert_non_null(OCSP_basic_add1_status(answer, id, status, reason, from, from,
					       scene->next_update ? to : NULL));
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
}

/* A responder that the issuer has certified, the issuer, or somebody else. */
static void answer(struct nvidia_scene *scene, enum nv_place place, struct writer *out)
{
	const struct nv_certificate *issuer = &scene->certificates[place - 1];
	struct nv_certificate *responder = &scene->certificates[NV_RESPONDER];
	const struct nv_certificate *by = scene->by_issuer ? issuer : responder;
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_RESPONSE *response;
	unsigned char *der = NULL;
	int size;

	make(scene, NV_RESPONDER,
	     scene->forged
		 ? &scene->certificates[NV_ROOT == place - 1 ? NV_RIM_ROOT : NV_ROOT]
		 : issuer);
	add_status(scene, basic, place);
	assert_int_equal(
	    OCSP_basic_sign(basic, by->certificate, by->key, EVP_sha384(), NULL, 0), 1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	size = i2d_OCSP_RESPONSE(response, &der);
	assert_true(size > 0);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
}

void nvidia_scene_answers(struct nvidia_scene *scene)
{
	static const enum nv_place answered[] = {
	    NV_IDENTITY, NV_PROVISIONER, NV_ROM, NV_RIM_CA, NV_RIM_L3, NV_RIM_SIGNER};

	for (size_t i = 0; i < sizeof(answered) / sizeof(answered[0]); i++) {
		struct writer *out = &scene->ocsp[answered[i]];

		wr_done(out);
		*out = wr_init(LIMIT_CERTIFICATE);
		if (scene->answers[answered[i]] != NV_SILENT)
			answer(scene, answered[i], out);
	}
}
