/* Packets on the agent's socket for its programs: questions, and answers. The first byte
 * chooses. */
#include "base/cleanup.h"
#include "fuzz/fuzz.h"
#include "ipc/packet.h"
#include "seal/ask.h"

static bool same(const struct writer *out, struct tobi_bytes input)
{
	return !wr_err(out) && bytes_equal(wr_view(out), input);
}

static bool read_ask(struct tobi_bytes input)
{
	CLEANUP(wr_done) struct writer again = wr_init(LIMIT_ASK);
	struct ask ask;

	if (ask_parse(input, &ask, NULL))
		return false;
	must_be_inside(ask.signer, input);
	must_be_inside(ask.associated, input);
	must_be_inside(ask.name, input);
	must(ask.signer.size == 0 || ask.signer.size == 48);
	must(ask.associated.size <= TOBI_SEAL_ASSOCIATED_MAX);
	must(ask.kind != ASK_PEER || (ask.source && ask.port));
	must(ask.kind != ASK_COUNTER || ask_name_is_valid(ask.name));
	/* There is one way to say it. */
	ask_write(&again, &ask);
	must(same(&again, input));
	return true;
}

static bool read_answer(struct tobi_bytes input)
{
	CLEANUP(wr_done) struct writer again = wr_init(LIMIT_ASK);
	struct tobi_fault fault = {0};
	struct answer answer;

	if (answer_parse(input, &answer, &fault)) {
		must(fault.code != TOBI_OK);
		return false;
	}
	must_be_inside(answer.peer.claims_buffer, input);
	must_be_inside(answer.peer.address, input);
	must_be_inside(answer.peer.key, input);
	must(answer.peer.key.size == 0 || answer.peer.key.size == 48);
	answer_write(&again, &answer);
	must(same(&again, input));
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	return take_choice(&input) & 1 ? read_answer(input) : read_ask(input);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t signer[48] = {5};
	const struct ask asks[] = {
	    {.kind = ASK_SEAL, .associated = text_of("account 7")},
	    {.kind = ASK_SEAL,
	     .to = TOBI_SEAL_TO_SIGNER,
	     .signer = {signer, sizeof(signer)}},
	    {.kind = ASK_UNSEAL, .associated = text_of("account 7")},
	    {.kind = ASK_COUNTER, .increment = true, .name = text_of("states")},
	    {.kind = ASK_CONNECT,
	     .target = text_of("db:5432"),
	     .policy = text_of("version: 1")},
	    {.kind = ASK_PEER, .source = 40000, .port = 8080},
	};
	const struct answer content = {.kind = ANSWER_CONTENT};
	const struct answer counter = {.kind = ANSWER_COUNTER, .counter = {7, true}};
	const struct answer peer = {.kind = ANSWER_PEER,
				    .peer = {.claims_buffer = {signer, 40},
					     .address = text_of("::1"),
					     .key = {signer, sizeof(signer)}}};
	const struct tobi_fault fault = {.code = TOBI_E_DENIED, .object = "object"};

	wr_u8(out, number >= 6);
	if (number < 6)
		ask_write(out, &asks[number]);
	else if (number < 9)
		answer_write(out, number == 6	? &content
				  : number == 7 ? &counter
						: &peer);
	else if (number == 9)
		packet_write_fault(out, ANSWER_FAULT, &fault);
	else
		return FUZZ_NO_SEED;
	return number == 9 ? FUZZ_BAD : FUZZ_GOOD;
}
