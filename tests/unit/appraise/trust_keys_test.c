/* Whom a policy trusts: every key of the sections of Intel's, AMD's and AWS's hardware
 * has a line that says what it is set to. */
#include <stdio.h>

#include "base/limits.h"
#include "base/writer.h"
#include "pki/key.h"
#include "tests/bytes.h"
#include "tests/check.h"
#include "tobichi/trust.h"
#include "tobichi/verify.h"

#define HASH                                                                             \
	"f19067a6a0dc0daab2fdb0929cfe090b46bcf694679e224fd852451a75b6a2fffdfd2fd18c7f82" \
	"8afe74bd8dabaa8c55"
#define ID "00112233445566778899aabbccddeeff"

static struct tobi_trust *tree_of(const char *tier, const char *section)
{
	struct tobi_policy *policy = NULL;
	struct tobi_trust *trust = NULL;
	struct tobi_fault fault = {0};
	char yaml[2048];

	snprintf(yaml, sizeof(yaml),
		 "version: 1\ntiers: [%s]\nimages: [%s]\nidentity: {mode: "
		 "any-instance}\n%s",
		 tier, HASH, section);
	if (tobi_policy_parse(text_bytes(yaml), "test.yaml", &policy, &fault))
		fail_msg("%s: %s: %s", section, fault.field, fault.message);
	assert_int_equal(tobi_trust_new(policy, &trust, NULL), 0);
	tobi_policy_free(policy);
	return trust;
}

/* The line that this key of the policy made; NULL: there is none. */
static const struct tobi_trust_line *line_of(const struct tobi_trust *trust,
					     const char *source)
{
	const struct tobi_trust_line *line;

	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++) {
		if (strcmp(line->source, source) == 0)
			return line;
	}
	return NULL;
}

