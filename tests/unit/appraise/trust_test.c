/* Whom a policy trusts: the tree of policies of each kind, what is advised, and that what
 * a policy or a certificate calls itself stays text. */
#include <stdio.h>

#include <jansson.h>

#include "pki/vendor_roots.h"
#include "tee/tee.h"
#include "tests/bytes.h"
#include "tests/evidence.h"
#include "tobichi/trust.h"

#define IMAGE                                                                            \
	"images: [f19067a6a0dc0daab2fdb0929cfe090b46bcf694679e224fd852451a75b6a2fffdfd2" \
	"fd18c7f828afe74bd8dabaa8c55]\n"
#define SIGNER                                                                           \
	"signers: [4d271d70b0e879051b628e32eabfb3cec99132047515baeacf31d3b56e43730316"   \
	"6b0008ac63a27239fea241559b6e2d]\n"
#define HASH                                                                             \
	"f19067a6a0dc0daab2fdb0929cfe090b46bcf694679e224fd852451a75b6a2fffdfd2fd18c7f82" \
	"8"                                                                              \
	"afe74bd8dabaa8c55"
#define HARDWARE                                                                         \
	"identity:\n  mode: hardware\n  hardware: "                                      \
	"[018c2b6f7dfa38252c913402e5720962b9b0944780c847cb84891cb3840e527464]\n"
#define ANY "identity:\n  mode: any-instance\n"

static struct tobi_trust *tree_of(struct tobi_bytes yaml)
{
	struct tobi_policy *policy = NULL;
	struct tobi_trust *trust = NULL;
	struct tobi_fault fault = {0};

	if (tobi_policy_parse(yaml, "test.yaml", &policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	assert_int_equal(tobi_trust_new(policy, &trust, NULL), 0);
	/* It lives on without the policy. */
	tobi_policy_free(policy);
	return trust;
}

/* A policy for these tiers ("snp, tdx") with these lines more. */
static struct tobi_trust *tree(const char *tiers, const char *more)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);

	wr_printf(&yaml, "version: 1\ntiers: [%s]\n%s", tiers, more);
	return tree_of(wr_view(&yaml));
}

static const struct tobi_trust_line *find(const struct tobi_trust *trust,
					  enum tobi_trust_kind kind, const char *name)
{
	const struct tobi_trust_line *line;

	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++) {
		if (line->kind == kind && strstr(line->name, name))
			return line;
	}
	return NULL;
}

