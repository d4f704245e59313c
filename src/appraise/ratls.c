#include "appraise/ratls.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "appraise/guest.h"
#include "appraise/parts.h"
#include "appraise/policy_checks.h"
#include "appraise/ratls_checks.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "pki/chain.h"
#include "token/claims_buffer.h"
#include "token/ratls.h"

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

enum { STRENGTH_BITS = 112, REPORT_DATA_SIZE = 64, HASH_MAX = 64, DER_SEQUENCE = 0x30 };

/* What one appraisal is about. */
struct scene {
	struct tobi_result *result;
	const struct tobi_policy *policy;
	const struct ratls_request *request;
	X509 *leaf;
	struct ratls_carried carried;
	struct ratls_kind kind;
	const struct tee_verifier *verifier; /* NULL: none in this build */
	struct claims_buffer claims;
};

bool ratls_is_certificate(struct tobi_bytes file)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";

	if (file.size < 2)
		return false;
	/* A length of two bytes or more: no certificate is shorter. */
	if (file.ptr[0] == DER_SEQUENCE && file.ptr[1] > 0x80)
		return true;
	/* An evidence file is a CBOR map, which no text starts with. */
	return file.ptr[0] < 0x80 &&
	       memmem(file.ptr, file.size, begin, sizeof(begin) - 1) != NULL;
}

/* ---- the certificate ---- */

static bool is_valid_at(const X509 *leaf, int64_t time)
{
	time_t at = (time_t)time;

	/* X509_cmp_time() gives 0 for a time that cannot be read. */
	return X509_cmp_time(X509_get0_notBefore(leaf), &at) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(leaf), &at) > 0;
}

static const char *wrong_by_itself(X509 *leaf, int64_t time)
{
	uint32_t flags = X509_get_extension_flags(leaf);
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	if (X509_get_version(leaf) != X509_VERSION_3)
		return "it is not of version 3";
	if (!key || EVP_PKEY_get_security_bits(key) < STRENGTH_BITS)
		return "its key is unknown here, or too weak";
	if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
		return "an extension is invalid, or critical and unknown";
	if (!is_valid_at(leaf, time))
		return "it is not valid at this time";
	return NULL;
}

static bool is_self_signed(X509 *leaf)
{
	bool good =
	    X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_issuer_name(leaf)) == 0 &&
	    X509_verify(leaf, X509_get0_pubkey(leaf)) == 1;

	ERR_clear_error();
	return good;
}

/* By the CA that the policy's identity names; for the name, if there is one. */
static bool is_certified(const struct scene *scene, const char *name,
			 struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	const struct chain_request chain = {
	    .certificates = scene->request->certificates,
	    .count = scene->request->count,
	    .anchors_pem = scene->policy->ca_pem,
	    .time = scene->result->time,
	    .purpose = CHAIN_TLS_SERVER,
	    .host_name = name,
	};

	return !chain_verify(&chain, "certificate", &key, fault);
}

static void examine_name(const struct scene *scene)
{
	const char *name = scene->policy->host_name ? scene->policy->host_name
						    : scene->request->host_name;
	struct tobi_fault fault = {
	    .message = "the policy (identity.name) does not say whom to expect"};
	bool good = name && is_certified(scene, name, &fault);

	check_record(&scene->result->list, &check_policy_identity, good,
		     "a leaf under the policy's CA, by name", good ? "" : fault.message);
}

static void examine_certificate(struct scene *scene)
{
	const char *wrong = wrong_by_itself(scene->leaf, scene->result->time);
	bool by_ca = scene->policy->identity == IDENTITY_CA;

	if (!wrong && !(by_ca && is_certified(scene, NULL, NULL)) &&
	    !is_self_signed(scene->leaf))
		wrong = by_ca ? "it is signed neither by itself nor by the policy's CA"
			      : "it is not signed by itself, and the policy names no CA "
				"(identity: ca)";
	check_record(&scene->result->list, &check_ratls_certificate, !wrong, "", wrong);
	if (by_ca)
		examine_name(scene);
}

/* ---- its claims ---- */

static bool hash_key(X509 *leaf, enum claims_hash hash, uint8_t ret[static HASH_MAX],
		     size_t *ret_size)
{
	const EVP_MD *digest = hash == CLAIMS_SHA256   ? EVP_sha256()
			       : hash == CLAIMS_SHA384 ? EVP_sha384()
						       : EVP_sha512();
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	unsigned written = 0;
	bool good =
	    size > 0 && EVP_Digest(der, (size_t)size, ret, &written, digest, NULL) == 1;

	OPENSSL_free(der);
	ERR_clear_error();
	*ret_size = written;
	return good;
}

static bool examine_claims(struct scene *scene)
{
	struct checklist *list = &scene->result->list;
	struct tobi_fault fault = {0};
	uint8_t hash[HASH_MAX];
	char text[512];
	size_t size;

	if (claims_buffer_parse(scene->carried.evidence.claims_buffer, &scene->claims,
				&fault)) {
		tobi_fault_print(&fault, text, sizeof(text));
		return check_record(list, &check_ratls_claims, false, "", text);
	}
	check_record(list, &check_ratls_claims, true, "", "");
	return hash_key(scene->leaf, scene->claims.hash, hash, &size) &&
	       check_record_equal(list, &check_ratls_key, (struct tobi_bytes){hash, size},
				  scene->claims.pubkey_hash);
}

