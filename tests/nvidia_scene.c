#include "tests/nvidia_scene.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "codec/base64.h"
#include "pki/chain.h"
#include "pki/signature.h"
#include "tests/check.h"
#include "tests/nvidia_scene_inside.h"

static const int whole_chain[] = {NV_LEAF,     NV_ROM,	NV_PROVISIONER,
				  NV_IDENTITY, NV_ROOT, -1};

void nvidia_scene_init(struct nvidia_scene *scene)
{
	static const struct nv_certificate made[NV_PLACES] = {
	    [NV_ROOT] = {KEY_P384, "Test Device Identity CA", "critical,CA:TRUE",
			 "critical,keyCertSign,cRLSign"},
	    [NV_IDENTITY] = {KEY_P384, "Test GH100 Identity", "critical,CA:TRUE",
			     "critical,keyCertSign"},
	    [NV_PROVISIONER] = {KEY_P384, "Test GH100 Provisioner ICA 1",
				"critical,CA:TRUE", "critical,keyCertSign"},
	    [NV_ROM] = {KEY_P384, "GH100 A01 GSP BROM", "critical,CA:TRUE",
			"critical,keyCertSign"},
	    [NV_LEAF] = {KEY_P384, "GH100 A01 GSP FMC LF", NULL,
			 "critical,digitalSignature"},
	    [NV_RIM_ROOT] = {KEY_P384, "Test CoRIM signing Root CA", "critical,CA:TRUE",
			     "critical,keyCertSign,cRLSign"},
	    [NV_RIM_CA] = {KEY_P384, "Test Reference Value GH100 CA", "critical,CA:TRUE",
			   "critical,keyCertSign"},
	    [NV_RIM_L3] = {KEY_P384, "Test Reference Value L3", "critical,CA:TRUE",
			   "critical,keyCertSign"},
	    [NV_RIM_SIGNER] = {KEY_P384, "Test RIM L4 Signer", "critical,CA:FALSE",
			       "critical,digitalSignature"},
	    [NV_RESPONDER] = {KEY_P384, "Test OCSP Responder", "CA:FALSE",
			      "critical,digitalSignature", "critical,OCSPSigning"},
	};
	const uint8_t vbios[8] = {0x00, 0x9f, 0x00, 0x96, 0x01};

	*scene = (struct nvidia_scene){
	    .device_count = 1,
	    .arch = "HOPPER",
	    .chip = "GH100",
	    .reported_fwid_size = 48,
	    .block_count = NV_BLOCKS,
	    .driver = "550.90.07",
	    .nvdec = 0x55,
	    .protected_pcie = 0x55,
	    .board = 945,
	    .chain = whole_chain,
	    .driver_rim = {.version = "550.90.07",
			   .product = "GH100",
			   .edition = "GPU",
			   .active = UINT64_C(0x1ffffe00080)},
	    .vbios_rim = {.version = "96.00.9F.00.01",
			  .product = "GH100",
			  .edition = "GPU",
			  .active = UINT64_C(0x1f7f)},
	    .this_update = NV_NOW - NV_HOUR,
	    .next_update = NV_NOW + NV_DAY,
	    .now = NV_NOW,
	    .gpu = "{min-count: 1, ocsp: required}",
	    .tiers = "nvidia-gpu",
	};
	memcpy(scene->vbios, vbios, sizeof(vbios));
	memset(scene->fwid, 0xf1, sizeof(scene->fwid));
	memset(scene->reported_fwid, 0xf1, sizeof(scene->reported_fwid));
	memset(scene->said_nonce, 0x4e, sizeof(scene->said_nonce));
	memset(scene->nonces, 0x4e, sizeof(scene->nonces));
	scene->nonce = (struct tobi_bytes){scene->nonces[0], 32};
	for (size_t i = 0; i < NV_BLOCKS; i++)
		memset(scene->digests[i], (int)(i + 1), sizeof(scene->digests[i]));
	for (size_t i = 0; i < NV_PLACES; i++) {
		scene->certificates[i] = made[i];
		scene->certificates[i].not_before = NV_NOW - 30 * NV_DAY;
		scene->certificates[i].not_after = NV_NOW + 30 * NV_DAY;
		assert_int_equal(key_new(KEY_P384, &scene->certificates[i].key, NULL), 0);
	}
	assert_int_equal(key_new(KEY_P384, &scene->other_key, NULL), 0);
}

static void forget(struct nvidia_scene *scene)
{
	struct writer *const made[] = {&scene->evidence, &scene->pem, &scene->driver_xml,
				       &scene->vbios_xml};

	for (size_t i = 0; i < 4; i++) {
		wr_done(made[i]);
		*made[i] = wr_init(LIMIT_EVIDENCE);
	}
	for (size_t i = 0; i < NV_DEVICES_MAX; i++) {
		wr_done(&scene->more_pems[i]);
		scene->more_pems[i] = wr_init(LIMIT_EVIDENCE);
	}
}

