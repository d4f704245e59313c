/* Who the peer is, decided in a session: each mode of identity with the peer that is
 * meant and with another that is as genuine. And evidence of a genuine enclave beside the
 * key of somebody else. */
#include "tests/unit/atls/world.h"

#include <signal.h>
#include <stdlib.h>

#include "atls/message.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

static const uint8_t other[48] = {0x99};

static void run(struct world *world)
{
	end_start(&world->client, world->base, world->fds[0]);
	end_start(&world->server, world->base, world->fds[1]);
	turn(world);
}

static enum tobi_outcome outcome_of(const struct world *world, const char *code)
{
	const struct tobi_result *result = atls_conn_result(world->server.conn);

	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (strcmp(line->code, code) == 0)
			return line->outcome;
	}
	return TOBI_NOT_RUN;
}

static void assert_accepted(const struct world *world)
{
	assert_true(world->server.opened && world->client.opened);
	assert_int_equal(outcome_of(world, "ATLS-IDENTITY"), TOBI_PASSED);
}

/* The peer learns no more than the number. */
static void assert_refused(const struct world *world, unsigned reason)
{
	char text[32];

	assert_true(world->server.closed && world->client.closed);
	assert_false(world->server.opened || world->client.opened);
	assert_int_equal(world->server.fault.code, TOBI_E_REFUSED);
	snprintf(text, sizeof(text), "(reason %u)", reason);
	assert_non_null(strstr(world->client.fault.message, text));
}

/* ---- modes that the evidence decides ---- */

static void of_another_owner(struct test_scene *scene)
{
	scene->claims.owner.ptr = other;
}

static void of_no_owner(struct test_scene *scene)
{
	scene->claims.owner = (struct tobi_bytes){0};
}

static void of_another_launch(struct test_scene *scene)
{
	scene->claims.config_id.ptr = other;
}

#define TWELVE "666666666666666666666666"
#define OWNER "identity:\n  mode: owner\n  owner: " TWELVE TWELVE TWELVE TWELVE "\n"
#define LAUNCH "identity:\n  mode: config-id\n"

static void test_identity__owner_and_launch__only_the_one_meant(void **state)
{
	static const struct {
		const char *identity;
		void (*change)(struct test_scene *scene); /* NULL: the one meant */
	} rows[] = {{OWNER, NULL},
		    {OWNER, of_another_owner},
		    {OWNER, of_no_owner},
		    {LAUNCH, NULL},
		    {LAUNCH, of_another_launch}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world world;

		world_init_as(&world, rows[i].identity);
		if (rows[i].change)
			rows[i].change(&world.scene);
		run(&world);
		if (!rows[i].change) {
			assert_accepted(&world);
		} else {
			assert_refused(&world, ATLS_IDENTITY_REFUSED);
			assert_int_equal(outcome_of(&world, "ATLS-IDENTITY"),
					 TOBI_FAILED);
		}
		world_done(&world);
	}
}

#define HARDWARE                                                                         \
	"identity:\n  mode: hardware\n  hardware: [01" TWELVE TWELVE "6666666666666666]" \
	"\n"

static void test_identity__hardware__only_the_one_listed(void **state)
{
	(void)state;
	for (int listed = 0; listed < 2; listed++) {
		struct world world;

		world_init_as(&world, HARDWARE);
		/* The platform's id is known only now. */
		if (listed)
			world.policy->hardware.items[0] = world.scene.claims.ueid;
		run(&world);
		if (listed)
			assert_accepted(&world);
		else
			assert_refused(&world, ATLS_IDENTITY_REFUSED);
		assert_int_equal(outcome_of(&world, "ATLS-IDENTITY"),
				 listed ? TOBI_PASSED : TOBI_FAILED);
		world_done(&world);
	}
}

/* Nobody in particular: accepted, and said in each form of the result. */
static void test_identity__any_instance__said_aloud(void **state)
{
	CLEANUP(freep) char *text = NULL;
	const struct tobi_result *result;
	struct world world;

	(void)state;
	world_init(&world);
	of_another_owner(&world.scene);
	run(&world);
	assert_accepted(&world);
	result = atls_conn_result(world.server.conn);
	assert_string_equal(tobi_result_identity(result), "any instance of this image");
	assert_non_null(strstr(tobi_result_allowance(result, 0), "ANY INSTANCE"));
	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_TEXT, &text, NULL), 0);
	assert_non_null(strstr(text, "any instance of this image"));
	world_done(&world);
}

/* ---- a CA of the policy's ---- */

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	struct writer pem;
};