static const struct {
	const char *tier, *section, *source, *value;
} keys[] = {
    {"sgx", "sgx: {family-id: " ID "}\n", "sgx: family-id", ID},
    {"sgx", "sgx: {ext-product-id: " ID "}\n", "sgx: ext-product-id", ID},
    {"sgx", "sgx: {min-config-svn: 7}\n", "sgx: min-config-svn", "7"},
    {"sgx", "sgx: {attributes: [provision-key, launch-key]}\n", "sgx: attributes",
     "provision-key, launch-key"},
    {"sgx", "sgx: {tcb-status: [OutOfDate]}\n", "sgx: tcb-status", "OutOfDate"},
    {"sgx", "sgx: {advisories: [INTEL-SA-00615]}\n", "sgx: advisories", "INTEL-SA-00615"},
    {"sgx", "sgx: {min-tcb-evaluation: 17}\n", "sgx: min-tcb-evaluation", "17"},
    {"sgx", "sgx: {fmspc: [00906ed50000]}\n", "sgx: fmspc", "00906ed50000"},
    {"sgx", "sgx: {fmspc-refused: [00906ed50000]}\n", "sgx: fmspc-refused",
     "00906ed50000"},
    {"sgx", "sgx: {platforms: [" ID "]}\n", "sgx: platforms", ID},
    {"sgx", "collateral: {signers: [" HASH "]}\n", "collateral: signers", HASH},
    {"sgx", "collateral: {grace: 86400}\n", "collateral: grace", "1 day"},
    {"sgx", "collateral: {baseline: 2026-05-17T12:00:00Z}\n", "collateral: baseline",
     "2026-05-17T12:00:00Z"},
    {"sgx", "allow: [unknown-config]\n", "allow: unknown-config", ""},
    {"tdx", "tdx: {mr-seam: [" HASH "]}\n", "tdx: mr-seam", HASH},
    {"tdx", "tdx: {rtmrs: [{index: 1, value: " HASH "}]}\n", "tdx: rtmrs", HASH},
    {"tdx", "tdx: {mr-config-id: " HASH "}\n", "tdx: mr-config-id", HASH},
    {"tdx", "tdx: {mr-owner: " HASH "}\n", "tdx: mr-owner", HASH},
    {"tdx", "tdx: {mr-owner-config: " HASH "}\n", "tdx: mr-owner-config", HASH},
    {"tdx", "tdx: {mr-service-td: [" HASH "]}\n", "tdx: mr-service-td", HASH},
    {"tdx", "tdx: {attributes: [migratable, perfmon]}\n", "tdx: attributes",
     "migratable, perfmon"},
    {"tdx", "tdx: {attributes: [no-sept-ve-disable]}\n", "tdx: attributes",
     "no-sept-ve-disable"},
    {"tdx", "tdx: {event-log: required}\n", "tdx: event-log", ""},
    {"tdx", "tdx: {advisories: [any]}\n", "tdx: advisories", "any"},
    {"snp", "snp: {crl: not-required}\n", "snp: crl", ""},
    {"snp", "snp: {max-vmpl: 2}\n", "snp: max-vmpl", ""},
    {"snp", "snp: {migration: allowed}\n", "snp: migration", ""},
    {"snp", "snp: {provisional-firmware: allowed}\n", "snp: provisional-firmware", ""},
    {"snp", "snp: {generations: [Milan, Genoa]}\n", "snp: generations", "Milan, Genoa"},
    {"snp", "snp: {refused-generations: [Milan]}\n", "snp: refused-generations", "Milan"},
    {"snp", "snp: {csp-ids: [CN=a]}\n", "snp: csp-ids", "CN=a"},
    {"snp", "snp: {keys: [vlek]}\n", "snp: keys", ""},
    {"snp", "snp: {chips: [0011223344556677]}\n", "snp: chips", "0011223344556677"},
    {"snp", "snp: {min-tcb: [{generation: Milan, snp: 8}]}\n", "snp: min-tcb",
     "Milan 0000000000000800"},
    {"snp", "snp: {min-launch-tcb: [{generation: Milan, tee: 1}]}\n",
     "snp: min-launch-tcb", "Milan 0001000000000000"},
    {"snp", "snp: {min-firmware: 1.55.29}\n", "snp: min-firmware", "1.55.29"},
    {"snp", "snp: {min-abi: 1.51}\n", "snp: min-abi", "1.51"},
    {"snp", "snp: {guest-policy: [no-smt, single-socket]}\n", "snp: guest-policy",
     "no-smt, single-socket"},
    {"snp", "snp: {platform: [alias-check, no-tio]}\n", "snp: platform",
     "alias-check, no-tio"},
    {"snp", "snp: {mitigations: [0, 63]}\n", "snp: mitigations", "bit 0, bit 63"},
    {"snp", "snp: {id-keys: [" HASH "]}\n", "snp: id-keys", HASH},
    {"snp", "snp: {author-keys: [" HASH "]}\n", "snp: author-keys", HASH},
    {"snp", "snp: {id-keys: [" HASH "], family-id: " ID "}\n", "snp: family-id", ID},
    {"snp", "snp: {id-keys: [" HASH "], image-id: " ID "}\n", "snp: image-id", ID},
    {"sev", "sev: {generations: [rome]}\n", "sev: generations", "rome"},
    {"sev", "sev: {guest-policy: [nodbg, es]}\n", "sev: guest-policy", "0x00000005"},
    {"sev", "sev: {min-api: \"0.24\"}\n", "sev: min-api", "0.24"},
    {"sev", "sev: {min-build: 15}\n", "sev: min-build", "15"},
    {"sev", "sev: {oca: [" ID ID "]}\n", "sev: oca", ID ID},
    {"sev", "sev: {owner: required}\n", "sev: owner", ""},
    {"sev", "sev: {platform-only: allowed}\n", "sev: platform-only", ""},
    {"nitro", "nitro: {pcrs: [{index: 8, value: " HASH "}]}\n", "nitro: pcrs", HASH},
    {"nitro", "nitro: {role-arns: [\"arn:aws:iam::123456789012:role/a\"]}\n",
     "nitro: role-arns", "arn:aws:iam::123456789012:role/a"},
    {"nitro", "nitro: {instance-ids: [i-0123456789abcdef0]}\n", "nitro: instance-ids",
     "i-0123456789abcdef0"},
    {"nitro", "nitro: {module-ids: [i-0123456789abcdef0-enc0123456789abcdef]}\n",
     "nitro: module-ids", "i-0123456789abcdef0-enc0123456789abcdef"},
    {"nitro", "nitro: {public-key: none}\n", "nitro: public-key", "none"},
    {"nitro", "nitro: {user-data: \"0011\"}\n", "nitro: user-data", "2 bytes"},
    {"nitro-tpm", "nitro-tpm: {pcrs: [{index: 7, value: " HASH "}]}\n", "nitro-tpm: pcrs",
     HASH},
    {"nitro-tpm", "nitro-tpm: {module-ids: [i-0123456789abcdef0]}\n",
     "nitro-tpm: module-ids", "i-0123456789abcdef0"},
    {"nitro-tpm", "nitro-tpm: {public-key: \"0011\"}\n", "nitro-tpm: public-key",
     "2 bytes"},
    {"nitro-tpm", "nitro-tpm: {user-data: none}\n", "nitro-tpm: user-data", "none"},
    {"sgx-epid", "sgx-epid: {status: [GROUP_OUT_OF_DATE]}\n", "sgx-epid: status",
     "OK, GROUP_OUT_OF_DATE"},
    {"sgx-epid", "sgx-epid: {advisories: [INTEL-SA-00334]}\n", "sgx-epid: advisories",
     "INTEL-SA-00334"},
    {"sgx-epid", "sgx-epid: {nonce: abc}\n", "sgx-epid: nonce", "abc"},
};

