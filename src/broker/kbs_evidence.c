#include "broker/kbs_evidence.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/kbs_snp.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "tee/azure_json.h"
#include "tee/cca_token.h"
#include "tee/dcap_quote.h"
#include "tee/nvidia_evidence.h"
#include "tee/sgx_report.h"
#include "tee/tdx_report.h"
#include "tee/tpm_structs.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

static const char object[] = "tee-evidence";

enum { CERTIFICATE_MAX = 64 << 10, TOKEN_MAX = LIMIT_TOKEN, CONFIG_PCR = 8 };

struct source {
	const json_t *json; /* primary_evidence */
	const struct kbs_lists *lists;
	struct arena *arena;
	struct kbs_evidence *out;
	struct tobi_fault *fault;
};

static enum tobi_err wrong(const struct source *source, const char *field,
			   const char *what)
{
	return fault_set(source->fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

static enum tobi_err no_memory(const struct source *source)
{
	return fault_set(source->fault, TOBI_E_MEMORY, object, "", "out of memory");
}

static enum tobi_err keep(const struct source *source, struct tobi_bytes bytes,
			  struct tobi_bytes *ret_bytes)
{
	*ret_bytes = arena_copy(source->arena, bytes);
	return ret_bytes->ptr ? TOBI_OK : no_memory(source);
}

static enum tobi_err add_piece(const struct source *source, struct tobi_bytes bytes)
{
	struct kbs_evidence *out = source->out;

	if (out->piece_count == LIMIT_PIECES)
		return fault_set(source->fault, TOBI_E_LIMIT, object, "",
				 "over %d pieces beside the evidence", LIMIT_PIECES);
	out->pieces[out->piece_count++] = bytes;
	return TOBI_OK;
}

typedef enum tobi_err decoder(struct tobi_bytes text, const char *what,
			      struct writer *out, struct tobi_fault *fault);

static enum tobi_err take_base64(const struct source *source, const char *name,
				 decoder *decode, struct tobi_bytes *ret_bytes)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	const char *text = json_string_value(json_object_get(source->json, name));
	enum tobi_err err;

	if (!text)
		return wrong(source, name, "a text is needed");
	err = decode(bytes_of_text(text), object, &out, source->fault);
	return err ? err : keep(source, wr_view(&out), ret_bytes);
}

/* Bytes as a list of numbers. */
static enum tobi_err take_numbers(const struct source *source, const json_t *list,
				  const char *field, size_t most,
				  struct tobi_bytes *ret_bytes)
{
	size_t size = 0;
	bool is_list = kbs_is_list(list, source->lists, &size);
	uint8_t *bytes = size <= most ? arena_alloc(source->arena, size + 1) : NULL;

	if (!is_list)
		return wrong(source, field, "a list of numbers is needed");
	if (size > most)
		return fault_set(source->fault, TOBI_E_LIMIT, object, field,
				 "over %zu bytes", most);
	if (!bytes)
		return no_memory(source);
	*ret_bytes = (struct tobi_bytes){bytes, size};
	return kbs_numbers_read(list, source->lists, field, size, bytes, source->fault);
}

/* The document goes on as it is: the verifier has its form. */
static enum tobi_err take_document(const struct source *source)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_EVIDENCE);
	enum tobi_err err = json_write(source->json, false, &text, source->fault);

	return err ? err : keep(source, wr_view(&text), &source->out->evidence);
}

/* ---- each platform ---- */

static enum tobi_err take_chain(const struct source *source)
{
	const json_t *chain = json_object_get(source->json, "cert_chain");
	enum tobi_err err = TOBI_OK;

	if (!chain || json_is_null(chain))
		return TOBI_OK;
	if (!json_is_array(chain))
		return wrong(source, "cert_chain", "it is neither null nor a list");
	for (size_t i = 0; i < json_array_size(chain) && !err; i++) {
		const json_t *entry = json_array_get(chain, i);
		const json_t *type = json_object_get(entry, "cert_type");
		const json_t *data = json_object_get(entry, "data");
		struct tobi_bytes bytes = {0};

		if ((!json_is_string(type) && !json_is_object(type)) ||
		    kbs_lists_find(source->lists, type))
			return wrong(source, "cert_type", "it is missing");
		err = take_numbers(source, data, "data", CERTIFICATE_MAX, &bytes);
		/* Something of the host's own: {"OTHER": ..}; and an end of a list. */
		if (!err && json_is_string(type) && bytes.size)
			err = add_piece(source, bytes);
	}
	return err;
}

static enum tobi_err read_snp(const struct source *source)
{
	uint8_t *report = arena_alloc(source->arena, SNP_REPORT_SIZE);
	struct snp_report parsed;
	enum tobi_err err;

