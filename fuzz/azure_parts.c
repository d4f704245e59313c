/* Evidence of Azure in JSON, or as a report with one piece beside it: what is read of it
 * is within its bounds. The input is the size of the piece (two bytes, big-endian), the
 * piece, and the evidence. */
#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "tee/azure_parts.h"
#include "tests/azure_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct azure_parts *parts = arena_alloc(&arena, sizeof(*parts));
	struct tee_request request = {0};
	struct tobi_fault fault = {0};
	struct tobi_bytes piece = {0};
	enum tobi_err err = TOBI_E_TRUNCATED;

	must(parts != NULL);
	if (input.size >= 2 && load_u16be(input.ptr) <= input.size - 2) {
		piece = (struct tobi_bytes){input.ptr + 2, load_u16be(input.ptr)};
		request.evidence = (struct tobi_bytes){piece.ptr + piece.size,
						       input.size - 2 - piece.size};
		request.pieces = &piece;
		request.piece_count = piece.size > 0;
		err = azure_parts_read(&request, &arena, parts, &fault);
		must(err == fault.code);
	}
	if (!err) {
		must(parts->hcl.ptr != NULL);
		must(parts->piece_count <= AZURE_PIECES_MAX);
		must(parts->values.bank_count <= TPM_BANKS_MAX);
	}
	arena_done(&arena);
	return !err && (azure_parts_recognise(request.evidence, AZURE_REPORT_SNP) ||
			azure_parts_recognise(request.evidence, AZURE_REPORT_TDX));
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct azure_scene scene;
	struct writer evidence = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes piece;

	if (number >= 8)
		return FUZZ_NO_SEED;
	azure_scene_make(&scene, number & 1);
	scene.form = (enum azure_form)(number / 2);
	scene.snp.without_issuers = scene.snp.without_crl = true;
	azure_scene_evidence(&scene, &evidence);
	piece = scene.piece_count ? scene.pieces[scene.tdx ? 0 : scene.piece_count - 1]
				  : (struct tobi_bytes){0};
	wr_uint_be(out, piece.size, 2);
	wr_bytes(out, piece.ptr, piece.size);
	wr_bytes(out, evidence.ptr, evidence.size);
	wr_done(&evidence);
	azure_scene_done(&scene);
	return FUZZ_GOOD;
}
