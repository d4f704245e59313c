#include "tests/dcap_scene.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/endian.h"
#include "base/secret.h"

enum { TEE_TDX = 0x81 };

/* Also for programs without cmocka. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

static const uint8_t intel_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static struct dcap_scene_certificate
certificate_of(const char *name, const char *issuer_name, enum dcap_scene_key key,
	       enum dcap_scene_key issuer_key, int pathlen)
{
	return (struct dcap_scene_certificate){
	    .name = name,
	    .issuer_name = issuer_name,
	    .key = key,
	    .issuer_key = issuer_key,
	    .not_before = DCAP_NOW - 100 * DCAP_DAY,
	    .not_after = DCAP_NOW + 100 * DCAP_DAY,
	    .serial = 1000 + (long)key,
	    .ca = pathlen >= 0,
	    .pathlen = pathlen,
	    .version = X509_VERSION_3,
	};
}

static void make_pck(struct dcap_pck *pck)
{
	*pck = (struct dcap_pck){
	    .ppid = {0xa1, 0xa2},
	    .components = {5, 5, 2, 4, 1, 0x80, 0, 3, 0, 0, 0, 0, 0, 0, 0, 255},
	    .pcesvn = 0x8011,
	    .cpusvn = {5, 5, 2, 4, 1, 0x80, 0, 3},
	    .fmspc = {0x00, 0x90, 0x6e, 0xa1, 0x00, 0x00},
	    .platform = DCAP_SCALABLE,
	    .has_instance = true,
	    .instance = {0xb1, 0xb2},
	    .has_configuration = true,
	    .cached_keys = true,
	    .smt = true,
	};
}

/* Reports of SGX: flags INITTED and MODE64BIT, xfrm 7. */
static void make_report(uint8_t report[static 384], uint8_t signer, unsigned product,
			unsigned svn)
{
	store_le(report, 16, 0x0404);
	store_le(report + 48, 8, 0x05);
	store_le(report + 56, 8, 0x07);
	memset(report + 64, 0xe0, 32);
	memset(report + 128, signer, 32);
	store_le(report + 256, 2, product);
	store_le(report + 258, 2, svn);
}

/* MRTD and all that must not be zero. */
static void make_td(uint8_t body[static DCAP_TD15_SIZE], enum dcap_body kind)
{
	memset(body, 3, 16);			/* TEE_TCB_SVN */
	memset(body + 1, kind != DCAP_TD10, 1); /* the module's version */
	store_le(body + 120, 8, UINT64_C(1) << 28);
	store_le(body + 128, 8, 0xe7);
	memset(body + 136, 0xd0, 48);
	for (unsigned i = 0; i < 4; i++)
		memset(body + 328 + 48 * i, (int)(0xc0 + i), 48);
	memset(body + 520, 0x5a, 64);
	if (kind == DCAP_TD15)
		bytes_copy(body + 584, 16, body, 16); /* TEE_TCB_SVN_2 */
}

void dcap_scene_kind(struct dcap_scene *scene, unsigned version, enum dcap_body kind)
{
	bool tdx = kind != DCAP_SGX;

	scene->version = version;
	scene->body_kind = kind;
	scene->tee = tdx ? TEE_TDX : 0;
	memset(scene->body, 0, sizeof(scene->body));
	memset(scene->qe_report, 0, sizeof(scene->qe_report));
	make_report(scene->qe_report, tdx ? 0xdc : 0x8c, tdx ? 2 : 1, 8);
	store_le(scene->qe_report + 48, 8, 0x15);
	if (tdx) {
		make_td(scene->body, kind);
		return;
	}
	make_report(scene->body, 0xf0, 7, 3);
	memset(scene->body + 320, 0x5a, 64);
}

