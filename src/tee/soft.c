#include "tee/soft.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/cose.h"
#include "pki/chain_cache.h"
#include "tee/tpm_quote.h"
#include "token/cmw.h"
#include "token/soft_token.h"

#define SPEC "Tobichi protocols, section 3"

enum { CLOCK_SKEW = 60, UEID_SIZE = 33, DBGSTAT_DISABLED = 1 };

static const struct check check_format = {
    "SOFT-FORMAT",
    "the token has a payload, a certificate and an algorithm of the soft tier",
    SPEC ".1; RFC 9052 section 4; RFC 9711",
    "The platform service is faulty, or the token is another kind of thing."};
static const struct check check_profile = {
    "SOFT-PROFILE", "the token follows the profile that this verifier knows",
    SPEC ".1; RFC 9711 section 6", "Update this verifier, or the platform service."};
static const struct check check_chain = {
    "SOFT-CHAIN",
    "a platform's certificate signed it, and chains to an anchor that the policy names",
    SPEC ".1; RFC 5280 section 6",
    "If you trust this host, add its platform CA (or its owner's CA) to the policy's "
    "roots."};
static const struct check check_signature = {
    "SOFT-SIGNATURE", "the platform key signed exactly this token",
    "RFC 9052 section 4.4", "The token was changed after it was signed. Do not use it."};
static const struct check check_ueid = {
    "SOFT-UEID", "the token's hardware id is that of the key that signed it", SPEC ".1",
    "The platform service is faulty, or somebody mixes tokens. Do not use it."};
static const struct check check_nonce = {
    "SOFT-NONCE", "the token was made for exactly these claims and this nonce", SPEC ".2",
    "The evidence belongs to another request. Ask for it again with your own nonce."};
static const struct check check_tier = {
    "SOFT-TIER", "the token claims the soft tier, and no other", SPEC ".1",
    "The platform service is faulty. Do not use it."};
static const struct check check_time = {"SOFT-TIME",
					"the token's time is not in the future",
					SPEC ".1", "Set the clocks of both machines."};
static const struct check check_protections = {
    "SOFT-PROTECTIONS", "every mandatory protection of the soft tier is in force",
    SPEC ".4", "Run the enclave on a host that can set up what is missing."};

static const struct check *const checks[] = {
    &check_format, &check_profile, &check_chain, &check_signature,   &check_ueid,
    &check_nonce,  &check_tier,	   &check_time,	 &check_protections, NULL,
};

/* What an ordinary user's launch may lack is shown, and not owed by it; a launch by root
 * owes it all the same. Where the agent's keys lie (SOFT_SECRET_MEMORY) is never owed:
 * locked memory stands in. */
static uint64_t mandatory(const struct soft_claims *claims)
{
	const uint64_t always = SOFT_NS_USER | SOFT_NS_PID | SOFT_NS_MOUNT | SOFT_NS_NET |
				SOFT_NS_IPC | SOFT_NS_UTS | SOFT_NS_CGROUP |
				SOFT_READ_ONLY_ROOT | SOFT_NO_CAPABILITIES |
				SOFT_SECCOMP | SOFT_LANDLOCK | SOFT_NOT_DUMPABLE;
	const uint64_t by_root =
	    SOFT_LIMIT_MEMORY | SOFT_LIMIT_PROCESSES | SOFT_LIMIT_CPU | SOFT_OWN_USER;

	return claims->by_user ? always : always | by_root;
}

static void take_claims(const struct soft_claims *claims, struct arena *arena,
			struct tee_claims *out)
{
	*out = (struct tee_claims){
	    .tier = arena_text(arena, claims->tier),
	    .nonce = arena_copy(arena, claims->nonce),
	    .image_id = arena_copy(arena, claims->image_id),
	    .signer_count = claims->signer_count,
	    .config_id = arena_copy(arena, claims->config_id),
	    .owner = arena_copy(arena, claims->owner),
	    .hardware = arena_copy(arena, claims->ueid),
	    .instance = arena_copy(arena, claims->instance),
	    .agent = arena_copy(arena, claims->agent),
	    .has_product = true,
	    .product = claims->product,
	    .svn = claims->svn,
	    .issued = (int64_t)claims->issued,
	    /* Only the value "disabled" is no debugging; whatever else comes is. */
	    .debug = claims->dbgstat != DBGSTAT_DISABLED,
	    .protections = claims->protections,
	    .root_kind = arena_text(arena, claims->root_kind),
	    .by_user = claims->by_user != 0,
	};
	for (size_t i = 0; i < claims->signer_count; i++)
		out->signers[i] = arena_copy(arena, claims->signers[i]);
}

