#include "token/soft_token.h"

#include "base/secret.h"
#include "codec/cbor.h"
#include "token/cmw.h"
#include "token/tpm_evidence.h"

enum {
	CLAIM_IAT = 6,
	CLAIM_NONCE = 10,
	CLAIM_UEID = 256,
	CLAIM_DBGSTAT = 263,
	CLAIM_PROFILE = 265,
	CLAIM_SUBMODS = 266,
	CLAIM_SWNAME = 270,
	CLAIM_SWVERSION = 271,
	CLAIM_TOBICHI = -70500,

	NONCE_SIZE = 32,
	UEID_SIZE = 33,
	HASH_SIZE = 48,
	INSTANCE_SIZE = 16,
	TEXT_MAX = 64,
};

/* Far enough, and sums with it do not overflow (RFC 8949 section 3.4.2 asks for less). */
#define TIME_MAX (UINT64_C(1) << 53)

/* Keys inside CLAIM_TOBICHI; their number is also their bit in the set of those seen. */
enum {
	KEY_TIER = 1,
	KEY_IMAGE,
	KEY_SIGNERS,
	KEY_CONFIG,
	KEY_PRODUCT,
	KEY_SVN,
	KEY_AGENT,
	KEY_SERVICE,
	KEY_PROTECTIONS,
	KEY_INSTANCE,
	KEY_ROOT_KIND,
	KEY_BY_USER,
	KEY_OWNER,
};