void dcap_scene_make(struct dcap_scene *scene)
{
	*scene = (struct dcap_scene){
	    .key_type = 2,
	    .qe_auth_size = 32,
	    .certification = DCAP_PCK_CHAIN,
	    .outer = DCAP_QE_REPORT,
	    .chain = {DCAP_PCK, DCAP_CA, DCAP_ROOT},
	    .chain_count = 3,
	    .nul = 1,
	    .qe_signer = DCAP_KEY_PCK,
	    .signer = DCAP_KEY_ATTESTATION,
	};
	scene->certificates[DCAP_ROOT] = certificate_of(
	    "Intel SGX Root CA", "Intel SGX Root CA", DCAP_KEY_ROOT, DCAP_KEY_ROOT, 1);
	scene->certificates[DCAP_CA] =
	    certificate_of("Intel SGX PCK Platform CA", "Intel SGX Root CA", DCAP_KEY_CA,
			   DCAP_KEY_ROOT, 0);
	scene->certificates[DCAP_PCK] =
	    certificate_of("Intel SGX PCK Certificate", "Intel SGX PCK Platform CA",
			   DCAP_KEY_PCK, DCAP_KEY_CA, -1);
	scene->certificates[DCAP_PCK].sgx_extensions = 1;
	scene->certificates[DCAP_TCB_SIGNER] =
	    certificate_of("Intel SGX TCB Signing", "Intel SGX Root CA",
			   DCAP_KEY_TCB_SIGNER, DCAP_KEY_ROOT, -1);
	scene->root_crl = (struct dcap_scene_crl){
	    .issuer_name = "Intel SGX Root CA",
	    .issuer_key = DCAP_KEY_ROOT,
	    .this_update = DCAP_NOW - 10 * DCAP_DAY,
	    .next_update = DCAP_NOW + 20 * DCAP_DAY,
	    .number = 1,
	};
	scene->pck_crl = scene->root_crl;
	scene->pck_crl.issuer_name = "Intel SGX PCK Platform CA";
	scene->pck_crl.issuer_key = DCAP_KEY_CA;
	make_pck(&scene->pck);
	memset(scene->qe_auth, 0x11, sizeof(scene->qe_auth));
	bytes_copy(scene->vendor, sizeof(scene->vendor), intel_vendor, 16);
	dcap_scene_kind(scene, 3, DCAP_SGX);
}

void dcap_scene_processor(struct dcap_scene *scene)
{
	scene->certificates[DCAP_CA].name = "Intel SGX PCK Processor CA";
	scene->certificates[DCAP_PCK].issuer_name = "Intel SGX PCK Processor CA";
	scene->pck_crl.issuer_name = "Intel SGX PCK Processor CA";
	scene->pck.has_instance = scene->pck.has_configuration = false;
}

/* ---- collateral ---- */

void dcap_scene_put_crls(const struct dcap_scene *scene, struct tobi_collateral *set)
{
	const bool platform = strstr(scene->pck_crl.issuer_name, "Processor") == NULL;
	struct writer root = wr_init(LIMIT_CRL), pck = wr_init(LIMIT_CRL);

	dcap_scene_list(&scene->root_crl, &root);
	dcap_scene_list(&scene->pck_crl, &pck);
	if (!scene->root_crl.absent) {
		const struct collateral_item item = {.kind = COLLATERAL_INTEL_ROOT_CRL,
						     .name = "",
						     .data = wr_view(&root)};

		must(!collateral_put(set, &item, NULL));
	}
	if (!scene->pck_crl.absent) {
		const struct collateral_item item = {.kind = COLLATERAL_PCK_CRL,
						     .name = platform ? "platform"
								      : "processor",
						     .data = wr_view(&pck)};

		must(!collateral_put(set, &item, NULL));
	}
	wr_done(&root);
	wr_done(&pck);
}

struct key_pins dcap_scene_pins(void)
{
	struct key_pins pins = {.count = 1};
	EVP_PKEY *key = dcap_scene_key(DCAP_KEY_ROOT, false);

	must(!key_spki_sha256(key, pins.keys[0], NULL));
	EVP_PKEY_free(key);
	return pins;
}

/* ---- the quote ---- */

static size_t body_size(enum dcap_body kind)
{
	return kind == DCAP_SGX	   ? 384
	       : kind == DCAP_TD10 ? DCAP_TD10_SIZE
				   : DCAP_TD15_SIZE;
}

static void write_signed(const struct dcap_scene *scene, struct writer *out)
{
	static const uint8_t qeid[20] = {0x77};

	wr_u8(out, (uint8_t)scene->version);
	wr_u8(out, 0);
	wr_u8(out, (uint8_t)scene->key_type);
	wr_u8(out, 0);
	wr_u8(out, (uint8_t)scene->tee);
	wr_bytes(out, "\0\0\0", 3);
	wr_bytes(out, scene->version == 3 ? "\x08\0\x11\0" : "\0\0\0\0", 4);
	wr_bytes(out, scene->vendor, sizeof(scene->vendor));
	wr_bytes(out, qeid, sizeof(qeid));
	if (scene->version == 5) {
		uint8_t head[6];

		store_le(head, 2, scene->body_kind);
		store_le(head + 2, 4, body_size(scene->body_kind));
		wr_bytes(out, head, sizeof(head));
	}
	wr_bytes(out, scene->body, body_size(scene->body_kind));
}

