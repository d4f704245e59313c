/* Reads bytes as each message of tobichi-atls/1; what is read is written again as the
 * same bytes. */
#include "atls/message.h"
#include "fuzz/fuzz.h"

static bool read_hello(struct tobi_bytes item, enum atls_type type, struct writer *out)
{
	struct atls_hello hello;

	if (atls_read_hello(item, type, &hello, NULL))
		return false;
	must(hello.type_count <= LIMIT_ATLS_NAMES &&
	     hello.protocol_count <= LIMIT_ATLS_NAMES);
	must_be_inside(hello.nonce, item);
	/* Another version is left to the caller; only ours is written. */
	if (hello.version == ATLS_VERSION)
		atls_write_hello(out, &hello);
	return true;
}

bool fuzz_one(struct tobi_bytes item)
{
	struct writer out = wr_init(LIMIT_ATLS_EVIDENCE + LIMIT_ATLS_FRAME);
	struct atls_evidence evidence;
	struct atls_result result;
	enum atls_type type;
	bool accepted = false;

	if (atls_read_type(item, &type, NULL))
		return false;
	if (type == ATLS_EVIDENCE) {
		accepted = !atls_read_evidence(item, &evidence, NULL);
		if (accepted)
			atls_write_evidence(&out, &evidence);
	} else if (type == ATLS_RESULT) {
		accepted = !atls_read_result(item, &result, NULL);
		if (accepted)
			atls_write_result(&out, &result);
	} else {
		accepted = read_hello(item, type, &out);
	}
	if (out.size)
		must(bytes_equal((struct tobi_bytes){out.ptr + ATLS_FRAME_HEADER,
						     out.size - ATLS_FRAME_HEADER},
				 item));
	wr_done(&out);
	return accepted;
}

static void write_seed(unsigned number, struct writer *out)
{
	static const uint8_t some[32] = {1, 2, 3};
	struct atls_hello hello = {.type = number ? ATLS_ANSWER : ATLS_OFFER,
				   .version = ATLS_VERSION,
				   .nonce = {some, ATLS_NONCE_SIZE},
				   .peer_must_attest = true,
				   .can_attest = true,
				   .types = {text_of("eat")},
				   .type_count = 1,
				   .protocols = {text_of("tobichi-secrets/1")},
				   .protocol_count = 1};
	struct atls_evidence evidence = {text_of("claims"), text_of("collection")};
	struct atls_result result = {ATLS_ACCEPT, {some, 32}, ATLS_NO_REASON};

	if (number < 2) {
		atls_write_hello(out, &hello);
	} else if (number == 2) {
		atls_write_evidence(out, &evidence);
	} else {
		result.status = number == 3 ? ATLS_ACCEPT : ATLS_REFUSE;
		result.reason = number == 3 ? ATLS_NO_REASON : ATLS_EVIDENCE_REFUSED;
		atls_write_result(out, &result);
	}
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer frame = wr_init(LIMIT_ATLS_FRAME);

	if (number > 4)
		return FUZZ_NO_SEED;
	write_seed(number, &frame);
	wr_bytes(out, frame.ptr + ATLS_FRAME_HEADER, frame.size - ATLS_FRAME_HEADER);
	wr_done(&frame);
	return FUZZ_GOOD;
}
