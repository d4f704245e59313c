#include "tests/azure_scene.h"

#include <stdio.h>

#include <openssl/rsa.h>

#include "base/endian.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/cbor.h"
#include "tee/tpm_structs.h"
#include "tests/bytes.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

enum {
	REPORT_DATA = 0x50, /* of SEV-SNP */
	VMPL_AT = 0x30,
	TD_REPORT_DATA = 520, /* of a quote's body */
	TD_INFO = 120,
	TD_INFO_SIZE = 400,
	HARDWARE_SIZE = 1184,
	HEAD_SIZE = 1236,
	ALL_PCRS = 0xffffff,
};

static EVP_PKEY *ak, *other, *weak;

static EVP_PKEY *key_of(EVP_PKEY **key, unsigned bits)
{
	if (!*key)
		*key = EVP_RSA_gen(bits);
	assert_non_null(*key);
	return *key;
}

static EVP_PKEY *named_key(const struct azure_scene *scene)
{
	return scene->key_bits ? key_of(&weak, scene->key_bits) : key_of(&ak, 2048);
}

void azure_scene_make(struct azure_scene *scene, bool tdx)
{
	static const uint8_t challenge[] = "a nonce of somebody";

	*scene = (struct azure_scene){
	    .tdx = tdx,
	    .version = 2,
	    .request = 2,
	    .data_version = 1,
	    .report_type = tdx ? 4 : 2,
	    .hash_type = 1,
	    .kid = "HCLAkPub",
	    .kty = "RSA",
	    .exponent = "AQAB",
	    .configuration = "{\"secure-boot\":true,\"console-enabled\":false,"
			     "\"vmUniqueId\":\"69047F12-7AD4-4970-9B31-1157DC14DE07\","
			     "\"root-cert-thumbprint\":\"thumb\"}",
	    .user_data =
		"\"0102030405060708090a0b0c0d0e0f10"
		"0000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000\"",
	    .magic = TPM_GENERATED,
	    .type = TPM_ATTEST_QUOTE,
	    .extra = {challenge, sizeof(challenge) - 1},
	    .values = AZURE_SCENE_PCRS,
	    .member = "",
	    .lines = "",
	    .nonce = {challenge, sizeof(challenge) - 1}};
	snp_scene_make(&scene->snp);
	tdx_run_init(&scene->td);
	for (unsigned i = 0; i < AZURE_SCENE_PCRS; i++)
		memset(scene->pcrs[i], (int)(0x40 + i), sizeof(scene->pcrs[i]));
}

void azure_scene_done(struct azure_scene *scene)
{
	snp_scene_done(&scene->snp);
	tdx_run_done(&scene->td);
	for (size_t i = 0; i < AZURE_SCENE_PIECES; i++)
		wr_done(&scene->files[i]);
}

/* ---- the paravisor's report ---- */

static void write_key(const struct azure_scene *scene, struct writer *out)
{
	BIGNUM *n = NULL;
	uint8_t modulus[512];
	int size;

	assert_int_equal(EVP_PKEY_get_bn_param(named_key(scene), "n", &n), 1);
	size = BN_bn2bin(n, modulus);
	wr_printf(
	    out,
	    "{\"kid\":\"%s\",\"key_ops\":[\"sign\"],\"kty\":\"%s\",\"e\":\"%s\",\"n\":\"",
	    scene->kid, scene->kty, scene->exponent);
	base64url_write(out, (struct tobi_bytes){modulus, (size_t)size});
	wr_printf(out, "\"}");
	BN_free(n);
}

static void write_data(const struct azure_scene *scene, struct writer *out)
{
	if (scene->data) {
		wr_printf(out, "%s", scene->data);
		return;
	}
	wr_printf(out, "{\"keys\":[");
	write_key(scene, out);
	if (scene->twice) {
		wr_printf(out, ",");
		write_key(scene, out);
	}
	wr_printf(out, "]");
	if (scene->configuration)
		wr_printf(out, ",\"vm-configuration\":%s", scene->configuration);
	if (scene->user_data)
		wr_printf(out, ",\"user-data\":%s", scene->user_data);
	wr_printf(out, "}");
}