static bool has_party(const struct tobi_trust *trust, const char *start)
{
	const char *party;

	for (size_t i = 0; (party = tobi_trust_party(trust, i)); i++) {
		if (strncmp(party, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

static bool advises(const struct tobi_trust *trust, const char *start)
{
	const struct tobi_trust_line *line;

	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++) {
		if (strncmp(line->smaller, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

static size_t count_of(const struct tobi_trust *trust, enum tobi_trust_kind kind)
{
	const struct tobi_trust_line *line;
	size_t count = 0;

	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++)
		count += line->kind == kind;
	return count;
}

/* The keys of the others are each platform's own: a policy names them. */
static bool has_vendor(const char *tier)
{
	static const char *const without[] = {"cca", "psa", "eat", "ear"};

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		if (strcmp(without[i], tier) == 0)
			return false;
	}
	return true;
}

/* NVIDIA has one for devices, and one for what they are compared with. */
static bool is_root_of(const struct vendor_root *root, const char *tier)
{
	return strcmp(root->tier, tier) == 0 ||
	       (strcmp(tier, "nvidia-gpu") == 0 && strcmp(root->tier, "nvidia-rim") == 0);
}

/* Each tier that this build verifies shows each root of its vendor, by its key, and says
 * of each what it could do. */
static void test_trust__each_tier__its_vendors_roots(void **state)
{
	const struct tee_verifier *verifier;

	(void)state;
	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		const struct vendor_root *root;
		struct tobi_trust *trust;
		size_t roots = 0;

		if (strcmp(verifier->tier, "soft") == 0 || !has_vendor(verifier->tier))
			continue;
		trust = tree(verifier->tier, IMAGE ANY);
		for (size_t j = 0; (root = vendor_root_at(j)); j++) {
			const struct tobi_trust_line *line;

			if (!is_root_of(root, verifier->tier))
				continue;
			roots++;
			line = find(trust, TOBI_TRUST_ROOT, root->name);
			assert_non_null(line);
			assert_non_null(strstr(line->value, root->key));
			assert_non_null(strstr(line->source, root->source));
			assert_true(line->does[0] && line->bad[0] && line->party[0]);
		}
		assert_true(roots > 0);
		assert_int_equal(count_of(trust, TOBI_TRUST_ROOT), roots);
		assert_true(advises(trust, "name roots for tier ") ==
			    (vendor_root_pins(verifier->tier).count > 1));
		tobi_trust_free(trust);
	}
}

/* Azure's paravisor is named, what would make the trust smaller, and what was named. */
static void test_trust__azure__names_the_paravisor(void **state)
{
	static const char *const tiers[] = {"azure-snp", "azure-tdx"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tobi_trust *trust = tree(tiers[i], IMAGE ANY);

		assert_string_equal(
		    find(trust, TOBI_TRUST_SERVICE, "Azure's paravisor")->party,
		    "Microsoft");
		assert_true(advises(trust, "name tpm: pcrs"));
		assert_true(advises(trust, "name azure: vm-ids"));
		assert_false(advises(trust, "name tdx: rtmrs"));
		tobi_trust_free(trust);
		trust = tree(tiers[i], IMAGE ANY
			     "azure:\n  vm-ids: [x]\n  secure-boot: required\nboot:\n  "
			     "secure-boot: required\n");
		assert_false(advises(trust, "name tpm: pcrs"));
		assert_false(advises(trust, "name azure: vm-ids"));
		tobi_trust_free(trust);
	}
}

static void test_trust__tier_not_verified_here__trusted_for_nothing(void **state)
{
	struct tobi_trust *trust = tree("vm", IMAGE ANY);

	(void)state;
	assert_int_equal(count_of(trust, TOBI_TRUST_TIER), 1);
	assert_int_equal(count_of(trust, TOBI_TRUST_ROOT), 0);
	assert_non_null(strstr(find(trust, TOBI_TRUST_TIER, "vm")->does, "refused"));
	tobi_trust_free(trust);
}

static void test_trust__tiers__dropping_one_is_advised_of_several(void **state)
{
	struct tobi_trust *one = tree("nitro", IMAGE ANY);
	struct tobi_trust *two = tree("nitro, cca", IMAGE ANY);
	struct tobi_trust *twice = tree("nitro, nitro", IMAGE ANY);

	(void)state;
	assert_false(advises(one, "remove nitro from tiers"));
	assert_true(advises(two, "remove nitro from tiers"));
	assert_true(advises(two, "remove cca from tiers"));
	assert_int_equal(count_of(two, TOBI_TRUST_TIER), 2);
	assert_int_equal(count_of(twice, TOBI_TRUST_TIER), 1);
	tobi_trust_free(one);
	tobi_trust_free(two);
	tobi_trust_free(twice);
}

static void test_trust__signers__alone_they_could_replace_the_program(void **state)
{
	struct tobi_trust *image = tree("nitro", IMAGE ANY);
	struct tobi_trust *signer = tree("nitro", SIGNER ANY);
	struct tobi_trust *both = tree("nitro", IMAGE SIGNER ANY);

	(void)state;
	assert_non_null(find(image, TOBI_TRUST_IMAGE, "image"));
	assert_null(find(image, TOBI_TRUST_SIGNER, "signer"));
	assert_false(has_party(image, "the signer "));
	assert_true(has_party(signer, "the signer 4d271d70b0e87905"));
	assert_true(advises(signer, "name images"));
	assert_true(advises(signer, "name product"));
	assert_true(advises(signer, "name min-svn"));
	assert_non_null(find(both, TOBI_TRUST_SIGNER, "signer"));
	assert_false(has_party(both, "the signer "));
	assert_false(advises(both, "name images"));
	tobi_trust_free(image);
	tobi_trust_free(signer);
	tobi_trust_free(both);
}

/* Each line of a policy that makes the set smaller takes its advice away, and each that
 * makes it larger brings one. */
static void test_trust__advice__comes_and_goes_with_the_policy(void **state)
{
	static const struct {
		const char *tiers, *with, *without, *advice;
	} cases[] = {
	    {"nitro", SIGNER ANY, SIGNER ANY "product: 7\n", "name product"},
	    {"nitro", SIGNER ANY, SIGNER ANY "min-svn: 1\n", "name min-svn"},
	    {"nitro", IMAGE ANY,
	     IMAGE ANY "config-id: "
		       "3c0b3142d28945e9a2c5221e2da05b4b5441f8b008bafeae9472e0ab7e2fc3a2"
		       "\n",
	     "name config-id"},
	    {"nitro", IMAGE ANY, IMAGE HARDWARE, "pin platforms"},
	    {"nitro", IMAGE ANY "allow: [debug]\n", IMAGE ANY, "remove allow: debug"},
	    {"nitro", IMAGE ANY "allow: [no-nonce]\n", IMAGE ANY,
	     "remove allow: no-nonce"},
	    {"nitro", IMAGE ANY "allow: [user-launch]\n", IMAGE ANY,
	     "remove allow: user-launch"},
	    {"nitro", IMAGE ANY "channel: ra-tls\n",
	     IMAGE ANY "channel: tobichi-atls/1\n", "remove channel: ra-tls"},
	    {"sgx", IMAGE ANY "channel: ra-tls\n", IMAGE ANY,
	     "give collateral of your own"},
	    {"nitro", IMAGE ANY "max-age: 3601\n", IMAGE ANY "max-age: 3600\n",
	     "lower max-age"},
	    {"sgx", IMAGE ANY "collateral:\n  grace: 60\n", IMAGE ANY,
	     "lower collateral: grace"},
	    {"sgx", IMAGE ANY,
	     IMAGE ANY "collateral:\n  baseline: 2026-05-17T12:00:00Z\n",
	     "name collateral: baseline"},
	    {"sgx", IMAGE ANY "sgx:\n  tcb-status: [OutOfDate]\n",
	     IMAGE ANY "sgx:\n  tcb-status: [UpToDate]\n", "remove sgx: tcb-status"},
	    {"tdx", IMAGE ANY "tdx:\n  tcb-status: [SWHardeningNeeded]\n", IMAGE ANY,
	     "remove tdx: tcb-status"},
	    {"sgx", IMAGE ANY "sgx:\n  advisories: [INTEL-SA-00615]\n", IMAGE ANY,
	     "remove sgx: advisories"},
	    {"sgx", IMAGE ANY "sgx:\n  advisories: [any]\n",
	     IMAGE ANY "sgx:\n  advisories: [INTEL-SA-00615]\n",
	     "name the advisories in sgx"},
	    {"sgx", IMAGE ANY, IMAGE ANY "sgx:\n  min-tcb-evaluation: 17\n",
	     "name sgx: min-tcb-evaluation"},
	    {"tdx", IMAGE ANY, IMAGE ANY "tdx:\n  fmspc: [00906ed50000]\n",
	     "name tdx: fmspc"},
	    {"sgx", IMAGE ANY,
	     IMAGE ANY "sgx:\n  platforms: [00112233445566778899aabbccddeeff]\n",
	     "pin platforms: sgx"},
	    {"tdx", IMAGE ANY, IMAGE ANY "tdx:\n  mr-seam: [" HASH "]\n",
	     "name tdx: mr-seam"},
	    {"tdx", IMAGE ANY,
	     IMAGE ANY "tdx:\n  rtmrs:\n    - index: 1\n      value: " HASH "\n",
	     "name tdx: rtmrs"},
	    /* A log that nothing is asked of says nothing. */
	    {"tdx", IMAGE ANY "tdx:\n  event-log: required\n",
	     IMAGE ANY "boot:\n  secure-boot: required\n  kernels: [" HASH
		       "]\n  command-lines: [quiet]\n",
	     "name tdx: rtmrs"},
	    {"snp", IMAGE ANY, IMAGE ANY "snp:\n  generations: [Milan]\n",
	     "name snp: generations"},
	    {"snp", IMAGE ANY, IMAGE ANY "snp:\n  keys: [vcek]\n",
	     "name snp: keys: [vcek], or"},
	    {"snp", IMAGE ANY "snp:\n  csp-ids: [cloud]\n",
	     IMAGE ANY "snp:\n  keys: [vcek]\n", "name snp: keys: [vcek], if"},
	    {"snp", IMAGE ANY, IMAGE ANY "snp:\n  chips: [0011223344556677]\n",
	     "pin platforms: snp"},
	    {"snp", IMAGE ANY "snp:\n  max-vmpl: 1\n", IMAGE ANY "snp:\n  max-vmpl: 0\n",
	     "remove snp: max-vmpl"},
	    {"sev", IMAGE ANY, IMAGE ANY "sev:\n  generations: [rome]\n",
	     "name sev: generations"},
	    {"sev", IMAGE ANY, IMAGE ANY "sev:\n  min-api: 0.24\n", "name sev: min-api"},
	    {"sgx-epid", IMAGE ANY "sgx-epid:\n  status: [GROUP_OUT_OF_DATE]\n",
	     IMAGE ANY, "remove sgx-epid: status"},
	    {"sgx-epid", IMAGE ANY "sgx-epid:\n  advisories: [INTEL-SA-00615]\n",
	     IMAGE ANY, "remove sgx-epid: advisories"},
	    {"nitro", IMAGE ANY,
	     IMAGE ANY "nitro:\n  role-arns: [\"arn:aws:iam::123456789012:role/a\"]\n",
	     "name nitro: role-arns"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_trust *with = tree(cases[i].tiers, cases[i].with);
		struct tobi_trust *without = tree(cases[i].tiers, cases[i].without);

		if (!advises(with, cases[i].advice) || advises(without, cases[i].advice))
			fail_msg("%s", cases[i].advice);
		tobi_trust_free(with);
		tobi_trust_free(without);
	}
}

static const char *value_of(const struct tobi_trust *trust, const char *name)
{
	const struct tobi_trust_line *line;

	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++) {
		if (strcmp(line->name, name) == 0)
			return line->value;
	}
	return NULL;
}

/* max-age says nothing of evidence that has no time. */
static void test_trust__evidence_without_a_time__is_named(void **state)
{
	struct tobi_trust *all = tree("sgx, nitro, tdx", IMAGE ANY);
	struct tobi_trust *none = tree("nitro", IMAGE ANY);

	(void)state;
	assert_string_equal(value_of(all, "evidence that says no time"), "sgx, tdx");
	assert_null(value_of(none, "evidence that says no time"));
	tobi_trust_free(all);
	tobi_trust_free(none);
}

/* A scene's policy: tier soft, with an anchor of its own. */
static void test_trust__named_root__its_name_key_and_holder(void **state)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	const struct tobi_trust_line *root;
	struct test_scene scene;
	struct tobi_trust *trust;
	uint8_t hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	(void)state;
	test_scene_make(&scene);
	test_scene_policy(&scene, &yaml);
	trust = tree_of(wr_view(&yaml));
	assert_int_equal(key_spki_sha256(scene.platform.ca_key, hash, NULL), 0);
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, hex, sizeof(hex));
	root = find(trust, TOBI_TRUST_ROOT, "");
	assert_non_null(root);
	assert_non_null(strstr(root->value, hex));
	assert_true(has_party(trust, "the holder of the key "));
	assert_true(has_party(trust, "root on a host"));
	tobi_trust_free(trust);
	test_scene_done(&scene);
}

/* A root for hardware that is none of the vendor's is said to be so. */
static void test_trust__named_root_of_hardware__not_the_vendors(void **state)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct test_scene scene;
	struct tobi_trust *trust;
	const char *pem;

	(void)state;
	test_scene_make(&scene);
	wr_printf(&yaml, "version: 1\ntiers: [nitro]\n" IMAGE ANY
			 "roots:\n  - tier: nitro\n    anchors: |\n");
	pem = (const char *)scene.platform.ca_pem.ptr;
	for (size_t i = 0; i < scene.platform.ca_pem.size && pem[i]; i++)
		wr_printf(&yaml, "%s%c", i == 0 || pem[i - 1] == '\n' ? "      " : "",
			  pem[i]);
	trust = tree_of(wr_view(&yaml));
	assert_int_equal(count_of(trust, TOBI_TRUST_ROOT), 1);
	assert_non_null(strstr(find(trust, TOBI_TRUST_ROOT, "")->source, "none of"));
	assert_true(has_party(trust, "the holder of the key "));
	tobi_trust_free(trust);
	test_scene_done(&scene);
}

static char *write_as(const struct tobi_trust *trust, enum tobi_format format)
{
	char *text = NULL;

	assert_int_equal(tobi_trust_write(trust, format, &text, NULL), 0);
	return text;
}

static size_t count_text(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

static size_t line_count(const struct tobi_trust *trust)
{
	size_t count = 0;

	while (tobi_trust_line(trust, count))
		count++;
	return count;
}

static void test_trust_write__html__whole_and_nothing_from_outside(void **state)
{
	struct tobi_trust *trust =
	    tree("sgx, nitro, cca",
		 "name: \"<script>alert('&')</script> caf\xc3\xa9\"\n" IMAGE SIGNER ANY
		 "allow: [debug]\n");
	char *text;

	(void)state;
	text = write_as(trust, TOBI_FORMAT_HTML);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "://"));
	assert_non_null(strstr(text, "&#60;script&#62;"));
	assert_non_null(strstr(text, "default-src 'none'"));
	assert_int_equal(count_text(text, "<ul"), count_text(text, "</ul>"));
	assert_int_equal(count_text(text, "<li>"), count_text(text, "</li>"));
	assert_int_equal(count_text(text, "<details"), count_text(text, "</details>"));
	assert_int_equal(count_text(text, "<summary>"), count_text(text, "</summary>"));
	assert_int_equal(count_text(text, "<dl>"), count_text(text, "</dl>"));
	assert_int_equal(count_text(text, "class=\"name\""), line_count(trust));
	free(text);
	tobi_trust_free(trust);
}

