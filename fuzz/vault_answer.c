/* What Vault's transit engine answers: a text that may be sent to it again, a store key,
 * or an error that may be shown. */
#include <string.h>

#include "base/utf8.h"
#include "broker/keyring_vault_answer.h"
#include "fuzz/fuzz.h"

enum { SHOWN_MAX = 4096 };

static bool read_text(struct tobi_bytes input)
{
	struct writer text = wr_init(1 << 16);
	bool good = !vault_read_ciphertext(input, &text, NULL);

	/* Between quotes of JSON it stays what it is. */
	must(!good ||
	     (vault_is_ciphertext(wr_view(&text)) && !memchr(text.ptr, '"', text.size) &&
	      !memchr(text.ptr, '\\', text.size)));
	wr_done(&text);
	return good;
}

static bool read_plain(struct tobi_bytes input)
{
	struct secret plain = {0};
	bool good = !vault_read_plaintext(input, &plain, NULL);

	must(good == (plain.ptr != NULL));
	must(plain.size <= 256);
	secret_done(&plain);
	return good;
}

static bool read_error(struct tobi_bytes input)
{
	struct writer text = wr_init(SHOWN_MAX);
	bool good;

	vault_read_errors(input, &text);
	must(utf8_is_text(wr_view(&text)));
	good = text.size > 0;
	wr_done(&text);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	switch (take_choice(&input) % 3) {
	case 0:
		return read_text(input);
	case 1:
		return read_plain(input);
	default:
		return read_error(input);
	}
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const answers[] = {
	    "{\"data\":{\"ciphertext\":\"vault:v12:AAECAwQFBg==\",\"key_version\":12}}",
	    "{\"request_id\":\"1\",\"data\":{\"plaintext\":\"VEJLMQ==\"},\"auth\":null}",
	    "{\"errors\":[\"permission \\u0007denied\"]}",
	    "{\"errors\":[]}",
	    "{\"data\":{\"plaintext\":7}}",
	};
	static const uint8_t choices[] = {0, 1, 2, 2, 1};

	if (number >= sizeof(choices))
		return FUZZ_NO_SEED;
	wr_u8(out, choices[number]);
	wr_printf(out, "%s", answers[number]);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
