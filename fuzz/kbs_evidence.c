/* Evidence as the key-broker protocol carries it, of each platform: what is accepted is
 * within bounds, and is bound to something. */
#include "broker/kbs_evidence.h"

#include <string.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"
#include "tests/azure_scene.h"
#include "tests/cca_scene.h"
#include "tests/snp_json.h"

static bool read_as(enum kbs_tee tee, const json_t *json, const char *additional)
{
	struct arena arena = arena_init(8 << 20);
	struct kbs_evidence out = {0};
	bool good = !kbs_evidence_read(tee, json, NULL, additional, &arena, &out, NULL);

	if (good) {
		must(out.evidence.size && out.piece_count <= LIMIT_PIECES);
		must(out.nonce_size == 32 || out.nonce_size == 48 ||
		     out.nonce_size == 64);
		must(!out.config.size || out.config_name);
	}
	arena_done(&arena);
	return good;
}

/* The first byte: the platform; with its high bit, the rest is additional evidence. */
bool fuzz_one(struct tobi_bytes input)
{
	static const uint8_t report[1184];
	uint8_t choice = take_choice(&input);
	json_t *json = NULL;
	char *text;
	bool good;

	if (choice & 0x80) {
		text = strndup(input.size ? (const char *)input.ptr : "", input.size);
		json = snp_json_evidence(report, false, NULL, 0);
		good = read_as(KBS_TEE_SNP, json, text);
		free(text);
	} else {
		if (json_parse(input, LIMIT_EVIDENCE, "fuzz", &json, NULL))
			return false;
		good = read_as((enum kbs_tee)choice, json, "");
	}
	json_decref(json);
	return good;
}

/* ---- seeds ---- */

static void put(enum kbs_tee tee, json_t *json, struct writer *out)
{
	wr_u8(out, (uint8_t)tee);
	must(json && !json_write(json, false, out, NULL));
	json_decref(json);
}

static json_t *base64_json(struct tobi_bytes bytes)
{
	struct writer text = wr_init(2 * LIMIT_EVIDENCE);
	json_t *json;

	base64_write(&text, bytes);
	json = json_stringn((const char *)text.ptr, text.size);
	wr_done(&text);
	return json;
}

static void put_snp(struct writer *out)
{
	struct snp_scene scene;

	snp_scene_make(&scene);
	put(KBS_TEE_SNP,
	    snp_json_evidence(scene.report, false,
			      (struct tobi_bytes[]){text_of("one"), text_of("two")}, 2),
	    out);
	snp_scene_done(&scene);
}

static void put_quote(enum kbs_tee tee, unsigned version, enum dcap_body kind,
		      struct writer *out)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct dcap_scene scene;

	dcap_scene_make(&scene);
	dcap_scene_kind(&scene, version, kind);
	dcap_scene_quote(&scene, &quote);
	put(tee,
	    json_pack("{s:o, s:o}", "quote", base64_json(wr_view(&quote)), "cc_eventlog",
		      base64_json(text_of("log"))),
	    out);
	wr_done(&quote);
}

static void put_azure(struct writer *out)
{
	static const uint8_t nonce[32] = {1};
	struct writer evidence = wr_init(LIMIT_EVIDENCE);
	struct azure_scene scene;

	azure_scene_make(&scene, false);
	scene.extra = scene.nonce = (struct tobi_bytes){nonce, sizeof(nonce)};
	azure_scene_evidence(&scene, &evidence);
	wr_u8(out, KBS_TEE_AZ_SNP);
	wr_bytes(out, evidence.ptr, evidence.size);
	azure_scene_done(&scene);
	wr_done(&evidence);
}

static void put_cca(struct writer *out)
{
	struct writer token = wr_init(LIMIT_EVIDENCE);
	struct test_cca cca;

	test_cca_make(&cca, CCA_REALM_2);
	test_cca_write(&cca, &token);
	put(KBS_TEE_CCA, json_pack("{s:o}", "token", snp_json_numbers(wr_view(&token))),
	    out);
	test_cca_done(&cca);
	wr_done(&token);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	switch (number) {
	case 0:
		put_snp(out);
		return FUZZ_GOOD;
	case 1:
		put_quote(KBS_TEE_TDX, 4, DCAP_TD10, out);
		return FUZZ_GOOD;
	case 2:
		put_quote(KBS_TEE_SGX, 3, DCAP_SGX, out);
		return FUZZ_GOOD;
	case 3:
		put_azure(out);
		return FUZZ_GOOD;
	case 4:
		put_cca(out);
		return FUZZ_GOOD;
	case 5:
		put(KBS_TEE_TOBICHI, json_pack("{s:s}", "evidence", "oWNjcHWA"), out);
		return FUZZ_BAD;
	case 6:
		wr_printf(out, "\x80{}");
		return FUZZ_GOOD;
	case 7:
		wr_u8(out, 0x80);
		wr_printf(out, "{\"nvidia\":{\"device_evidence_list\":[{\"arch\":"
			       "\"HOPPER\",\"evidence\":\"\",\"certificate\":\"\"}]}}");
		return FUZZ_GOOD;
	case 8:
		wr_printf(out, "\x80{\"sampledevice\":{}}");
		return FUZZ_BAD;
	default:
		return FUZZ_NO_SEED;
	}
}