static void authority_make(struct authority *authority)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct cert_request request = {.role = CERT_CA,
				       .common_name = "owner's CA",
				       .not_before = TEST_NOW - 100,
				       .not_after = TEST_NOW + 100};

	*authority = (struct authority){.pem = wr_init(LIMIT_PEM)};
	assert_int_equal(key_new(KEY_P256, &authority->key, NULL), 0);
	request.key = authority->key;
	assert_int_equal(cert_make(&request, NULL, NULL, &der, NULL), 0);
	assert_int_equal(
	    chain_read_certificate(wr_view(&der), "CA", &authority->certificate, NULL),
	    0);
	assert_int_equal(chain_write_pem(wr_view(&der), &authority->pem, NULL), 0);
}

static void authority_done(struct authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
	wr_done(&authority->pem);
}

/* The end's leaf is one that the CA has issued to its key, for this name. */
static void certify(struct end *end, const struct authority *authority, const char *name)
{
	struct writer leaf = wr_init(LIMIT_CERTIFICATE);
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "leaf",
				       .host_name = name,
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10,
				       .key = end->endpoint.key};

	assert_int_equal(
	    cert_make(&request, authority->certificate, authority->key, &leaf, NULL), 0);
	end_use_leaf(end, &leaf);
}

static void world_with_ca(struct world *world, struct authority *authority,
			  const char *meant, const char *certified)
{
	authority_make(authority);
	world_init(world);
	world->policy->identity = IDENTITY_CA;
	world->policy->ca_pem = wr_view(&authority->pem);
	world->policy->host_name = meant;
	certify(&world->client, authority, certified);
}

static void test_identity__ca__by_host_name(void **state)
{
	static const struct {
		const char *certified;
		bool good;
	} rows[] = {{"a.example", true},
		    {"b.example", false},
		    {"a.example.org", false},
		    {"sub.a.example", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct authority authority;
		struct world world;

		world_with_ca(&world, &authority, "a.example", rows[i].certified);
		run(&world);
		if (rows[i].good)
			assert_accepted(&world);
		else
			assert_refused(&world, ATLS_IDENTITY_REFUSED);
		assert_int_equal(outcome_of(&world, "ATLS-IDENTITY"),
				 rows[i].good ? TOBI_PASSED : TOBI_FAILED);
		world_done(&world);
		authority_done(&authority);
	}
}

/* Genuine evidence of an enclave, made for its own key in a session with this nonce:
 * shown by somebody whose key the CA has certified. */
static void attest_another_key(struct end *end, struct tobi_bytes claims_buffer,
			       struct writer *out)
{
	CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	struct claims_buffer parsed;

	assert_int_equal(claims_buffer_parse(claims_buffer, &parsed, NULL), 0);
	claims_buffer_write(&claims, parsed.nonce, other, TOBI_ROLE_CLIENT,
			    (struct tobi_bytes){other, 32});
	test_scene_session_evidence(end->scene, wr_view(&claims), out);
}

static void test_identity__right_ca_wrong_evidence_key__refused(void **state)
{
	struct authority authority;
	struct world world;

	(void)state;
	world_with_ca(&world, &authority, "a.example", "a.example");
	world.client.attest = attest_another_key;
	run(&world);
	assert_refused(&world, ATLS_EVIDENCE_REFUSED);
	assert_int_equal(outcome_of(&world, "ATLS-IDENTITY"), TOBI_PASSED);
	assert_int_equal(outcome_of(&world, "SOFT-NONCE"), TOBI_FAILED);
	world_done(&world);
	authority_done(&authority);
}

/* ---- the evidence's type, by number ---- */

static uint64_t content_format;

static void attest_by_number(struct end *end, struct tobi_bytes claims_buffer,
			     struct writer *out)
{
	CLEANUP(wr_done) struct writer named = wr_init(LIMIT_EVIDENCE);
	struct cmw_record record;
	struct cmw cmw;

	test_scene_session_evidence(end->scene, claims_buffer, &named);
	assert_int_equal(cmw_parse(wr_view(&named), "evidence", &cmw, NULL), 0);
	record = *cmw_find(&cmw, "cpu");
	record.media_type = (struct tobi_bytes){0};
	record.content_format = content_format;
	cmw_write(out, &record, 1);
}

static void test_evidence__content_format__263_only(void **state)
{
	(void)state;
	for (content_format = 262; content_format <= 264; content_format++) {
		struct world world;

		world_init(&world);
		world.client.attest = attest_by_number;
		run(&world);
		if (content_format == 263) {
			assert_accepted(&world);
		} else {
			assert_true(world.server.closed && world.client.closed);
			assert_false(world.server.opened || world.client.opened);
		}
		world_done(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_identity__owner_and_launch__only_the_one_meant),
	    cmocka_unit_test(test_identity__hardware__only_the_one_listed),
	    cmocka_unit_test(test_identity__any_instance__said_aloud),
	    cmocka_unit_test(test_identity__ca__by_host_name),
	    cmocka_unit_test(test_identity__right_ca_wrong_evidence_key__refused),
	    cmocka_unit_test(test_evidence__content_format__263_only),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
