/* What is asked of a counter, and as who. */
#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/counter.h"
#include "codec/json.h"
#include "pki/key.h"

static const char object[] = "counter";

enum { IDENTITY_MAX = 1024, SIGNER_MIN = 16, SIGNER_MAX = 64 };

static enum tobi_err wrong(const char *field, const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

static bool is_known(const char *name)
{
	return strcmp(name, "op") == 0 || strcmp(name, "to") == 0 ||
	       strcmp(name, "signer") == 0;
}

static enum tobi_err check_members(json_t *json, struct tobi_fault *fault)
{
	const char *name;
	json_t *member;

	if (!json_is_object(json))
		return wrong("", "a JSON object is needed", fault);
	json_object_foreach(json, name, member)
	{
		if (!is_known(name))
			return wrong("", "it has a member that is not known here", fault);
		if (!json_is_string(member) ||
		    strlen(json_string_value(member)) != json_string_length(member))
			return wrong("", "its members are texts", fault);
	}
	return json_object_get(json, "op") ? TOBI_OK
					   : wrong("op", "it is missing", fault);
}

static enum tobi_err take_op(const char *op, struct counter_request *request,
			     struct tobi_fault *fault)
{
	request->increment = strcmp(op, "increment") == 0;
	return request->increment || strcmp(op, "read") == 0
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_UNSUPPORTED, object, "op",
			       "read and increment are known");
}

static enum tobi_err take_signer(const char *hex, struct counter_request *request,
				 struct tobi_fault *fault)
{
	size_t size = strlen(hex) / 2;

	if (request->to != COUNTER_TO_SIGNER)
		return wrong("signer", "it belongs to what is the signer's", fault);
	if (size < SIGNER_MIN || size > SIGNER_MAX ||
	    !hex_read(hex, request->signer_bytes, size))
		return wrong("signer", "a signer's id is needed, hexadecimal", fault);
	request->signer.size = size; /* its place: when it is where it stays */
	return TOBI_OK;
}

static enum tobi_err take(json_t *json, struct counter_request *request,
			  struct tobi_fault *fault)
{
	const char *to = json_string_value(json_object_get(json, "to"));
	const char *signer = json_string_value(json_object_get(json, "signer"));
	enum tobi_err err =
	    take_op(json_string_value(json_object_get(json, "op")), request, fault);

	if (err)
		return err;
	if (to && strcmp(to, "signer") == 0)
		request->to = COUNTER_TO_SIGNER;
	else if (to && strcmp(to, "image") != 0)
		return wrong("to", "image and signer are known", fault);
	return signer ? take_signer(signer, request, fault) : TOBI_OK;
}

enum tobi_err counter_request_read(struct tobi_bytes body,
				   struct counter_request *ret_request,
				   struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct counter_request request = {.to = COUNTER_TO_IMAGE};
	enum tobi_err err = json_parse(body, LIMIT_BROKER_COUNTER, object, &json, fault);

	if (!err)
		err = check_members(json, fault);
	if (!err)
		err = take(json, &request, fault);
	if (err)
		return err;
	*ret_request = request;
	ret_request->signer.ptr = request.signer.size ? ret_request->signer_bytes : NULL;
	return TOBI_OK;
}

/* ---- whose it is ---- */

static enum tobi_err none(const char *why, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_DENIED, object, "identity", "%s", why);
}

static enum tobi_err find_signer(const struct tee_claims *claims,
				 struct tobi_bytes wanted, struct tobi_bytes *ret_signer,
				 struct tobi_fault *fault)
{
	if (!claims->signer_count)
		return none("the evidence names no signer", fault);
	if (!wanted.size && claims->signer_count > 1)
		return none("several have signed the image: one must be named", fault);
	for (size_t i = 0; i < claims->signer_count; i++) {
		if (!wanted.size || bytes_equal(claims->signers[i], wanted)) {
			*ret_signer = claims->signers[i];
			return TOBI_OK;
		}
	}
	return none("that signer has not signed the image", fault);
}

static void add(struct writer *out, struct tobi_bytes part)
{
	wr_uint_be(out, part.size, 8);
	wr_bytes(out, part.ptr, part.size);
}

enum tobi_err counter_identity_of(const struct tee_claims *claims,
				  const struct counter_request *request,
				  struct counter_identity *ret_identity,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(IDENTITY_MAX);
	struct counter_identity identity = {.to = request->to};
	struct tobi_bytes who = claims->image_id;
	bool of_signer = request->to == COUNTER_TO_SIGNER;
	enum tobi_err err = TOBI_OK;

	if (of_signer)
		err = find_signer(claims, request->signer, &who, fault);
	else if (!who.size)
		err = none("the evidence names no image", fault);
	if (err)
		return err;
	add(&text, bytes_of_text("tobichi-counter/1"));
	add(&text, bytes_of_text(claims->tier ? claims->tier : ""));
	wr_u8(&text, of_signer);
	wr_u8(&text, claims->debug);
	wr_uint_be(&text, of_signer && claims->has_product ? claims->product : 0, 8);
	add(&text, who);
	err = wr_err(&text) ? wr_err(&text) : hash_sha256(wr_view(&text), identity.id);
	if (err)
		return fault_set(fault, err, object, "identity", "no hash");
	*ret_identity = identity;
	return TOBI_OK;
}
