#include "tests/evidence.h"

#include "base/hex.h"
#include "tests/check.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

enum { DAY = 24 * 3600, PATTERN_MAX = 48 };

/* Recognisable values: 48 times the same byte. */
static const uint8_t patterns[16][PATTERN_MAX] = {
    [1] = {[0 ... 47] = 0x11}, [2] = {[0 ... 47] = 0x22}, [3] = {[0 ... 47] = 0x33},
    [4] = {[0 ... 47] = 0x44}, [5] = {[0 ... 47] = 0x55}, [6] = {[0 ... 47] = 0x66},
};

static struct tobi_bytes pattern(unsigned which, size_t size)
{
	return (struct tobi_bytes){patterns[which], size};
}

static struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

static void make_certificate(enum cert_role role, const char *name, EVP_PKEY *key,
			     struct writer *issuer_der, EVP_PKEY *issuer_key, int64_t now,
			     struct writer *out)
{
	struct cert_request request = {.role = role,
				       .common_name = name,
				       .not_before = now - DAY,
				       .not_after = now + DAY,
				       .key = key};
	X509 *issuer = NULL;

	if (issuer_der)
		assert_int_equal(
		    chain_read_certificate(wr_view(issuer_der), "ca", &issuer, NULL), 0);
	assert_int_equal(cert_make(&request, issuer, issuer_key, out, NULL), 0);
	X509_free(issuer);
}

void test_platform_make(struct test_platform *platform, enum key_kind kind)
{
	test_platform_make_at(platform, kind, TEST_NOW);
}

void test_platform_make_at(struct test_platform *platform, enum key_kind kind,
			   int64_t now)
{
	*platform = (struct test_platform){.ca = wr_init(LIMIT_CERTIFICATE),
					   .certificate = wr_init(LIMIT_CERTIFICATE),
					   .ca_pem = wr_init(LIMIT_PEM),
					   .ueid = {1}};
	assert_int_equal(
	    key_new(kind == KEY_P256 ? kind : KEY_P384, &platform->ca_key, NULL), 0);
	assert_int_equal(key_new(kind, &platform->key, NULL), 0);
	make_certificate(CERT_CA, "test CA", platform->ca_key, NULL, NULL, now,
			 &platform->ca);
	make_certificate(CERT_PLATFORM, "test platform", platform->key, &platform->ca,
			 platform->ca_key, now, &platform->certificate);
	assert_int_equal(chain_write_pem(wr_view(&platform->ca), &platform->ca_pem, NULL),
			 0);
	wr_u8(&platform->ca_pem, 0);
	platform->chain[0] = wr_view(&platform->certificate);
	platform->chain[1] = wr_view(&platform->ca);
	assert_int_equal(key_spki_sha256(platform->key, platform->ueid + 1, NULL), 0);
}

void test_platform_done(struct test_platform *platform)
{
	EVP_PKEY_free(platform->ca_key);
	EVP_PKEY_free(platform->key);
	wr_done(&platform->ca);
	wr_done(&platform->certificate);
	wr_done(&platform->ca_pem);
}

void test_scene_make(struct test_scene *scene)
{
	test_scene_make_at(scene, TEST_NOW);
}

void test_scene_make_at(struct test_scene *scene, int64_t now)
{
	static const uint8_t key_hash[32] = {7};

	*scene = (struct test_scene){.claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER),
				     .given_nonce = pattern(1, 32),
				     .tiers = "soft, tdx",
				     .max_age = 600,
				     .now = now};
	test_platform_make_at(&scene->platform, KEY_P384, now);
	scene->signs = &scene->platform;
	scene->anchors_pem = (const char *)scene->platform.ca_pem.ptr;
	claims_buffer_write(&scene->claims_buffer, scene->given_nonce, key_hash,
			    TOBI_ROLE_SERVER, (struct tobi_bytes){0});
	scene->claims = (struct soft_claims){
	    .issued = (uint64_t)now - 5,
	    .ueid = {scene->platform.ueid, sizeof(scene->platform.ueid)},
	    .dbgstat = 1,
	    .profile = text(SOFT_PROFILE),
	    .swname = text("tobichid"),
	    .swversion = text("0"),
	    .tier = text("soft"),
	    .image_id = pattern(1, 48),
	    .signers = {pattern(2, 48)},
	    .signer_count = 1,
	    .config_id = pattern(3, 48),
	    .product = 7,
	    .svn = 3,
	    .agent = pattern(4, 48),
	    .service = pattern(5, 48),
	    .protections = (1 << 17) - 1,
	    .instance = pattern(6, 16),
	    .root_kind = text("file"),
	    .owner = pattern(6, 48),
	};
}

void test_scene_done(struct test_scene *scene)
{
	wr_done(&scene->claims_buffer);
	test_platform_done(&scene->platform);
}

