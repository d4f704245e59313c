#include "attest/azure_metadata.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "collateral/http.h"

static const char object[] = "metadata service";

enum { URL_MAX = 512 };

static enum tobi_err read_text(const json_t *json, const char *name,
			       struct tobi_bytes *ret_text, struct tobi_fault *fault)
{
	json_t *value = NULL;
	enum tobi_err err = json_member(json, name, JSON_STRING, object, &value, fault);

	if (err)
		return err;
	*ret_text = (struct tobi_bytes){(const uint8_t *)json_string_value(value),
					json_string_length(value)};
	return ret_text->size
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MALFORMED, object, name, "it is empty");
}

/* Padding is left out, or not: the service has done both. */
static struct tobi_bytes without_padding(struct tobi_bytes text)
{
	for (unsigned i = 0; i < 2 && text.size && text.ptr[text.size - 1] == '='; i++)
		text.size--;
	return text;
}

enum tobi_err azure_quote_read(struct tobi_bytes bytes, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct tobi_bytes text = {0};
	enum tobi_err err = json_parse(bytes, AZURE_METADATA_MAX, object, &json, fault);

	if (!err)
		err = read_text(json, "quote", &text, fault);
	return err ? err : base64url_read(without_padding(text), object, out, fault);
}

static enum tobi_err take_pem(const json_t *json, const char *name, struct writer *out,
			      struct tobi_fault *fault)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct tobi_bytes text = {0};
	enum tobi_err err = read_text(json, name, &text, fault);

	if (err)
		return err;
	if (text.size < sizeof(begin) - 1 ||
	    memcmp(text.ptr, begin, sizeof(begin) - 1) != 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, name,
				 "it is no certificate in PEM");
	wr_bytes(out, text.ptr, text.size);
	return wr_err(out) ? fault_set(fault, wr_err(out), object, name, "it is too long")
			   : TOBI_OK;
}

enum tobi_err azure_certificates_read(struct tobi_bytes bytes, struct writer *vcek,
				      struct writer *chain, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	enum tobi_err err = json_parse(bytes, AZURE_METADATA_MAX, object, &json, fault);

	if (!err)
		err = take_pem(json, "vcekCert", vcek, fault);
	return err ? err : take_pem(json, "certificateChain", chain, fault);
}

/* body empty: GET. */
static enum tobi_err ask(const struct attest_request *request, const char *path,
			 struct tobi_bytes body, struct http_answer *ret_answer,
			 struct tobi_fault *fault)
{
	char url[URL_MAX];
	struct http_request question = {.url = url,
					.ceiling = AZURE_METADATA_MAX,
					.lines = {"Metadata: true"},
					.body = body,
					.of_this_host = true};

	if (snprintf(url, sizeof(url), "%s%s", request->metadata, path) >=
	    (int)sizeof(url))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "the address is too long");
	if (body.size)
		question.lines[1] = "Content-Type: application/json";
	return request->device->http(request->device->context, &question, ret_answer,
				     fault);
}

enum tobi_err azure_ask_quote(const struct attest_request *request,
			      struct tobi_bytes report, struct writer *out,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer body = wr_init(4096);
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	enum tobi_err err;

	wr_printf(&body, "{\"report\":\"");
	base64url_write(&body, report);
	wr_printf(&body, "\"}");
	if (wr_err(&body))
		return fault_set(fault, wr_err(&body), object, "",
				 "the report is too long");
	err = ask(request, "/acc/tdquote", wr_view(&body), &answer, fault);
	return err ? err : azure_quote_read(wr_view(&answer.body), out, fault);
}

enum tobi_err azure_ask_certificates(const struct attest_request *request,
				     struct writer *vcek, struct writer *chain,
				     struct tobi_fault *fault)
{
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	enum tobi_err err = ask(request, "/metadata/THIM/amd/certification",
				(struct tobi_bytes){0}, &answer, fault);

	return err ? err
		   : azure_certificates_read(wr_view(&answer.body), vcek, chain, fault);
}