	if (!report)
		return no_memory(source);
	err = kbs_snp_read(json_object_get(source->json, "attestation_report"),
			   source->lists, report, source->fault);
	if (!err)
		err = snp_report_parse((struct tobi_bytes){report, SNP_REPORT_SIZE},
				       &parsed, source->fault);
	if (err)
		return err;
	source->out->evidence = (struct tobi_bytes){report, SNP_REPORT_SIZE};
	source->out->bound = parsed.report_data;
	source->out->config = parsed.host_data;
	source->out->config_name = "HOST_DATA";
	return take_chain(source);
}

static enum tobi_err take_quote(const struct source *source, struct dcap_quote *ret_quote)
{
	enum tobi_err err =
	    take_base64(source, "quote", base64_read, &source->out->evidence);

	return err ? err
		   : dcap_quote_read(source->out->evidence, object, ret_quote,
				     source->fault);
}

static enum tobi_err read_tdx(const struct source *source)
{
	const json_t *log = json_object_get(source->json, "cc_eventlog");
	struct dcap_quote quote;
	struct tdx_report report;
	struct tobi_bytes bytes = {0};
	enum tobi_err err = take_quote(source, &quote);

	if (!err && quote.body_kind == DCAP_SGX)
		err = wrong(source, "quote", "it is not of TDX");
	if (!err)
		err = tdx_report_read(quote.body, object, &report, source->fault);
	if (err)
		return err;
	source->out->bound = report.report_data;
	source->out->config = report.mr_config_id;
	source->out->config_name = "MRCONFIGID";
	if (!log || json_is_null(log))
		return TOBI_OK;
	err = take_base64(source, "cc_eventlog", base64_read, &bytes);
	return err ? err : add_piece(source, bytes);
}

static enum tobi_err read_sgx(const struct source *source)
{
	struct dcap_quote quote;
	struct sgx_report report;
	enum tobi_err err = take_quote(source, &quote);

	if (!err && quote.body_kind != DCAP_SGX)
		err = wrong(source, "quote", "it is not of SGX");
	if (!err)
		err = sgx_report_read(quote.body, object, &report, source->fault);
	if (err)
		return err;
	source->out->bound = report.report_data;
	source->out->config = report.config_id;
	source->out->config_name = "CONFIGID";
	return TOBI_OK;
}

/* How much of the hash a TPM has signed: clients give it 32, 48 or 64 bytes. */
static enum tobi_err take_extra(const struct source *source, struct tobi_bytes message)
{
	static const size_t sizes[] = {KBS_SHORT_SIZE, KBS_HASH_SIZE,
				       KBS_REPORT_DATA_SIZE};
	struct tpm_attest attest;
	enum tobi_err err = tpm_attest_parse(message, &attest, source->fault);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (attest.extra.size == sizes[i]) {
			source->out->nonce_size = sizes[i];
			return keep(source, attest.extra, &source->out->bound);
		}
	}
	return wrong(source, "tpm_quote.message",
		     "its extraData is not of 32, 48 or 64 bytes");
}

static enum tobi_err read_azure(const struct source *source, bool tdx)
{
	struct azure_parts parts = {0};
	enum tobi_err err;

	if ((json_object_get(source->json, "td_quote") != NULL) != tdx)
		return wrong(source, "td_quote",
			     tdx ? "it is missing" : "it is for az-tdx-vtpm only");
	err = take_document(source);
	if (!err)
		err = azure_json_read(source->out->evidence, source->arena, &parts,
				      source->fault);
	if (!err)
		err = take_extra(source, parts.message);
	if (err)
		return err;
	for (size_t i = 0; i < parts.values.bank_count; i++) {
		const struct tpm_bank *bank = &parts.values.banks[i];

		if (bank->hash == TPM_ALG_SHA256)
			source->out->config = bank->pcrs[CONFIG_PCR];
	}
	source->out->config_name = "PCR 8";
	source->out->config_extends = true;
	return TOBI_OK;
}

static enum tobi_err read_az_snp(const struct source *source)
{
	return read_azure(source, false);
}

static enum tobi_err read_az_tdx(const struct source *source)
{
	return read_azure(source, true);
}

static enum tobi_err read_cca(const struct source *source)
{
	struct tobi_bytes *token = &source->out->evidence;
	enum tobi_err err = take_numbers(source, json_object_get(source->json, "token"),
					 "token", TOKEN_MAX, token);

	struct cca_token parsed;
	struct cca_claims claims = {0};

	if (!err)
		err = cca_token_parse(*token, source->arena, &parsed, source->fault);
	if (!err)
		err = cca_claims_read(&parsed, &claims, source->fault);
	if (err)
		return err;
	source->out->bound = claims.realm.values[ARM_NONCE];
	source->out->config = claims.realm.values[ARM_PERSONALIZATION];
	source->out->config_name = "the realm's personalisation value";
	return TOBI_OK;
}