static void test_trust_keys__each_of_them__has_a_line_and_its_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct tobi_trust *with = tree_of(keys[i].tier, keys[i].section);
		struct tobi_trust *without = tree_of(keys[i].tier, "");
		const struct tobi_trust_line *line = line_of(with, keys[i].source);

		if (!line)
			fail_msg("no line of %s", keys[i].source);
		if (!strstr(line->value, keys[i].value))
			fail_msg("%s: '%s' is not in '%s'", keys[i].source, keys[i].value,
				 line->value);
		if (line_of(without, keys[i].source))
			fail_msg("%s is there unasked", keys[i].source);
		tobi_trust_free(with);
		tobi_trust_free(without);
	}
}

/* Who signs wrappers deceives nobody alone, and is not said to be trusted for nothing. */
static void test_trust_keys__who_signs_wrappers__named(void **state)
{
	struct writer pem = wr_init(LIMIT_PEM), roots = wr_init(LIMIT_POLICY);
	const struct tobi_trust_line *line;
	struct tobi_trust *trust;
	EVP_PKEY *key;
	uint8_t spki[SHA256_SIZE];

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	assert_int_equal(key_write_public(key, &pem, NULL), 0);
	assert_int_equal(key_spki_sha256(key, spki, NULL), 0);
	wr_printf(&roots, "roots:\n- tier: cmw\n  wrapper: required\n  anchors: |\n    ");
	for (size_t i = 0; i < pem.size; i++)
		wr_printf(&roots, "%c%s", pem.ptr[i], pem.ptr[i] == '\n' ? "    " : "");
	wr_printf(&roots, "\n%c", 0);
	trust = tree_of("sgx", (const char *)roots.ptr);
	line = line_of(trust, "roots: cmw");
	assert_non_null(line);
	assert_non_null(strstr(line->name, "in a wrapper alone"));
	assert_true(strlen(line->value) == strlen("key SHA-256 ") + 2 * SHA256_SIZE);
	assert_string_equal(line->party, "");
	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++)
		assert_null(strstr(line->does, "trusted for nothing"));
	tobi_trust_free(trust);
	wr_done(&pem);
	wr_done(&roots);
	EVP_PKEY_free(key);
}

/* Without a named signer whoever attests has a say in it. */
static void test_trust_keys__who_brings_documents__as_the_policy_lets(void **state)
{
	static const char signers[] = "collateral: {signers: [" HASH "]}\n";
	static const struct {
		const char *tier, *section, *source;
	} rows[] = {
	    {"sgx", "", "Intel PCS, a PCCS, or a file"},
	    {"sgx", "channel: ra-tls\n",
	     "Intel PCS, a PCCS, or a file, or the certificate with the evidence"},
	    {"snp", "", "AMD KDS, a file, or whoever shows the report"},
	    {"snp", signers, "AMD KDS, or a file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tobi_trust *trust = tree_of(rows[i].tier, rows[i].section);

		if (!line_of(trust, rows[i].source))
			fail_msg("%s", rows[i].source);
		tobi_trust_free(trust);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trust_keys__each_of_them__has_a_line_and_its_value),
	    cmocka_unit_test(test_trust_keys__who_signs_wrappers__named),
	    cmocka_unit_test(test_trust_keys__who_brings_documents__as_the_policy_lets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
