#include "tests/snp_scene.h"

#include <stdio.h>

#include <openssl/rsa.h>

#include "base/endian.h"
#include "pki/key.h"
#include "codec/cbor.h"
#include "tests/check.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

enum { REPORT_SIZE = 1184, SIGNED = 0x2a0 };

static EVP_PKEY *keys[SNP_KEYS], *rsa_keys[SNP_KEYS];

EVP_PKEY *snp_scene_key(const struct snp_scene *scene, enum snp_scene_key which)
{
	bool rsa = scene->rsa && which <= SNP_ASK;
	EVP_PKEY **key = rsa ? &rsa_keys[which] : &keys[which];

	if (!*key && rsa)
		*key = EVP_RSA_gen(2048);
	else if (!*key)
		assert_int_equal(key_new(KEY_P384, key, NULL), 0);
	assert_non_null(*key);
	return *key;
}

void snp_scene_set(struct snp_scene *scene, size_t offset, size_t size, uint64_t value)
{
	store_le(scene->report + offset, size, value);
}

static void parse_arcs(const char *text, struct snp_extra *extra)
{
	unsigned first, second;
	int count = sscanf(text, "%u.%u", &first, &second);

	extra->arc_count = (size_t)count;
	extra->arcs[0] = (uint8_t)first;
	extra->arcs[1] = count == 2 ? (uint8_t)second : 0;
}

static bool same_arcs(const struct snp_extra *a, const struct snp_extra *b)
{
	return a->arc_count == b->arc_count && a->arcs[0] == b->arcs[0] &&
	       a->arcs[1] == b->arcs[1];
}

struct snp_extra *snp_scene_extra(struct snp_scene *scene, const char *arcs)
{
	struct snp_extra wanted = {0};

	parse_arcs(arcs, &wanted);
	for (size_t i = 0; i < scene->extra_count; i++) {
		if (same_arcs(&scene->extras[i], &wanted))
			return &scene->extras[i];
	}
	fail_msg("no extension %s", arcs);
	return NULL;
}

struct snp_extra *snp_scene_add(struct snp_scene *scene, const char *arcs,
				struct tobi_bytes value)
{
	struct snp_extra *extra = &scene->extras[scene->extra_count++];

	assert_true(scene->extra_count <= SNP_EXTRAS_MAX);
	*extra = (struct snp_extra){.size = value.size};
	parse_arcs(arcs, extra);
	bytes_copy(extra->value, sizeof(extra->value), value.ptr, value.size);
	return extra;
}

void snp_scene_drop(struct snp_scene *scene, const char *arcs)
{
	struct snp_extra *extra = snp_scene_extra(scene, arcs);

	*extra = scene->extras[--scene->extra_count];
}

static void add_number(struct snp_scene *scene, const char *arcs, uint8_t number)
{
	snp_scene_add(scene, arcs,
		      number < 0x80 ? BYTES(2, 1, number) : BYTES(2, 2, 0, number));
}

static void add_text(struct snp_scene *scene, const char *arcs, const char *text)
{
	uint8_t value[128] = {22, (uint8_t)strlen(text)};

	bytes_copy(value + 2, sizeof(value) - 2, text, strlen(text));
	snp_scene_add(scene, arcs, (struct tobi_bytes){value, 2 + strlen(text)});
}

/* The certificate's extensions, of the report as it is. */
static void add_extras(struct snp_scene *scene, const char *product, bool turin)
{
	static const char *const classic[8] = {"3.1", "3.2", "3.4", "3.5",
					       "3.6", "3.7", "3.3", "3.8"};
	static const char *const with_fmc[8] = {"3.9", "3.1", "3.2", "3.3",
						"3.5", "3.6", "3.7", "3.8"};

	scene->extra_count = 0;
	add_number(scene, "1", turin);
	add_text(scene, "2", product);
	for (size_t i = 0; i < 8; i++)
		add_number(scene, turin ? with_fmc[i] : classic[i],
			   scene->report[0x180 + i]);
	snp_scene_add(scene, "4",
		      (struct tobi_bytes){scene->report + 0x1a0, turin ? 8 : 64});
}