static size_t count_json(const json_t *list)
{
	size_t count = json_array_size(list);

	for (size_t i = 0; i < json_array_size(list); i++)
		count += count_json(json_object_get(json_array_get(list, i), "inside"));
	return count;
}

static void test_trust_write__json__every_line_once(void **state)
{
	struct tobi_trust *trust = tree("sgx, nitro", IMAGE SIGNER ANY);
	char *text = write_as(trust, TOBI_FORMAT_JSON);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *tier;

	(void)state;
	assert_non_null(json);
	assert_int_equal(count_json(json_object_get(json, "trusts")), line_count(trust));
	tier = json_array_get(json_object_get(json, "trusts"), 0);
	assert_string_equal(json_string_value(json_object_get(tier, "kind")), "tier");
	assert_string_equal(json_string_value(json_object_get(tier, "name")), "tier sgx");
	assert_true(json_array_size(json_object_get(json, "each-alone")) >= 3);
	json_decref(json);
	free(text);
	tobi_trust_free(trust);
}

static void test_trust_write__text__every_name_and_no_control(void **state)
{
	struct tobi_trust *trust = tree("sgx, nitro", IMAGE SIGNER ANY);
	char *text = write_as(trust, TOBI_FORMAT_TEXT);
	char *color = write_as(trust, TOBI_FORMAT_TEXT_COLOR);
	const struct tobi_trust_line *line;

	(void)state;
	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++)
		assert_non_null(strstr(text, line->name));
	assert_null(strchr(text, '\033'));
	assert_non_null(strchr(color, '\033'));
	free(text);
	free(color);
	tobi_trust_free(trust);
}

