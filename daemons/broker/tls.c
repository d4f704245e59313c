#include "daemons/broker/tls.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"

enum { CLIENT_CHAIN_MAX = 16 << 10, CHAIN_MAX = 8 };

static const char object[] = "TLS";
/* What is not asked for is not there: old key exchanges, and modes that leak. */
static const char ciphers_of_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* What TLS has proven is that the client holds the certificate's key; whose that key is,
 * is asked later. */
static int accept_any(X509_STORE_CTX *store, void *unused)
{
	(void)store;
	(void)unused;
	return 1;
}

/* Who names protocols must name this one. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_out,
			   unsigned char *ret_size, const unsigned char *offered,
			   unsigned size, void *unused)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)unused;
	for (unsigned at = 0; at < size && offered[at] < size - at;
	     at += 1u + offered[at]) {
		if (offered[at] == 8 && memcmp(offered + at, ours, 9) == 0) {
			*ret_out = offered + at + 1;
			*ret_size = 8;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static enum tobi_err load_chain(SSL_CTX *tls, const char *path, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = file_read(path, LIMIT_PEM, "TLS certificate", &pem, fault);
	BIO *bio = NULL;
	X509 *cert = NULL;
	int count = 0, good = 1;

	if (err)
		return err;
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	while (bio && good == 1 && count < CHAIN_MAX &&
	       (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		good = count == 0 ? SSL_CTX_use_certificate(tls, cert)
				  : (int)SSL_CTX_add1_chain_cert(tls, cert);
		X509_free(cert);
		count++;
	}
	BIO_free(bio);
	if (!count || good != 1)
		return fault_openssl(fault, object, "certificate",
				     "the file has no certificate that can be used");
	/* What ended the reading. */
	ERR_clear_error();
	return TOBI_OK;
}

static enum tobi_err load_key(SSL_CTX *tls, const char *path, struct tobi_fault *fault)
{
	struct secret pem = {0};
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	enum tobi_err err = file_read_secret(path, LIMIT_PEM, "TLS key", &pem, fault);

	if (err)
		return err;
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	secret_done(&pem);
	if (!key)
		return fault_openssl(fault, object, "key", "the file has no private key");
	if (SSL_CTX_use_PrivateKey(tls, key) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1) {
		ERR_clear_error();
		err = fault_set(fault, TOBI_E_MISMATCH, object, "key",
				"it is not the key of the certificate");
	}
	EVP_PKEY_free(key);
	return err;
}

static void set_rules(SSL_CTX *tls, bool tls12)
{
	SSL_CTX_set_min_proto_version(tls, tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
	/* A connection that waits holds no buffer, and one that is gone leaves nothing:
	 * no tickets, no cache. */
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
				     SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(tls, CLIENT_CHAIN_MAX);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls, accept_any, NULL);
	SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
}

enum tobi_err tls_open(const struct tls_setup *setup, SSL_CTX **ret_tls,
		       struct tobi_fault *fault)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	enum tobi_err err = TOBI_OK;

	if (!tls)
		return fault_openssl(fault, object, "", "no context");
	set_rules(tls, setup->tls12);
	if (SSL_CTX_set_cipher_list(tls, ciphers_of_12) != 1)
		err = fault_openssl(fault, object, "", "no ciphers");
	if (!err)
		err = load_chain(tls, setup->certificate, fault);
	if (!err)
		err = load_key(tls, setup->key, fault);
	if (err)
		SSL_CTX_free(tls);
	else
		*ret_tls = tls;
	return err;
}

int64_t tls_expiry(SSL_CTX *tls)
{
	X509 *leaf = tls ? SSL_CTX_get0_certificate(tls) : NULL;
	struct tm tm = {0};

	if (!leaf || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1)
		return 0;
	return timegm(&tm);
}

bool tls_client_key(SSL *ssl, uint8_t ret_key[static SHA384_SIZE])
{
	X509 *peer = SSL_get0_peer_certificate(ssl);
	EVP_PKEY *key = peer ? X509_get0_pubkey(peer) : NULL;

	return key && key_spki_sha384(key, ret_key, NULL) == TOBI_OK;
}