void snp_scene_product(struct snp_scene *scene, const char *name)
{
	static const uint8_t classic[8] = {4, 1, 0, 0, 0, 0, 24, 213};
	static const uint8_t with_fmc[8] = {1, 2, 3, 4, 0, 0, 0, 71};
	static const size_t tcbs[] = {0x38, 0x180, 0x1e0, 0x1f0};
	static char names[3][32];
	bool turin = strcmp(name, "Turin") == 0;

	for (size_t i = 0; i < 4; i++)
		bytes_copy(scene->report + tcbs[i], 8, turin ? with_fmc : classic, 8);
	snp_scene_set(scene, 0x188, 1, turin ? 0x1a : 0x19);
	snp_scene_set(scene, 0x189, 1,
		      turin			   ? 0x02
		      : strcmp(name, "Genoa") == 0 ? 0x11
						   : 0x01);
	memset(scene->report + 0x1a0, 0, 64);
	for (size_t i = 0; i < (turin ? 8 : 64); i++)
		scene->report[0x1a0 + i] = (uint8_t)(0xa0 + i);
	snprintf(names[0], sizeof(names[0]), "SEV-%s", name);
	snprintf(names[1], sizeof(names[1]), "ARK-%s", name);
	snprintf(names[2], sizeof(names[2]), "%s%s", name,
		 strcmp(name, "Milan") == 0 ? "-B0" : "");
	scene->leaf_name = "SEV-VCEK";
	scene->ask_name = names[0];
	scene->ark_name = names[1];
	add_extras(scene, names[2], turin);
}

void snp_scene_vlek(struct snp_scene *scene)
{
	snp_scene_set(scene, 0x48, 4, 1 << 2);
	memset(scene->report + 0x1a0, 0, 64);
	scene->leaf_name = "SEV-VLEK";
	scene->ask_name = "SEV-VLEK-Milan";
	add_extras(scene, "Milan", false);
	snp_scene_drop(scene, "4");
	add_text(scene, "5", "CN=cloud.example");
}

void snp_scene_make(struct snp_scene *scene)
{
	*scene = (struct snp_scene){.leaf_key = SNP_LEAF,
				    .leaf_issuer_key = SNP_ASK,
				    .ask_issuer_key = SNP_ARK,
				    .signs = SNP_LEAF,
				    .crl_key = SNP_ARK,
				    .between_name = "between",
				    .now = SNP_NOW,
				    .leaf_from = SNP_NOW - SNP_DAY,
				    .leaf_to = SNP_NOW + 7 * SNP_DAY,
				    .crl_from = SNP_NOW - SNP_DAY,
				    .crl_to = SNP_NOW + SNP_DAY,
				    .ask_serial = 0x10001,
				    .policy = "",
				    .more = "",
				    .nonce = {(const uint8_t *)"a nonce of the test", 19},
				    .time = SNP_NOW};
	snp_scene_set(scene, 0x00, 4, 3);
	snp_scene_set(scene, 0x08, 8, 0x30000 | 0x0133);
	snp_scene_set(scene, 0x34, 4, 1);
	snp_scene_set(scene, 0x40, 8, 0x25);
	bytes_copy(scene->report + 0x50, 64, scene->nonce.ptr, scene->nonce.size);
	memset(scene->report + 0x90, 0x4d, 48);
	memset(scene->report + 0xc0, 0x48, 32);
	memset(scene->report + 0x140, 0x52, 32);
	memset(scene->report + 0x160, 0xff, 32);
	snp_scene_set(scene, 0x1e8, 3, 0x01371d); /* build, minor, major */
	snp_scene_set(scene, 0x1ec, 3, 0x01371d);
	snp_scene_product(scene, "Milan");
}