/* The hardware's report becomes one for the data. */
static void bind(struct azure_scene *scene, struct tobi_bytes data)
{
	uint8_t *report_data = scene->tdx ? scene->td.scene.body + TD_REPORT_DATA
					  : scene->snp.report + REPORT_DATA;

	memset(report_data, 0, 64);
	assert_int_equal(hash_sha256(data, report_data), 0);
	report_data[63] ^= scene->other_report_data;
}

/* TDREPORT_STRUCT; its MAC is the machine's own affair. */
static void write_td_report(const struct azure_scene *scene, struct writer *out)
{
	const uint8_t *body = scene->td.scene.body;
	uint8_t report[HARDWARE_SIZE] = {0x81};

	memcpy(report + 128, body + TD_REPORT_DATA, 64);
	memcpy(report + 512, body + TD_INFO, TD_INFO_SIZE);
	report[512 + 16] ^= scene->other_td;
	memset(report + 224, 0xaa, 32);
	wr_bytes(out, report, sizeof(report));
}

static void put_u32(struct writer *out, uint32_t value)
{
	uint8_t bytes[4];

	store_le(bytes, 4, value);
	wr_bytes(out, bytes, sizeof(bytes));
}

void azure_scene_hcl(struct azure_scene *scene, struct writer *out)
{
	static const uint8_t zeros[64];
	struct writer data = wr_init(LIMIT_JSON);
	const uint8_t reserved[12] = {[5] = scene->reserved};
	size_t start = out->size;

	write_data(scene, &data);
	bind(scene, wr_view(&data));
	wr_printf(out, "HCLA");
	put_u32(out, scene->version);
	put_u32(out, (uint32_t)((int)(HEAD_SIZE + data.size) + scene->report_size_off));
	put_u32(out, scene->request);
	put_u32(out, scene->status);
	wr_bytes(out, reserved, sizeof(reserved));
	if (scene->tdx)
		write_td_report(scene, out);
	else
		snp_scene_report(&scene->snp, out);
	put_u32(out, (uint32_t)((int)(20 + data.size) + scene->data_size_off));
	put_u32(out, scene->data_version);
	put_u32(out, scene->report_type);
	put_u32(out, scene->hash_type);
	put_u32(out, (uint32_t)data.size);
	assert_int_equal(out->size - start, HEAD_SIZE);
	wr_bytes(out, data.ptr, data.size);
	/* The configuration's first letter: the JSON stays one. */
	if (scene->change_data)
		out->ptr[out->size - 4] = out->ptr[out->size - 4] == '0' ? '1' : '0';
	wr_bytes(out, zeros, sizeof(zeros));
	wr_bytes(out, scene->behind.ptr, scene->behind.size);
	wr_done(&data);
}

/* ---- the quote ---- */

static void put_be(struct writer *out, size_t size, uint64_t value)
{
	uint8_t bytes[8];

	store_be(bytes, size, value);
	wr_bytes(out, bytes, size);
}

static void write_message(const struct azure_scene *scene, struct writer *out)
{
	uint8_t digest[SHA256_SIZE];

	put_be(out, 4, scene->magic);
	put_be(out, 2, scene->type);
	put_be(out, 2, 0);
	put_be(out, 2, scene->extra.size);
	wr_bytes(out, scene->extra.ptr, scene->extra.size);
	put_be(out, 8, 1000);
	put_be(out, 4, 3);
	put_be(out, 4, 0);
	put_be(out, 1, 1);
	put_be(out, 8, 0x2020031200120003);
	put_be(out, 4, 1);
	put_be(out, 2, TPM_ALG_SHA256);
	put_be(out, 1, 3);
	put_be(out, 3, ALL_PCRS);
	assert_int_equal(
	    hash_sha256((struct tobi_bytes){scene->pcrs[0], sizeof(scene->pcrs)}, digest),
	    0);
	put_be(out, 2, sizeof(digest));
	wr_bytes(out, digest, sizeof(digest));
}