/* ---- the evidence ---- */

/* Open Enclave hashes keys as texts, with the zero behind them. */
static bool write_pem(const struct scene *scene, struct writer *out)
{
	EVP_PKEY *key = X509_get0_pubkey(scene->leaf);

	if (!key || key_write_public(key, out, NULL))
		return false;
	wr_u8(out, 0);
	return !wr_err(out);
}

static bool hash_pem(const struct scene *scene, uint8_t ret[static HASH_MAX])
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);

	return write_pem(scene, &pem) && !hash_sha256(wr_view(&pem), ret);
}

/* Of Open Enclave's evidence: the custom claims are the key, and nothing else. */
static void examine_custom_claims(const struct scene *scene)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_bytes claims = scene->carried.evidence.claims_buffer;

	check_record(&scene->result->list, &check_ratls_claims, claims.size > 0,
		     "custom claims of Open Enclave", claims.size ? "" : "none");
	if (write_pem(scene, &pem))
		check_record(&scene->result->list, &check_ratls_key,
			     bytes_equal(claims, wr_view(&pem)), "this key, as PEM",
			     "other custom claims");
}

/* What the evidence must have been made over: the claims, or of legacy forms the key.
 * What Intel's is over (claims of the evidence extension beside it, in the field) it does
 * not say itself: alone it is bound to nothing. */
static bool expected_hash(const struct scene *scene, uint8_t ret[static HASH_MAX])
{
	size_t size;

	switch (scene->carried.form) {
	case RATLS_CCC:
	case RATLS_OE_EVIDENCE:
		return !hash_sha256(scene->carried.evidence.claims_buffer, ret);
	case RATLS_GRAMINE:
		return hash_key(scene->leaf, CLAIMS_SHA256, ret, &size);
	case RATLS_OE_REPORT:
		return hash_pem(scene, ret);
	case RATLS_INTEL:
		break;
	}
	return false;
}

static bool is_over_the_key(enum ratls_form form)
{
	return form == RATLS_GRAMINE || form == RATLS_OE_REPORT;
}

static void examine_report_data(const struct scene *scene, struct tobi_bytes found)
{
	struct checklist *list = &scene->result->list;
	uint8_t expected[REPORT_DATA_SIZE] = {0};
	const struct tobi_bytes wanted = {expected, sizeof(expected)};
	bool good;

	/* No record where it is not known where to look: refuses. */
	if (!found.size || !expected_hash(scene, expected))
		return;
	good = check_record_equal(list, &check_ratls_binding, wanted, found);
	if (is_over_the_key(scene->carried.form))
		check_record(list, &check_ratls_key, good, "a quote over this key", "");
}

/* An EAT carries the hash as its nonce; others have report data, as their verifier has
 * read it, and so has a realm's token. */
static void examine_bound(const struct scene *scene)
{
	uint8_t expected[HASH_MAX];

	if (!scene->kind.content_format || scene->result->claims.report_data.size)
		examine_report_data(scene, scene->result->claims.report_data);
	else if (expected_hash(scene, expected))
		check_record_equal(&scene->result->list, &check_ratls_binding,
				   (struct tobi_bytes){expected, SHA256_SIZE},
				   scene->result->claims.nonce);
}

/* By content format, as in an evidence file; of a vendor's kind by its name, when its
 * verifier knows the bytes. */
static const struct tee_verifier *verifier_of(const struct scene *scene)
{
	const struct tobi_bytes no_type = {0};
	const struct tee_verifier *verifier = tee_verifier_of(
	    no_type, scene->kind.content_format, scene->carried.evidence.evidence);

	if (verifier)
		return verifier;
	verifier = tee_verifier_named(scene->kind.name);
	return verifier && verifier->recognise &&
		       verifier->recognise(scene->carried.evidence.evidence)
		   ? verifier
		   : NULL;
}

static void find_verifier(struct scene *scene)
{
	const char *why = "";
	char text[128];

	scene->kind = ratls_kind_of(&scene->carried.evidence);
	scene->verifier = verifier_of(scene);
	if (scene->verifier)
		scene->result->kind = scene->verifier->name;
	else
		why = tee_verifier_named(scene->kind.name)
			  ? ": its verifier does not know this form"
			  : ": no verifier in this build";
	snprintf(text, sizeof(text), "evidence of kind %s%s", scene->kind.name, why);
	check_record(&scene->result->list, &check_ratls_kind, scene->verifier, "", text);
}

static enum tobi_err examine_evidence(struct scene *scene, struct tobi_fault *fault)
{
	struct tobi_result *result = scene->result;
	struct tee_request tee =
	    policy_request(scene->policy, scene->verifier->tier, result->time);
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *carried = NULL;
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *chosen = NULL;
	const struct tobi_collateral *given = scene->request->collateral;
	enum tobi_err err = TOBI_OK;

