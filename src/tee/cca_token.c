#include "tee/cca_token.h"

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

enum {
	TAG_LEGACY = 399, /* the two tokens themselves */
	TAG_CMW = 907,	  /* each in a record of RATS conceptual messages */
	PLATFORM = 44234,
	REALM = 44241,
	EAT_CWT = 263, /* content format of the records */
	EVIDENCE = 4,  /* the indicator of a record of evidence */
	ENTRIES_MAX = 16,
	TEXT_MAX = 1024,
	CONFIG_MAX = 4096,
	KEY_MAX = 512,
};

static const char object[] = "CCA token";

/* draft-ffm-rats-cca-token, section 4.2; the same in both profiles. */
static const struct arm_row platform_rows[] = {
    {10, ARM_NONCE, ARM_BYTES, true, "platform challenge", 32, 64, 16},
    {256, ARM_INSTANCE, ARM_BYTES, true, "instance id", ARM_INSTANCE_SIZE,
     ARM_INSTANCE_SIZE, 1},
    {265, ARM_PROFILE, ARM_TEXT, true, "profile", 1, TEXT_MAX, 1},
    {2395, ARM_LIFECYCLE, ARM_INT, true, "security lifecycle", 0, 0, 1},
    {2396, ARM_IMPLEMENTATION, ARM_BYTES, true, "implementation id",
     ARM_IMPLEMENTATION_SIZE, ARM_IMPLEMENTATION_SIZE, 1},
    {2399, ARM_COMPONENTS, ARM_LIST, true, "components", 0, 0, 1},
    {2400, ARM_SERVICE, ARM_TEXT, false, "verification service", 0, TEXT_MAX, 1},
    {2401, ARM_CONFIG, ARM_BYTES, true, "platform configuration", 0, CONFIG_MAX, 1},
    {2402, ARM_HASH, ARM_TEXT, true, "hash algorithm", 1, TEXT_MAX, 1},
    {0}};

#define REALM_CLAIMS(profile, newest)                                                      \
	{10,                                                                               \
	 ARM_NONCE,                                                                        \
	 ARM_BYTES,                                                                        \
	 true,                                                                             \
	 "realm challenge",                                                                \
	 CCA_CHALLENGE_SIZE,                                                               \
	 CCA_CHALLENGE_SIZE,                                                               \
	 1},                                                                               \
	    {256,                                                                          \
	     ARM_INSTANCE,                                                                 \
	     ARM_BYTES,                                                                    \
	     newest,                                                                       \
	     "realm instance id",                                                          \
	     ARM_INSTANCE_SIZE,                                                            \
	     ARM_INSTANCE_SIZE,                                                            \
	     1},                                                                           \
	    {265, ARM_PROFILE, ARM_TEXT, profile, "realm profile", 1, TEXT_MAX, 1},        \
	    {44235, ARM_PERSONALIZATION, ARM_BYTES, true, "personalisation value", 64, 64, \
	     1},                                                                           \
	    {44236, ARM_HASH, ARM_TEXT, true, "realm hash algorithm", 1, TEXT_MAX, 1},     \
	    {44237, ARM_KEY, ARM_BYTES, true, "realm key", 1, KEY_MAX, 1},                 \
	    {44238, ARM_RIM, ARM_BYTES, true, "RIM", 32, 64, 16},                          \
	    {44239, ARM_REMS, ARM_LIST, true, "REMs", 0, 0, 1}, {44240,                    \
								 ARM_KEY_HASH,             \
								 ARM_TEXT,                 \
								 true,                     \
								 "key's hash algorithm",   \
								 1,                        \
								 TEXT_MAX,                 \
								 1},                       \
	    {44243, ARM_MEC, ARM_INT, newest, "MEC policy", 0, 0, 1},                      \
	{                                                                                  \
		0                                                                          \
	}

static const struct arm_row realm_rows_legacy[] = {REALM_CLAIMS(false, false)};
static const struct arm_row realm_rows_1[] = {REALM_CLAIMS(true, false)};
static const struct arm_row realm_rows_2[] = {REALM_CLAIMS(true, true)};

/* Of the realm token; NULL: it has no profile. */
static const struct {
	const char *profile;
	const struct arm_row *rows;
	enum cca_key_form form;
} realms[] = {
    {NULL, realm_rows_legacy, CCA_KEY_POINT},
    {"tag:arm.com,2023:realm#1.0.0", realm_rows_1, CCA_KEY_COSE},
    {"tag:arm.com,2024:realm#2.0.0", realm_rows_2, CCA_KEY_COSE},
};

enum { REALMS = sizeof(realms) / sizeof(realms[0]) };

/* d9 018f or d9 038b, a small map, and one of its two labels. */
bool cca_token_is(struct tobi_bytes bytes)
{
	unsigned tag, label;

	if (bytes.size < 7 || bytes.ptr[0] != 0xd9 || bytes.ptr[4] != 0x19 ||
	    bytes.ptr[3] < 0xa1 || bytes.ptr[3] > 0xa0 + ENTRIES_MAX)
		return false;
	tag = load_u16be(bytes.ptr + 1);
	label = load_u16be(bytes.ptr + 5);
	return (tag == TAG_LEGACY || tag == TAG_CMW) &&
	       (label == PLATFORM || label == REALM);
}

