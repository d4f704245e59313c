#include "tee/token_signer.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "pki/pinned.h"
#include "token/claims_tree.h"

enum { TAG_CWT = 61, TAG_CWT_SIZE = 2 };

static const uint8_t cwt_tag[TAG_CWT_SIZE] = {0xd8, TAG_CWT};

/* RFC 8392 section 6: the tag may stand before the COSE tag, which must then be there. */
static enum tobi_err open_cwt(struct tobi_bytes bytes, const char *object,
			      struct signed_token *token, struct tobi_fault *fault)
{
	bool tagged =
	    bytes.size > TAG_CWT_SIZE && memcmp(bytes.ptr, cwt_tag, TAG_CWT_SIZE) == 0;
	enum tobi_err err;

	if (tagged)
		bytes = (struct tobi_bytes){bytes.ptr + TAG_CWT_SIZE,
					    bytes.size - TAG_CWT_SIZE};
	err = cose_parse(bytes, false, tagged ? COSE_TAGGED : COSE_TAG_OPTIONAL, object,
			 &token->sign1, fault);
	if (err)
		return err;
	token->alg = token->sign1.alg;
	return token->sign1.payload.ptr ? TOBI_OK
					: fault_set(fault, TOBI_E_UNSUPPORTED, object,
						    "payload", "it is detached");
}

enum tobi_err signed_token_open(struct tobi_bytes bytes, const char *object,
				struct signed_token *ret_token, struct tobi_fault *fault)
{
	struct signed_token token = {.is_jwt = jws_is(bytes)};
	enum tobi_err err = token.is_jwt ? jws_parse(bytes, object, &token.jws, fault)
					 : open_cwt(bytes, object, &token, fault);

	if (err)
		return err;
	if (token.is_jwt)
		token.alg = token.jws.alg;
	*ret_token = token;
	return TOBI_OK;
}

static enum tobi_err read_claims(struct signed_token *token, const char *object,
				 struct tobi_fault *fault)
{
	enum tobi_err err;

	if (!token->is_jwt)
		return claims_tree_read(token->sign1.payload, object, &token->tree,
					fault);
	err = json_parse(token->jws.payload, LIMIT_EVIDENCE, object, &token->tree, fault);
	if (!err && !json_is_object(token->tree))
		err = fault_set(fault, TOBI_E_MALFORMED, object, "claims",
				"they are no object");
	return err;
}

enum tobi_err signed_token_read(struct tobi_bytes bytes, const char *object,
				struct signed_token *ret_token, struct tobi_fault *fault)
{
	struct signed_token token = {0};
	enum tobi_err err = signed_token_open(bytes, object, &token, fault);

	if (!err)
		err = read_claims(&token, object, fault);
	if (err)
		signed_token_done(&token);
	else
		*ret_token = token;
	return err;
}

void signed_token_done(struct signed_token *token)
{
	json_decref(token->tree);
	jws_done(&token->jws);
}

static enum tobi_err verify(const struct signed_token *token, EVP_PKEY *key)
{
	return token->is_jwt ? jws_verify(&token->jws, key, "token", NULL)
			     : cose_verify(&token->sign1, key, (struct tobi_bytes){0},
					   token->sign1.payload, "token", NULL);
}

/* ---- a chain of certificates ---- */

struct certificates {
	X509 *list[PINNED_CERTIFICATES_MAX];
	size_t count;
};

static void certificates_done(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		X509_free(certificates->list[i]);
}

static void add_certificates(const struct tobi_bytes *list, size_t count,
			     struct certificates *certificates)
{
	for (size_t i = 0; i < count && certificates->count < PINNED_CERTIFICATES_MAX;
	     i++) {
		X509 *certificate = NULL;

		if (!chain_read_certificate(list[i], "x5chain", &certificate, NULL))
			certificates->list[certificates->count++] = certificate;
	}
}

/* The policy's own are there for a token that leaves out the root, as it should. */
static void add_anchors(struct tobi_bytes pem, struct certificates *certificates)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	size_t count = 0;

	if (pem.size &&
	    !chain_read_pem(pem, "roots", &der, list, LIMIT_COSE_CHAIN, &count, NULL))
		add_certificates(list, count, certificates);
}

/* What found says when it is not so. */
struct finding {
	EVP_PKEY *key; /* owned */
	char text[400];
};

static void finding_done(struct finding *finding)
{
	EVP_PKEY_free(finding->key);
}

static void find_by_chain(const struct tee_request *request,
			  const struct tobi_bytes *chain, size_t count,
			  struct finding *finding)
{
	CLEANUP(certificates_done) struct certificates certificates = {0};
	CLEANUP(pinned_chain_done) struct pinned_chain verified = {0};
	struct pinned_request pinned = {
	    .pins = &request->pins, .time = request->time, .strict = true};
	struct tobi_fault fault = {0};

