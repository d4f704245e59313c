#include "log/leaf.h"

#include "base/fault.h"
#include "base/utf8.h"
#include "codec/cbor.h"

enum {
	VERSION = 1,
	KIND_MAX = 255,

	KEY_VERSION = 0,
	KEY_KIND = 1,
	KEY_TIME = 2,
	KEY_ACCEPTED = 3,
	KEY_SALT = 4,
	KEY_CHANNEL = 5,
	KEY_ACTION = 6,
	KEY_RESOURCE = 7,
	KEY_RESOURCE_VERSION = 8,
	KEY_REMOTE = 9,
	KEY_PRINCIPAL = 10,
	KEY_REASON = 11,
	KEY_EVIDENCE = 12,
	KEY_POLICY = 13,
	KEY_CHECKS = 14,
	KEYS_NEEDED = 8,
	KEYS_MAX = 15,
};

/* The fields that are alike: a text or a hash each, by their keys. */
struct field {
	int64_t key;
	const char *name;
	size_t offset, least, most;
	bool text;
};

#define FIELD(key, member, least, most, text)                                            \
	{                                                                                \
		key, #member, offsetof(struct log_leaf, member), least, most, text       \
	}

static const struct field fields[] = {
    FIELD(KEY_SALT, salt, LOG_SALT_SIZE, LOG_SALT_SIZE, false),
    FIELD(KEY_CHANNEL, channel, 1, LOG_WORD_MAX, true),
    FIELD(KEY_ACTION, action, 1, LOG_WORD_MAX, true),
    FIELD(KEY_RESOURCE, resource, 1, LOG_TEXT_MAX, true),
    FIELD(KEY_REMOTE, remote, 0, LOG_TEXT_MAX, true),
    FIELD(KEY_PRINCIPAL, principal, 0, LOG_TEXT_MAX, true),
    FIELD(KEY_REASON, reason, 0, LOG_TEXT_MAX, true),
    FIELD(KEY_EVIDENCE, evidence, 0, LOG_DIGEST_SIZE, false),
    FIELD(KEY_POLICY, policy, 0, LOG_DIGEST_SIZE, false),
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static struct tobi_bytes *member_of(struct log_leaf *leaf, const struct field *field)
{
	return (struct tobi_bytes *)(void *)((uint8_t *)leaf + field->offset);
}

static struct tobi_bytes value_of(const struct log_leaf *leaf, const struct field *field)
{
	return *(const struct tobi_bytes *)(const void *)((const uint8_t *)leaf +
							  field->offset);
}

/* A hash is whole, or not there. */
static bool is_good(struct tobi_bytes value, const struct field *field)
{
	if (value.size < field->least || value.size > field->most)
		return false;
	return field->text ? utf8_is_text(value)
			   : value.size == 0 || value.size == field->most;
}

static bool is_good_code(struct tobi_bytes code)
{
	for (size_t i = 0; i < code.size; i++) {
		uint8_t c = code.ptr[i];

		if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return code.size > 0 && code.size <= LOG_WORD_MAX;
}

static const char *wrong_field(const struct log_leaf *leaf)
{
	if (leaf->kind < 1 || leaf->kind > KIND_MAX)
		return "kind";
	if (leaf->time < 0)
		return "time";
	for (size_t i = 0; i < FIELDS; i++) {
		if (!is_good(value_of(leaf, &fields[i]), &fields[i]))
			return fields[i].name;
	}
	if (leaf->check_count > LOG_CHECKS_MAX)
		return "checks";
	for (size_t i = 0; i < leaf->check_count; i++) {
		if (leaf->checks[i].outcome >= LOG_OUTCOMES ||
		    !is_good_code(leaf->checks[i].code))
			return "checks";
	}
	return NULL;
}

static size_t count_outcome(const struct log_leaf *leaf, unsigned outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < leaf->check_count; i++)
		count += leaf->checks[i].outcome == outcome;
	return count;
}

/* {outcome: [code, ...]} */
static void write_checks(const struct log_leaf *leaf, struct writer *out)
{
	size_t outcomes = 0;

	for (unsigned outcome = 0; outcome < LOG_OUTCOMES; outcome++)
		outcomes += count_outcome(leaf, outcome) != 0;
	cbor_write_uint(out, KEY_CHECKS);
	cbor_write_map(out, outcomes);
	for (unsigned outcome = 0; outcome < LOG_OUTCOMES; outcome++) {
		size_t count = count_outcome(leaf, outcome);

		if (!count)
			continue;
		cbor_write_uint(out, outcome);
		cbor_write_array(out, count);
		for (size_t i = 0; i < leaf->check_count; i++) {
			if (leaf->checks[i].outcome == outcome)
				cbor_write_text_bytes(out, leaf->checks[i].code);
		}
	}
}

static void write_field(const struct log_leaf *leaf, const struct field *field,
			struct writer *out)
{
	struct tobi_bytes value = value_of(leaf, field);

	if (!value.size)
		return;
	cbor_write_uint(out, (uint64_t)field->key);
	if (field->text)
		cbor_write_text_bytes(out, value);
	else
		cbor_write_bytes(out, value);
}

enum tobi_err log_leaf_write(const struct log_leaf *leaf, struct writer *out,
			     struct tobi_fault *fault)
{
	const char *wrong = wrong_field(leaf);
	size_t count = 4;

	if (wrong)
		return fault_set(fault, TOBI_E_ARGUMENT, "leaf", wrong,
				 "a leaf cannot have this value");
	for (size_t i = 0; i < FIELDS; i++)
		count += value_of(leaf, &fields[i]).size != 0;
	count += (size_t)(leaf->version != 0) + (size_t)(leaf->check_count != 0);
	cbor_write_map(out, count);
	cbor_write_uint(out, KEY_VERSION);
	cbor_write_uint(out, VERSION);
	cbor_write_uint(out, KEY_KIND);
	cbor_write_uint(out, leaf->kind);
	cbor_write_uint(out, KEY_TIME);
	cbor_write_uint(out, (uint64_t)leaf->time);
	cbor_write_uint(out, KEY_ACCEPTED);
	cbor_write_bool(out, leaf->accepted);
	for (size_t i = 0; i < FIELDS; i++) {
		if (fields[i].key == KEY_REMOTE && leaf->version) {
			cbor_write_uint(out, KEY_RESOURCE_VERSION);
			cbor_write_uint(out, leaf->version);
		}
		write_field(leaf, &fields[i], out);
	}
	if (leaf->check_count)
		write_checks(leaf, out);
	return wr_err(out) ? fault_set(fault, wr_err(out), "leaf", "", "no room for it")
			   : TOBI_OK;
}

static void read_codes(struct cbor *cbor, unsigned outcome, struct log_leaf *leaf)
{
	size_t count = cbor_array(cbor, LOG_CHECKS_MAX, "checks");

	if (!cbor_failed(cbor) && (!count || count > LOG_CHECKS_MAX - leaf->check_count))
		cbor_fail(cbor, count ? TOBI_E_LIMIT : TOBI_E_MALFORMED, "checks");
	for (size_t i = 0; i < count && !cbor_failed(cbor); i++) {
		struct log_check check = {cbor_text(cbor, LOG_WORD_MAX, "code"), outcome};

		if (!cbor_failed(cbor) && !is_good_code(check.code))
			cbor_fail(cbor, TOBI_E_MALFORMED, "code");
		leaf->checks[leaf->check_count++] = check;
	}
}

static void read_checks(struct cbor *cbor, struct log_leaf *leaf)
{
	struct cbor_map map = cbor_map(cbor, LOG_OUTCOMES, "checks");
	int64_t outcome = 0;

	while (cbor_map_int(cbor, &map, &outcome, "outcome")) {
		if (outcome < 0 || outcome >= LOG_OUTCOMES) {
			cbor_fail(cbor, TOBI_E_MALFORMED, "outcome");
			return;
		}
		read_codes(cbor, (unsigned)outcome, leaf);
	}
	if (!cbor_failed(cbor) && !leaf->check_count)
		cbor_fail(cbor, TOBI_E_MALFORMED, "checks");
}

static void read_field(struct cbor *cbor, int64_t key, struct log_leaf *leaf)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &fields[i];
		struct tobi_bytes value;

		if (field->key != key)
			continue;
		value = field->text ? cbor_text(cbor, field->most, field->name)
				    : cbor_bytes(cbor, field->most, field->name);
		/* Empty would be a second way to leave it out. */
		if (!cbor_failed(cbor) && (!value.size || !is_good(value, field)))
			cbor_fail(cbor, TOBI_E_MALFORMED, field->name);
		*member_of(leaf, field) = value;
		return;
	}
	cbor_fail(cbor, TOBI_E_MALFORMED, "key");
}