static void write_signature(const struct azure_scene *scene, struct tobi_bytes message,
			    struct writer *out)
{
	EVP_PKEY *key = scene->other_signer ? key_of(&other, 2048) : named_key(scene);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t signature[512];
	size_t size = sizeof(signature);

	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, signature, &size, message.ptr, message.size),
			 1);
	signature[size - 1] ^= scene->damage_signature;
	wr_bytes(out, signature, size);
	EVP_MD_CTX_free(md);
}

static void write_value(const struct azure_scene *scene, unsigned index, uint8_t *out)
{
	memcpy(out, scene->pcrs[index], 32);
	out[7] ^= scene->change_value && index == 4;
}

/* ---- the forms ---- */

static void put_bytes(struct writer *out, const char *name, struct tobi_bytes bytes,
		      bool numbers, bool hex)
{
	wr_printf(out, "%s", name);
	if (!numbers)
		wr_printf(out, "\"");
	else
		wr_printf(out, "[");
	for (size_t i = 0; i < bytes.size && (numbers || hex); i++)
		wr_printf(out, numbers ? i ? ",%u" : "%u" : "%02x", bytes.ptr[i]);
	if (!numbers && !hex)
		base64url_write(out, bytes);
	wr_printf(out, numbers ? "]" : "\"");
}

static void write_quote(struct azure_scene *scene, struct tobi_bytes message,
			struct tobi_bytes signature, struct writer *out)
{
	bool numbers = scene->form == AZURE_NUMBERS;

	wr_printf(out, "\"%s\":{", numbers ? "quote" : "tpm_quote");
	put_bytes(out, "\"message\":", message, numbers, true);
	put_bytes(out, ",\"signature\":", signature, numbers, true);
	wr_printf(out, ",\"pcrs\":[");
	for (unsigned i = 0; i < scene->values; i++) {
		uint8_t value[32];

		write_value(scene, i, value);
		put_bytes(out, i ? "," : "", (struct tobi_bytes){value, 32}, numbers,
			  true);
	}
	wr_printf(out, "]}");
}

/* The leaf is in it, the other certificates come beside it. */
static void write_leaf(struct azure_scene *scene, struct writer *out)
{
	struct tobi_bytes leaf = scene->snp.pieces[0];
	struct writer pem = wr_init(LIMIT_PEM);

	if (scene->form == AZURE_JSON) {
		put_bytes(out, ",\"vcek\":", leaf, false, false);
	} else {
		assert_int_equal(chain_write_pem(leaf, &pem, NULL), 0);
		wr_printf(out, ",\"vcek\":\"");
		for (size_t i = 0; i < pem.size; i++)
			wr_printf(out, pem.ptr[i] == '\n' ? "\\n" : "%c", pem.ptr[i]);
		wr_printf(out, "\"");
	}
	wr_done(&pem);
}

static void write_json(struct azure_scene *scene, struct tobi_bytes hcl,
		       struct tobi_bytes message, struct tobi_bytes signature,
		       struct tobi_bytes td_quote, struct writer *out)
{
	bool numbers = scene->form == AZURE_NUMBERS;

	wr_printf(out, "{%s%s", numbers ? "" : "\"version\":1,", scene->member);
	write_quote(scene, message, signature, out);
	put_bytes(out, numbers ? ",\"report\":" : ",\"hcl_report\":", hcl, numbers,
		  false);
	if (scene->tdx)
		put_bytes(out, ",\"td_quote\":", td_quote, numbers, false);
	else if (!scene->snp.without_leaf)
		write_leaf(scene, out);
	wr_printf(out, "}\n");
}

static struct writer *next_file(struct azure_scene *scene)
{
	struct writer *file = &scene->files[scene->piece_count];