const char *soft_protection_name(unsigned bit)
{
	static const char *const names[] = {
	    "user namespace",  "PID namespace", "mount namespace",  "network namespace",
	    "IPC namespace",   "UTS namespace", "cgroup namespace", "read-only root",
	    "no capabilities", "seccomp",	"Landlock",	    "not dumpable",
	    "secret memory",   "memory limit",	"process limit",    "CPU limit",
	    "own user",
	};

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

static void write_private(struct writer *out, const struct soft_claims *claims)
{
	cbor_write_map(out, claims->owner.size ? 13 : 12);
	cbor_write_uint(out, KEY_TIER);
	cbor_write_text_bytes(out, claims->tier);
	cbor_write_uint(out, KEY_IMAGE);
	cbor_write_bytes(out, claims->image_id);
	cbor_write_uint(out, KEY_SIGNERS);
	cbor_write_array(out, claims->signer_count);
	for (size_t i = 0; i < claims->signer_count; i++)
		cbor_write_bytes(out, claims->signers[i]);
	cbor_write_uint(out, KEY_CONFIG);
	cbor_write_bytes(out, claims->config_id);
	cbor_write_uint(out, KEY_PRODUCT);
	cbor_write_uint(out, claims->product);
	cbor_write_uint(out, KEY_SVN);
	cbor_write_uint(out, claims->svn);
	cbor_write_uint(out, KEY_AGENT);
	cbor_write_bytes(out, claims->agent);
	cbor_write_uint(out, KEY_SERVICE);
	cbor_write_bytes(out, claims->service);
	cbor_write_uint(out, KEY_PROTECTIONS);
	cbor_write_uint(out, claims->protections);
	cbor_write_uint(out, KEY_INSTANCE);
	cbor_write_bytes(out, claims->instance);
	cbor_write_uint(out, KEY_ROOT_KIND);
	cbor_write_text_bytes(out, claims->root_kind);
	cbor_write_uint(out, KEY_BY_USER);
	cbor_write_uint(out, claims->by_user);
	if (claims->owner.size) {
		cbor_write_uint(out, KEY_OWNER);
		cbor_write_bytes(out, claims->owner);
	}
}

/* One submodule: a CMW record, as RFC 9711 section 4.2.18 and the CMW draft have it. */
static void write_submods(struct writer *out, struct tobi_bytes tpm)
{
	cbor_write_map(out, 1);
	cbor_write_text(out, "tpm");
	cbor_write_array(out, 3);
	cbor_write_text(out, CMW_TYPE_TPM);
	cbor_write_bytes(out, tpm);
	cbor_write_uint(out, CMW_EVIDENCE);
}

void soft_claims_write(struct writer *out, const struct soft_claims *claims)
{
	cbor_write_map(out, claims->tpm.size ? 9 : 8);
	cbor_write_uint(out, CLAIM_IAT);
	cbor_write_uint(out, claims->issued);
	cbor_write_uint(out, CLAIM_NONCE);
	cbor_write_bytes(out, claims->nonce);
	cbor_write_uint(out, CLAIM_UEID);
	cbor_write_bytes(out, claims->ueid);
	cbor_write_uint(out, CLAIM_DBGSTAT);
	cbor_write_uint(out, claims->dbgstat);
	cbor_write_uint(out, CLAIM_PROFILE);
	cbor_write_text_bytes(out, claims->profile);
	if (claims->tpm.size) {
		cbor_write_uint(out, CLAIM_SUBMODS);
		write_submods(out, claims->tpm);
	}
	cbor_write_uint(out, CLAIM_SWNAME);
	cbor_write_text_bytes(out, claims->swname);
	cbor_write_uint(out, CLAIM_SWVERSION);
	cbor_write_array(out, 1);
	cbor_write_text_bytes(out, claims->swversion);
	cbor_write_int(out, CLAIM_TOBICHI);
	write_private(out, claims);
}

static void read_signers(struct cbor *cbor, struct soft_claims *claims)
{
	claims->signer_count = cbor_array(cbor, LIMIT_SIGNERS, "signer ids");
	for (size_t i = 0; i < claims->signer_count; i++)
		claims->signers[i] = cbor_bytes_exact(cbor, HASH_SIZE, "signer ids");
}

static void read_private_claim(struct cbor *cbor, int64_t key, struct soft_claims *claims)
{
	switch (key) {
	case KEY_TIER:
		claims->tier = cbor_text(cbor, TEXT_MAX, "tier");
		break;
	case KEY_IMAGE:
		claims->image_id = cbor_bytes_exact(cbor, HASH_SIZE, "image id");
		break;
	case KEY_SIGNERS:
		read_signers(cbor, claims);
		break;
	case KEY_CONFIG:
		claims->config_id = cbor_bytes_exact(cbor, HASH_SIZE, "config id");
		break;
	case KEY_PRODUCT:
		claims->product = cbor_uint_max(cbor, UINT16_MAX, "product id");
		break;
	case KEY_SVN:
		claims->svn = cbor_uint_max(cbor, UINT16_MAX, "SVN");
		break;
	case KEY_AGENT:
		claims->agent = cbor_bytes_exact(cbor, HASH_SIZE, "agent");
		break;
	case KEY_SERVICE:
		claims->service = cbor_bytes_exact(cbor, HASH_SIZE, "service");
		break;
	case KEY_PROTECTIONS:
		claims->protections = cbor_uint(cbor, "protections");
		break;
	case KEY_INSTANCE:
		claims->instance = cbor_bytes_exact(cbor, INSTANCE_SIZE, "instance");
		break;
	case KEY_ROOT_KIND:
		claims->root_kind = cbor_text(cbor, TEXT_MAX, "root of trust");
		break;
	case KEY_BY_USER:
		claims->by_user = cbor_uint_max(cbor, 1, "launched by");
		break;
	case KEY_OWNER:
		claims->owner = cbor_bytes_exact(cbor, HASH_SIZE, "owner");
		break;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "unknown Tobichi claim");
	}
}

static void read_private(struct cbor *cbor, struct soft_claims *claims)
{
	const uint32_t required = ((UINT32_C(1) << KEY_OWNER) - 1) & ~UINT32_C(1);
	struct cbor_map map = cbor_map(cbor, KEY_OWNER, "Tobichi claims");
	uint32_t seen = 0;
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "Tobichi claims")) {
		read_private_claim(cbor, key, claims);
		if (!cbor_failed(cbor))
			seen |= UINT32_C(1) << key;
	}
	cbor_require(cbor, (seen & required) == required, "a required Tobichi claim");
}

