#include "codec/cose.h"

#include "base/fault.h"
#include "codec/cbor.h"
#include "codec/cose_alg.h"

enum { MAX_HEADERS = 16 };

/* What is read: a MAC's algorithms count instead of signatures'; an algorithm that is
 * missing, not protected or unknown is left for whoever asked to find. */
struct form {
	bool mac, any_alg;
};

/* Labels seen in one header map: a label in both maps is refused (RFC 9052 §3). */
struct labels {
	int64_t labels[MAX_HEADERS];
	size_t count;
};

static bool seen(const struct labels *labels, int64_t label)
{
	for (size_t i = 0; i < labels->count; i++) {
		if (labels->labels[i] == label)
			return true;
	}
	return false;
}

static void read_chain(struct cbor *cbor, struct cose_sign1 *sign1)
{
	size_t count = 1;

	if (cbor_peek(cbor) == CBOR_ARRAY)
		count = cbor_array(cbor, LIMIT_COSE_CHAIN, "x5chain");
	for (size_t i = 0; i < count; i++)
		sign1->x5chain[i] = cbor_bytes(cbor, LIMIT_CERTIFICATE, "x5chain");
	sign1->x5chain_count = cbor_failed(cbor) ? 0 : count;
}

/* Only labels that are understood here may be critical. */
static void read_critical(struct cbor *cbor, struct labels *critical)
{
	size_t count = cbor_array(cbor, MAX_HEADERS, "crit");

	if (!cbor_failed(cbor) && count == 0)
		cbor_fail(cbor, TOBI_E_MALFORMED, "crit");
	for (size_t i = 0; i < count && !cbor_failed(cbor); i++) {
		int64_t label;

		if (cbor_peek(cbor) == CBOR_TEXT) {
			cbor_fail(cbor, TOBI_E_UNSUPPORTED, "crit");
			return;
		}
		label = cbor_int(cbor, "crit");
		if (label != COSE_HEADER_ALG && label != COSE_HEADER_CONTENT_TYPE &&
		    label != COSE_HEADER_KID && label != COSE_HEADER_X5CHAIN)
			cbor_fail(cbor, TOBI_E_UNSUPPORTED, "crit");
		else
			critical->labels[critical->count++] = label;
	}
}

static void read_algorithm(struct cbor *cbor, bool is_protected, const struct form *form,
			   struct cose_sign1 *sign1)
{
	enum cose_alg alg = COSE_NONE;

	if (!is_protected && !form->any_alg) {
		cbor_fail(cbor, TOBI_E_MALFORMED, "alg outside the protected header");
		return;
	}
	if (cbor_peek(cbor) == CBOR_TEXT) {
		if (form->any_alg)
			cbor_skip(cbor, "alg");
	} else {
		int64_t number = cbor_int(cbor, "alg");

		if (form->mac ? cose_mac_size(number) > 0 : cose_alg_find(number) != NULL)
			alg = (enum cose_alg)number;
	}
	if (!alg && !form->any_alg)
		cbor_fail(cbor, TOBI_E_UNSUPPORTED, "alg");
	if (is_protected)
		sign1->alg = alg;
}

static void read_header(struct cbor *cbor, int64_t label, bool is_protected,
			const struct form *form, struct labels *critical,
			struct cose_sign1 *sign1)
{
	switch (label) {
	case COSE_HEADER_ALG:
		read_algorithm(cbor, is_protected, form, sign1);
		return;
	case COSE_HEADER_CRIT:
		if (!is_protected)
			cbor_fail(cbor, TOBI_E_MALFORMED,
				  "crit outside the protected header");
		read_critical(cbor, critical);
		return;
	case COSE_HEADER_CONTENT_TYPE:
		if (cbor_peek(cbor) == CBOR_TEXT)
			sign1->content_type = cbor_text(cbor, 256, "content type");
		else
			cbor_uint(cbor, "content type");
		return;
	case COSE_HEADER_KID:
		sign1->kid = cbor_bytes(cbor, 256, "kid");
		return;
	case COSE_HEADER_X5CHAIN:
		read_chain(cbor, sign1);
		return;
	default:
		cbor_skip(cbor, "header");
	}
}

static void read_headers(struct cbor *cbor, bool is_protected, const struct form *form,
			 struct labels *labels, const struct labels *others,
			 struct cose_sign1 *sign1)
{
	struct cbor_map map = cbor_map(cbor, MAX_HEADERS, "header");
	struct labels critical = {0};
	int64_t label = 0;

	while (map.left > 0 && !cbor_failed(cbor)) {
		if (!cbor_map_int(cbor, &map, &label, "header label"))
			return;
		if (others && seen(others, label))
			cbor_fail(cbor, TOBI_E_MALFORMED, "label in both headers");
		labels->labels[labels->count++] = label;
		read_header(cbor, label, is_protected, form, &critical, sign1);
	}
	/* RFC 9052 section 3.1: what is critical must itself be protected. */
	for (size_t i = 0; i < critical.count; i++) {
		if (!seen(labels, critical.labels[i]))
			cbor_fail(cbor, TOBI_E_MALFORMED, "critical label");
	}
}

