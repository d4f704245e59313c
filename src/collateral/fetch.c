#include "collateral/fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "collateral/detect.h"
#include "collateral/set.h"
#include "collateral/text.h"

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

enum { URL_MAX = 2048 };

/* How each kind is served. */
struct form {
	enum collateral_kind kind;
	const char *header, *old_header;
	const char *types[HTTP_TYPES_MAX];
};

/* A PCCS gives CRLs as hexadecimal digits, and calls that text. */
static const struct form forms[] = {
    {COLLATERAL_SGX_TCB_INFO,
     "TCB-Info-Issuer-Chain",
     "SGX-TCB-Info-Issuer-Chain",
     {"application/json"}},
    {COLLATERAL_TDX_TCB_INFO,
     "TCB-Info-Issuer-Chain",
     "SGX-TCB-Info-Issuer-Chain",
     {"application/json"}},
    {COLLATERAL_SGX_QE_IDENTITY,
     "SGX-Enclave-Identity-Issuer-Chain",
     NULL,
     {"application/json"}},
    {COLLATERAL_TDX_QE_IDENTITY,
     "SGX-Enclave-Identity-Issuer-Chain",
     NULL,
     {"application/json"}},
    {COLLATERAL_PCK_CRL,
     "SGX-PCK-CRL-Issuer-Chain",
     NULL,
     {"application/pkix-crl", "application/x-pem-file", "application/octet-stream",
      "text/plain", "text/html"}},
    {COLLATERAL_INTEL_ROOT_CRL,
     NULL,
     NULL,
     {"application/pkix-crl", "application/octet-stream", "application/x-x509-ca-cert",
      "text/plain", "text/html"}},
    {COLLATERAL_PCK,
     "SGX-PCK-Certificate-Issuer-Chain",
     NULL,
     {"application/x-pem-file", "text/plain", "text/html"}},
    {COLLATERAL_SNP_LEAF,
     NULL,
     NULL,
     {"application/pkix-cert", "application/octet-stream", "application/x-pem-file"}},
    {COLLATERAL_SNP_ISSUER,
     NULL,
     NULL,
     {"application/x-pem-file", "application/pem-certificate-chain",
      "application/octet-stream", "text/plain"}},
    {COLLATERAL_SNP_CRL,
     NULL,
     NULL,
     {"application/pkix-crl", "application/octet-stream", "application/x-pem-file"}},
    {COLLATERAL_NVIDIA_RIM, NULL, NULL, {"application/json"}},
    {COLLATERAL_OCSP, NULL, NULL, {"application/ocsp-response"}},
};

static const struct form *form_of(enum collateral_kind kind)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (forms[i].kind == kind)
			return &forms[i];
	}
	return NULL;
}

const char *fetch_named(const struct fetch_settings *settings, enum need_service service)
{
	switch (service) {
	case SERVICE_KDS:
		return settings->kds;
	case SERVICE_RIM:
		return settings->rim;
	case SERVICE_OCSP:
		return settings->ocsp;
	default:
		return settings->pcs;
	}
}

static const char *usual(enum need_service service)
{
	switch (service) {
	case SERVICE_KDS:
		return FETCH_KDS;
	case SERVICE_RIM:
		return FETCH_RIM;
	case SERVICE_OCSP:
		return FETCH_OCSP;
	default:
		return FETCH_PCS;
	}
}

static void write_url(const struct fetch_settings *settings, const struct need *need,
		      char url[static URL_MAX])
{
	const char *base = fetch_named(settings, need->service);
	const char *path = need->body_size ? "/" : need->path;
	size_t size;

	if (!base)
		base = usual(need->service);
	if (need->service == SERVICE_PCS_ROOT && !settings->pcs) {
		base = FETCH_PCS_ROOT;
		path = "/IntelSGXRootCA.der";
	}
	size = strlen(base);
	while (size && base[size - 1] == '/')
		size--;
	snprintf(url, URL_MAX, "%.*s%s", (int)size, base, path);
}

static enum tobi_err wrong(const char *url, enum tobi_err err,
			   const struct tobi_fault *why, struct tobi_fault *fault)
{
	char text[256];

	tobi_fault_print(why, text, sizeof(text));
	return fault_set(fault, err, "fetch", "", "%.120s: %s", url, text);
}

/* Of the header, to PEM that is one. */
static enum tobi_err read_chain(struct tobi_bytes header, struct writer *out,
				struct tobi_fault *fault)
{
	CLEANUP(pem_list_done) struct pem_list list = {0};
	enum tobi_err err = text_percent_decode(header, "issuers' chain", out, fault);

	if (!err)
		err = pem_list_read(wr_view(out), "issuers' chain", &list, fault);
	if (!err && list.crl)
		err = fault_set(fault, TOBI_E_MALFORMED, "issuers' chain", "",
				"it has no certificates");
	return err;
}