void nvidia_scene_done(struct nvidia_scene *scene)
{
	forget(scene);
	for (size_t i = 0; i < NV_PLACES; i++) {
		EVP_PKEY_free(scene->certificates[i].key);
		X509_free(scene->certificates[i].certificate);
		wr_done(&scene->ocsp[i]);
	}
	EVP_PKEY_free(scene->other_key);
}

/* ---- the report ---- */

static void put_le(struct writer *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		wr_u8(out, (uint8_t)(value >> 8 * i));
}

static void put_field(struct writer *out, unsigned type, const void *bytes, size_t size)
{
	put_le(out, type, 2);
	put_le(out, size, 2);
	wr_bytes(out, bytes, size);
}

static void write_opaque(const struct nvidia_scene *scene, struct writer *out)
{
	uint8_t board[4];

	for (size_t i = 0; i < 4; i++)
		board[i] = (uint8_t)(scene->board >> 8 * i);
	if (scene->vbios_text)
		put_field(out, 6, scene->vbios_text, strlen(scene->vbios_text));
	else
		put_field(out, 6, scene->vbios, sizeof(scene->vbios));
	put_field(out, 14, board, sizeof(board));
	put_field(out, 15, "882\0\0", 5);
	put_field(out, 17, "1010", 5);
	put_field(out, 18, "0200", 5);
	if (scene->driver)
		put_field(out, 3, scene->driver, strlen(scene->driver) + 1);
	put_field(out, 11, &scene->nvdec, 1);
	if (scene->reported_fwid_size)
		put_field(out, 20, scene->reported_fwid, scene->reported_fwid_size);
	put_field(out, 21, &scene->protected_pcie, 1);
	put_field(out, 99, "new", 3);
}

static void write_record(const struct nvidia_scene *scene, struct writer *out)
{
	wr_u8(out, (uint8_t)scene->block_count);
	put_le(out, scene->block_count * 55, 3);
	for (size_t i = 0; i < scene->block_count; i++) {
		wr_u8(out, (uint8_t)(i + 1));
		wr_u8(out, 1);
		put_le(out, 51, 2);
		wr_u8(out, 1);
		put_le(out, 48, 2);
		wr_bytes(out, scene->digests[i], 48);
	}
}

/* r and s, big-endian. */
static void sign(EVP_PKEY *key, struct tobi_bytes message, uint8_t out[static 96])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[160];
	size_t size = sizeof(der);
	const uint8_t *at = der;
	ECDSA_SIG *signature;

	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha384(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, der, &size, message.ptr, message.size), 1);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 48);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 48, 48);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(md);
}

void nvidia_scene_report(const struct nvidia_scene *scene, size_t device,
			 struct writer *out)
{
	struct writer opaque = wr_init(4096), report = wr_init(LIMIT_EVIDENCE);
	uint8_t signature[96];

	wr_bytes(&report, "\x11\xe0\x01\xff", 4);
	wr_bytes(&report, scene->nonces[device], 32);
	wr_u8(&report, 0);
	wr_bytes(&report, "\x11\x60\x00\x00", 4);
	write_record(scene, &report);
	for (size_t i = 0; i < 32; i++)
		wr_u8(&report, 0xa5);
	write_opaque(scene, &opaque);
	put_le(&report, opaque.size, 2);
	wr_bytes(&report, opaque.ptr, opaque.size);
	sign(scene->by_another ? scene->other_key : scene->certificates[NV_LEAF].key,
	     wr_view(&report), signature);
	if (scene->damaged)
		report.ptr[60] ^= 1;
	wr_bytes(&report, signature, sizeof(signature));
	wr_bytes(out, report.ptr, report.size);
	wr_done(&report);
	wr_done(&opaque);
}

static void write_json(const struct nvidia_scene *scene, struct writer *out)
{
	wr_printf(out, scene->coco ? "{\"device_evidence_list\":[" : "[");
	for (size_t i = 0; i < scene->device_count; i++) {
		struct writer report = wr_init(LIMIT_EVIDENCE);
		char nonce[65];

		nvidia_scene_report(scene, i, &report);
		hex_write((struct tobi_bytes){scene->said_nonce, 32}, nonce,
			  sizeof(nonce));
		wr_printf(out, "%s{\"arch\":\"%s\",", i ? "," : "", scene->arch);
		if (scene->coco)
			wr_printf(out, "\"uuid\":\"GPU-0%zu\",", i);
		else
			wr_printf(out, "\"nonce\":\"%s\",", nonce);
		wr_printf(out, "\"evidence\":\"");
		base64_write(out, wr_view(&report));
		wr_printf(out, "\",\"certificate\":\"");
		base64_write(out, wr_view(i ? &scene->more_pems[i] : &scene->pem));
		wr_printf(out, "\"}");
		wr_done(&report);
	}
	wr_printf(out, scene->coco ? "]}" : "]");
}

