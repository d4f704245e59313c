/* What a host answers a guest: certificates and quotes of Azure's metadata service,
 * quotes of Intel's service, a table of AMD's firmware, and the numbers of configfs-tsm.
 * The first byte chooses which. */
#include <string.h>

#include "attest/azure_metadata.h"
#include "attest/qgs.h"
#include "attest/sev_guest.h"
#include "attest/snp_pieces.h"
#include "attest/tsm.h"
#include "base/cleanup.h"
#include "fuzz/fuzz.h"

static bool read_certificates(struct tobi_bytes input)
{
	struct writer vcek = wr_init(LIMIT_EVIDENCE), chain = wr_init(LIMIT_EVIDENCE);
	bool good = !azure_certificates_read(input, &vcek, &chain, NULL);

	must(!good || (vcek.size && chain.size));
	wr_done(&vcek);
	wr_done(&chain);
	return good;
}

static bool read_quote(struct tobi_bytes input)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	bool good = !azure_quote_read(input, &quote, NULL);

	wr_done(&quote);
	return good;
}

/* What is taken out of a table lies within it, or is nothing. */
static bool read_table(struct tobi_bytes input)
{
	struct attest_output output = attest_output_init();
	bool good;

	must(!snp_pieces_add(input, &output, NULL));
	for (size_t i = 0; i < output.piece_count; i++) {
		struct tobi_bytes piece = wr_view(&output.pieces[i].bytes);

		must(piece.size && piece.size <= input.size &&
		     memmem(input.ptr, input.size, piece.ptr, piece.size));
	}
	good = output.piece_count > 0;
	attest_output_done(&output);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_bytes part = {0};
	uint64_t number = 0;
	bool good;

	switch (take_choice(&input) % 6) {
	case 0:
		return read_certificates(input);
	case 1:
		return read_quote(input);
	case 2:
		good = !qgs_response_read(input, &part, NULL);
		must(good == (part.size > 0));
		must_be_inside(part, input);
		return good;
	case 3:
		good = !sev_guest_response(input, &part, NULL);
		must(part.size == (good ? SEV_GUEST_REPORT : 0));
		must_be_inside(part, input);
		return good;
	case 4:
		return read_table(input);
	default:
		IGNORE(tsm_kind(input) != NULL);
		return tsm_number(input, &number);
	}
}

static void seed_service(struct writer *out)
{
	static const uint8_t head[24] = {1, 0, 1, 0, 1, 0, 0, 0, 26, 0, 0,
					 0, 0, 0, 0, 0, 0, 0, 0, 0,  2};

	wr_bytes(out, head, sizeof(head));
	wr_bytes(out, "qq", 2);
}

static void seed_table(struct writer *out)
{
	static const uint8_t vcek[24] = {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64,
					 0x45, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8,
					 0xac, 0xcd, 48,   0,	 0,    0,    3};

	wr_bytes(out, vcek, sizeof(vcek));
	wr_reserve(out, 24);
	wr_bytes(out, "abc", 3);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\\nAA==\\n";

	if (number >= 6)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)number);
	if (number == 0)
		wr_printf(out, "{\"vcekCert\":\"%s\",\"certificateChain\":\"%s\"}", pem,
			  pem);
	else if (number == 1)
		wr_printf(out, "{\"quote\":\"BAACAIEAAAA\"}");
	else if (number == 2)
		seed_service(out);
	else if (number == 3)
		wr_bytes(out, "\0\0\0\0\xa0\4\0\0", 8), wr_reserve(out, 24 + 1184);
	else if (number == 4)
		seed_table(out);
	else
		wr_printf(out, "17\n");
	return FUZZ_GOOD;
}
