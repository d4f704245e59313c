#include "tee/gce_identity.h"

#include "base/secret.h"
#include "base/utf8.h"
#include "codec/der.h"

/* 1.3.6.1.4.1.11129.2.1.21 */
static const uint8_t body[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
			       0xd6, 0x79, 0x02, 0x01, 0x15};
static const struct extension_name name = {"Google's instance identity",
					   {body, sizeof(body)}};

static void read_text(struct reader *rd, char ret_text[static GCE_TEXT_MAX],
		      const char *field)
{
	struct tobi_bytes text = der_bytes(rd, DER_UTF8, field);

	if (text.size >= GCE_TEXT_MAX)
		rd_fail(rd, TOBI_E_LIMIT, field);
	if (rd_failed(rd) || !utf8_is_text(text)) {
		rd_fail(rd, TOBI_E_MALFORMED, field);
		return;
	}
	bytes_copy(ret_text, GCE_TEXT_MAX, text.ptr, text.size);
	ret_text[text.size] = 0;
}

/* Not negative, up to 64 bits, in its shortest form. */
static uint64_t read_number(struct reader *rd, const char *field)
{
	struct tobi_bytes bytes = der_bytes(rd, DER_INTEGER, field);
	uint64_t value = 0;

	if (rd_failed(rd) || bytes.size == 0 || bytes.size > 9 || bytes.ptr[0] & 0x80 ||
	    (bytes.size == 9 && bytes.ptr[0]) ||
	    (bytes.size > 1 && bytes.ptr[0] == 0 && !(bytes.ptr[1] & 0x80))) {
		rd_fail(rd, TOBI_E_MALFORMED, field);
		return 0;
	}
	for (size_t i = 0; i < bytes.size; i++)
		value = value << 8 | bytes.ptr[i];
	return value;
}

static bool has(const struct reader *rd, enum der_tag tag)
{
	return !rd_failed(rd) && rd_left(rd) && rd->start[rd->pos] == tag;
}

/* What follows the first two (suspending, encryption, ...) is passed over. */
static void read_security(struct reader *rd, struct gce_identity *identity)
{
	struct reader outer = der_enter(rd, DER_EXPLICIT_0, "security");
	struct reader list = der_enter(&outer, DER_SEQUENCE, "security");
	struct reader inner;

	identity->has_security = true;
	if (has(&list, DER_EXPLICIT_0)) {
		inner = der_enter(&list, DER_EXPLICIT_0, "security version");
		identity->security_version = read_number(&inner, "security version");
		if (rd_failed(&inner))
			rd_fail(rd, TOBI_E_MALFORMED, "security version");
	}
	if (has(&list, DER_EXPLICIT_1)) {
		inner = der_enter(&list, DER_EXPLICIT_1, "production");
		identity->is_production = der_boolean(&inner, "production");
		if (rd_failed(&inner))
			rd_fail(rd, TOBI_E_MALFORMED, "production");
	}
	if (rd_failed(&list) || rd_failed(&outer) || rd_left(&outer))
		rd_fail(rd, TOBI_E_MALFORMED, "security");
}

bool gce_identity_is(const X509 *certificate)
{
	struct extension extension;

	return extension_find(certificate, &name, &extension) == 1;
}

enum tobi_err gce_identity_read(const X509 *certificate,
				struct gce_identity *ret_identity,
				struct tobi_fault *fault)
{
	struct extension extension = {0};
	struct gce_identity identity = {0};
	struct reader rd, list;
	enum tobi_err err;

	extension_find(certificate, &name, &extension);
	rd = rd_init(extension.value);
	list = der_enter(&rd, DER_SEQUENCE, "identity");
	read_text(&list, identity.zone, "zone");
	identity.project_number = read_number(&list, "project number");
	read_text(&list, identity.project, "project");
	identity.instance_id = read_number(&list, "instance id");
	read_text(&list, identity.instance, "instance");
	if (has(&list, DER_EXPLICIT_0))
		read_security(&list, &identity);
	err = rd_finish(&list, "Google's instance identity", fault);
	if (!err)
		err = rd_finish(&rd, "Google's instance identity", fault);
	if (!err)
		*ret_identity = identity;
	return err;
}
