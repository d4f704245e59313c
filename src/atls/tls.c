#include "atls/tls.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "appraise/atls_checks.h"
#include "atls/ratls.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/chain.h"

static const char object[] = "TLS";
/* With its length before it, as in the extension. */
static const unsigned char alpn_wire[] = "\x0e" ATLS_ALPN;

enum { ALPN_WIRE_SIZE = sizeof(alpn_wire) - 1 };

/*
 * Any leaf passes at the TLS level: who the peer is, is decided by its evidence and the
 * policy's identity (a CA's certificate is validated there, too), and no byte of data
 * moves before that. What TLS itself proves is possession of the leaf's key.
 */
static int accept_any_leaf(X509_STORE_CTX *store, void *unused)
{
	(void)store;
	(void)unused;
	return 1;
}

static int choose_alpn(SSL *ssl, const unsigned char **ret_out, unsigned char *ret_size,
		       const unsigned char *offered, unsigned size, void *unused)
{
	unsigned at = 0;

	(void)ssl;
	(void)unused;
	while (at < size && offered[at] < size - at) {
		if (offered[at] == ALPN_WIRE_SIZE - 1 &&
		    memcmp(offered + at, alpn_wire, ALPN_WIRE_SIZE) == 0) {
			*ret_out = offered + at + 1;
			*ret_size = offered[at];
			return SSL_TLSEXT_ERR_OK;
		}
		at += 1u + offered[at];
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Refuses what the library would quietly ignore: a resumption, early data, no ALPN. */
static int look_at_hello(SSL *ssl, int *ret_alert, void *compatible)
{
	const unsigned char *data;
	size_t size;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &size) ||
	    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_early_data, &data, &size)) {
		*ret_alert = SSL_AD_ILLEGAL_PARAMETER;
		return SSL_CLIENT_HELLO_ERROR;
	}
	/* Where the enclave was told to, it speaks ra-tls with whoever does not offer
	 * better. */
	if (ratls_server_take(compatible, ssl))
		return SSL_CLIENT_HELLO_SUCCESS;
	if (!SSL_client_hello_get0_ext(
		ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size)) {
		*ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
		return SSL_CLIENT_HELLO_ERROR;
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

void atls_tls_accept_any_leaf(SSL_CTX *tls)
{
	SSL_CTX_set_cert_verify_callback(tls, accept_any_leaf, NULL);
}

bool atls_tls_rules(SSL_CTX *tls)
{
	/* An ECDSA or Ed25519 leaf; TLS 1.3 ties the first two to their curves. */
	static const char leaf_algorithms[] = "ECDSA+SHA256:ECDSA+SHA384:ed25519";

	SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_NO_COMPRESSION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_default_read_buffer_len(tls, 64 << 10);
	SSL_CTX_set_post_handshake_auth(tls, 0);
	return SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(tls, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(tls,
					"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
					"TLS_CHACHA20_POLY1305_SHA256") == 1 &&
	       SSL_CTX_set1_groups_list(tls, "X25519:P-256:P-384") == 1 &&
	       SSL_CTX_set1_sigalgs_list(tls, leaf_algorithms) == 1 &&
	       SSL_CTX_set_num_tickets(tls, 0) == 1 &&
	       SSL_CTX_set_max_early_data(tls, 0) == 1 &&
	       SSL_CTX_set_recv_max_early_data(tls, 0) == 1;
}

enum tobi_err atls_tls_use_key(SSL_CTX *tls, EVP_PKEY *key, struct tobi_bytes certificate,
			       struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	enum tobi_err err;

	err = chain_read_certificate(certificate, "own certificate", &leaf, fault);
	if (err)
		return err;
	/* Asked first: a wrong certificate would take the place of one that is there. */
	if (X509_check_private_key(leaf, key) != 1 ||
	    SSL_CTX_use_certificate(tls, leaf) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, key) != 1)
		return fault_openssl(fault, object, "key",
				     "the key and its certificate do not go together");
	return TOBI_OK;
}

static void ask_for_certificate(SSL_CTX *tls, const struct atls_endpoint *endpoint)
{
	int mode = SSL_VERIFY_NONE;

	/* A client always sees the server's; a server asks when told, and insists when
	 * the client must attest: evidence has to be bound to a key. */
	if (endpoint->role == TOBI_ROLE_CLIENT || endpoint->ask_certificate ||
	    atls_peer_must_attest(endpoint))
		mode = SSL_VERIFY_PEER;
	/* Where one protocol is exempt, or who cannot attest, the exchange refuses the
	 * other clients. */
	if (endpoint->role == TOBI_ROLE_SERVER && atls_peer_must_attest(endpoint) &&
	    !endpoint->exempt && !endpoint->lenient)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(tls, mode, NULL);
	atls_tls_accept_any_leaf(tls);
}

enum tobi_err atls_tls_new(const struct atls_endpoint *endpoint, SSL_CTX **ret_tls,
			   struct tobi_fault *fault)
{
	SSL_CTX *tls;
	enum tobi_err err;

	if (ratls_is_asked(endpoint))
		return ratls_tls_new(endpoint, ret_tls, fault);
	if (endpoint->role == TOBI_ROLE_SERVER && !endpoint->key)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "key",
				 "a server needs a key");
	ERR_clear_error();
	tls = SSL_CTX_new(endpoint->role == TOBI_ROLE_SERVER ? TLS_server_method()
							     : TLS_client_method());
	if (!tls || !atls_tls_rules(tls)) {
		SSL_CTX_free(tls);
		return fault_openssl(fault, object, "context",
				     "the TLS library refused the rules");
	}
	if (endpoint->key) {
		err = atls_tls_use_key(tls, endpoint->key, endpoint->certificate, fault);
		if (err) {
			SSL_CTX_free(tls);
			return err;
		}
	}
	ask_for_certificate(tls, endpoint);
	if (endpoint->role == TOBI_ROLE_SERVER) {
		SSL_CTX_set_alpn_select_cb(tls, choose_alpn, NULL);
		/* A client that must attest has no other way. */
		SSL_CTX_set_client_hello_cb(
		    tls, look_at_hello,
		    atls_peer_must_attest(endpoint) ? NULL : endpoint->compatible);
	} else if (SSL_CTX_set_alpn_protos(tls, alpn_wire, ALPN_WIRE_SIZE) != 0) {
		SSL_CTX_free(tls);
		return fault_openssl(fault, object, "ALPN", "the TLS library refused it");
	}
	*ret_tls = tls;
	return TOBI_OK;
}