/* A byte string; or a record [263, bytes], which may say that it is evidence. */
static struct tobi_bytes read_member(struct cbor *cbor, bool is_record)
{
	size_t count = is_record ? cbor_array(cbor, 3, "record") : 0;
	struct tobi_bytes token;

	if (is_record && count < 2)
		cbor_fail(cbor, TOBI_E_MALFORMED, "record");
	if (is_record && cbor_uint(cbor, "content format") != EAT_CWT)
		cbor_fail(cbor, TOBI_E_MALFORMED, "content format");
	token = cbor_bytes(cbor, LIMIT_TOKEN, "token");
	if (count == 3 && cbor_uint(cbor, "indicator") != EVIDENCE)
		cbor_fail(cbor, TOBI_E_MALFORMED, "indicator");
	return token;
}

static void read_collection(struct cbor *cbor, struct tobi_bytes *ret_platform,
			    struct tobi_bytes *ret_realm)
{
	uint64_t tag = cbor_tag(cbor, "tag");
	struct cbor_map map;
	int64_t label = 0;

	if (tag != TAG_LEGACY && tag != TAG_CMW)
		cbor_fail(cbor, TOBI_E_MALFORMED, "tag");
	map = cbor_map(cbor, ENTRIES_MAX, "collection");
	while (cbor_map_int(cbor, &map, &label, "label")) {
		if (label == PLATFORM)
			*ret_platform = read_member(cbor, tag == TAG_CMW);
		else if (label == REALM)
			*ret_realm = read_member(cbor, tag == TAG_CMW);
		else
			cbor_skip(cbor, "member");
	}
	cbor_require(cbor, ret_platform->size, "platform token");
	cbor_require(cbor, ret_realm->size, "realm token");
}

enum tobi_err cca_token_parse(struct tobi_bytes bytes, struct arena *arena,
			      struct cca_token *ret_token, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct tobi_bytes platform = {0}, realm = {0};
	enum tobi_err err;

	read_collection(&cbor, &platform, &realm);
	err = cbor_finish(&cbor, object, fault);
	if (!err)
		err = arm_token_parse(platform, "CCA platform token", arena,
				      &ret_token->platform, fault);
	if (!err)
		err = arm_token_parse(realm, "CCA realm token", arena, &ret_token->realm,
				      fault);
	ret_token->platform_bytes = platform;
	return err;
}

static size_t realm_of(struct tobi_bytes profile)
{
	size_t i = 0;

	while (i < REALMS &&
	       (realms[i].profile ? !bytes_equal_text(profile, realms[i].profile)
				  : profile.ptr != NULL))
		i++;
	return i;
}

bool cca_realm_profile(const struct arm_claims *realm, enum cca_key_form *ret_form)
{
	size_t i = realm_of(realm->values[ARM_PROFILE]);

	if (i == REALMS || realm->has[ARM_PROFILE] != (realms[i].profile != NULL))
		return false;
	*ret_form = realms[i].form;
	return true;
}

bool cca_platform_profile(const struct arm_claims *platform)
{
	struct tobi_bytes profile = platform->values[ARM_PROFILE];

	return bytes_equal_text(profile, "tag:arm.com,2023:cca_platform#1.0.0") ||
	       bytes_equal_text(profile, "http://arm.com/CCA-SSD/1.0.0");
}

/* What a table of types and sizes cannot say. */
static void check_realm(struct arm_claims *realm)
{
	size_t size = arm_hash_size(realm->values[ARM_HASH]);
	int64_t mec = realm->numbers[ARM_MEC];

	if (!size || !arm_hash_size(realm->values[ARM_KEY_HASH]))
		arm_claims_wrong(realm, "a hash algorithm is not known here");
	if (realm->values[ARM_RIM].size != size)
		arm_claims_wrong(realm, "the RIM is not as long as the realm's hash");
	for (size_t i = 0; i < CCA_REMS; i++) {
		if (realm->rems[i].size != size)
			arm_claims_wrong(realm,
					 "REM %zu is not as long as the realm's hash", i);
	}
	if (mec < 0 || mec > 1)
		arm_claims_wrong(realm, "the MEC policy is neither 0 nor 1");
}

enum tobi_err cca_claims_read(const struct cca_token *token,
			      struct cca_claims *ret_claims, struct tobi_fault *fault)
{
	struct tobi_bytes profile = arm_claims_peek(token->realm.payload, 265, ARM_TEXT);
	size_t realm = realm_of(profile);
	enum tobi_err err =
	    arm_claims_read(token->platform.payload, platform_rows, "CCA platform token",
			    &ret_claims->platform, fault);

	if (!err)
		err = arm_claims_read(token->realm.payload,
				      realm == REALMS ? realm_rows_1 : realms[realm].rows,
				      "CCA realm token", &ret_claims->realm, fault);
	if (err)
		return err;
	check_realm(&ret_claims->realm);
	if (!arm_hash_size(ret_claims->platform.values[ARM_HASH]))
		arm_claims_wrong(&ret_claims->platform,
				 "its hash algorithm is not known here");
	if (!ret_claims->platform.component_count)
		arm_claims_wrong(&ret_claims->platform, "it has no components");
	return TOBI_OK;
}