static void read_swversion(struct cbor *cbor, struct soft_claims *claims)
{
	if (cbor_array(cbor, 1, "swversion") != 1)
		cbor_fail(cbor, TOBI_E_MALFORMED, "swversion");
	claims->swversion = cbor_text(cbor, TEXT_MAX, "swversion");
}

static void read_submods(struct cbor *cbor, struct soft_claims *claims)
{
	struct cbor_map map = cbor_map(cbor, 1, "submods");
	struct tobi_bytes name = {0}, type;

	if (!cbor_map_text(cbor, &map, &name, "submods") ||
	    !bytes_equal_text(name, "tpm") || cbor_array(cbor, 3, "submods") != 3)
		cbor_fail(cbor, TOBI_E_MALFORMED, "submods");
	type = cbor_text(cbor, sizeof(CMW_TYPE_TPM), "submods");
	if (!bytes_equal_text(type, CMW_TYPE_TPM))
		cbor_fail(cbor, TOBI_E_MALFORMED, "submods");
	claims->tpm = cbor_bytes(cbor, LIMIT_TPM_EVIDENCE, "submods");
	if (!claims->tpm.size || cbor_uint(cbor, "submods") != CMW_EVIDENCE)
		cbor_fail(cbor, TOBI_E_MALFORMED, "submods");
}

enum { CLAIMS_REQUIRED = 8, CLAIMS_MAX = 9 };

/* Reads the claim and gives its bit in the set of those seen. */
static unsigned read_claim(struct cbor *cbor, int64_t key, struct soft_claims *claims)
{
	switch (key) {
	case CLAIM_IAT:
		claims->issued = cbor_uint_max(cbor, TIME_MAX, "iat");
		return 1 << 0;
	case CLAIM_NONCE:
		claims->nonce = cbor_bytes_exact(cbor, NONCE_SIZE, "eat_nonce");
		return 1 << 1;
	case CLAIM_UEID:
		claims->ueid = cbor_bytes_exact(cbor, UEID_SIZE, "ueid");
		return 1 << 2;
	case CLAIM_DBGSTAT:
		claims->dbgstat = cbor_uint_max(cbor, 4, "dbgstat");
		return 1 << 3;
	case CLAIM_PROFILE:
		claims->profile = cbor_text(cbor, 256, "eat_profile");
		return 1 << 4;
	case CLAIM_SWNAME:
		claims->swname = cbor_text(cbor, TEXT_MAX, "swname");
		return 1 << 5;
	case CLAIM_SWVERSION:
		read_swversion(cbor, claims);
		return 1 << 6;
	case CLAIM_TOBICHI:
		read_private(cbor, claims);
		return 1 << 7;
	case CLAIM_SUBMODS:
		read_submods(cbor, claims);
		return 1 << CLAIMS_REQUIRED;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "unknown claim");
		return 0;
	}
}

enum tobi_err soft_claims_parse(struct tobi_bytes payload, struct soft_claims *ret_claims,
				struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(payload, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, CLAIMS_MAX, "claims");
	struct soft_claims claims = {0};
	unsigned seen = 0;
	int64_t key = 0;
	enum tobi_err err;

	while (cbor_map_int(&cbor, &map, &key, "claims"))
		seen |= read_claim(&cbor, key, &claims);
	cbor_require(&cbor, (seen | 1u << CLAIMS_REQUIRED) == (1u << CLAIMS_MAX) - 1,
		     "a required claim");
	err = cbor_finish(&cbor, "soft token", fault);
	if (err)
		return err;
	*ret_claims = claims;
	return TOBI_OK;
}