/* ---- reference values ---- */

static void replace(struct writer *text, const struct nv_edit *edit)
{
	struct writer changed = wr_init(LIMIT_EVIDENCE);
	const char *at;

	if (!edit->from)
		return;
	wr_u8(text, 0);
	at = strstr((const char *)text->ptr, edit->from);
	assert_non_null(at);
	wr_bytes(&changed, text->ptr, (size_t)(at - (const char *)text->ptr));
	wr_bytes(&changed, edit->to, strlen(edit->to));
	at += strlen(edit->from);
	wr_bytes(&changed, at, strlen(at));
	wr_done(text);
	*text = changed;
}

static void write_resource(const struct nvidia_scene *scene, const struct nv_rim *rim,
			   size_t index, struct writer *out)
{
	bool active = rim->active >> index & 1;
	bool first = active && !(rim->active & ((UINT64_C(1) << index) - 1));
	uint8_t digest[48] = {0}, other[48];
	char hex[2][97];

	if (active)
		memcpy(digest, scene->digests[index], sizeof(digest));
	digest[0] ^= rim->wrong_digest && first;
	memset(other, 0xee, sizeof(other));
	hex_write((struct tobi_bytes){digest, 48}, hex[0], sizeof(hex[0]));
	hex_write((struct tobi_bytes){other, 48}, hex[1], sizeof(hex[1]));
	/* The right one of two is the second, now and then. */
	wr_printf(out, "<ns0:Resource type=\"Measurement\" index=\"%zu\" active=\"%s\" ",
		  index, active ? "True" : "False");
	if (index % 4 == 3)
		wr_printf(out, "alternatives=\"2\" ns2:Hash0=\"%s\" ns2:Hash1=\"%s\"",
			  hex[1], hex[0]);
	else
		wr_printf(out, "alternatives=\"1\" ns2:Hash0=\"%s\"", hex[0]);
	wr_printf(out, " name=\"Measurement_%zu\" size=\"48\"/>\n", index);
}

static void write_swid(const struct nvidia_scene *scene, const struct nv_rim *rim,
		       struct writer *out)
{
	wr_printf(out,
		  "<SoftwareIdentity "
		  "xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" "
		  "xmlns:ns0=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" "
		  "xmlns:ns2=\"http://www.w3.org/2001/04/xmlenc#sha384\" name=\"%s\" "
		  "tagId=\"t\" version=\"1.0\" tagVersion=\"0\">\n"
		  "<ns0:Meta colloquialVersion=\"%s\" edition=\"%s\" product=\"%s\"/>\n"
		  "<ns0:Payload>\n",
		  rim->product, rim->version, rim->edition, rim->product);
	for (size_t i = 0; i < NV_BLOCKS; i++)
		write_resource(scene, rim, i, out);
	wr_printf(out, "</ns0:Payload>" NV_SIGNATURE "</SoftwareIdentity>");
}

void nvidia_scene_rim(const struct nvidia_scene *scene, const struct nv_rim *rim,
		      struct writer *out)
{
	X509 *const chain[] = {scene->certificates[NV_RIM_SIGNER].certificate,
			       scene->certificates[NV_RIM_L3].certificate,
			       scene->certificates[NV_RIM_CA].certificate,
			       scene->certificates[NV_RIM_ROOT].certificate};
	struct writer text = wr_init(LIMIT_EVIDENCE), made = wr_init(LIMIT_EVIDENCE);

	write_swid(scene, rim, &text);
	replace(&text, &rim->before);
	wr_u8(&text, 0);
	nvidia_xml_sign((const char *)text.ptr,
			rim->by_another ? scene->other_key
					: scene->certificates[NV_RIM_SIGNER].key,
			chain, rim->short_chain ? 2 : 4, &made);
	replace(&made, &rim->after);
	wr_bytes(out, made.ptr, made.size);
	wr_done(&text);
	wr_done(&made);
}

/* ---- all of it ---- */

static void write_chain(struct nvidia_scene *scene, struct writer *out)
{
	for (const int *at = scene->chain; *at >= 0; at++) {
		unsigned char *der = NULL;
		int size = i2d_X509(scene->certificates[*at].certificate, &der);

		assert_int_equal(
		    chain_write_pem((struct tobi_bytes){der, (size_t)size}, out, NULL),
		    0);
		OPENSSL_free(der);
	}
}