const char *need_unmet(const struct need *need, const struct collateral_item *item)
{
	if (item->kind != need->kind)
		return "it is a document of another kind";
	/* One whose version is no name here is looked at by the verifier alone. */
	if (item->kind == COLLATERAL_NVIDIA_RIM)
		return item->name[0] && need->name[0] &&
			       strcasecmp(item->name, need->name) != 0
			   ? "it is of another version"
			   : NULL;
	if (item->kind != COLLATERAL_SNP_LEAF && strcmp(item->name, need->name) != 0)
		return "it is of another platform or product";
	if (need->chip_size &&
	    !memmem(item->data.ptr, item->data.size, need->chip, need->chip_size))
		return "it is of another chip";
	return NULL;
}

/* The one document that was asked for; issuers of Intel's may stand behind it. */
static enum tobi_err find_document(const struct tobi_collateral *served,
				   const struct need *need,
				   struct collateral_item *ret_item,
				   struct tobi_fault *fault)
{
	const struct collateral_item *item, *found = NULL;
	const char *unmet = "it is a document of another kind";

	for (size_t i = 0; (item = collateral_at(served, i)); i++) {
		if (item->kind == COLLATERAL_INTEL_ISSUER)
			continue;
		if (found)
			return fault_set(fault, TOBI_E_MISMATCH, "document", "",
					 "there are several in the answer");
		found = item;
		unmet = need_unmet(need, item);
	}
	if (unmet)
		return fault_set(fault, TOBI_E_MISMATCH, "document", "", "%s", unmet);
	*ret_item = *found;
	return TOBI_OK;
}

/* NVIDIA's service gives a file of reference values as a member of JSON, in base64. */
static enum tobi_err open_rim(struct tobi_bytes body, struct writer *out,
			      struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	json_t *text = NULL;
	enum tobi_err err = json_parse(body, LIMIT_DOCUMENT, "answer", &json, fault);

	if (!err)
		err = json_member(json, "rim", JSON_STRING, "answer", &text, fault);
	return err ? err
		   : base64_read(bytes_of_text(json_string_value(text)), "answer", out,
				 fault);
}

static enum tobi_err take(const struct fetch_settings *settings, const struct need *need,
			  const struct http_answer *answer, const char *url,
			  const struct tobi_collateral *known,
			  struct tobi_collateral *set,
			  enum collateral_checked *ret_checked, struct tobi_fault *fault)
{
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *served = tobi_collateral_new();
	CLEANUP(wr_done) struct writer chain = wr_init(LIMIT_PEM);
	const struct collateral_origin origin = {url, settings->rules.time};
	CLEANUP(wr_done) struct writer rim = wr_init(LIMIT_DOCUMENT);
	struct tobi_bytes document = wr_view(&answer->body);
	struct collateral_item item = {0};
	enum tobi_err err = TOBI_OK;

	if (!served)
		return fault_set(fault, TOBI_E_MEMORY, "fetch", "", "out of memory");
	if (need->service == SERVICE_RIM) {
		err = open_rim(document, &rim, fault);
		document = wr_view(&rim);
	}
	if (!err)
		err = collateral_detect(served, document, &origin, fault);
	if (!err && answer->header.size)
		err = read_chain(wr_view(&answer->header), &chain, fault);
	if (!err)
		err = find_document(served, need, &item, fault);
	if (err)
		return err;
	item.chain = chain.size ? wr_view(&chain) : item.chain;
	err = collateral_check(&item, known, &settings->rules, ret_checked, fault);
	return err ? err : collateral_put(set, &item, fault);
}

enum tobi_err fetch_document(const struct fetch_settings *settings,
			     const struct need *need, const struct tobi_collateral *known,
			     struct tobi_collateral *set,
			     enum collateral_checked *ret_checked,
			     struct tobi_fault *fault)
{
	const struct form *form = form_of(need->kind);
	struct http_request request = {.ceiling = LIMIT_DOCUMENT};
	struct http_answer answer = {0};
	struct tobi_fault why = {0};
	char url[URL_MAX];
	enum tobi_err err;

	if (!form)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "fetch", "",
				 "no service gives documents of this kind");
	write_url(settings, need, url);
	request.url = url;
	request.header = form->header;
	request.old_header = form->old_header;
	request.body = (struct tobi_bytes){need->body, need->body_size};
	if (need->body_size)
		request.lines[0] = "Content-Type: application/ocsp-request";
	for (size_t i = 0; i < HTTP_TYPES_MAX; i++)
		request.types[i] = form->types[i];
	err = http_get(settings->client, &request, &answer, fault);
	if (err)
		return err;
	err = take(settings, need, &answer, url, known, set, ret_checked, &why);
	http_answer_done(&answer);
	return err ? wrong(url, err, &why, fault) : TOBI_OK;
}