static void read_entry(struct cbor *cbor, int64_t key, struct log_leaf *leaf)
{
	switch (key) {
	case KEY_VERSION:
		if (cbor_uint(cbor, "version") != VERSION)
			cbor_fail(cbor, TOBI_E_UNSUPPORTED, "version");
		return;
	case KEY_KIND:
		leaf->kind = (unsigned)cbor_uint_max(cbor, KIND_MAX, "kind");
		if (!cbor_failed(cbor) && !leaf->kind)
			cbor_fail(cbor, TOBI_E_MALFORMED, "kind");
		return;
	case KEY_TIME:
		leaf->time = (int64_t)cbor_uint_max(cbor, INT64_MAX, "time");
		return;
	case KEY_ACCEPTED:
		leaf->accepted = cbor_bool(cbor, "accepted");
		return;
	case KEY_RESOURCE_VERSION:
		leaf->version = cbor_uint(cbor, "version of the resource");
		if (!cbor_failed(cbor) && !leaf->version)
			cbor_fail(cbor, TOBI_E_MALFORMED, "version of the resource");
		return;
	case KEY_CHECKS:
		read_checks(cbor, leaf);
		return;
	default:
		read_field(cbor, key, leaf);
	}
}

enum tobi_err log_leaf_read(struct tobi_bytes bytes, struct log_leaf *ret_leaf,
			    struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct log_leaf leaf = {0};
	struct cbor_map map;
	int64_t key = 0, needed = 0;
	enum tobi_err err;

	if (bytes.size > LOG_LEAF_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "leaf", "", "it has over %d bytes",
				 LOG_LEAF_MAX);
	map = cbor_map(&cbor, KEYS_MAX, "leaf");
	while (cbor_map_int(&cbor, &map, &key, "leaf")) {
		/* The first ones are all there: keys come in their order. */
		if (needed < KEYS_NEEDED)
			cbor_require(&cbor, key == needed++, "a field that is needed");
		read_entry(&cbor, key, &leaf);
	}
	cbor_require(&cbor, needed == KEYS_NEEDED, "a field that is needed");
	err = cbor_finish(&cbor, "leaf", fault);
	if (!err)
		*ret_leaf = leaf;
	return err;
}

const char *log_kind_name(unsigned kind)
{
	static const char *const names[] = {"other", "release", "attest",
					    "admin", "counter", "certificate"};

	return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

const char *log_outcome_name(unsigned outcome)
{
	static const char *const names[LOG_OUTCOMES] = {"not run", "passed", "failed",
							"not asked"};

	return outcome < LOG_OUTCOMES ? names[outcome] : "?";
}
