/* Whose key signed a token: the key that it names, a chain, or whichever fits; of JWT and
 * of CWT. */
#include "tee/token_signer.h"

#include "pki/anchor_keys.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"

static const struct check check_who = {"WHO", "", "", ""};
static const struct check check_what = {"WHAT", "", "", ""};

static struct token_scene scene;
static struct arena arena;
static struct writer ca_pem;

static int enter(void **state)
{
	(void)state;
	token_scene_eat(&scene);
	arena = arena_init(LIMIT_APPRAISAL);
	ca_pem = wr_init(LIMIT_PEM);
	return chain_write_pem(wr_view(&scene.ca), &ca_pem, NULL) ? -1 : 0;
}

static int leave(void **state)
{
	(void)state;
	token_scene_done(&scene);
	arena_done(&arena);
	wr_done(&ca_pem);
	return 0;
}

enum trust { NOBODY, THE_KEY, ANOTHER_KEY, THE_CA, KEY_AND_CA };

/* A request of a policy that trusts so; keys and pins are the caller's. */
static struct tee_request request_of(enum trust trust, struct anchor_keys *keys)
{
	struct tee_request request = {.time = TOKEN_NOW};
	X509 *ca = NULL;

	*keys = (struct anchor_keys){0};
	if (trust == THE_KEY || trust == ANOTHER_KEY || trust == KEY_AND_CA) {
		keys->keys[0] = trust == ANOTHER_KEY ? scene.other : scene.signer;
		keys->count = 1;
		assert_int_equal(key_spki_sha256(keys->keys[0], keys->spki[0], NULL), 0);
		request.keys = keys;
	}
	if (trust == THE_CA || trust == KEY_AND_CA) {
		assert_int_equal(
		    chain_read_certificate(wr_view(&scene.ca), "ca", &ca, NULL), 0);
		assert_int_equal(
		    key_spki_sha256(X509_get0_pubkey(ca), request.pins.keys[0], NULL), 0);
		request.pins.count = 1;
		request.anchors_pem = wr_view(&ca_pem);
		X509_free(ca);
	}
	return request;
}

/* The two rows; not-run where there is no record. */
struct rows {
	enum tobi_outcome who, what;
	bool holds;
};

static struct rows examine(enum token_form form, enum token_header header,
			   enum trust trust, EVP_PKEY *signs, int64_t time)
{
	struct checklist *list = arena_alloc(&arena, sizeof(*list));
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	struct token_scene own = scene;
	struct signed_token token = {0};
	struct anchor_keys keys;
	struct tee_request request = request_of(trust, &keys);
	struct rows rows;

	request.time = time;
	own.form = form;
	own.header = header;
	own.signs = signs;
	token_scene_write(&own, &bytes);
	assert_int_equal(signed_token_read(wr_view(&bytes), "x", &token, NULL), 0);
	assert_int_equal(token.is_jwt, form == TOKEN_JWT);
	list->arena = &arena;
	check_owe(list, &check_who);
	check_owe(list, &check_what);
	signed_token_examine(&request, &token, &check_who, &check_what, list);
	rows = (struct rows){outcome_in(list, "WHO"), outcome_in(list, "WHAT"),
			     signed_token_holds(&request, &token)};
	signed_token_done(&token);
	wr_done(&bytes);
	return rows;
}

#define EXPECT(got, w, s, h)                                                             \
	do {                                                                             \
		struct rows rows_ = (got);                                               \
		assert_int_equal(rows_.who, (w));                                        \
		assert_int_equal(rows_.what, (s));                                       \
		assert_int_equal(rows_.holds, (h));                                      \
	} while (0)

static void test_signed_token_examine__trusted_in_each_way__holds(void **state)
{
	static const struct {
		enum token_header header;
		enum trust trust;
	} good[] = {{TOKEN_NO_KEY, THE_KEY},	   {TOKEN_NAMES_KEY, THE_KEY},
		    {TOKEN_HAS_CHAIN, THE_CA},	   {TOKEN_HAS_CHAIN, THE_KEY},
		    {TOKEN_HAS_CHAIN, KEY_AND_CA}, {TOKEN_NAMES_KEY, KEY_AND_CA}};

	(void)state;
	for (enum token_form form = TOKEN_JWT; form <= TOKEN_CWT; form++) {
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			EXPECT(examine(form, good[i].header, good[i].trust, scene.signer,
				       TOKEN_NOW),
			       TOBI_PASSED, TOBI_PASSED, true);
	}
}

static void test_signed_token_examine__of_whom_nobody_trusts__fails(void **state)
{
	static const struct {
		enum token_header header;
		enum trust trust;
	} bad[] = {{TOKEN_NO_KEY, NOBODY},	  {TOKEN_NO_KEY, ANOTHER_KEY},
		   {TOKEN_NO_KEY, THE_CA},	  {TOKEN_NAMES_KEY, ANOTHER_KEY},
		   {TOKEN_NAMES_KEY, THE_CA},	  {TOKEN_HAS_CHAIN, NOBODY},
		   {TOKEN_HAS_CHAIN, ANOTHER_KEY}};

	(void)state;
	for (enum token_form form = TOKEN_JWT; form <= TOKEN_CWT; form++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			EXPECT(examine(form, bad[i].header, bad[i].trust, scene.signer,
				       TOKEN_NOW),
			       TOBI_FAILED, TOBI_NOT_RUN, false);
	}
}