static void read_protected(struct cbor *cbor, const struct form *form,
			   struct labels *labels, struct cose_sign1 *sign1)
{
	struct cbor inner;

	sign1->protected_bytes = cbor_bytes(cbor, LIMIT_TOKEN, "protected header");
	if (cbor_failed(cbor) || sign1->protected_bytes.size == 0)
		return;
	inner = cbor_init(sign1->protected_bytes, cbor->rules);
	inner.rd.origin = rd_offset(&cbor->rd) - sign1->protected_bytes.size;
	read_headers(&inner, true, form, labels, NULL, sign1);
	if (!cbor_failed(&inner) && rd_left(&inner.rd))
		cbor_fail(&inner, TOBI_E_TRAILING, "protected header");
	if (cbor_failed(&inner)) {
		/* The offset within the whole, not within the string. */
		cbor_fail(cbor, inner.rd.err, inner.rd.fail_field);
		cbor->rd.fail_offset = inner.rd.fail_offset;
	}
}

/* The array behind the tag. */
static enum tobi_err read_structure(struct cbor *cbor, const struct form *form,
				    const char *object, struct cose_sign1 *ret_sign1,
				    struct tobi_fault *fault)
{
	const char *name = form->mac ? "COSE_Mac0" : "COSE_Sign1";
	struct cose_sign1 sign1 = {0};
	struct labels protected_labels = {0}, unprotected_labels = {0};
	enum tobi_err err;

	if (cbor_array(cbor, 4, name) != 4)
		cbor_fail(cbor, TOBI_E_MALFORMED, name);
	read_protected(cbor, form, &protected_labels, &sign1);
	read_headers(cbor, false, form, &unprotected_labels, &protected_labels, &sign1);
	if (cbor_peek(cbor) == CBOR_NULL)
		cbor_null(cbor, "payload");
	else
		sign1.payload = cbor_bytes(cbor, LIMIT_EVIDENCE, "payload");
	sign1.signature = cbor_bytes(cbor, 1024, form->mac ? "MAC" : "signature");
	if (!cbor_failed(cbor) && sign1.alg == COSE_NONE && !form->any_alg)
		cbor_fail(cbor, TOBI_E_MALFORMED, "alg");
	err = cbor_finish(cbor, object, fault);
	if (err)
		return err;
	*ret_sign1 = sign1;
	return TOBI_OK;
}

enum tobi_err cose_parse(struct tobi_bytes bytes, bool deterministic,
			 enum cose_tagging tagging, const char *object,
			 struct cose_sign1 *ret_sign1, struct tobi_fault *fault)
{
	const struct form form = {0};
	struct cbor cbor =
	    cbor_init(bytes, deterministic ? CBOR_DETERMINISTIC : CBOR_PREFERRED);

	if (cbor_peek(&cbor) == CBOR_TAG || tagging == COSE_TAGGED) {
		if (cbor_tag(&cbor, "tag") != COSE_TAG_SIGN1)
			cbor_fail(&cbor, TOBI_E_MALFORMED, "tag of COSE_Sign1");
	}
	return read_structure(&cbor, &form, object, ret_sign1, fault);
}

enum tobi_err cose_parse_either(struct tobi_bytes bytes, const char *object,
				bool *ret_is_mac, struct cose_sign1 *ret_sign1,
				struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct form form = {.any_alg = true};
	uint64_t tag = cbor_tag(&cbor, "tag");

	if (tag == COSE_TAG_CWT)
		tag = cbor_tag(&cbor, "tag");
	form.mac = tag == COSE_TAG_MAC0;
	if (tag != COSE_TAG_SIGN1 && !form.mac)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "tag of COSE_Sign1 or COSE_Mac0");
	*ret_is_mac = form.mac;
	return read_structure(&cbor, &form, object, ret_sign1, fault);
}

enum tobi_err cose_verify(const struct cose_sign1 *sign1, EVP_PKEY *key,
			  struct tobi_bytes external_aad, struct tobi_bytes payload,
			  const char *object, struct tobi_fault *fault)
{
	const struct cose_alg_row *row = cose_alg_find(sign1->alg);
	struct writer message;
	enum tobi_err err;

	message =
	    wr_init(sign1->protected_bytes.size + external_aad.size + payload.size + 64);
	cose_to_be_signed(&message, sign1->protected_bytes, external_aad, payload);
	err = wr_err(&message);
	if (err)
		fault_set(fault, err, object, "", "out of memory");
	else
		err = cose_alg_verify(row, key, sign1->signature, wr_view(&message),
				      object, fault);
	wr_done(&message);
	return err;
}
