#include "atls/ratls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "appraise/ratls.h"
#include "appraise/ratls_checks.h"
#include "atls/tls.h"
#include "base/fault.h"
#include "base/secret.h"

static const char object[] = "ra-tls";

bool ratls_is_asked(const struct atls_endpoint *endpoint)
{
	return endpoint->policy && endpoint->policy->channel == CHANNEL_RATLS;
}

/* ---- a client ---- */

static const char *not_possible(const struct atls_endpoint *endpoint)
{
	if (endpoint->role != TOBI_ROLE_CLIENT)
		return "a server cannot verify its clients by it";
	if (endpoint->attests)
		return "a client cannot attest by it";
	if (endpoint->protocols && endpoint->protocols[0])
		return "inner protocols, secrets among them, go by tobichi-atls/1 only";
	return NULL;
}

enum tobi_err ratls_tls_new(const struct atls_endpoint *endpoint, SSL_CTX **ret_tls,
			    struct tobi_fault *fault)
{
	/* The peer's key is of its own choice. */
	static const char leaf_algorithms[] =
	    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:"
	    "RSA-PSS+SHA384:RSA-PSS+SHA512";
	const char *wrong = not_possible(endpoint);
	enum tobi_err err = TOBI_OK;
	SSL_CTX *tls;

	if (wrong)
		return fault_set(fault, TOBI_E_ARGUMENT, endpoint->policy->name,
				 "channel", "it names ra-tls, and %s", wrong);
	ERR_clear_error();
	tls = SSL_CTX_new(TLS_client_method());
	if (!tls || !atls_tls_rules(tls) ||
	    SSL_CTX_set1_sigalgs_list(tls, leaf_algorithms) != 1)
		err = fault_openssl(fault, object, "context",
				    "the TLS library refused the rules");
	if (!err && endpoint->key)
		err = atls_tls_use_key(tls, endpoint->key, endpoint->certificate, fault);
	if (err) {
		SSL_CTX_free(tls);
		return err;
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	atls_tls_accept_any_leaf(tls);
	*ret_tls = tls;
	return TOBI_OK;
}

static void record_session(SSL *ssl, struct checklist *list)
{
	bool good = SSL_is_init_finished(ssl) && SSL_version(ssl) == TLS1_3_VERSION &&
		    !SSL_session_reused(ssl) && SSL_get0_peer_certificate(ssl);

	check_record(list, &check_ratls_session, good, "a full handshake of TLS 1.3",
		     SSL_session_reused(ssl) ? "a resumed session"
					     : SSL_get_version(ssl));
}

static enum tobi_err appraise(struct atls_peer *peer, struct tobi_fault *fault)
{
	const struct atls_endpoint *endpoint = peer->endpoint;
	unsigned char *der[LIMIT_COSE_CHAIN] = {NULL};
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct ratls_request request = {.certificates = list,
					.count = atls_peer_chain(peer->ssl, der, list),
					.host_name = endpoint->host_name,
					.collateral = endpoint->collateral,
					.in_session = true};
	enum tobi_err err =
	    ratls_appraise(peer->result, endpoint->policy, &request, fault);

	if (!err)
		record_session(peer->ssl, &peer->result->list);
	for (size_t i = 0; i < LIMIT_COSE_CHAIN; i++)
		OPENSSL_free(der[i]);
	if (appraisal_conclude(peer->result) == TOBI_ACCEPT || err)
		return err;
	return fault_set(fault, TOBI_E_REFUSED, object, "evidence", "%s",
			 peer->result->reason);
}

enum tobi_err ratls_peer_start(struct atls_peer *peer, struct tobi_fault *fault)
{
	const struct atls_endpoint *endpoint = peer->endpoint;
	enum tobi_err err;

	if (!endpoint->policy)
		return TOBI_OK;
	err = appraisal_new(endpoint->policy, endpoint->now(), &peer->result, fault);
	return err ? err : appraise(peer, fault);
}

/* ---- a server ---- */

struct ratls_server {
	SSL_CTX *tls;
	EVP_PKEY *key;
};

bool ratls_is_spoken(const struct atls_endpoint *endpoint, SSL *ssl)
{
	if (endpoint->role == TOBI_ROLE_CLIENT)
		return ratls_is_asked(endpoint);
	return endpoint->compatible && !endpoint->policy &&
	       SSL_get_SSL_CTX(ssl) == endpoint->compatible->tls;
}

/* The program's protocol is not known here. Most speak the first, if any of them. */
static const char *const protocols[] = {"http/1.1", "h2"};

/* Where name is among what a client offers: u8 size and text, each; or NULL. */
static const unsigned char *find_offered(struct tobi_bytes offered, const char *name)
{
	for (size_t at = 0; at < offered.size && offered.ptr[at] < offered.size - at;
	     at += 1u + offered.ptr[at]) {
		struct tobi_bytes one = {offered.ptr + at + 1, offered.ptr[at]};

		if (bytes_equal_text(one, name))
			return one.ptr;
	}
	return NULL;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_out,
			   unsigned char *ret_size, const unsigned char *offered,
			   unsigned size, void *unused)
{
	(void)ssl;
	(void)unused;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		*ret_out = find_offered((struct tobi_bytes){offered, size}, protocols[i]);
		*ret_size = (unsigned char)strlen(protocols[i]);
		if (*ret_out)
			return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum tobi_err ratls_server_new(EVP_PKEY *key, struct ratls_server **ret_server,
			       struct tobi_fault *fault)
{
	struct ratls_server *server = calloc(1, sizeof(*server));

	if (!server)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	ERR_clear_error();
	server->tls = SSL_CTX_new(TLS_server_method());
	if (!server->tls || !atls_tls_rules(server->tls)) {
		ratls_server_free(server);
		return fault_openssl(fault, object, "context",
				     "the TLS library refused the rules");
	}
	SSL_CTX_set_alpn_select_cb(server->tls, choose_protocol, NULL);
	EVP_PKEY_up_ref(key);
	server->key = key;
	*ret_server = server;
	return TOBI_OK;
}

void ratls_server_free(struct ratls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->tls);
	EVP_PKEY_free(server->key);
	free(server);
}

enum tobi_err ratls_server_use(struct ratls_server *server, struct tobi_bytes certificate,
			       struct tobi_fault *fault)
{
	return atls_tls_use_key(server->tls, server->key, certificate, fault);
}

/* A hello whose list of protocols cannot be read counts as one that offers it, so that
 * what is odd is refused rather than served. */
static bool offers_atls(SSL *ssl)
{
	const unsigned char *data;
	size_t size;

	if (SSL_client_hello_get0_ext(ssl,
				      TLSEXT_TYPE_application_layer_protocol_negotiation,
				      &data, &size) != 1)
		return false;
	/* The list has its size before it. */
	return size < 2 ||
	       find_offered((struct tobi_bytes){data + 2, size - 2}, ATLS_ALPN);
}

bool ratls_server_take(struct ratls_server *server, SSL *ssl)
{
	if (!server || offers_atls(ssl) ||
	    SSL_set_SSL_CTX(ssl, server->tls) != server->tls)
		return false;
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	return true;
}
