#include "atls/peer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "appraise/atls_checks.h"
#include "atls/tls.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/chain.h"

enum { COLLECTED_TEXTS = 64 << 10 }; /* of the few checks that the exchange records */

static const char object[] = "attested session";
static const char media_prefix[] = "application/vnd.tobichi.";

/* Each kind of evidence that this build can examine. Which of them will do is for the
 * policy: so a refusal comes with a whole checklist. */
static void list_accepted(const char *ret_types[static LIMIT_ATLS_NAMES + 1])
{
	const struct tee_verifier *verifier;
	size_t count = 0;

	for (size_t i = 0; (verifier = tee_verifier_at(i)) && count < LIMIT_ATLS_NAMES;
	     i++) {
		if (strncmp(verifier->media_type, media_prefix,
			    sizeof(media_prefix) - 1) == 0)
			ret_types[count++] =
			    verifier->media_type + sizeof(media_prefix) - 1;
	}
	ret_types[count] = NULL;
}

/* ---- identity (section 5.6) ---- */

size_t atls_peer_chain(SSL *ssl, unsigned char *ret_der[static LIMIT_COSE_CHAIN],
		       struct tobi_bytes ret_list[static LIMIT_COSE_CHAIN])
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	size_t count = 0;

	/* A server's list of the client's chain lacks the leaf; a client's has it first.
	 */
	for (int i = -1; i < sk_X509_num(chain) && count < LIMIT_COSE_CHAIN; i++) {
		X509 *certificate = i < 0 ? leaf : sk_X509_value(chain, i);
		int size;

		if (!certificate || (i == 0 && X509_cmp(certificate, leaf) == 0))
			continue;
		size = i2d_X509(certificate, &ret_der[count]);
		if (size > 0) {
			ret_list[count] =
			    (struct tobi_bytes){ret_der[count], (size_t)size};
			count++;
		}
	}
	return count;
}

static bool identity_by_ca(struct atls_peer *peer, const struct tobi_policy *policy,
			   struct tobi_fault *fault)
{
	const char *name =
	    policy->host_name ? policy->host_name : peer->endpoint->host_name;
	unsigned char *der[LIMIT_COSE_CHAIN] = {NULL};
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct chain_request request = {
	    .certificates = list,
	    .anchors_pem = policy->ca_pem,
	    .time = peer->result->time,
	    .purpose = peer->endpoint->role == TOBI_ROLE_CLIENT ? CHAIN_TLS_SERVER
								: CHAIN_TLS_CLIENT,
	    .host_name = name};
	bool good = false;

	/* Without a name every holder of a certificate of that CA would do. */
	if (!name) {
		fault_set(fault, TOBI_E_ARGUMENT, object, "name",
			  "neither the policy (identity.name) nor the caller names whom "
			  "to expect");
		return false;
	}
	request.count = atls_peer_chain(peer->ssl, der, list);
	if (request.count == 0)
		fault_set(fault, TOBI_E_CERTIFICATE, object, "leaf",
			  "there is no certificate");
	else
		good = !chain_verify(&request, "peer certificate", &key, fault);
	for (size_t i = 0; i < LIMIT_COSE_CHAIN; i++)
		OPENSSL_free(der[i]);
	return good;
}

/* The other modes are decided by what the evidence says: policy_checks.c. */
static void record_ca(struct atls_peer *peer, const struct tobi_policy *policy)
{
	struct tobi_fault fault = {0};
	bool found;

	if (policy->identity != IDENTITY_CA)
		return;
	found = identity_by_ca(peer, policy, &fault);
	check_record(&peer->result->list, &check_atls_identity, found,
		     "a leaf under the policy's CA, by name",
		     found ? "it chains" : fault.message);
}

static bool identity_failed(const struct checklist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->records[i].check == &check_atls_identity)
			return list->records[i].outcome == TOBI_FAILED;
	}
	return false;
}

/* ---- appraisal ---- */

static enum tobi_verdict appraise(void *context, struct tobi_bytes claims_buffer,
				  struct tobi_bytes collection,
				  enum atls_reason *ret_reason,
				  struct tobi_fault *ret_fault)
{
	struct atls_peer *peer = context;
	const struct tobi_policy *policy = peer->endpoint->policy;
	struct appraisal_request request = {.evidence = collection,
					    .claims_buffer = claims_buffer,
					    .in_session = true,
					    .collateral = peer->endpoint->collateral,
					    .time = peer->result->time};

	*ret_reason = ATLS_EVIDENCE_REFUSED;
	if (appraisal_run(peer->result, policy, &request, ret_fault)) {
		appraisal_conclude(peer->result);
		return TOBI_REFUSE;
	}
	record_ca(peer, policy);
	if (appraisal_conclude(peer->result) == TOBI_ACCEPT)
		return TOBI_ACCEPT;
	if (identity_failed(&peer->result->list))
		*ret_reason = ATLS_IDENTITY_REFUSED;
	fault_set(ret_fault, TOBI_E_REFUSED, object, "evidence", "%s",
		  peer->result->reason);
	return TOBI_REFUSE;
}

/* The exchange has checked that it came with this session's claims. */
static enum tobi_verdict collect(void *context, struct tobi_bytes claims_buffer,
				 struct tobi_bytes collection,
				 enum atls_reason *ret_reason,
				 struct tobi_fault *ret_fault)
{
	struct atls_collected *collected = context;