#define REFERENCES                                                                       \
	"reference-values:\n  files: [a.corim]\n  signers: [4d271d70b0e879051b628e32e"   \
	"abfb3cec99132047515baeacf31d3b56e437303166b0008ac63a27239fea241559b6e2d]\n"

/* Who signs reference values could add a program, unless images are named, too. */
static void test_trust__references__their_signers_are_trusted(void **state)
{
	struct tobi_trust *alone = tree("nitro", REFERENCES ANY);
	struct tobi_trust *beside = tree("nitro", IMAGE REFERENCES ANY);
	struct tobi_trust *open = tree("nitro", "reference-values:\n  files: [a.corim]\n"
						"  unsigned: allowed\n" ANY);
	static const char name[] = "signer of reference values";

	(void)state;
	assert_non_null(find(alone, TOBI_TRUST_SIGNER, name));
	assert_true(has_party(alone, "the signer of reference values 4d271d70"));
	assert_true(advises(alone, "name images, too"));
	assert_non_null(find(beside, TOBI_TRUST_SIGNER, name));
	assert_false(has_party(beside, "the signer of reference values"));
	assert_true(has_party(open, "whoever can write the reference values"));
	assert_true(advises(open, "have them signed, and name the signer"));
	tobi_trust_free(alone);
	tobi_trust_free(beside);
	tobi_trust_free(open);
}

