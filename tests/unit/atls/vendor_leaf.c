#include "tests/unit/atls/vendor_leaf.h"

#include "base/hex.h"
#include "tests/check.h"
#include "tests/ratls.h"

enum { REPORT_DATA_AT = 320, MRENCLAVE_AT = 64, REPORT_DATA_SIZE = 64 };

void vendor_leaf_write(struct dcap_scene *scene, EVP_PKEY *key, struct writer *out)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct test_leaf leaf = {.key = key,
				 .from = DCAP_NOW - DCAP_DAY,
				 .to = DCAP_NOW + DCAP_DAY,
				 .extension_count = 1};

	memset(scene->body + REPORT_DATA_AT, 0, REPORT_DATA_SIZE);
	assert_int_equal(key_spki_sha256(key, scene->body + REPORT_DATA_AT, NULL), 0);
	dcap_scene_quote(scene, &quote);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_gramine_name, wr_view(&quote), false};
	test_leaf_write(&leaf, out);
	wr_done(&quote);
}

struct tobi_policy *vendor_leaf_policy(const struct dcap_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), pem = wr_init(LIMIT_PEM);
	const struct tobi_bytes image = {scene->body + MRENCLAVE_AT, 32};
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	char hex[2 * 32 + 1];

	hex_write(image, hex, sizeof(hex));
	wr_printf(
	    &yaml,
	    "version: 1\ntiers: [sgx]\nimages: [%s]\nchannel: ra-tls\n"
	    "identity: {mode: any-instance}\nroots:\n- tier: sgx\n  anchors: |\n    ",
	    hex);
	dcap_scene_pem(scene, DCAP_ROOT, &pem);
	for (size_t i = 0; i < pem.size; i++)
		wr_printf(&yaml, "%c%s", pem.ptr[i], pem.ptr[i] == '\n' ? "    " : "");
	wr_printf(&yaml, "\n");
	if (tobi_policy_parse(wr_view(&yaml), "p.yaml", &policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&yaml);
	wr_done(&pem);
	return policy;
}