	assert_true(scene->piece_count < AZURE_SCENE_PIECES);
	wr_done(file);
	*file = wr_init(LIMIT_EVIDENCE);
	return file;
}

static void add_piece(struct azure_scene *scene, struct tobi_bytes bytes)
{
	wr_bytes(next_file(scene), bytes.ptr, bytes.size);
	scene->pieces[scene->piece_count] = wr_view(&scene->files[scene->piece_count]);
	scene->piece_count++;
}

static void add_values(struct azure_scene *scene, struct writer *out)
{
	for (unsigned i = 0; i < scene->values; i++) {
		uint8_t value[32];

		write_value(scene, i, value);
		wr_bytes(out, value, sizeof(value));
	}
}

static void add_quote(struct azure_scene *scene, struct tobi_bytes message,
		      struct tobi_bytes signature)
{
	struct writer piece = wr_init(LIMIT_EVIDENCE);
	uint8_t size[8];

	if (scene->form == AZURE_FILES) {
		add_piece(scene, message);
		add_piece(scene, signature);
		add_values(scene, &piece);
	} else {
		store_le(size, 8, signature.size);
		wr_bytes(&piece, size, 8);
		wr_bytes(&piece, signature.ptr, signature.size);
		store_le(size, 8, message.size);
		wr_bytes(&piece, size, 8);
		wr_bytes(&piece, message.ptr, message.size);
		store_le(size, 8, scene->values);
		wr_bytes(&piece, size, 8);
		add_values(scene, &piece);
	}
	add_piece(scene, wr_view(&piece));
	wr_done(&piece);
}

static void write_plain(struct azure_scene *scene, struct writer *out)
{
	struct writer hcl = wr_init(LIMIT_EVIDENCE), message = wr_init(1024),
		      signature = wr_init(1024), td_quote = wr_init(LIMIT_EVIDENCE);
	bool json = scene->form == AZURE_JSON || scene->form == AZURE_NUMBERS;

	scene->piece_count = scene->own_pieces;
	azure_scene_hcl(scene, &hcl);
	write_message(scene, &message);
	write_signature(scene, wr_view(&message), &signature);
	if (scene->tdx)
		dcap_scene_quote(&scene->td.scene, &td_quote);
	else
		snp_scene_pieces(&scene->snp);
	for (size_t i = json && !scene->snp.without_leaf;
	     !scene->tdx && i < scene->snp.piece_count; i++)
		add_piece(scene, scene->snp.pieces[i]);
	if (json) {
		write_json(scene, wr_view(&hcl), wr_view(&message), wr_view(&signature),
			   wr_view(&td_quote), out);
	} else {
		wr_bytes(out, hcl.ptr, hcl.size);
		if (!scene->no_quote)
			add_quote(scene, wr_view(&message), wr_view(&signature));
		if (scene->tdx)
			add_piece(scene, wr_view(&td_quote));
	}
	wr_done(&hcl);
	wr_done(&message);
	wr_done(&signature);
	wr_done(&td_quote);
}

