/*
 * JSON: one signed document of Intel's; or several documents in one file, as dcap-qvl
 * keeps them (each a text, signatures apart), or as Azure's certificate service gives
 * those of AMD.
 */
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/json.h"
#include "collateral/detect.h"
#include "collateral/intel.h"
#include "collateral/set.h"

static const char object[] = "collateral";

static struct tobi_bytes text_of(const json_t *json, const char *name)
{
	const json_t *member = json_object_get(json, name);

	return json_is_string(member)
		   ? (struct tobi_bytes){(const uint8_t *)json_string_value(member),
					 json_string_length(member)}
		   : (struct tobi_bytes){0};
}

/* Each is optional: what is missing is missed by whoever needs it. */
static enum tobi_err add_text(struct tobi_collateral *set, const json_t *json,
			      const char *name, const struct collateral_origin *origin,
			      struct tobi_fault *fault)
{
	const struct tobi_bytes text = text_of(json, name);

	if (!text.size)
		return TOBI_OK;
	/* A text in a text would be a way to nest without end. */
	if (text.ptr[0] == '{')
		return fault_set(fault, TOBI_E_MALFORMED, object, name,
				 "a certificate or a CRL is needed");
	return collateral_detect(set, text, origin, fault);
}

static enum tobi_err put_document(struct tobi_collateral *set, struct tobi_bytes data,
				  struct tobi_bytes chain,
				  const struct collateral_origin *origin,
				  struct tobi_fault *fault)
{
	struct intel_document document;
	struct collateral_item item = {.data = data,
				       .chain = chain,
				       .source = origin->source,
				       .fetched = origin->fetched};
	enum tobi_err err = intel_document_read(data, object, &document, fault);

	if (err)
		return err;
	item.kind = document.kind;
	item.name = document.fmspc;
	return set_put(set, &item, "tcb", fault);
}

/* Signature and signed text apart: put together as Intel serves them. */
static enum tobi_err add_split(struct tobi_collateral *set, const json_t *json,
			       const char *name, const char *member,
			       const struct collateral_origin *origin,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer data = wr_init(LIMIT_DOCUMENT);
	char field[48];
	struct tobi_bytes body = text_of(json, name), signature, chain;

	if (!body.size)
		return TOBI_OK;
	snprintf(field, sizeof(field), "%s_signature", name);
	signature = text_of(json, field);
	snprintf(field, sizeof(field), "%s_issuer_chain", name);
	chain = text_of(json, field);
	wr_printf(&data, "{\"%s\":", member);
	wr_bytes(&data, body.ptr, body.size);
	wr_printf(&data, ",\"signature\":\"");
	wr_bytes(&data, signature.ptr, signature.size);
	wr_printf(&data, "\"}");
	if (wr_err(&data))
		return fault_set(fault, wr_err(&data), object, name, "it is too large");
	return put_document(set, wr_view(&data), chain, origin, fault);
}

static enum tobi_err add_dcap_qvl(struct tobi_collateral *set, const json_t *json,
				  const struct collateral_origin *origin,
				  struct tobi_fault *fault)
{
	static const char *const texts[] = {"pck_crl_issuer_chain", "root_ca_crl",
					    "pck_crl", "pck_certificate_chain"};
	enum tobi_err err = add_split(set, json, "tcb_info", "tcbInfo", origin, fault);

	if (!err)
		err =
		    add_split(set, json, "qe_identity", "enclaveIdentity", origin, fault);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && !err; i++)
		err = add_text(set, json, texts[i], origin, fault);
	return err;
}

static enum tobi_err add_thim(struct tobi_collateral *set, const json_t *json,
			      const struct collateral_origin *origin,
			      struct tobi_fault *fault)
{
	enum tobi_err err = add_text(set, json, "vcekCert", origin, fault);

	return err ? err : add_text(set, json, "certificateChain", origin, fault);
}

enum tobi_err detect_json(struct tobi_collateral *set, struct tobi_bytes bytes,
			  const struct collateral_origin *origin,
			  struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	enum tobi_err err = json_parse(bytes, LIMIT_DOCUMENT, object, &json, fault);

	if (err)
		return err;
	if (json_is_string(json_object_get(json, "tcb_info")) ||
	    json_is_string(json_object_get(json, "qe_identity")))
		return add_dcap_qvl(set, json, origin, fault);
	if (json_is_string(json_object_get(json, "vcekCert")))
		return add_thim(set, json, origin, fault);
	return put_document(set, bytes, (struct tobi_bytes){0}, origin, fault);
}
