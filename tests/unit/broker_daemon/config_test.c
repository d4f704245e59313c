#include "tests/check.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/secret.h"
#include "daemons/broker/config.h"

#define WHO "name: https://a.example\n"
#define WHERE "listen: ['127.0.0.1:8443', '[::1]:8443']\n"
#define TLS "tls:\n  certificate: tls.pem\n  key: /k/tls.key\n"
#define REST "database: sqlite:/x.db\nkeys: file:/x.key\ntoken-key: token.key\n"
#define GOOD WHO WHERE TLS REST

static enum tobi_err parse(const char *text, struct config **ret_config,
			   struct tobi_fault *fault)
{
	return config_parse(bytes_of_text(text), "/etc/b/broker.yaml", ret_config, fault);
}

static void expect(enum tobi_err err, const char *field, const char *text)
{
	struct tobi_fault fault = {0};
	struct config *config = NULL;
	enum tobi_err got = parse(text, &config, &fault);

	if (got != err || (field && !strstr(fault.field, field)))
		fail_msg("%s in '%s' (%s) for:\n%s", tobi_err_name(got), fault.field,
			 fault.message, text);
	config_free(config);
}

static void test_config__least__usual_values(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(parse(GOOD, &config, NULL), TOBI_OK);
	assert_string_equal(config->name, "https://a.example");
	assert_int_equal(config->listen_count, 2);
	assert_string_equal(config->certificate, "/etc/b/tls.pem");
	assert_string_equal(config->key, "/k/tls.key");
	assert_string_equal(config->token_key, "/etc/b/token.key");
	assert_string_equal(config->database, "sqlite:/x.db");
	assert_false(config->tls12 || config->metrics || config->metrics_on_main);
	assert_int_equal(config->log, LOG_ALL);
	assert_null(config->entry);
	assert_null(config->hosts[0]);
	assert_int_equal(config->limits.workers, 8);
	assert_int_equal(config->limits.head_seconds, 10);
	assert_int_equal(config->connections, 10);
	assert_int_equal(config->sessions, 100000);
	config_free(config);
}

static void test_config__inside__needs_neither_tls_nor_a_token_key(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(parse(WHO WHERE "database: postgres:host=127.0.0.1\n"
					 "keys: 'enclave:image'\nplain: inside\n",
			       &config, NULL),
			 TOBI_OK);
	assert_true(config->inside);
	assert_null(config->token_key);
	assert_null(config->certificate);
	config_free(config);
	config = NULL;
	assert_int_equal(parse(GOOD, &config, NULL), TOBI_OK);
	assert_false(config->inside);
	config_free(config);
}

static void test_config__all_keys__taken(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(
	    parse(WHO WHERE TLS
		  "  min-version: '1.2'\n" REST
		  "hosts: [a, b]\noperators: [o.pub]\nentry: entry.yaml\n"
		  "collateral: [one, /two]\npin-file: pin\nuser: nobody\n"
		  "metrics: 127.0.0.1:1\nlog: errors\ndatabase-connections: 3\n"
		  "evidence-seconds: 0\n"
		  "sessions:\n  seconds: 60\n  most: 7\n"
		  "limits:\n  workers: 2\n  queue: 3\n  connections: 4\n"
		  "  client-connections: 5\n  connection-requests: 6\n  rate: 0\n"
		  "  burst: 8\n  client-rate: 9\n  client-burst: 10\n"
		  "  head-bytes: 1024\n  body-memory: 1048576\n  head-seconds: 11\n"
		  "  body-seconds: 12\n  idle-seconds: 13\n  request-seconds: 14\n"
		  "  reply-seconds: 15\n  stop-seconds: 16\n",
		  &config, NULL),
	    TOBI_OK);
	assert_true(config->tls12);
	assert_string_equal(config->hosts[1], "b");
	assert_null(config->hosts[2]);
	assert_string_equal(config->operators[0], "/etc/b/o.pub");
	assert_string_equal(config->entry, "/etc/b/entry.yaml");
	assert_string_equal(config->collateral[0], "/etc/b/one");
	assert_string_equal(config->collateral[1], "/two");
	assert_string_equal(config->metrics, "127.0.0.1:1");
	assert_int_equal(config->log, LOG_ERRORS);
	assert_int_equal(config->connections, 3);
	assert_int_equal(config->session_seconds, 60);
	assert_int_equal(config->sessions, 7);
	assert_int_equal(config->evidence_seconds, 0);
	assert_int_equal(config->limits.workers, 2);
	assert_int_equal(config->limits.rate, 0);
	assert_int_equal(config->limits.client_burst, 10);
	assert_int_equal(config->limits.body_memory, 1048576);
	assert_int_equal(config->limits.stop_seconds, 16);
	config_free(config);
}

