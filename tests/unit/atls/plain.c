#include "tests/unit/atls/plain.h"

#include <unistd.h>

#include "base/endian.h"
#include "tests/extension.h"

/* ---- leaves ---- */

static void add_evidence(X509 *leaf, struct tobi_bytes value)
{
	ASN1_OBJECT *name = OBJ_txt2obj("2.23.133.5.4.9", 1);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(bytes, value.ptr, (int)value.size);
	extension = X509_EXTENSION_create_by_OBJ(NULL, name, 0, bytes);
	assert_int_equal(X509_add_ext(leaf, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(bytes);
	ASN1_OBJECT_free(name);
}

X509 *plain_leaf(EVP_PKEY *key, const struct leaf_wish *wish)
{
	X509 *leaf = X509_new();
	X509_NAME *name = X509_get_subject_name(leaf);
	EVP_PKEY *signer = wish->issuer ? wish->issuer_key : key;
	bool edwards = EVP_PKEY_is_a(signer, "ED25519") || EVP_PKEY_is_a(signer, "ED448");
	char names[96];

	X509_set_version(leaf, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(leaf), 7);
	ASN1_TIME_set(X509_getm_notBefore(leaf), TEST_NOW - 10);
	ASN1_TIME_set(X509_getm_notAfter(leaf), TEST_NOW + 10);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				   (const unsigned char *)"plain", -1, -1, 0);
	X509_set_issuer_name(leaf,
			     wish->issuer ? X509_get_subject_name(wish->issuer) : name);
	X509_set_pubkey(leaf, key);
	add_extension(leaf, NULL, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(leaf, NULL, NID_key_usage, "critical,digitalSignature");
	add_extension(leaf, NULL, NID_ext_key_usage, "serverAuth,clientAuth");
	if (wish->dns) {
		snprintf(names, sizeof(names), "DNS:%s", wish->dns);
		add_extension(leaf, NULL, NID_subject_alt_name, names);
	}
	if (wish->rats.size)
		add_evidence(leaf, wish->rats);
	assert_true(X509_sign(leaf, signer, edwards ? NULL : EVP_sha256()) > 0);
	return leaf;
}

X509 *plain_leaf_of(const struct end *end)
{
	const uint8_t *der = end->certificate.ptr;

	return d2i_X509(NULL, &der, (long)end->certificate.size);
}

/* ---- an end ---- */

static const unsigned char alpn[] = "\x0etobichi-atls/1";

int plain_accept_any(X509_STORE_CTX *store, void *unused)
{
	(void)store, (void)unused;
	return 1;
}

int plain_take_alpn(SSL *ssl, const unsigned char **ret_out, unsigned char *ret_size,
		    const unsigned char *offered, unsigned size, void *unused)
{
	(void)ssl, (void)size, (void)unused;
	*ret_out = offered + 1;
	*ret_size = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

static int look_at_hello(SSL *ssl, int *ret_alert, void *context)
{
	struct plain *plain = context;
	const unsigned char *data;
	size_t size;

	(void)ret_alert;
	plain->hello_had_psk =
	    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &size) == 1;
	/* list size, type, name size: five bytes before the name */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1 &&
	    size > 5)
		snprintf(plain->server_name, sizeof(plain->server_name), "%.*s",
			 (int)size - 5, (const char *)data + 5);
	return SSL_CLIENT_HELLO_SUCCESS;
}

static void count_message(int sent, int version, int kind, const void *bytes, size_t size,
			  SSL *ssl, void *context)
{
	struct plain *plain = context;

	(void)sent, (void)version, (void)ssl;
	if (kind != SSL3_RT_HANDSHAKE || size == 0)
		return;
	plain->tickets += *(const uint8_t *)bytes == SSL3_MT_NEWSESSION_TICKET;
	plain->key_updates += *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE;
}

void plain_init(struct plain *plain, enum tobi_role role, EVP_PKEY *key, X509 *leaf,
		int fd)
{
	bool server = role == TOBI_ROLE_SERVER;

	*plain = (struct plain){.fd = fd, .heard = wr_init(4 << 20)};
	plain->tls = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (leaf) {
		assert_int_equal(SSL_CTX_use_certificate(plain->tls, leaf), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(plain->tls, key), 1);
	}
	SSL_CTX_set_msg_callback(plain->tls, count_message);
	SSL_CTX_set_msg_callback_arg(plain->tls, plain);
	if (server) {
		SSL_CTX_set_verify(plain->tls, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(plain->tls, plain_accept_any, NULL);
		SSL_CTX_set_session_id_context(plain->tls, (const uint8_t *)"plain", 5);
		SSL_CTX_set_alpn_select_cb(plain->tls, plain_take_alpn, NULL);
		SSL_CTX_set_client_hello_cb(plain->tls, look_at_hello, plain);
	} else {
		SSL_CTX_set_alpn_protos(plain->tls, alpn, sizeof(alpn) - 1);
	}
	evutil_make_socket_nonblocking(fd);
}

static void start(struct plain *plain)
{
	if (plain->ssl)
		return;
	plain->ssl = SSL_new(plain->tls);
	assert_int_equal(SSL_set_fd(plain->ssl, plain->fd), 1);
}

/* Lets the other end work; false when OpenSSL has failed, or will wait for ever. */
static bool go_on(struct plain *plain, struct world *world, int result, unsigned *turns)
{
	int code = SSL_get_error(plain->ssl, result);

	event_base_loop(world->base, EVLOOP_NONBLOCK);
	usleep(500);
	return (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) &&
	       ++*turns < 4000;
}

bool plain_shake(struct plain *plain, struct world *world)
{
	unsigned turns = 0;
	int result;

	start(plain);
	do {
		result = SSL_CTX_get_ssl_method(plain->tls) == TLS_server_method()
			     ? SSL_accept(plain->ssl)
			     : SSL_connect(plain->ssl);
	} while (result != 1 && go_on(plain, world, result, &turns));
	return result == 1;
}

bool plain_send(struct plain *plain, struct world *world, const struct writer *bytes)
{
	unsigned turns = 0;
	size_t sent;
	int result;

	do {
		result = SSL_write_ex(plain->ssl, bytes->ptr, bytes->size, &sent);
	} while (result != 1 && go_on(plain, world, result, &turns));
	return result == 1;
}

/* The last frame of heard, when all frames in it are whole. */
static bool last_frame(const struct writer *heard, struct tobi_bytes *ret_item)
{
	struct tobi_bytes rest = wr_view(heard);

	while (rest.size >= ATLS_FRAME_HEADER) {
		size_t size = load_u32be(rest.ptr);

		if (size > rest.size - ATLS_FRAME_HEADER)
			return false;
		*ret_item = (struct tobi_bytes){rest.ptr + ATLS_FRAME_HEADER, size};
		rest.ptr += ATLS_FRAME_HEADER + size;
		rest.size -= ATLS_FRAME_HEADER + size;
	}
	return rest.size == 0 && heard->size > 0;
}

bool plain_hear(struct plain *plain, struct world *world, enum atls_type type,
		struct tobi_bytes *ret_item)
{
	uint8_t part[4096];
	unsigned turns = 0;
	enum atls_type found;
	size_t size;
	int result;

	do {
		result = SSL_read_ex(plain->ssl, part, sizeof(part), &size);
		if (result == 1)
			wr_bytes(&plain->heard, part, size);
		if (last_frame(&plain->heard, ret_item) &&
		    !atls_read_type(*ret_item, &found, NULL) && found == type)
			return true;
	} while (result == 1 || go_on(plain, world, result, &turns));
	return false;
}

void plain_done(struct plain *plain)
{
	SSL_free(plain->ssl);
	SSL_CTX_free(plain->tls);
	wr_done(&plain->heard);
	close(plain->fd);
}

/* ---- tickets ---- */

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

SSL_SESSION *plain_ticket(SSL_CTX *client, const struct end *like)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	X509 *leaf = plain_leaf_of(like);
	SSL *ends[2] = {SSL_new(client), NULL};
	BIO *one = NULL, *two = NULL;
	SSL_SESSION *ticket;
	char byte;

	SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(client, keep_session);
	SSL_CTX_use_certificate(tls, leaf);
	SSL_CTX_use_PrivateKey(tls, like->endpoint.key);
	SSL_CTX_set_max_early_data(tls, 1000);
	SSL_CTX_set_alpn_select_cb(tls, plain_take_alpn, NULL);
	ends[1] = SSL_new(tls);
	assert_int_equal(BIO_new_bio_pair(&one, 0, &two, 0), 1);
	SSL_set_bio(ends[0], one, one);
	SSL_set_bio(ends[1], two, two);
	for (int i = 0; i < 10; i++) {
		SSL_connect(ends[0]);
		SSL_accept(ends[1]);
	}
	SSL_read(ends[0], &byte, 1); /* takes the tickets */
	/* Else the session may not be used again. */
	SSL_set_shutdown(ends[0], SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	for (size_t i = 0; i < 2; i++)
		SSL_free(ends[i]);
	SSL_CTX_free(tls);
	X509_free(leaf);
	ticket = TAKE(kept);
	assert_non_null(ticket);
	assert_true(SSL_SESSION_get_max_early_data(ticket) > 0);
	return ticket;
}
