#include "tee/psa_token.h"

#include <string.h>

#include "base/secret.h"
#include "codec/cbor.h"

enum {
	FIRST_OF_1 = -75010, /* labels of PSA_IOT_PROFILE_1 */
	LAST_OF_1 = -75000,
	FIRST_OF_EAT = 2394, /* Arm's among those of EAT */
	LAST_OF_EAT = 2399,
	TEXT_MAX = 1024,
	REFERENCE = 13, /* digits of a certification, and with its version */
	REFERENCE_FULL = 19,
};

#define EAT_CLAIMS                                                                       \
	{10, ARM_NONCE, ARM_BYTES, true, "nonce", 32, 64, 16},                           \
	    {256,	    ARM_INSTANCE,      ARM_BYTES,	  true,                  \
	     "instance id", ARM_INSTANCE_SIZE, ARM_INSTANCE_SIZE, 1},                    \
	    {265, ARM_PROFILE, ARM_TEXT, true, "profile", 1, TEXT_MAX, 1},               \
	    {2394, ARM_CLIENT, ARM_INT, true, "client id", 0, 0, 1},                     \
	    {2395, ARM_LIFECYCLE, ARM_INT, true, "security lifecycle", 0, 0, 1},         \
	    {2396,                                                                       \
	     ARM_IMPLEMENTATION,                                                         \
	     ARM_BYTES,                                                                  \
	     true,                                                                       \
	     "implementation id",                                                        \
	     ARM_IMPLEMENTATION_SIZE,                                                    \
	     ARM_IMPLEMENTATION_SIZE,                                                    \
	     1},                                                                         \
	    {2398, ARM_CERTIFICATION, ARM_TEXT, false, "certification reference",        \
	     1,	   TEXT_MAX,	      1},                                                \
	    {2399, ARM_COMPONENTS, ARM_LIST, true, "components", 0, 0, 1},               \
	{                                                                                \
		2400, ARM_SERVICE, ARM_TEXT, false, "verification service", 0, TEXT_MAX, \
		    1                                                                    \
	}

/* RFC 9783 section 4. */
static const struct arm_row rows_tfm[] = {
    EAT_CLAIMS, {268, ARM_BOOT_SEED, ARM_BYTES, false, "boot seed", 8, 32, 1}, {0}};
/* Its drafts: another label for the boot seed. */
static const struct arm_row rows_2[] = {
    EAT_CLAIMS, {2397, ARM_BOOT_SEED, ARM_BYTES, false, "boot seed", 8, 32, 1}, {0}};
static const struct arm_row rows_1[] = {
    {-75000, ARM_PROFILE, ARM_TEXT, false, "profile", 1, TEXT_MAX, 1},
    {-75001, ARM_CLIENT, ARM_INT, true, "client id", 0, 0, 1},
    {-75002, ARM_LIFECYCLE, ARM_INT, true, "security lifecycle", 0, 0, 1},
    {-75003, ARM_IMPLEMENTATION, ARM_BYTES, true, "implementation id",
     ARM_IMPLEMENTATION_SIZE, ARM_IMPLEMENTATION_SIZE, 1},
    {-75004, ARM_BOOT_SEED, ARM_BYTES, true, "boot seed", 32, 32, 1},
    {-75005, ARM_HARDWARE_VERSION, ARM_TEXT, false, "hardware version", 0, TEXT_MAX, 1},
    {-75006, ARM_COMPONENTS, ARM_LIST, false, "components", 0, 0, 1},
    {-75007, ARM_NO_COMPONENTS, ARM_INT, false, "no software measurements", 0, 0, 1},
    {-75008, ARM_NONCE, ARM_BYTES, true, "nonce", 32, 64, 16},
    {-75009, ARM_INSTANCE, ARM_BYTES, true, "instance id", ARM_INSTANCE_SIZE,
     ARM_INSTANCE_SIZE, 1},
    {-75010, ARM_SERVICE, ARM_TEXT, false, "verification service", 0, TEXT_MAX, 1},
    {0}};

static bool has_old_labels(struct tobi_bytes payload)
{
	return arm_claims_have(payload, FIRST_OF_1, LAST_OF_1);
}

/* Of a signed token or one with a MAC; empty when it is neither. */
static struct tobi_bytes payload_of(struct tobi_bytes bytes)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	uint64_t tag = cbor_tag(&cbor, "");

	if (tag == 61)
		tag = cbor_tag(&cbor, "");
	if (cbor_failed(&cbor) || (tag != 17 && tag != 18) ||
	    cbor_array(&cbor, 4, "") != 4)
		return (struct tobi_bytes){0};
	cbor_bytes(&cbor, LIMIT_TOKEN, "");
	if (cbor_peek(&cbor) != CBOR_MAP)
		return (struct tobi_bytes){0};
	cbor_skip(&cbor, "");
	return cbor_bytes(&cbor, LIMIT_TOKEN, "");
}

/* EAT's own labels are everybody's, a platform of CCA has most of PSA's, and says who it
 * is. */
bool psa_token_is(struct tobi_bytes bytes)
{
	struct tobi_bytes payload = payload_of(bytes);

	return payload.size && (has_old_labels(payload) ||
				arm_claims_have(payload, FIRST_OF_EAT, LAST_OF_EAT));
}

/* "0604565272829-10010"; without its version in older profiles. */
static bool is_reference(struct tobi_bytes text)
{
	if (text.size != REFERENCE && text.size != REFERENCE_FULL)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (i == REFERENCE ? text.ptr[i] != '-'
				   : text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	}
	return true;
}

/* What a table of types and sizes cannot say. */
static void check_claims(struct arm_claims *claims)
{
	int64_t client = claims->numbers[ARM_CLIENT];

	if (claims->has[ARM_CLIENT] &&
	    (client == 0 || client < INT32_MIN || client > INT32_MAX))
		arm_claims_wrong(claims, "the client id is 0, or out of its range");
	if (claims->values[ARM_CERTIFICATION].ptr &&
	    !is_reference(claims->values[ARM_CERTIFICATION]))
		arm_claims_wrong(claims, "the certification reference is none");
	if (claims->has[ARM_NO_COMPONENTS] && claims->numbers[ARM_NO_COMPONENTS] != 1)
		arm_claims_wrong(claims, "no software measurements (-75007) is not 1");
	if (claims->has[ARM_NO_COMPONENTS] && claims->has[ARM_COMPONENTS])
		arm_claims_wrong(claims, "it has components, and says that it has none");
	if (!claims->has[ARM_NO_COMPONENTS] && !claims->component_count)
		arm_claims_wrong(claims, "it has no components, and does not say why");
}

enum tobi_err psa_claims_read(struct tobi_bytes payload, struct arm_claims *ret_claims,
			      struct tobi_fault *fault)
{
	const struct arm_row *rows = rows_tfm;
	enum tobi_err err;

	if (has_old_labels(payload))
		rows = rows_1;
	else if (bytes_equal_text(arm_claims_peek(payload, 265, ARM_TEXT), PSA_PROFILE_2))
		rows = rows_2;
	err = arm_claims_read(payload, rows, "PSA token", ret_claims, fault);
	if (!err)
		check_claims(ret_claims);
	return err;
}