/* The header says a key that is trusted, and another one signed. */
static void test_signed_token_examine__signature_of_another_key__fails(void **state)
{
	(void)state;
	for (enum token_form form = TOKEN_JWT; form <= TOKEN_CWT; form++) {
		EXPECT(examine(form, TOKEN_NAMES_KEY, THE_KEY, scene.other, TOKEN_NOW),
		       TOBI_PASSED, TOBI_FAILED, false);
		EXPECT(examine(form, TOKEN_HAS_CHAIN, THE_CA, scene.other, TOKEN_NOW),
		       TOBI_PASSED, TOBI_FAILED, false);
		/* Which key it was is all that the signature says. */
		EXPECT(examine(form, TOKEN_NO_KEY, THE_KEY, scene.other, TOKEN_NOW),
		       TOBI_FAILED, TOBI_NOT_RUN, false);
	}
}

static void test_signed_token_examine__chain_out_of_its_time__fails(void **state)
{
	(void)state;
	EXPECT(
	    examine(TOKEN_JWT, TOKEN_HAS_CHAIN, THE_CA, scene.signer, TOKEN_NOW + 100001),
	    TOBI_FAILED, TOBI_NOT_RUN, false);
	EXPECT(
	    examine(TOKEN_CWT, TOKEN_HAS_CHAIN, THE_CA, scene.signer, TOKEN_NOW - 1001),
	    TOBI_FAILED, TOBI_NOT_RUN, false);
}

static enum tobi_err read_bytes(struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	struct signed_token token = {0};
	enum tobi_err err = signed_token_read(block_view(block), "x", &token, NULL);

	signed_token_done(&token);
	block_done(block);
	return err;
}

static void test_signed_token_read__tags__61_before_18_only(void **state)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE), tagged = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes untagged;

	(void)state;
	scene.form = TOKEN_CWT;
	token_scene_write(&scene, &bytes);
	untagged = (struct tobi_bytes){bytes.ptr + 1, bytes.size - 1};
	assert_int_equal(bytes.ptr[0], 0xd2);
	assert_int_equal(read_bytes(wr_view(&bytes)), 0);
	assert_int_equal(read_bytes(untagged), 0);
	wr_bytes(&tagged, "\xd8\x3d", 2);
	wr_bytes(&tagged, bytes.ptr, bytes.size);
	assert_int_equal(read_bytes(wr_view(&tagged)), 0);
	/* 61 around what is not tagged, and COSE_Mac0. */
	tagged.size = 2;
	wr_bytes(&tagged, untagged.ptr, untagged.size);
	assert_int_not_equal(read_bytes(wr_view(&tagged)), 0);
	bytes.ptr[0] = 0xd1;
	assert_int_not_equal(read_bytes(wr_view(&bytes)), 0);
	wr_done(&bytes);
	wr_done(&tagged);
}

static void test_signed_token_read__cut_or_longer__fails(void **state)
{
	(void)state;
	for (enum token_form form = TOKEN_JWT; form <= TOKEN_CWT; form++) {
		struct writer bytes = wr_init(LIMIT_EVIDENCE);
		size_t end;

		scene.form = form;
		token_scene_write(&scene, &bytes);
		end = bytes.size;
		/* A JWT's signature may be any base64url here: it is verified later. */
		while (form == TOKEN_JWT && bytes.ptr[end - 1] != '.')
			end--;
		for (size_t size = 0; size < end; size++)
			assert_int_not_equal(
			    read_bytes((struct tobi_bytes){bytes.ptr, size}), 0);
		wr_u8(&bytes, 0);
		assert_int_not_equal(read_bytes(wr_view(&bytes)), 0);
		wr_done(&bytes);
	}
}

/* The claims of a JWT are an object, those of a CWT a map. */
static void test_signed_token_read__claims_that_are_none__fail(void **state)
{
	(void)state;
	for (enum token_form form = TOKEN_JWT; form <= TOKEN_CWT; form++) {
		struct writer bytes = wr_init(LIMIT_EVIDENCE);
		struct signed_token token = {0};

		scene.form = form;
		token_scene_sign(
		    &scene, form == TOKEN_JWT ? text_bytes("[]") : BYTES(0x80), &bytes);
		assert_int_equal(read_bytes(wr_view(&bytes)), TOBI_E_MALFORMED);
		/* Whose content is another thing is for others. */
		assert_int_equal(signed_token_open(wr_view(&bytes), "x", &token, NULL),
				 0);
		assert_null(token.tree);
		signed_token_done(&token);
		wr_done(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signed_token_examine__trusted_in_each_way__holds),
	    cmocka_unit_test(test_signed_token_examine__of_whom_nobody_trusts__fails),
	    cmocka_unit_test(test_signed_token_examine__signature_of_another_key__fails),
	    cmocka_unit_test(test_signed_token_examine__chain_out_of_its_time__fails),
	    cmocka_unit_test(test_signed_token_read__tags__61_before_18_only),
	    cmocka_unit_test(test_signed_token_read__cut_or_longer__fails),
	    cmocka_unit_test(test_signed_token_read__claims_that_are_none__fail),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