static void test_trust__nothing_given__argument(void **state)
{
	struct tobi_trust *trust = NULL;
	char *text = NULL;

	(void)state;
	assert_int_equal(tobi_trust_new(NULL, &trust, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(tobi_trust_write(NULL, TOBI_FORMAT_TEXT, &text, NULL),
			 TOBI_E_ARGUMENT);
	trust = tree("nitro", IMAGE ANY);
	assert_int_equal(tobi_trust_write(trust, (enum tobi_format)99, &text, NULL),
			 TOBI_E_ARGUMENT);
	assert_null(text);
	assert_null(tobi_trust_line(NULL, 0));
	assert_null(tobi_trust_party(NULL, 0));
	tobi_trust_free(trust);
	tobi_trust_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trust__each_tier__its_vendors_roots),
	    cmocka_unit_test(test_trust__azure__names_the_paravisor),
	    cmocka_unit_test(test_trust__tier_not_verified_here__trusted_for_nothing),
	    cmocka_unit_test(test_trust__tiers__dropping_one_is_advised_of_several),
	    cmocka_unit_test(test_trust__signers__alone_they_could_replace_the_program),
	    cmocka_unit_test(test_trust__advice__comes_and_goes_with_the_policy),
	    cmocka_unit_test(test_trust__evidence_without_a_time__is_named),
	    cmocka_unit_test(test_trust__named_root__its_name_key_and_holder),
	    cmocka_unit_test(test_trust__named_root_of_hardware__not_the_vendors),
	    cmocka_unit_test(test_trust_write__html__whole_and_nothing_from_outside),
	    cmocka_unit_test(test_trust_write__json__every_line_once),
	    cmocka_unit_test(test_trust_write__text__every_name_and_no_control),
	    cmocka_unit_test(test_trust__references__their_signers_are_trusted),
	    cmocka_unit_test(test_trust__nothing_given__argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