static void write_token(struct test_scene *scene, struct tobi_bytes claims_buffer,
			struct writer *out)
{
	struct writer payload = wr_init(LIMIT_TOKEN);
	struct cose_headers headers = {NULL, scene->signs->chain, 2};
	struct cose_signer signer;
	uint8_t hash[32];

	if (!scene->keep_claims_nonce) {
		assert_int_equal(hash_sha256(claims_buffer, hash), 0);
		scene->claims.nonce = (struct tobi_bytes){hash, sizeof(hash)};
	}
	if (scene->add)
		scene->add(scene, scene->claims.nonce);
	soft_claims_write(&payload, &scene->claims);
	assert_int_equal(wr_err(&payload), 0);
	assert_int_equal(cose_signer_for_key(scene->signs->key, &signer, NULL), 0);
	assert_int_equal(
	    cose_write(out, &signer, &headers, wr_view(&payload), false, NULL), 0);
	if (scene->damage_signature)
		out->ptr[out->size - 1] ^= 1;
	if (!scene->keep_claims_nonce)
		scene->claims.nonce = (struct tobi_bytes){0};
	wr_done(&payload);
}

void test_scene_token(struct test_scene *scene, struct writer *out)
{
	write_token(scene, wr_view(&scene->claims_buffer), out);
}

void test_scene_session_evidence(struct test_scene *scene,
				 struct tobi_bytes claims_buffer, struct writer *out)
{
	struct writer token = wr_init(LIMIT_TOKEN);
	struct cmw_record record = {.key = text("cpu"),
				    .media_type = text(CMW_TYPE_EAT),
				    .indicator = CMW_EVIDENCE};

	write_token(scene, claims_buffer, &token);
	record.value = wr_view(&token);
	cmw_write(out, &record, 1);
	assert_int_equal(wr_err(out), 0);
	wr_done(&token);
}

void test_scene_evidence(struct test_scene *scene, struct writer *out)
{
	struct writer token = wr_init(LIMIT_TOKEN);
	struct cmw_record records[3] = {
	    {.key = text("cpu"),
	     .media_type = text(CMW_TYPE_EAT),
	     .indicator = CMW_EVIDENCE},
	    {.key = text("claims"),
	     .media_type = text(CMW_TYPE_CLAIMS),
	     .value = wr_view(&scene->claims_buffer),
	     .indicator = CMW_EVIDENCE},
	    {.key = text("endorse"),
	     .media_type = text(CMW_TYPE_CHAIN),
	     .value = scene->endorse,
	     .indicator = CMW_ENDORSEMENT},
	};

	test_scene_token(scene, &token);
	records[0].value = wr_view(&token);
	cmw_write(out, records, scene->endorse.size ? 3 : 2);
	assert_int_equal(wr_err(out), 0);
	wr_done(&token);
}

static void write_hex(struct writer *out, const char *before, unsigned which,
		      const char *after)
{
	char hex[2 * PATTERN_MAX + 1];

	hex_write(pattern(which, PATTERN_MAX), hex, sizeof(hex));
	wr_printf(out, "%s%s%s", before, hex, after);
}

/* Evidence of the default claims is accepted by it. */
void test_scene_policy(const struct test_scene *scene, struct writer *out)
{
	wr_printf(out, "version: 1\nname: scene\ntiers: [%s]\n", scene->tiers);
	write_hex(out, "images: [", 1, "]\n");
	write_hex(out, "signers: [", 2, "]\n");
	write_hex(out, "agents: [", 4, "]\n");
	write_hex(out, "config-id: ", 3, "\n");
	wr_printf(out, "product: 7\nmin-svn: 3\nmax-age: %u\n", scene->max_age);
	if (scene->identity)
		wr_printf(out, "%s", scene->identity);
	else
		write_hex(out, "identity:\n  mode: owner\n  owner: ", 6, "\n");
	wr_printf(out, "%sroots:\n  - tier: soft\n    anchors: |\n",
		  scene->more ? scene->more : "");
	for (const char *at = scene->anchors_pem; *at;) {
		size_t size = strcspn(at, "\n");

		wr_printf(out, "      %.*s\n", (int)size, at);
		at += size + (at[size] != 0);
	}
	assert_int_equal(wr_err(out), 0);
}

struct tobi_result *test_scene_appraise(struct test_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	struct tobi_verify_request request = {.nonce = scene->given_nonce,
					      .time = scene->now};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_scene_policy(scene, &yaml);
	test_scene_evidence(scene, &evidence);
	request.evidence = wr_view(&evidence);
	if (tobi_policy_parse(wr_view(&yaml), "scene.yaml", &policy, &fault) ||
	    tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&yaml);
	wr_done(&evidence);
	return result;
}