/* ---- after the handshake ---- */

static bool note(struct checklist *list, const struct check *check, bool passed,
		 const char *expected, const char *found,
		 const struct check **first_failed)
{
	if (list)
		check_record(list, check, passed, expected, found);
	if (!passed && !*first_failed)
		*first_failed = check;
	return passed;
}

static bool group_allowed(SSL *ssl, char *ret_name, size_t room)
{
	int group = (int)SSL_get_negotiated_group(ssl);
	const char *name = OBJ_nid2sn(group);

	snprintf(ret_name, room, "%s", name ? name : "unknown");
	return group == NID_X25519 || group == NID_X9_62_prime256v1 ||
	       group == NID_secp384r1;
}

enum tobi_err atls_tls_check(SSL *ssl, struct checklist *list, struct tobi_fault *fault)
{
	const struct check *failed = NULL;
	const unsigned char *alpn = NULL;
	unsigned alpn_size = 0;
	char group[32];
	bool good;

	if (!SSL_is_init_finished(ssl))
		return fault_set(fault, TOBI_E_PROTOCOL, object, "handshake",
				 "the handshake is not complete");
	note(list, &check_atls_version, SSL_version(ssl) == TLS1_3_VERSION, "TLSv1.3",
	     SSL_get_version(ssl), &failed);
	SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
	good = bytes_equal_text((struct tobi_bytes){alpn, alpn_size}, ATLS_ALPN);
	note(list, &check_atls_alpn, good, ATLS_ALPN,
	     good	 ? ATLS_ALPN
	     : alpn_size ? "another protocol"
			 : "none",
	     &failed);
	good = SSL_session_reused(ssl) == 0;
	note(list, &check_atls_no_resumption, good, "a full handshake",
	     good ? "a full handshake" : "a resumed session", &failed);
	note(list, &check_atls_group, group_allowed(ssl, group, sizeof(group)),
	     "X25519, P-256 or P-384", group, &failed);
	if (failed)
		return fault_set(fault, TOBI_E_PROTOCOL, object, failed->code,
				 "the session breaks a rule; it would prove that %s",
				 failed->proves);
	return TOBI_OK;
}

static enum tobi_err export_key(void *context, const char *label,
				const uint8_t over[static SHA256_SIZE],
				uint8_t ret_key[static SHA256_SIZE],
				struct tobi_fault *fault)
{
	SSL *ssl = context;

	ERR_clear_error();
	if (SSL_export_keying_material(ssl, ret_key, SHA256_SIZE, label, strlen(label),
				       over, SHA256_SIZE, 1) != 1)
		return fault_openssl(fault, object, "exporter", "no keying material");
	return TOBI_OK;
}

struct atls_exporter atls_tls_exporter(SSL *ssl)
{
	return (struct atls_exporter){.run = export_key, .context = ssl};
}

enum tobi_err atls_tls_leaf_hash(X509 *leaf, uint8_t ret_hash[static SHA256_SIZE],
				 struct tobi_fault *fault)
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	enum tobi_err err;

	if (size <= 0)
		return fault_openssl(fault, object, "leaf", "its key cannot be encoded");
	err = hash_sha256((struct tobi_bytes){der, (size_t)size}, ret_hash);
	OPENSSL_free(der);
	if (err)
		return fault_set(fault, err, object, "leaf", "SHA-256 failed");
	return TOBI_OK;
}
