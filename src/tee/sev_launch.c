#include "tee/sev_launch.h"

#include <string.h>

#include <openssl/hmac.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"

#define OBJECT "SEV launch"

enum { TEXT_MAX = 4096, LABEL_MEASURE = 4, BLOB_DIGITS = 64 };

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct tobi_bytes trim(struct tobi_bytes text)
{
	while (text.size && is_space(text.ptr[0])) {
		text.ptr++;
		text.size--;
	}
	while (text.size && is_space(text.ptr[text.size - 1]))
		text.size--;
	return text;
}

static enum tobi_err twice(const char *field, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, OBJECT, field,
			 "two pieces say different things of it");
}

static enum tobi_err take_blob(struct tobi_bytes blob, struct sev_launch *launch,
			       struct tobi_fault *fault)
{
	struct tobi_bytes measure = {blob.ptr, SEV_MEASURE_SIZE};
	struct tobi_bytes mnonce = {blob.ptr + SEV_MEASURE_SIZE, SEV_MNONCE_SIZE};

	if (launch->has_blob &&
	    (!bytes_equal(measure,
			  (struct tobi_bytes){launch->measure, SEV_MEASURE_SIZE}) ||
	     !bytes_equal(mnonce, (struct tobi_bytes){launch->mnonce, SEV_MNONCE_SIZE})))
		return twice("measurement", fault);
	bytes_copy(launch->measure, sizeof(launch->measure), measure.ptr, measure.size);
	bytes_copy(launch->mnonce, sizeof(launch->mnonce), mnonce.ptr, mnonce.size);
	launch->has_blob = true;
	return TOBI_OK;
}

static enum tobi_err take_base64(struct tobi_bytes text, struct sev_launch *launch,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer blob = wr_init(SEV_BLOB_SIZE);
	enum tobi_err err = base64_read(text, OBJECT, &blob, fault);

	if (!err && blob.size != SEV_BLOB_SIZE)
		err = fault_set(fault, TOBI_E_MALFORMED, OBJECT, "measurement",
				"it is not of %d bytes", SEV_BLOB_SIZE);
	return err ? err : take_blob(wr_view(&blob), launch, fault);
}

/* The numbers that go in, by the name that QEMU and libvirt both have for them. */
static enum tobi_err take_number(const char *name, uint64_t value,
				 struct sev_launch *launch, struct tobi_fault *fault)
{
	bool is_policy = strcmp(name, "policy") == 0;
	struct sev_launch before = *launch;

	if (value > (is_policy ? UINT32_MAX : UINT8_MAX))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, name, "too large");
	if (is_policy) {
		launch->policy = (uint32_t)value;
		launch->has_policy = true;
		return before.has_policy && before.policy != value ? twice(name, fault)
								   : TOBI_OK;
	}
	if (strcmp(name, "build-id") == 0) {
		launch->build = (uint8_t)value;
		launch->has_build = true;
		return before.has_build && before.build != value ? twice(name, fault)
								 : TOBI_OK;
	}
	if (strcmp(name, "api-major") == 0) {
		launch->api_major = (uint8_t)value;
		return before.has_api && before.api_major != value ? twice(name, fault)
								   : TOBI_OK;
	}
	launch->api_minor = (uint8_t)value;
	launch->has_api = true; /* the minor one comes after the major one */
	return before.has_api && before.api_minor != value ? twice(name, fault) : TOBI_OK;
}

static const char *const numbers[] = {"api-major", "api-minor", "build-id", "policy"};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static enum tobi_err take_members(const json_t *json, struct sev_launch *launch,
				  bool *ret_known, struct tobi_fault *fault)
{
	const json_t *data = json_object_get(json, "data");
	enum tobi_err err = TOBI_OK;

	if (json_is_string(data)) {
		*ret_known = true;
		err = take_base64(bytes_of_text(json_string_value(data)), launch, fault);
	}
	/* The two halves of the version belong together. */
	if (!json_object_get(json, "api-major") != !json_object_get(json, "api-minor"))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "api-major",
				 "api-major and api-minor come together");
	for (size_t i = 0; i < NUMBERS && !err; i++) {
		const json_t *member = json_object_get(json, numbers[i]);

		if (!member)
			continue;
		*ret_known = true;
		if (!json_is_integer(member) || json_integer_value(member) < 0)
			return fault_set(fault, TOBI_E_MALFORMED, OBJECT, numbers[i],
					 "it is no number");
		err = take_number(numbers[i], (uint64_t)json_integer_value(member),
				  launch, fault);
	}
	return err;
}