static void write_collection(struct azure_scene *scene, struct writer *out)
{
	static const uint8_t key[32] = {7};
	struct writer claims = wr_init(1024), evidence = wr_init(LIMIT_EVIDENCE),
		      endorsed = wr_init(LIMIT_CMW);
	uint8_t extra[SHA256_SIZE];
	struct tobi_bytes before = scene->extra;
	struct cmw_record records[3] = {
	    {.key = text_bytes("cpu"),
	     .media_type = text_bytes(scene->tdx ? "application/vnd.tobichi.azure-tdx"
						 : "application/vnd.tobichi.azure-snp"),
	     .indicator = CMW_EVIDENCE},
	    {.key = text_bytes("claims"),
	     .media_type = text_bytes(CMW_TYPE_CLAIMS),
	     .indicator = CMW_EVIDENCE},
	    {.key = text_bytes("endorse"),
	     .media_type = text_bytes(CMW_TYPE_CHAIN),
	     .indicator = CMW_ENDORSEMENT}};

	claims_buffer_write(&claims, scene->nonce, key, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	assert_int_equal(hash_sha256(wr_view(&claims), extra), 0);
	extra[0] ^= scene->other_claims;
	scene->extra = (struct tobi_bytes){extra, sizeof(extra)};
	write_plain(scene, &evidence);
	scene->extra = before;
	records[0].value = wr_view(&evidence);
	records[1].value = wr_view(&claims);
	cbor_write_array(&endorsed, scene->piece_count);
	for (size_t i = 0; i < scene->piece_count; i++)
		cbor_write_bytes(&endorsed, scene->pieces[i]);
	records[2].value = wr_view(&endorsed);
	cmw_write(out, records, scene->piece_count ? 3 : 2);
	scene->piece_count = 0;
	wr_done(&endorsed);
	wr_done(&claims);
	wr_done(&evidence);
}

void azure_scene_evidence(struct azure_scene *scene, struct writer *out)
{
	if (scene->in_collection)
		write_collection(scene, out);
	else
		write_plain(scene, out);
	assert_int_equal(wr_err(out), 0);
}

/* ---- the policy ---- */

static void write_root(const struct azure_scene *scene, struct writer *out)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);

	if (scene->tdx) {
		dcap_scene_pem(&scene->td.scene, DCAP_ROOT, &pem);
	} else {
		snp_scene_ark(&scene->snp, &der);
		assert_int_equal(chain_write_pem(wr_view(&der), &pem, NULL), 0);
	}
	wr_printf(out, "roots:\n  - tier: %s\n    anchors: |\n      ",
		  scene->tdx ? "azure-tdx" : "azure-snp");
	for (size_t i = 0; i < pem.size; i++) {
		wr_u8(out, pem.ptr[i]);
		if (pem.ptr[i] == '\n' && i + 1 < pem.size)
			wr_printf(out, "      ");
	}
	wr_done(&der);
	wr_done(&pem);
}

void azure_scene_policy(const struct azure_scene *scene, struct writer *out)
{
	const struct tobi_bytes image =
	    scene->tdx ? (struct tobi_bytes){scene->td.scene.body + 136, 48}
		       : (struct tobi_bytes){scene->snp.report + 0x90, 48};
	char hex[97];

	hex_write(image, hex, sizeof(hex));
	wr_printf(
	    out,
	    "version: 1\ntiers: [%s]\nimages: [%s]\nidentity:\n  mode: any-instance\n%s",
	    scene->tdx ? "azure-tdx" : "azure-snp", hex, scene->lines);
	if (!scene->no_roots)
		write_root(scene, out);
}

struct key_pins azure_scene_pins(const struct azure_scene *scene)
{
	struct key_pins pins = {.count = 1};

	if (scene->tdx)
		return dcap_scene_pins();
	assert_int_equal(
	    key_spki_sha256(snp_scene_key(&scene->snp, SNP_ARK), pins.keys[0], NULL), 0);
	return pins;
}

struct tobi_result *azure_scene_verify(struct azure_scene *scene, enum tobi_err *ret_err)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_CMW);
	struct tobi_collateral *set = tobi_collateral_new();
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_verify_request request;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	azure_scene_evidence(scene, &evidence);
	azure_scene_policy(scene, &yaml);
	err = tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault);
	if (err)
		fail_msg("policy: %s: %s", fault.field, fault.message);
	if (scene->tdx)
		dcap_test_put(&scene->td.scene, &scene->td.collateral, set);
	request = (struct tobi_verify_request){.evidence = wr_view(&evidence),
					       .nonce = scene->nonce,
					       .time = scene->tdx ? scene->td.time
								  : scene->snp.time,
					       .collateral = scene->tdx ? set : NULL,
					       .pieces = scene->pieces,
					       .piece_count = scene->piece_count};
	*ret_err = tobi_verify(policy, &request, &result, &fault);
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	wr_done(&yaml);
	wr_done(&evidence);
	return result;
}