	wr_bytes(&collected->claims_buffer, claims_buffer.ptr, claims_buffer.size);
	wr_bytes(&collected->collection, collection.ptr, collection.size);
	if (!wr_err(&collected->claims_buffer) && !wr_err(&collected->collection))
		return TOBI_ACCEPT;
	*ret_reason = ATLS_INTERNAL;
	fault_set(ret_fault, TOBI_E_MEMORY, object, "evidence", "out of memory");
	return TOBI_REFUSE;
}

bool atls_peer_must_attest(const struct atls_endpoint *endpoint)
{
	return endpoint->policy || endpoint->collects;
}

void atls_peer_conclude(struct atls_peer *peer)
{
	if (peer->result)
		appraisal_conclude(peer->result);
}

/* ---- the start ---- */

static enum tobi_err start_exchange(struct atls_peer *peer, struct tobi_fault *fault)
{
	static const char *const available[] = {"eat", NULL};
	const struct atls_endpoint *endpoint = peer->endpoint;
	X509 *own = SSL_get_certificate(peer->ssl);
	X509 *theirs = SSL_get0_peer_certificate(peer->ssl);
	uint8_t own_key[SHA256_SIZE], peer_key[SHA256_SIZE];
	struct atls_exchange_setup setup = {
	    .role = endpoint->role,
	    .exporter = atls_tls_exporter(peer->ssl),
	    .appraiser = atls_peer_must_attest(endpoint) ? &peer->appraiser : NULL,
	    .accepted = peer->accepted,
	    .available = endpoint->attests ? available : NULL,
	    .protocols = endpoint->protocols,
	    .exempt = endpoint->exempt,
	    .lenient = !endpoint->policy && endpoint->collects && endpoint->lenient,
	};
	enum tobi_err err;

	if (RAND_bytes(setup.nonce, sizeof(setup.nonce)) != 1)
		return fault_openssl(fault, object, "nonce", "no randomness");
	if (theirs) {
		err = atls_tls_leaf_hash(theirs, peer_key, fault);
		if (err)
			return err;
		setup.peer_key = peer_key;
	}
	/* A client's certificate counts only when it was asked for and so shown: both
	 * sides must put the same keys into the binder. */
	if (own && (endpoint->role == TOBI_ROLE_SERVER || peer->shown)) {
		err = atls_tls_leaf_hash(own, own_key, fault);
		if (err)
			return err;
		setup.own_key = own_key;
	}
	return atls_exchange_new(&setup, &peer->exchange, fault);
}

/* The library calls it on a client when the server asks for a certificate. */
static int note_request(SSL *ssl, void *context)
{
	struct atls_peer *peer = context;

	(void)ssl;
	peer->shown = true;
	return 1;
}

/* RFC 6066 section 3: an address is no name, and is not sent as one. */
static bool is_address(const char *name)
{
	uint8_t parsed[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, parsed) == 1 || strchr(name, ':');
}

enum tobi_err atls_peer_prepare(struct atls_peer *peer,
				const struct atls_endpoint *endpoint, SSL **ret_ssl,
				struct tobi_fault *fault)
{
	const char *name = endpoint->host_name;
	SSL *ssl = SSL_new(endpoint->tls);

	if (!ssl)
		return fault_openssl(fault, object, "TLS", "no session");
	peer->endpoint = endpoint;
	peer->ssl = ssl;
	if (endpoint->role == TOBI_ROLE_CLIENT) {
		SSL_set_connect_state(ssl);
		SSL_set_cert_cb(ssl, note_request, peer);
		if (name && !is_address(name) &&
		    SSL_set_tlsext_host_name(ssl, name) != 1) {
			SSL_free(ssl);
			peer->ssl = NULL;
			return fault_openssl(fault, object, "host name", "it is not one");
		}
	} else {
		SSL_set_accept_state(ssl);
	}
	*ret_ssl = ssl;
	return TOBI_OK;
}

static enum tobi_err start_collecting(struct atls_peer *peer, struct tobi_fault *fault)
{
	struct atls_collected *collected = calloc(1, sizeof(*collected));

	if (!collected)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	collected->arena = arena_init(COLLECTED_TEXTS);
	collected->list.arena = &collected->arena;
	collected->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	collected->collection = wr_init(LIMIT_EVIDENCE);
	peer->collected = collected;
	peer->appraiser = (struct atls_appraiser){collect, collected, &collected->list};
	return TOBI_OK;
}

static enum tobi_err start_appraising(struct atls_peer *peer, struct tobi_fault *fault)
{
	enum tobi_err err = appraisal_new(peer->endpoint->policy, peer->endpoint->now(),
					  &peer->result, fault);

	if (!err)
		peer->appraiser =
		    (struct atls_appraiser){appraise, peer, &peer->result->list};
	return err;
}

enum tobi_err atls_peer_start(struct atls_peer *peer, struct tobi_fault *fault)
{
	const struct atls_endpoint *endpoint = peer->endpoint;
	enum tobi_err err = TOBI_OK;

	if (endpoint->policy)
		err = start_appraising(peer, fault);
	else if (endpoint->collects)
		err = start_collecting(peer, fault);
	if (err)
		return err;
	if (atls_peer_must_attest(endpoint))
		list_accepted(peer->accepted);
	err = atls_tls_check(peer->ssl, peer->result ? &peer->result->list : NULL, fault);
	if (!err)
		err = start_exchange(peer, fault);
	if (err)
		atls_peer_conclude(peer);
	return err;
}

void atls_peer_done(struct atls_peer *peer)
{
	atls_exchange_free(peer->exchange);
	tobi_result_free(peer->result);
	if (peer->collected) {
		arena_done(&peer->collected->arena);
		wr_done(&peer->collected->claims_buffer);
		wr_done(&peer->collected->collection);
		free(peer->collected);
	}
	*peer = (struct atls_peer){0};
}