void snp_scene_done(struct snp_scene *scene)
{
	for (size_t i = 0; i < SNP_PIECES_MAX; i++)
		wr_done(&scene->files[i]);
}

void snp_scene_report(const struct snp_scene *scene, struct writer *out)
{
	const struct tobi_bytes signed_part = {scene->report, SIGNED};

	wr_bytes(out, scene->report, SIGNED);
	if (scene->unsigned_report)
		wr_reserve(out, 512);
	else
		snp_scene_sign(snp_scene_key(scene, scene->signs), signed_part, out);
}

static struct writer *next_piece(struct snp_scene *scene)
{
	struct writer *file = &scene->files[scene->piece_count++];

	assert_true(scene->piece_count <= SNP_PIECES_MAX);
	wr_done(file);
	*file = wr_init(LIMIT_EVIDENCE);
	return file;
}

void snp_scene_pieces(struct snp_scene *scene)
{
	scene->piece_count = 0;
	if (!scene->without_leaf)
		snp_scene_leaf(scene, next_piece(scene));
	if (!scene->without_issuers) {
		snp_scene_ask(scene, next_piece(scene));
		snp_scene_ark(scene, next_piece(scene));
	}
	if (scene->four_certificates)
		snp_scene_between(scene, next_piece(scene));
	if (!scene->without_crl)
		snp_scene_crl(scene, next_piece(scene));
	if (scene->with_id_block)
		snp_scene_id_block(scene, next_piece(scene));
	for (size_t i = 0; i < scene->piece_count; i++)
		scene->pieces[i] = wr_view(&scene->files[i]);
}

/* The table of an extended report: VCEK, ASK, ARK, CRL. */
static void append_table(const struct snp_scene *scene, struct writer *out)
{
	static const uint8_t guids[4][16] = {
	    {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45, 0xad, 0xc5, 0xf4, 0xb9, 0x3b,
	     0xe8, 0xac, 0xcd},
	    {0x79, 0xb3, 0xb7, 0x4a, 0xac, 0xbb, 0xe4, 0x4f, 0xa0, 0x2f, 0x05, 0xae, 0xf3,
	     0x27, 0xc7, 0x82},
	    {0xa4, 0x06, 0xb4, 0xc0, 0x03, 0xa8, 0x52, 0x49, 0x97, 0x43, 0x3f, 0xb6, 0x01,
	     0x4c, 0xd0, 0xae},
	    {0x11, 0x3b, 0xf8, 0x92, 0xfc, 0x3b, 0x9f, 0x4d, 0x37, 0xff, 0xd1, 0x9f, 0x88,
	     0xdc, 0x67, 0xea}};
	uint8_t entry[24];
	size_t offset = 5 * sizeof(entry);

	for (size_t i = 0; i < 4; i++) {
		bytes_copy(entry, sizeof(entry), guids[i], 16);
		store_le(entry + 16, 4, offset);
		store_le(entry + 20, 4, scene->pieces[i].size);
		wr_bytes(out, entry, sizeof(entry));
		offset += scene->pieces[i].size;
	}
	wr_reserve(out, sizeof(entry));
	for (size_t i = 0; i < 4; i++)
		wr_bytes(out, scene->pieces[i].ptr, scene->pieces[i].size);
}

void snp_scene_extended(struct snp_scene *scene, struct writer *out)
{
	snp_scene_pieces(scene);
	snp_scene_report(scene, out);
	append_table(scene, out);
}

static void write_root(const struct snp_scene *scene, struct writer *out)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);

	snp_scene_ark(scene, &der);
	assert_int_equal(chain_write_pem(wr_view(&der), &pem, NULL), 0);
	wr_u8(&pem, 0);
	wr_printf(out, "roots:\n  - tier: snp\n    anchors: |\n");
	for (const char *at = (char *)pem.ptr; *at;) {
		size_t line = strcspn(at, "\n");

		wr_printf(out, "      %.*s\n", (int)line, at);
		at += line + (at[line] != 0);
	}
	wr_done(&der);
	wr_done(&pem);
}