void nvidia_scene_make(struct nvidia_scene *scene)
{
	forget(scene);
	nvidia_scene_certificates(scene);
	nvidia_scene_answers(scene);
	/* The first one's is made last, and stays. */
	for (size_t i = NV_DEVICES_MAX; i-- > 0;) {
		nvidia_scene_leaf(scene, i);
		write_chain(scene, i ? &scene->more_pems[i] : &scene->pem);
	}
	if (scene->json || scene->coco)
		write_json(scene, &scene->evidence);
	else
		nvidia_scene_report(scene, 0, &scene->evidence);
	if (!scene->driver_rim.absent)
		nvidia_scene_rim(scene, &scene->driver_rim, &scene->driver_xml);
	if (!scene->vbios_rim.absent)
		nvidia_scene_rim(scene, &scene->vbios_rim, &scene->vbios_xml);
}

size_t nvidia_scene_pieces(const struct nvidia_scene *scene,
			   struct tobi_bytes pieces[static NV_PIECES])
{
	const struct writer *const made[] = {&scene->driver_xml, &scene->vbios_xml};
	size_t count = 0;

	if (!scene->json && !scene->coco && scene->pem.size)
		pieces[count++] = wr_view(&scene->pem);
	for (size_t i = 1; i < scene->device_count && !scene->json && !scene->coco; i++)
		pieces[count++] = wr_view(&scene->more_pems[i]);
	for (size_t i = 0; i < 2; i++) {
		if (made[i]->size)
			pieces[count++] = wr_view(made[i]);
	}
	for (size_t i = 0; i < NV_PLACES; i++) {
		if (scene->ocsp[i].size)
			pieces[count++] = wr_view(&scene->ocsp[i]);
	}
	return count;
}

static void write_root(const struct nvidia_scene *scene, enum nv_place place,
		       const char *tier, struct writer *out)
{
	struct writer pem = wr_init(LIMIT_PEM);
	unsigned char *der = NULL;
	int size = i2d_X509(scene->certificates[place].certificate, &der);

	assert_int_equal(
	    chain_write_pem((struct tobi_bytes){der, (size_t)size}, &pem, NULL), 0);
	OPENSSL_free(der);
	wr_u8(&pem, 0);
	wr_printf(out, "  - tier: %s\n    anchors: |\n", tier);
	for (const char *at = (const char *)pem.ptr; *at;) {
		size_t line = strcspn(at, "\n");

		wr_printf(out, "      %.*s\n", (int)line, at);
		at += line + (at[line] != 0);
	}
	wr_done(&pem);
}

void nvidia_scene_roots(const struct nvidia_scene *scene, struct writer *out)
{
	write_root(scene, NV_ROOT, "nvidia-gpu", out);
	write_root(scene, NV_RIM_ROOT, "nvidia-rim", out);
}

void nvidia_scene_policy(const struct nvidia_scene *scene, struct writer *out)
{
	wr_printf(out,
		  "version: 1\nname: nvidia scene\ntiers: [%s]\n"
		  "identity: {mode: any-instance}\n%s%s%s%s%s%s%s",
		  scene->tiers, scene->allow ? "allow: [" : "",
		  scene->allow ? scene->allow : "", scene->allow ? "]\n" : "",
		  scene->gpu ? "gpu: " : "", scene->gpu ? scene->gpu : "",
		  scene->gpu ? "\n" : "", scene->more ? scene->more : "");
	if (!scene->vendors_roots) {
		wr_printf(out, "roots:\n");
		nvidia_scene_roots(scene, out);
	}
	assert_int_equal(wr_err(out), 0);
}

enum tobi_err nvidia_scene_try(struct nvidia_scene *scene,
			       struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct tobi_bytes pieces[NV_PIECES];
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_verify_request request = {.nonce = scene->nonce, .time = scene->now};
	struct tobi_policy *policy = NULL;
	enum tobi_err err;

	*ret_result = NULL;
	nvidia_scene_make(scene);
	nvidia_scene_policy(scene, &yaml);
	request.evidence = wr_view(&scene->evidence);
	request.pieces = pieces;
	request.piece_count = nvidia_scene_pieces(scene, pieces);
	err = tobi_policy_parse(wr_view(&yaml), "nvidia.yaml", &policy, fault);
	if (!err)
		err = tobi_verify(policy, &request, ret_result, fault);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

struct tobi_result *nvidia_scene_appraise(struct nvidia_scene *scene)
{
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	if (nvidia_scene_try(scene, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	return result;
}
