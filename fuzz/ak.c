/* A request for the certificate of an attestation key, and the answer. The first byte
 * chooses which of the two it is. */
#include "codec/cbor.h"
#include "fuzz/fuzz.h"
#include "root/ak.h"

static bool read_request(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct writer out = wr_init(input.size);
	struct ak_request request;

	if (ak_request_parse(input, &request, fault))
		return false;
	ak_request_write(&out, &request);
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

static bool read_challenge(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct ak_challenge challenge;

	if (ak_challenge_parse(input, &challenge, fault))
		return false;
	must_be_inside(challenge.credential, input);
	must_be_inside(challenge.encrypted, input);
	must_be_inside(challenge.sealed, input);
	must(challenge.nonce.size == 12 && challenge.sealed.size > 16);
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_fault fault = {0};
	bool accepted = take_choice(&input) ? read_challenge(input, &fault)
					    : read_request(input, &fault);

	must(accepted || (fault.code && fault.has_offset && fault.offset <= input.size));
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const struct ak_request request = {text_of("certificate"), text_of("key")};

	wr_u8(out, (uint8_t)number);
	switch (number) {
	case 0:
		ak_request_write(out, &request);
		return FUZZ_GOOD;
	case 1:
		cbor_write_map(out, 5);
		cbor_write_uint(out, 0);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 1);
		cbor_write_bytes(out, text_of("credential"));
		cbor_write_uint(out, 2);
		cbor_write_bytes(out, text_of("encrypted"));
		cbor_write_uint(out, 3);
		cbor_write_bytes(out, text_of("twelve bytes"));
		cbor_write_uint(out, 4);
		cbor_write_bytes(out, text_of("a tag, and more than that"));
		return FUZZ_GOOD;
	default:
		return FUZZ_NO_SEED;
	}
}