/* The certificates of the "endorse" record: a CBOR array of DER, leaf first. */
static size_t read_endorsements(struct tobi_bytes bytes, struct tobi_bytes *list)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	size_t count;

	if (bytes.size == 0)
		return 0;
	count = cbor_array(&cbor, LIMIT_COSE_CHAIN, "endorsements");
	for (size_t i = 0; i < count; i++)
		list[i] = cbor_bytes(&cbor, LIMIT_CERTIFICATE, "endorsements");
	return cbor_finish(&cbor, "endorsements", NULL) ? 0 : count;
}

/* The chain that came with a token, and what is known of it. */
struct soft_chain {
	struct chain_request request; /* owns leaf */
	struct chain_cache *cache;
	EVP_PKEY *known; /* owned: the leaf's key, when it was verified before */
};

static void soft_chain_done(struct soft_chain *chain)
{
	X509_free(chain->request.leaf);
	EVP_PKEY_free(chain->known);
}

static const char *wrong_form(const struct cose_sign1 *sign1)
{
	if (!sign1->payload.ptr)
		return "the payload is detached";
	if (sign1->alg != COSE_ES256 && sign1->alg != COSE_ES384)
		return "another algorithm than ES256 or ES384";
	return sign1->x5chain_count ? NULL : "no certificate came with it";
}

/* The key that the token names as its own, trusted or not. */
static EVP_PKEY *leaf_key(struct soft_chain *chain)
{
	chain->known = chain_cache_find(chain->cache, &chain->request);
	if (chain->known) {
		EVP_PKEY_up_ref(chain->known);
		return chain->known;
	}
	return chain_read_certificate(chain->request.certificates[0], "platform",
				      &chain->request.leaf, NULL)
		   ? NULL
		   : X509_get_pubkey(chain->request.leaf);
}

/* An owner's chain counts only for the key that signed the token. */
static bool owner_vouches(const struct soft_chain *chain, struct tobi_bytes endorsements,
			  EVP_PKEY *key)
{
	struct tobi_bytes endorsed[LIMIT_COSE_CHAIN];
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *endorsed_key = NULL;
	struct chain_request owner = chain->request;

	owner.leaf = NULL;
	owner.certificates = endorsed;
	owner.count = read_endorsements(endorsements, endorsed);
	if (owner.count == 0)
		return false;
	endorsed_key = chain_cache_find(chain->cache, &owner);
	return (endorsed_key || !chain_cache_verify(chain->cache, &owner, "platform",
						    &endorsed_key, NULL)) &&
	       EVP_PKEY_eq(endorsed_key, key) == 1;
}

/* The platform's own chain first, then that of its owner: one of them must be trusted. */
static void examine_chain(const struct soft_chain *chain, struct tobi_bytes endorsements,
			  EVP_PKEY *key, struct checklist *list)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *verified = NULL;
	struct tobi_fault fault = {0};
	char text[512];

	if (chain->request.anchors_pem.size == 0) {
		check_record(list, &check_chain, false, "an anchor for the soft tier",
			     "the policy names none");
	} else if (chain->known || !chain_cache_verify(chain->cache, &chain->request,
						       "platform", &verified, &fault)) {
		check_record(list, &check_chain, true, "",
			     "the platform CA is an anchor of the policy");
	} else if (owner_vouches(chain, endorsements, key)) {
		check_record(list, &check_chain, true, "",
			     "the owner's CA vouches for the platform");
	} else {
		tobi_fault_print(&fault, text, sizeof(text));
		check_record(list, &check_chain, false,
			     "a valid chain to an anchor of the policy", text);
	}
}

static void examine_key(const struct cose_sign1 *sign1, const struct soft_claims *claims,
			EVP_PKEY *key, struct checklist *list)
{
	uint8_t ueid[UEID_SIZE] = {1};
	bool signed_by_it = !cose_verify(sign1, key, (struct tobi_bytes){0},
					 sign1->payload, "token", NULL);

	check_record(list, &check_signature, signed_by_it,
		     "a valid signature of the platform key",
		     signed_by_it ? "" : "the signature does not verify");
	if (key_spki_sha256(key, ueid + 1, NULL))
		return; /* no record: refuses */
	check_record_equal(list, &check_ueid, (struct tobi_bytes){ueid, sizeof(ueid)},
			   claims->ueid);
}