#define ATTESTED "attested:\n  listen: ['127.0.0.1:9443', '[::]:9443']\n"
#define OWN "  certificate: a.pem\n  key: /k/a.key\n"

static void test_config__attested__by_its_own_key_or_that_of_tls(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(parse(GOOD ATTESTED OWN, &config, NULL), TOBI_OK);
	assert_int_equal(config->attested_count, 2);
	assert_string_equal(config->attested[1], "[::]:9443");
	assert_string_equal(config->attested_certificate, "/etc/b/a.pem");
	assert_string_equal(config->attested_key, "/k/a.key");
	assert_string_equal(config->key, "/k/tls.key");
	config_free(config);
	config = NULL;
	assert_int_equal(parse(GOOD ATTESTED, &config, NULL), TOBI_OK);
	assert_string_equal(config->attested_certificate, "/etc/b/tls.pem");
	assert_string_equal(config->attested_key, "/k/tls.key");
	config_free(config);
	config = NULL;
	assert_int_equal(parse(GOOD, &config, NULL), TOBI_OK);
	assert_int_equal(config->attested_count, 0);
	config_free(config);
}

static void test_config__attested__wrong__refused(void **state)
{
	(void)state;
	expect(TOBI_E_ARGUMENT, "attested", GOOD ATTESTED "  key: a.key\n");
	expect(TOBI_E_ARGUMENT, "attested", GOOD ATTESTED "  certificate: a.pem\n");
	expect(TOBI_E_ARGUMENT, "attested.key",
	       WHO "listen: ['127.0.0.1:8443']\nplain: loopback\n" REST ATTESTED);
	expect(TOBI_OK, NULL,
	       WHO "listen: ['127.0.0.1:8443']\nplain: loopback\n" REST ATTESTED OWN);
	expect(TOBI_E_ARGUMENT, "attested",
	       WHO WHERE "plain: inside\n" REST ATTESTED OWN);
	expect(TOBI_E_MALFORMED, "attested.listen",
	       GOOD "attested:\n  listen: ['localhost:9443']\n");
	expect(TOBI_E_MALFORMED, "attested.listen",
	       GOOD "attested:\n  listen: ['127.0.0.1:0']\n");
	expect(TOBI_E_MALFORMED, NULL, GOOD "attested:\n" OWN);
	expect(TOBI_E_MALFORMED, NULL, GOOD ATTESTED "  min-version: '1.2'\n");
	/* One session's evidence must have room, to the byte. */
	expect(TOBI_E_ARGUMENT, "limits.body-memory",
	       GOOD ATTESTED "limits:\n  body-memory: 2105343\n");
	expect(TOBI_OK, NULL, GOOD ATTESTED "limits:\n  body-memory: 2105344\n");
	expect(TOBI_OK, NULL, GOOD "limits:\n  body-memory: 1048576\n");
}

static void test_config__wrong__refused(void **state)
{
	(void)state;
	expect(TOBI_E_TRUNCATED, NULL, "");
	expect(TOBI_E_MALFORMED, NULL, WHO WHERE TLS);
	expect(TOBI_E_MALFORMED, NULL, GOOD "frob: 1\n");
	expect(TOBI_E_MALFORMED, NULL, GOOD WHO);
	expect(TOBI_E_MALFORMED, NULL, GOOD "---\n" GOOD);
	expect(TOBI_E_MALFORMED, "name", "name: 'a b'\n" WHERE TLS REST);
	expect(TOBI_E_MALFORMED, "name", "name: '<a>'\n" WHERE TLS REST);
	expect(TOBI_E_MALFORMED, "listen", WHO "listen: ['localhost:1']\n" TLS REST);
	expect(TOBI_E_MALFORMED, "listen", WHO "listen: ['127.0.0.1']\n" TLS REST);
	expect(TOBI_E_MALFORMED, "listen", WHO "listen: ['127.0.0.1:0']\n" TLS REST);
	expect(TOBI_E_MALFORMED, "listen", WHO "listen: ['127.0.0.1:70000']\n" TLS REST);
	expect(TOBI_E_MALFORMED, "min-version",
	       WHO WHERE TLS "  min-version: '1.1'\n" REST);
	expect(TOBI_E_MALFORMED, "log", GOOD "log: loud\n");
	expect(TOBI_E_MALFORMED, "metrics", GOOD "metrics: here\n");
	expect(TOBI_E_MALFORMED, "sessions.seconds", GOOD "sessions:\n  seconds: 9\n");
	expect(TOBI_E_MALFORMED, "database-connections",
	       GOOD "database-connections: 0\n");
	expect(TOBI_E_MALFORMED, "evidence-seconds",
	       GOOD "evidence-seconds: 315360001\n");
	expect(TOBI_E_MALFORMED, "plain", WHO WHERE REST "plain: maybe\n");
}