static enum tobi_err read_tpm(const struct source *source)
{
	CLEANUP(wr_done) struct writer message = wr_init(LIMIT_TPM_EVIDENCE);
	const json_t *quote = json_object_get(source->json, "tpm_quote");
	const char *text = json_string_value(json_object_get(quote, "message"));
	enum tobi_err err =
	    text ? base64_read(bytes_of_text(text), object, &message, source->fault)
		 : wrong(source, "tpm_quote.message", "a text is needed");

	if (!err)
		err = take_extra(source, wr_view(&message));
	return err ? err : take_document(source);
}

/* A collection of Tobichi's own, made for the hash as a nonce. */
static enum tobi_err read_tobichi(const struct source *source)
{
	struct cmw *cmw = arena_alloc(source->arena, sizeof(*cmw));
	struct claims_buffer claims = {0};
	const struct cmw_record *record;
	enum tobi_err err =
	    cmw ? take_base64(source, "evidence", base64url_read, &source->out->evidence)
		: no_memory(source);

	if (!err)
		err = cmw_open(source->out->evidence, object, source->arena, cmw,
			       source->fault);
	if (err)
		return err;
	record = cmw_find(cmw, "claims");
	if (!record || !bytes_equal_text(record->media_type, CMW_TYPE_CLAIMS))
		return wrong(source, "evidence", "the collection has no claims");
	err = claims_buffer_parse(record->value, &claims, source->fault);
	source->out->bound = claims.nonce;
	return err;
}

static const struct {
	const char *name;
	enum tobi_err (*read)(const struct source *source);
} tees[KBS_TEES] = {
    [KBS_TEE_NONE] = {"", NULL},
    [KBS_TEE_SNP] = {"snp", read_snp},
    [KBS_TEE_TDX] = {"tdx", read_tdx},
    [KBS_TEE_SGX] = {"sgx", read_sgx},
    [KBS_TEE_AZ_SNP] = {"az-snp-vtpm", read_az_snp},
    [KBS_TEE_AZ_TDX] = {"az-tdx-vtpm", read_az_tdx},
    [KBS_TEE_CCA] = {"cca", read_cca},
    [KBS_TEE_TPM] = {"tpm", read_tpm},
    [KBS_TEE_TOBICHI] = {"tobichi", read_tobichi},
};

enum kbs_tee kbs_tee_named(const char *name)
{
	for (size_t i = KBS_TEE_NONE + 1; i < KBS_TEES; i++) {
		if (strcmp(tees[i].name, name) == 0)
			return (enum kbs_tee)i;
	}
	return KBS_TEE_NONE;
}

const char *kbs_tee_name(enum kbs_tee tee)
{
	return (size_t)tee < KBS_TEES ? tees[tee].name : "";
}

/* ---- devices beside ---- */

/* {"nvidia": {..}}, as a text. */
static enum tobi_err read_additional(const struct source *source, const char *text)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	const char *name;
	json_t *device;
	enum tobi_err err = json_parse(bytes_of_text(text), LIMIT_EVIDENCE,
				       "additional_evidence", &json, source->fault);

	if (!err && !json_is_object(json))
		err = wrong(source, "additional_evidence", "it is no object");
	if (err)
		return err;
	json_object_foreach(json, name, device)
	{
		CLEANUP(wr_done) struct writer piece = wr_init(LIMIT_EVIDENCE);
		struct tobi_bytes kept = {0};

		/* What is not appraised must not look as if it had been. */
		if (strcmp(name, "nvidia") != 0)
			return fault_set(source->fault, TOBI_E_UNSUPPORTED, object,
					 "additional_evidence",
					 "devices other than nvidia are not known here");
		err = json_write(device, false, &piece, source->fault);
		if (!err && !nvidia_evidence_is(wr_view(&piece)))
			err = wrong(source, "nvidia", "it is no evidence of a device");
		if (!err)
			err = keep(source, wr_view(&piece), &kept);
		if (!err)
			err = add_piece(source, kept);
		if (err)
			return err;
		source->out->has_devices = true;
	}
	return TOBI_OK;
}

bool kbs_tee_has_lists(enum kbs_tee tee)
{
	return tee == KBS_TEE_SNP || tee == KBS_TEE_CCA;
}

enum tobi_err kbs_evidence_read(enum kbs_tee tee, const json_t *primary,
				const struct kbs_lists *lists, const char *additional,
				struct arena *arena, struct kbs_evidence *ret_evidence,
				struct tobi_fault *fault)
{
	struct kbs_evidence evidence = {.nonce_size = KBS_HASH_SIZE};
	const struct source source = {primary, lists, arena, &evidence, fault};
	enum tobi_err err;

	if ((size_t)tee >= KBS_TEES || !tees[tee].read)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "this platform is not served here");
	if (!json_is_object(primary))
		return wrong(&source, "primary_evidence", "it is no object");
	err = tees[tee].read(&source);
	if (!err && additional[0])
		err = read_additional(&source, additional);
	if (!err)
		*ret_evidence = evidence;
	return err;
}