void snp_scene_policy(const struct snp_scene *scene, struct writer *out)
{
	wr_printf(out, "version: 1\ntiers: [snp]\nimages: [");
	for (size_t i = 0; i < 48; i++)
		wr_printf(out, "4d");
	wr_printf(out, "]\nidentity:\n  mode: any-instance\n%s%s", scene->policy,
		  scene->more);
	if (!scene->without_roots)
		write_root(scene, out);
}

/* The report is made for claims, and the certificates come as endorsements. */
static void write_collection(struct snp_scene *scene, struct writer *out)
{
	static const uint8_t key[32] = {7};
	struct writer claims = wr_init(1024), report = wr_init(2 * REPORT_SIZE),
		      endorsed = wr_init(LIMIT_CMW);
	struct cmw_record records[3] = {
	    {.key = text_bytes("cpu"),
	     .media_type = text_bytes("application/vnd.tobichi.snp-report"),
	     .indicator = CMW_EVIDENCE},
	    {.key = text_bytes("claims"),
	     .media_type = text_bytes(CMW_TYPE_CLAIMS),
	     .indicator = CMW_EVIDENCE},
	    {.key = text_bytes("endorse"),
	     .media_type = text_bytes(CMW_TYPE_CHAIN),
	     .indicator = CMW_ENDORSEMENT}};

	claims_buffer_write(&claims, scene->nonce, key, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	memset(scene->report + 0x50, 0, 64);
	assert_int_equal(hash_sha256(wr_view(&claims), scene->report + 0x50), 0);
	scene->report[0x50] ^= scene->other_claims;
	snp_scene_report(scene, &report);
	cbor_write_array(&endorsed, scene->piece_count);
	for (size_t i = 0; i < scene->piece_count; i++)
		cbor_write_bytes(&endorsed, scene->pieces[i]);
	scene->piece_count = 0;
	records[0].value = wr_view(&report);
	records[1].value = wr_view(&claims);
	records[2].value = wr_view(&endorsed);
	cmw_write(out, records, 3);
	wr_done(&claims);
	wr_done(&report);
	wr_done(&endorsed);
}

struct tobi_result *snp_scene_verify(struct snp_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_CMW);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_verify_request request;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	snp_scene_pieces(scene); /* an ID block changes the report */
	if (scene->in_collection)
		write_collection(scene, &evidence);
	else
		snp_scene_report(scene, &evidence);
	snp_scene_policy(scene, &yaml);
	err = tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault);
	if (err)
		fail_msg("policy: %s: %s", fault.field, fault.message);
	request = (struct tobi_verify_request){.evidence = wr_view(&evidence),
					       .nonce = scene->nonce,
					       .time = scene->time,
					       .pieces = scene->pieces,
					       .piece_count = scene->piece_count};
	err = tobi_verify(policy, &request, &result, &fault);
	if (err)
		fail_msg("verify: %s: %s", fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&yaml);
	wr_done(&evidence);
	return result;
}

struct tobi_policy *snp_scene_policy_new(const struct snp_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	snp_scene_policy(scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "test", &policy, NULL), 0);
	wr_done(&yaml);
	return policy;
}

bool snp_scene_accepts(const struct snp_scene *scene, const struct tobi_policy *policy,
		       struct tobi_bytes evidence, const struct tobi_collateral *set)
{
	const struct tobi_verify_request request = {.evidence = evidence,
						    .nonce = scene->nonce,
						    .time = scene->time,
						    .collateral = set,
						    .pieces = scene->pieces,
						    .piece_count = scene->piece_count};
	struct tobi_result *result = NULL;
	bool accepted;

	if (tobi_verify(policy, &request, &result, NULL))
		return false;
	accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
	tobi_result_free(result);
	return accepted;
}