/* {"return": {...}}, as QMP answers, or what is in it. */
static enum tobi_err take_json(struct tobi_bytes text, struct sev_launch *launch,
			       bool *ret_known, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	const json_t *inner;
	enum tobi_err err = json_parse(text, TEXT_MAX, OBJECT, &json, fault);

	if (err)
		return err;
	inner = json_object_get(json, "return");
	return take_members(inner ? inner : json, launch, ret_known, fault);
}

static bool read_decimal(struct tobi_bytes text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.size == 0 || text.size > 10)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = 10 * value + (uint64_t)(text.ptr[i] - '0');
	}
	*ret_value = value;
	return true;
}

/* "sev-build-id   : 15"; a line that is not known is left alone. */
static enum tobi_err take_line(struct tobi_bytes line, struct sev_launch *launch,
			       struct tobi_fault *fault)
{
	const uint8_t *colon = line.size ? memchr(line.ptr, ':', line.size) : NULL;
	size_t at = colon ? (size_t)(colon - line.ptr) : 0;
	struct tobi_bytes name = trim((struct tobi_bytes){line.ptr, at});
	struct tobi_bytes value;
	uint64_t number = 0;

	if (name.size < 4)
		return TOBI_OK;
	value = trim((struct tobi_bytes){line.ptr + at + 1, line.size - at - 1});
	if (bytes_equal_text(name, "sev-measurement"))
		return take_base64(value, launch, fault);
	name.ptr += 4; /* "sev-" */
	name.size -= 4;
	for (size_t i = 0; i < NUMBERS; i++) {
		if (!bytes_equal_text(name, numbers[i]))
			continue;
		if (!read_decimal(value, &number))
			return fault_set(fault, TOBI_E_MALFORMED, OBJECT, numbers[i],
					 "it is no number");
		return take_number(numbers[i], number, launch, fault);
	}
	return TOBI_OK;
}

static enum tobi_err take_lines(struct tobi_bytes text, struct sev_launch *launch,
				struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (text.size > TEXT_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "over %d bytes",
				 TEXT_MAX);
	for (size_t at = 0; at < text.size && !err;) {
		const uint8_t *end = memchr(text.ptr + at, '\n', text.size - at);
		size_t size = end ? (size_t)(end - text.ptr) - at : text.size - at;

		err = take_line((struct tobi_bytes){text.ptr + at, size}, launch, fault);
		at += size + 1;
	}
	return err;
}

enum tobi_err sev_launch_take(struct tobi_bytes piece, struct sev_launch *launch,
			      bool *ret_known, struct tobi_fault *fault)
{
	struct tobi_bytes text = trim(piece);

	*ret_known = true;
	if (piece.size == SEV_BLOB_SIZE)
		return take_blob(piece, launch, fault);
	if (text.size == BLOB_DIGITS)
		return take_base64(text, launch, fault);
	if (text.size > 4 && memcmp(text.ptr, "sev-", 4) == 0)
		return take_lines(text, launch, fault);
	*ret_known = false;
	if (text.size && text.ptr[0] == '{')
		return take_json(text, launch, ret_known, fault);
	return TOBI_OK;
}

const char *sev_launch_lacks(const struct sev_launch *launch)
{
	if (!launch->has_blob)
		return "no measurement of a launch came with it";
	if (!launch->has_policy || !launch->has_build || !launch->has_api)
		return "the API version, build and policy that the launch was made with "
		       "did not come (query-sev)";
	return NULL;
}

enum tobi_err sev_launch_measure(const struct sev_launch *launch, struct tobi_bytes tik,
				 struct tobi_bytes digest, uint8_t ret_measure[static 32])
{
	uint8_t message[4 + 4 + SEV_DIGEST_SIZE + SEV_MNONCE_SIZE] = {
	    LABEL_MEASURE, launch->api_major, launch->api_minor, launch->build};
	unsigned size = SEV_MEASURE_SIZE;

	store_le(message + 4, 4, launch->policy);
	bytes_copy(message + 8, SEV_DIGEST_SIZE, digest.ptr, digest.size);
	bytes_copy(message + 8 + SEV_DIGEST_SIZE, SEV_MNONCE_SIZE, launch->mnonce,
		   SEV_MNONCE_SIZE);
	return HMAC(EVP_sha256(), tik.ptr, (int)tik.size, message, sizeof(message),
		    ret_measure, &size)
		   ? TOBI_OK
		   : TOBI_E_CRYPTO;
}