	if (!request->pins.count) {
		snprintf(finding->text, sizeof(finding->text),
			 "certificates, and the policy names no certificate for this "
			 "tier");
		return;
	}
	add_certificates(chain, count, &certificates);
	if (certificates.count != count) {
		snprintf(finding->text, sizeof(finding->text),
			 "a certificate of its chain cannot be read");
		return;
	}
	add_anchors(request->anchors_pem, &certificates);
	pinned.leaf = certificates.list[0];
	pinned.others = certificates.list;
	pinned.count = certificates.count;
	if (pinned_chain_verify(&pinned, "token", &verified, &fault)) {
		tobi_fault_print(&fault, finding->text, sizeof(finding->text));
		return;
	}
	/* All ones where there is no such extension. */
	if (!(X509_get_key_usage(pinned.leaf) & KU_DIGITAL_SIGNATURE)) {
		snprintf(finding->text, sizeof(finding->text),
			 "its certificate is not for signatures");
		return;
	}
	finding->key = X509_get_pubkey(pinned.leaf);
}

/* ---- a key alone ---- */

static EVP_PKEY *own_key(EVP_PKEY *key)
{
	return key && EVP_PKEY_up_ref(key) == 1 ? key : NULL;
}

static void find_by_key(const struct tee_request *request, EVP_PKEY *named,
			struct finding *finding)
{
	uint8_t spki[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1] = "";
	EVP_PKEY *key = NULL;

	if (!key_spki_sha256(named, spki, NULL)) {
		key = anchor_keys_find(request->keys, spki);
		hex_write((struct tobi_bytes){spki, sizeof(spki)}, hex, sizeof(hex));
	}
	finding->key = own_key(key);
	if (!finding->key)
		snprintf(finding->text, sizeof(finding->text),
			 "the token names the key %s (SHA-256), which is none of them",
			 hex);
}

/* The token does not say whose it is: whichever key of the policy fits. */
static void find_by_trial(const struct tee_request *request,
			  const struct signed_token *token, struct finding *finding)
{
	const struct anchor_keys *keys = request->keys;

	for (size_t i = 0; keys && i < keys->count; i++) {
		if (verify(token, keys->keys[i]))
			continue;
		finding->key = own_key(keys->keys[i]);
		return;
	}
	snprintf(finding->text, sizeof(finding->text),
		 "none of the policy's keys signed it");
}

static void find(const struct tee_request *request, const struct signed_token *token,
		 struct finding *finding)
{
	const struct tobi_bytes *chain =
	    token->is_jwt ? token->jws.x5chain : token->sign1.x5chain;
	size_t count =
	    token->is_jwt ? token->jws.x5chain_count : token->sign1.x5chain_count;

	if (token->is_jwt && token->jws.jwk)
		find_by_key(request, token->jws.jwk, finding);
	if (!token->is_jwt && token->sign1.kid.size == SHA256_SIZE)
		finding->key =
		    own_key(anchor_keys_find(request->keys, token->sign1.kid.ptr));
	if (!finding->key && count)
		find_by_chain(request, chain, count, finding);
	else if (!finding->key && !(token->is_jwt && token->jws.jwk))
		find_by_trial(request, token, finding);
	/* Some put their own certificate beside a signature of a key that is known. */
	if (!finding->key && count && request->keys && request->keys->count &&
	    !request->pins.count)
		find_by_trial(request, token, finding);
}

static const char *name_of(EVP_PKEY *key, struct arena *arena)
{
	char hex[2 * SHA256_SIZE + 1] = "";
	uint8_t spki[SHA256_SIZE];

	if (key_spki_sha256(key, spki, NULL))
		return "";
	hex_write((struct tobi_bytes){spki, sizeof(spki)}, hex, sizeof(hex));
	return arena_printf(arena, "the key %s (SHA-256)", hex);
}

void signed_token_examine(const struct tee_request *request,
			  const struct signed_token *token, const struct check *signer,
			  const struct check *signature, struct checklist *list)
{
	CLEANUP(finding_done) struct finding finding = {0};
	bool named = request->pins.count || (request->keys && request->keys->count);
	bool holds;

	if (!named) {
		check_record(list, signer, false, "a key that the policy trusts",
			     "the policy names no roots for this tier");
		return;
	}
	find(request, token, &finding);
	check_record(list, signer, finding.key != NULL, "a key that the policy trusts",
		     finding.key ? name_of(finding.key, list->arena) : finding.text);
	if (!finding.key)
		return; /* no record: refuses */
	holds = !verify(token, finding.key);
	check_record(list, signature, holds, "a valid signature of that key",
		     holds ? "" : "the signature does not verify");
}

bool signed_token_holds(const struct tee_request *request,
			const struct signed_token *token)
{
	CLEANUP(finding_done) struct finding finding = {0};

	find(request, token, &finding);
	return finding.key && !verify(token, finding.key);
}
