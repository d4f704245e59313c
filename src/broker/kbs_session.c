#include "broker/kbs_session.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"

/* Time, 5 bytes; platform, 1; random, 10. */
enum { TIME_SIZE = 5, TEE_AT = TIME_SIZE, RANDOM_AT = TEE_AT + 1 };

enum tobi_err kbs_session_new(enum kbs_tee tee, int64_t now,
			      struct kbs_session *ret_session, struct tobi_fault *fault)
{
	struct kbs_session session = {.issued = now, .tee = tee};

	if (now < 0 || now >> (8 * TIME_SIZE) != 0)
		return fault_set(fault, TOBI_E_ARGUMENT, "session", "time",
				 "it is far off");
	store_be(session.id, TIME_SIZE, (uint64_t)now);
	session.id[TEE_AT] = (uint8_t)tee;
	if (RAND_bytes(session.id + RANDOM_AT, KBS_SESSION_SIZE - RANDOM_AT) != 1)
		return fault_set(fault, TOBI_E_CRYPTO, "session", "", "no random bytes");
	hex_write((struct tobi_bytes){session.id, KBS_SESSION_SIZE}, session.text,
		  sizeof(session.text));
	*ret_session = session;
	return TOBI_OK;
}

bool kbs_session_read(const char *text, struct kbs_session *ret_session)
{
	struct kbs_session session = {0};

	if (strspn(text, "0123456789abcdef") != KBS_SESSION_DIGITS ||
	    !hex_read(text, session.id, KBS_SESSION_SIZE))
		return false;
	bytes_copy(session.text, sizeof(session.text), text, KBS_SESSION_TEXT);
	session.issued = (int64_t)load_be(session.id, TIME_SIZE);
	session.tee = (enum kbs_tee)session.id[TEE_AT];
	if (!kbs_tee_name(session.tee)[0])
		return false;
	*ret_session = session;
	return true;
}

bool kbs_session_cookie(const char *header, struct kbs_session *ret_session)
{
	static const char name[] = KBS_COOKIE "=";
	char value[KBS_SESSION_TEXT] = "";
	bool found = false;

	while (header && *header) {
		size_t size;

		header += strspn(header, " \t");
		size = strcspn(header, ";");
		if (strncmp(header, name, strlen(name)) == 0) {
			if (found || size - strlen(name) != KBS_SESSION_DIGITS)
				return false;
			bytes_copy(value, sizeof(value), header + strlen(name),
				   KBS_SESSION_DIGITS);
			found = true;
		}
		header += size;
		header += *header == ';';
	}
	return found && kbs_session_read(value, ret_session);
}

bool kbs_session_lives(const struct kbs_session *session, int64_t seconds, int64_t now)
{
	return session->issued <= now + KBS_CLOCKS_SECONDS &&
	       now < session->issued + seconds;
}

enum tobi_err kbs_session_nonce(const struct kbs_session *session,
				const uint8_t key[static 32],
				char ret_nonce[static KBS_NONCE_TEXT],
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(KBS_NONCE_TEXT);
	uint8_t mac[32];
	unsigned size = sizeof(mac);

	if (!HMAC(EVP_sha256(), key, 32, session->id, KBS_SESSION_SIZE, mac, &size))
		return fault_set(fault, TOBI_E_CRYPTO, "session", "nonce", "no MAC");
	base64_write(&text, (struct tobi_bytes){mac, sizeof(mac)});
	wr_u8(&text, '\0');
	if (wr_err(&text))
		return fault_set(fault, wr_err(&text), "session", "nonce", "no memory");
	bytes_copy(ret_nonce, KBS_NONCE_TEXT, text.ptr, text.size);
	return TOBI_OK;
}
