/* Signed heads of a log: what is read was signed by the key that it names, and there is
 * one way to write it. */
#include "log/head.h"

#include "fuzz/fuzz.h"

static const char *const names[] = {"log", "https://kbs.example/log", "L"};

static struct log_head head_of(unsigned number)
{
	return (struct log_head){.name = text_of(names[number]),
				 .size = number ? UINT64_C(1) << (20 * number) : 0,
				 .root = {{(uint8_t)number}},
				 .time = number * 1000};
}

bool fuzz_one(struct tobi_bytes input)
{
	EVP_PKEY *key = fuzz_key(1);
	uint8_t id[SHA384_SIZE];
	struct writer again = wr_init(LOG_HEAD_MAX);
	struct log_head head, known;
	enum tobi_err err = log_head_read(input, NULL, &head, NULL);
	bool own;

	must(!key_spki_sha384(key, id, NULL));
	own = !err && __builtin_memcmp(head.key, id, sizeof(id)) == 0;
	must((log_head_read(input, id, &known, NULL) == TOBI_OK) == own);
	if (!err) {
		must_be_inside(head.name, input);
		must(head.name.size && head.name.size <= LOG_NAME_MAX);
		must(head.size <= LOG_SIZE_MAX && head.time >= 0);
	}
	if (own) {
		must(!log_head_sign(&head, key, &again, NULL));
		must(bytes_equal(wr_view(&again), input));
	}
	wr_done(&again);
	EVP_PKEY_free(key);
	return !err;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	EVP_PKEY *key = fuzz_key(number < 3 ? 1 : 2);
	const struct log_head head = head_of(number % 3);

	if (number < 4)
		must(!log_head_sign(&head, key, out, NULL));
	EVP_PKEY_free(key);
	return number < 4 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