/* Without TLS only this host listens, unless somebody says that he knows. */
static void test_config__without_tls__said(void **state)
{
	(void)state;
	expect(TOBI_E_ARGUMENT, "tls", WHO WHERE REST);
	expect(TOBI_E_ARGUMENT, "tls", GOOD "plain: loopback\n");
	expect(TOBI_OK, NULL, WHO WHERE REST "plain: loopback\n");
	expect(TOBI_E_ARGUMENT, "plain",
	       WHO "listen: ['0.0.0.0:1']\n" REST "plain: loopback\n");
	expect(TOBI_E_ARGUMENT, "plain",
	       WHO "listen: ['[::]:1']\n" REST "plain: loopback\n");
	expect(TOBI_OK, NULL, WHO "listen: ['0.0.0.0:1']\n" REST "plain: exposed\n");
	expect(TOBI_E_ARGUMENT, "plain",
	       WHO "listen: ['0.0.0.0:1']\n" REST "plain: inside\n");
	expect(TOBI_E_ARGUMENT, "tls", GOOD "plain: inside\n");
}

/* Each limit: the least and the most that it may be, and one beyond. */
static void test_config__limits__bounded(void **state)
{
	static const struct {
		const char *key;
		unsigned long long least, most;
	} limits[] = {
	    {"workers", 1, 256},
	    {"queue", 1, 65536},
	    {"connections", 1, 1000000},
	    {"client-connections", 1, 1000000},
	    {"connection-requests", 1, 1000000000},
	    {"rate", 0, 1000000},
	    {"burst", 1, 1000000},
	    {"client-rate", 0, 1000000},
	    {"client-burst", 1, 1000000},
	    {"head-bytes", 1024, 256 << 10},
	    {"body-memory", 1 << 20, 16ull << 30},
	    {"head-seconds", 1, 3600},
	    {"body-seconds", 1, 3600},
	    {"idle-seconds", 1, 86400},
	    {"request-seconds", 1, 3600},
	    {"reply-seconds", 1, 3600},
	    {"stop-seconds", 1, 3600},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const unsigned long long good[] = {limits[i].least, limits[i].most};

		for (size_t j = 0; j < 2; j++) {
			snprintf(text, sizeof(text), GOOD "limits:\n  %s: %llu\n",
				 limits[i].key, good[j]);
			expect(TOBI_OK, NULL, text);
		}
		snprintf(text, sizeof(text), GOOD "limits:\n  %s: %llu\n", limits[i].key,
			 limits[i].most + 1);
		expect(TOBI_E_MALFORMED, limits[i].key, text);
		snprintf(text, sizeof(text), GOOD "limits:\n  %s: %lld\n", limits[i].key,
			 (long long)limits[i].least - 1);
		expect(TOBI_E_MALFORMED, limits[i].key, text);
		snprintf(text, sizeof(text), GOOD "limits:\n  %s: 1x\n", limits[i].key);
		expect(TOBI_E_MALFORMED, limits[i].key, text);
	}
}

static void test_config__too_large__refused(void **state)
{
	static char text[LIMIT_CONFIG + 2];
	struct tobi_fault fault = {0};
	struct config *config = NULL;

	(void)state;
	memset(text, '\n', sizeof(text));
	bytes_copy(text, sizeof(text), GOOD, strlen(GOOD));
	assert_int_equal(config_parse((struct tobi_bytes){(uint8_t *)text, LIMIT_CONFIG},
				      "b", &config, &fault),
			 TOBI_OK);
	config_free(config);
	assert_int_equal(
	    config_parse((struct tobi_bytes){(uint8_t *)text, LIMIT_CONFIG + 1}, "b",
			 &config, &fault),
	    TOBI_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config__least__usual_values),
	    cmocka_unit_test(test_config__inside__needs_neither_tls_nor_a_token_key),
	    cmocka_unit_test(test_config__all_keys__taken),
	    cmocka_unit_test(test_config__attested__by_its_own_key_or_that_of_tls),
	    cmocka_unit_test(test_config__attested__wrong__refused),
	    cmocka_unit_test(test_config__wrong__refused),
	    cmocka_unit_test(test_config__without_tls__said),
	    cmocka_unit_test(test_config__limits__bounded),
	    cmocka_unit_test(test_config__too_large__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