	if (!given)
		err = ratls_collateral(&scene->carried.endorsements, &carried, fault);
	if (!given)
		given = carried;
	if (!err)
		err = appraisal_choose_collateral(result, scene->policy, given, &chosen,
						  fault);
	if (err)
		return err;
	tee.evidence = scene->carried.evidence.evidence;
	tee.endorsements = scene->carried.endorsements.chain;
	tee.claims_buffer = scene->carried.evidence.claims_buffer;
	tee.collateral = chosen ? chosen : given;
	/* Who attests chose these documents: they get none of the verifier's patience. */
	if (carried)
		tee.grace = 0;
	tee.pieces = scene->request->pieces;
	tee.piece_count = scene->request->piece_count;
	tee.callers = tee.pieces;
	tee.caller_count = tee.piece_count;
	err = scene->verifier->examine(&tee, &result->list, &result->claims, fault);
	if (!err)
		examine_bound(scene);
	return err;
}

/* ---- all of it ---- */

static void owe(struct tobi_result *result, const struct ratls_request *request)
{
	for (size_t i = 0; ratls_checks[i]; i++) {
		const struct check *check = ratls_checks[i];

		if (check == &check_ratls_nonce && !request->nonce.size)
			check_not_asked(&result->list, check, "no nonce was given");
		else if (check == &check_ratls_session && !request->in_session)
			check_not_asked(&result->list, check,
					"a file does not show who has its key");
		else
			check_owe(&result->list, check);
	}
	policy_checks_owe_tier(result);
}

/* As far as it gets. */
static enum tobi_err examine(struct scene *scene, struct tobi_fault *fault)
{
	struct tobi_result *result = scene->result;
	struct tobi_fault why = {0};
	char text[512];

	check_record(&result->list, &check_ratls_mode,
		     scene->policy->channel == CHANNEL_RATLS, "channel: ra-tls",
		     scene->policy->channel == CHANNEL_RATLS ? "" : "tobichi-atls/1");
	examine_certificate(scene);
	if (ratls_find(scene->leaf, &result->arena, &scene->carried, &why)) {
		tobi_fault_print(&why, text, sizeof(text));
		check_record(&result->list, &check_ratls_extension, false,
			     "an extension with evidence", text);
		return TOBI_OK;
	}
	check_record(&result->list, &check_ratls_extension, true, "", "");
	find_verifier(scene);
	/* A legacy form has none. */
	if (scene->carried.form == RATLS_OE_EVIDENCE)
		examine_custom_claims(scene);
	else if (is_over_the_key(scene->carried.form))
		check_record(&result->list, &check_ratls_claims, true, "",
			     "a legacy form: over the key itself");
	else if (scene->carried.form == RATLS_CCC && !examine_claims(scene))
		return TOBI_OK;
	if (scene->request->nonce.size)
		check_record_equal(&result->list, &check_ratls_nonce,
				   scene->request->nonce, scene->claims.nonce);
	if (!scene->verifier) {
		examine_report_data(scene, scene->kind.report_data);
		return TOBI_OK;
	}
	return examine_evidence(scene, fault);
}

enum tobi_err ratls_appraise(struct tobi_result *result, const struct tobi_policy *policy,
			     const struct ratls_request *request,
			     struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	struct scene *scene = arena_alloc(&result->arena, sizeof(*scene));
	enum tobi_err err;

	if (!scene)
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	if (!request->count)
		return fault_set(fault, TOBI_E_CERTIFICATE, "certificate", "",
				 "there is none");
	result->certificate_borne = true;
	result->nonce = arena_copy(&result->arena, request->nonce);
	owe(result, request);
	err =
	    chain_read_certificate(request->certificates[0], "certificate", &leaf, fault);
	if (err)
		return err;
	wrapper_miss(result, policy);
	*scene = (struct scene){
	    .result = result, .policy = policy, .request = request, .leaf = leaf};
	err = examine(scene, fault);
	policy_checks_owe(result, policy, false);
	/* No record can be in a certificate: then it is owed, and not there. */
	guest_owe(result, policy);
	if (err)
		return err;
	/* What was never examined has no claims to hold against the policy. */
	if (result->claims.tier)
		policy_checks_run(result, policy);
	result->complete = true;
	return TOBI_OK;
}

enum tobi_err ratls_appraise_file(struct tobi_result *result,
				  const struct tobi_policy *policy,
				  const struct appraisal_request *given,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes file = given->evidence;
	struct tobi_bytes list[LIMIT_COSE_CHAIN] = {file};
	struct ratls_request request = {.certificates = list,
					.count = 1,
					.nonce = given->nonce,
					.collateral = given->collateral,
					.pieces = given->pieces,
					.piece_count = given->piece_count};
	enum tobi_err err = TOBI_OK;

	if (file.ptr[0] != DER_SEQUENCE)
		err = chain_read_pem(file, "certificate", &der, list, LIMIT_COSE_CHAIN,
				     &request.count, fault);
	return err ? err : ratls_appraise(result, policy, &request, fault);
}
