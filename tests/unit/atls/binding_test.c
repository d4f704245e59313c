#include "tests/check.h"

#include "base/hex.h"
#include "tests/unit/atls/vectors.h"

struct sides {
	uint8_t secret[32];
	uint8_t server[32], client[32];
	uint8_t ctx[32];
	uint8_t offer_nonce[32], answer_nonce[32];
	struct atls_exporter exporter;
};

static struct sides sides_init(void)
{
	uint8_t frames[512];
	struct sides sides;
	size_t size;

	for (unsigned i = 0; i < 32; i++) {
		sides.secret[i] = (uint8_t)(0x40 + i);
		sides.offer_nonce[i] = (uint8_t)i;
		sides.answer_nonce[i] = (uint8_t)(0x20 + i);
	}
	assert_int_equal(
	    hash_sha256((struct tobi_bytes){(const uint8_t *)"server-spki", 11},
			sides.server),
	    0);
	assert_int_equal(
	    hash_sha256((struct tobi_bytes){(const uint8_t *)"client-spki", 11},
			sides.client),
	    0);
	size = vector_read(VECTOR_OFFER, frames, sizeof(frames));
	size += vector_read(VECTOR_ANSWER, frames + size, sizeof(frames) - size);
	assert_int_equal(hash_sha256((struct tobi_bytes){frames, size}, sides.ctx), 0);
	sides.exporter = (struct atls_exporter){.run = vector_export};
	return sides;
}

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
	char text[1024];

	hex_write((struct tobi_bytes){bytes, size}, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void check_ctx(void **state)
{
	struct sides sides = sides_init();

	(void)state;
	assert_hex(sides.ctx, 32, VECTOR_CTX);
}

static void check_export(void **state)
{
	struct sides sides = sides_init();
	uint8_t ekm[32];

	(void)state;
	sides.exporter.context = sides.secret;
	assert_int_equal(
	    atls_binding_export(&sides.exporter, TOBI_ROLE_SERVER, sides.ctx, ekm, NULL),
	    0);
	assert_hex(ekm, 32, VECTOR_SERVER_EKM);
	assert_int_equal(
	    atls_binding_export(&sides.exporter, TOBI_ROLE_CLIENT, sides.ctx, ekm, NULL),
	    0);
	assert_hex(ekm, 32, VECTOR_CLIENT_EKM);
}

static void check_binder(void **state)
{
	struct sides sides = sides_init();
	struct atls_binding binding = {
	    .role = TOBI_ROLE_SERVER, .attester = sides.server, .verifier = sides.client};
	uint8_t ekm[32], binder[32];

	(void)state;
	vector_read(VECTOR_SERVER_EKM, ekm, sizeof(ekm));
	assert_int_equal(atls_binding_binder(&binding, ekm, binder, NULL), 0);
	assert_hex(binder, 32, VECTOR_SERVER_BINDER);
	binding.verifier = NULL;
	assert_int_equal(atls_binding_binder(&binding, ekm, binder, NULL), 0);
	assert_hex(binder, 32, VECTOR_SERVER_BINDER_ALONE);
	vector_read(VECTOR_CLIENT_EKM, ekm, sizeof(ekm));
	binding = (struct atls_binding){
	    .role = TOBI_ROLE_CLIENT, .attester = sides.client, .verifier = sides.server};
	assert_int_equal(atls_binding_binder(&binding, ekm, binder, NULL), 0);
	assert_hex(binder, 32, VECTOR_CLIENT_BINDER);
}

static void check_claims(void **state)
{
	struct sides sides = sides_init();
	CLEANUP(wr_done) struct writer server = wr_init(4096);
	CLEANUP(wr_done) struct writer client = wr_init(4096);
	struct atls_binding binding = {.role = TOBI_ROLE_SERVER,
				       .nonce = {sides.offer_nonce, 32},
				       .attester = sides.server,
				       .verifier = sides.client};
	uint8_t hash[32];

	(void)state;
	sides.exporter.context = sides.secret;
	assert_int_equal(
	    atls_binding_claims(&binding, &sides.exporter, sides.ctx, &server, NULL), 0);
	assert_hex(server.ptr, server.size, VECTOR_SERVER_CLAIMS);
	assert_int_equal(hash_sha256(wr_view(&server), hash), 0);
	assert_hex(hash, 32, VECTOR_SERVER_B);
	binding = (struct atls_binding){.role = TOBI_ROLE_CLIENT,
					.nonce = {sides.answer_nonce, 32},
					.attester = sides.client,
					.verifier = sides.server};
	assert_int_equal(
	    atls_binding_claims(&binding, &sides.exporter, sides.ctx, &client, NULL), 0);
	assert_int_equal(hash_sha256(wr_view(&client), hash), 0);
	assert_hex(hash, 32, VECTOR_CLIENT_B);
}

static enum tobi_err export_failing(void *context, const char *label,
				    const uint8_t over[static 32],
				    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)context, (void)label, (void)over, (void)fault;
	memset(ret_key, 7, 32); /* bytes that look good must not count */
	return TOBI_E_SYSTEM;
}

static enum tobi_err export_zeros(void *context, const char *label,
				  const uint8_t over[static 32],
				  uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)context, (void)label, (void)over, (void)fault;
	memset(ret_key, 0, 32);
	return TOBI_OK;
}

static void check_export__fails_closed(void **state)
{
	struct sides sides = sides_init();
	uint8_t ekm[32] = {0x55};
	struct tobi_fault fault;

	(void)state;
	sides.exporter.run = export_failing;
	assert_int_equal(atls_binding_export(&sides.exporter, TOBI_ROLE_SERVER, sides.ctx,
					     ekm, &fault),
			 TOBI_E_CRYPTO);
	assert_string_equal(fault.field, "exporter");
	sides.exporter.run = export_zeros;
	assert_int_equal(atls_binding_export(&sides.exporter, TOBI_ROLE_SERVER, sides.ctx,
					     ekm, &fault),
			 TOBI_E_CRYPTO);
	assert_int_equal(ekm[0], 0x55);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_ctx),
	    cmocka_unit_test(check_export),
	    cmocka_unit_test(check_binder),
	    cmocka_unit_test(check_claims),
	    cmocka_unit_test(check_export__fails_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