static void write_key(const struct dcap_scene *scene, struct writer *out)
{
	EVP_PKEY *key = dcap_scene_key(DCAP_KEY_ATTESTATION, false);
	uint8_t point[65];
	size_t size = 0;

	must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					     point, sizeof(point), &size) == 1 &&
	     size == sizeof(point));
	point[64] ^= scene->bad_point;
	wr_bytes(out, point + 1, 64);
	EVP_PKEY_free(key);
}

static void write_chain(const struct dcap_scene *scene, struct writer *out)
{
	for (size_t i = 0; i < scene->chain_count; i++) {
		if (i && scene->between)
			wr_bytes(out, scene->between, strlen(scene->between));
		dcap_scene_pem(scene, scene->chain[i], out);
	}
	if (scene->after)
		wr_bytes(out, scene->after, strlen(scene->after));
	for (size_t i = 0; i < scene->nul; i++)
		wr_u8(out, 0);
}

/* Types 1 to 3: the name of the certificate. */
static void write_name(const struct dcap_scene *scene, struct writer *out)
{
	static const uint8_t encrypted[384 - 16] = {0x99};
	uint8_t pcesvn[2];

	wr_bytes(out, scene->pck.ppid, 16);
	wr_bytes(out, encrypted,
		 scene->certification == 1   ? 0
		 : scene->certification == 2 ? 256 - 16
					     : 384 - 16);
	wr_bytes(out, scene->pck.cpusvn, 16);
	store_le(pcesvn, 2, scene->pck.pcesvn);
	wr_bytes(out, pcesvn, 2);
	wr_bytes(out, scene->pck.pce_id, 2);
}

static void write_sized(struct writer *out, unsigned type, struct tobi_bytes data)
{
	uint8_t head[6];

	store_le(head, 2, type);
	store_le(head + 2, 4, data.size);
	wr_bytes(out, head, sizeof(head));
	wr_bytes(out, data.ptr, data.size);
}

static void write_certification(const struct dcap_scene *scene, struct writer *out)
{
	struct writer data = wr_init(LIMIT_PEM);

	switch (scene->certification) {
	case 1:
	case 2:
	case 3:
		write_name(scene, &data);
		break;
	case 4:
		dcap_scene_pem(scene, DCAP_PCK, &data);
		break;
	case 5:
		write_chain(scene, &data);
		break;
	default:
		wr_bytes(&data, "manifest", 8);
	}
	write_sized(out, scene->certification, wr_view(&data));
	wr_done(&data);
}

/* The quoting enclave's report over the key, its signature, and what certifies that. */
static void write_enclave(const struct dcap_scene *scene, struct tobi_bytes key,
			  struct writer *out)
{
	struct writer both = wr_init(256);
	uint8_t report[384], signature[64], size[2];

	bytes_copy(report, sizeof(report), scene->qe_report, 384);
	wr_bytes(&both, key.ptr, key.size);
	wr_bytes(&both, scene->qe_auth, scene->qe_auth_size);
	if (!scene->keep_report_data)
		must(!hash_sha256(wr_view(&both), report + 320));
	dcap_scene_sign(scene->qe_signer, (struct tobi_bytes){report, 384}, signature);
	signature[63] ^= scene->damage_qe_signature;
	store_le(size, 2, scene->qe_auth_size);
	wr_bytes(out, report, 384);
	wr_bytes(out, signature, 64);
	wr_bytes(out, size, 2);
	wr_bytes(out, scene->qe_auth, scene->qe_auth_size);
	write_certification(scene, out);
	wr_done(&both);
}

void dcap_scene_quote(const struct dcap_scene *scene, struct writer *out)
{
	struct writer head = wr_init(1024), key = wr_init(64);
	struct writer enclave = wr_init(LIMIT_PEM), data = wr_init(LIMIT_PEM);
	uint8_t signature[64], size[4];

	write_signed(scene, &head);
	write_key(scene, &key);
	write_enclave(scene, wr_view(&key), &enclave);
	dcap_scene_sign(scene->signer, wr_view(&head), signature);
	signature[63] ^= scene->damage_signature;
	wr_bytes(&data, signature, 64);
	wr_bytes(&data, key.ptr, key.size);
	if (scene->version == 3)
		wr_bytes(&data, enclave.ptr, enclave.size);
	else
		write_sized(&data, scene->outer, wr_view(&enclave));
	store_le(size, 4, data.size);
	wr_bytes(out, head.ptr, head.size);
	wr_bytes(out, size, 4);
	wr_bytes(out, data.ptr, data.size);
	wr_bytes(out, scene->padding.ptr, scene->padding.size);
	must(!wr_err(out) && !wr_err(&data));
	wr_done(&head);
	wr_done(&key);
	wr_done(&enclave);
	wr_done(&data);
}