static void examine_protections(const struct soft_claims *claims, struct checklist *list)
{
	struct writer names = wr_init(1024);
	uint64_t missing = mandatory(claims) & ~claims->protections;

	for (unsigned bit = 0; soft_protection_name(bit); bit++) {
		if (missing >> bit & 1)
			wr_printf(&names, "%s%s", names.size ? ", " : "missing: ",
				  soft_protection_name(bit));
	}
	wr_u8(&names, 0);
	check_record(list, &check_protections, missing == 0, "all mandatory protections",
		     wr_err(&names) ? "" : (char *)names.ptr);
	wr_done(&names);
}

static void examine_claims(const struct tee_request *request,
			   const struct soft_claims *claims, struct checklist *list)
{
	uint8_t hash[SHA256_SIZE];
	char now[32], issued[32];
	bool past = (int64_t)claims->issued <= request->time + CLOCK_SKEW;

	check_record(list, &check_profile,
		     bytes_equal_text(claims->profile, SOFT_PROFILE), SOFT_PROFILE,
		     arena_text(list->arena, claims->profile));
	check_record(list, &check_tier, bytes_equal_text(claims->tier, "soft"), "soft",
		     arena_text(list->arena, claims->tier));
	if (!hash_sha256(request->claims_buffer, hash))
		check_record_equal(list, &check_nonce,
				   (struct tobi_bytes){hash, sizeof(hash)},
				   claims->nonce);
	snprintf(now, sizeof(now), "at most %" PRId64, request->time + CLOCK_SKEW);
	snprintf(issued, sizeof(issued), "%" PRIu64, claims->issued);
	check_record(list, &check_time, past, now, issued);
	examine_protections(claims, list);
}

/* Owed where the token says that the keys are in a TPM, and wherever a quote came. */
static void examine_tpm(const struct tee_request *request,
			const struct soft_claims *claims, EVP_PKEY *key,
			struct checklist *list, struct tee_claims *ret_claims)
{
	const struct tpm_quote_request quote = {
	    .evidence = claims->tpm,
	    .key = key,
	    .nonce = claims->nonce,
	    .anchors_pem = request->tpm_anchors_pem.size ? request->tpm_anchors_pem
							 : request->anchors_pem,
	    .time = request->time,
	    .chains = request->chains};

	if (!request->tpm_required && !claims->tpm.size &&
	    !bytes_equal_text(claims->root_kind, "tpm"))
		return;
	tpm_quote_owe(list);
	tpm_quote_examine(&quote, list, ret_claims);
}

/* Bytes that are no token at all are an error; a token of another form is refused. */
static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct cose_sign1 sign1 = {0};
	struct soft_claims claims = {0};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(soft_chain_done)
	struct soft_chain chain = {{sign1.x5chain, 0, request->anchors_pem, request->time,
				    CHAIN_PLATFORM, NULL, NULL},
				   request->chains,
				   NULL};
	const char *wrong;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (request->tpm_required)
		tpm_quote_owe(list);
	err =
	    cose_parse(request->evidence, true, COSE_TAGGED, "soft token", &sign1, fault);
	if (err)
		return err;
	wrong = wrong_form(&sign1);
	if (!wrong) {
		err = soft_claims_parse(sign1.payload, &claims, fault);
		if (err)
			return err;
		take_claims(&claims, list->arena, ret_claims);
		chain.request.count = sign1.x5chain_count;
		key = leaf_key(&chain);
		wrong = key ? NULL : "its certificate cannot be read";
	}
	if (!check_record(list, &check_format, !wrong, "", wrong))
		return TOBI_OK;
	examine_claims(request, &claims, list);
	examine_chain(&chain, request->endorsements, key, list);
	examine_key(&sign1, &claims, key, list);
	examine_tpm(request, &claims, key, list, ret_claims);
	return TOBI_OK;
}

const struct tee_verifier tee_soft = {"soft", "eat", CMW_TYPE_EAT, 263,
				      checks, NULL,  examine};
