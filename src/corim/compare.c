#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "corim/match.h"

/* How close a triple came: its environment was another one; it speaks of something that
 * the evidence has not; a value differs. */
enum { OTHER_KEY = 2, OTHER_VALUE = 3, SHOWN_MAX = 64 };

static const char *escaped(struct tobi_bytes text, struct arena *arena)
{
	CLEANUP(wr_done) struct writer shown = wr_init(4096);

	utf8_write_escaped(&shown, text);
	return arena_printf(arena, "%.*s", (int)shown.size,
			    shown.size ? (const char *)shown.ptr : "");
}

static const char *hex(struct tobi_bytes bytes, struct arena *arena)
{
	struct tobi_bytes part = {bytes.ptr,
				  bytes.size < SHOWN_MAX ? bytes.size : SHOWN_MAX};
	char text[2 * SHOWN_MAX + 1];

	if (!bytes.size)
		return "nothing";
	hex_write(part, text, sizeof(text));
	return arena_printf(arena, "%s%s", text, bytes.size > SHOWN_MAX ? ".." : "");
}

/* NULL where memory ran out: the caller's texts may be NULL. */
static const char *or_empty(const char *text)
{
	return text ? text : "";
}

const char *corim_mkey_text(const struct corim_id *mkey, struct arena *arena)
{
	switch (mkey->kind) {
	case CORIM_ID_NONE:
		return "the anonymous measurement";
	case CORIM_ID_UINT:
		return or_empty(arena_printf(arena, "mkey %" PRIu64, mkey->number));
	case CORIM_ID_TEXT:
		return or_empty(arena_printf(arena, "mkey \"%s\"",
					     or_empty(escaped(mkey->bytes, arena))));
	default:
		return or_empty(
		    arena_printf(arena, "mkey %s", or_empty(hex(mkey->bytes, arena))));
	}
}

const char *corim_environment_text(const struct corim_environment *environment,
				   struct arena *arena)
{
	CLEANUP(wr_done) struct writer text = wr_init(8192);

	if (environment->class_id.kind)
		wr_printf(&text, " class %s",
			  or_empty(hex(environment->class_id.bytes, arena)));
	if (environment->vendor.ptr)
		wr_printf(&text, " vendor \"%s\"",
			  or_empty(escaped(environment->vendor, arena)));
	if (environment->model.ptr)
		wr_printf(&text, " model \"%s\"",
			  or_empty(escaped(environment->model, arena)));
	if (environment->has_layer)
		wr_printf(&text, " layer %" PRIu64, environment->layer);
	if (environment->has_index)
		wr_printf(&text, " index %" PRIu64, environment->index);
	if (environment->instance.kind)
		wr_printf(&text, " instance %s",
			  or_empty(hex(environment->instance.bytes, arena)));
	if (environment->group.kind)
		wr_printf(&text, " group %s",
			  or_empty(hex(environment->group.bytes, arena)));
	return or_empty(arena_printf(arena, "environment%.*s", (int)text.size,
				     text.size ? (const char *)text.ptr : ""));
}

static bool class_holds(const struct corim_id *want, const struct tee_environment *have)
{
	static const enum tee_class kinds[] = {
	    [CORIM_ID_OID] = TEE_CLASS_OID,
	    [CORIM_ID_UUID] = TEE_CLASS_UUID,
	    [CORIM_ID_BYTES] = TEE_CLASS_BYTES,
	};

	if (have->class_kind == TEE_CLASS_ANY_UUID)
		return !want->kind || want->kind == CORIM_ID_UUID;
	return !want->kind ||
	       (want->kind <= CORIM_ID_BYTES && have->class_kind == kinds[want->kind] &&
		bytes_equal(want->bytes, have->class_id));
}

/* A class id names its class alone: vendor and model beside it are for people where the
 * evidence does not know them. Without a class id they are the name. */
static bool text_holds(struct tobi_bytes want, const char *have, bool has_class_id)
{
	if (!want.ptr || (!have && has_class_id))
		return true;
	return have && bytes_equal_text(want, have);
}

bool corim_environment_holds(const struct corim_environment *want,
			     const struct tee_environment *have)
{
	bool has_id = want->class_id.kind != CORIM_ID_NONE;

	if (!class_holds(&want->class_id, have) ||
	    !text_holds(want->vendor, have->vendor, has_id) ||
	    !text_holds(want->model, have->model, has_id))
		return false;
	if ((want->has_layer && (!have->has_layer || want->layer != have->layer)) ||
	    (want->has_index && (!have->has_index || want->index != have->index)))
		return false;
	if (want->instance.kind &&
	    (want->instance.kind == CORIM_ID_OTHER || !have->instance.size ||
	     !bytes_equal(want->instance.bytes, have->instance)))
		return false;
	return !want->group.kind ||
	       (have->group.size && bytes_equal(want->group.bytes, have->group));
}

bool corim_mkey_is(const struct corim_id *want, const struct tee_measurement *have)
{
	switch (want->kind) {
	case CORIM_ID_NONE:
		return have->mkey == TEE_MKEY_NONE;
	case CORIM_ID_UINT:
		return have->mkey == TEE_MKEY_NUMBER && have->number == want->number;
	case CORIM_ID_TEXT:
		return have->mkey == TEE_MKEY_TEXT &&
		       bytes_equal_text(want->bytes, have->text);
	case CORIM_ID_OID:
		return have->mkey == TEE_MKEY_OID &&
		       bytes_equal(want->bytes, have->mkey_bytes);
	case CORIM_ID_UUID:
		return have->mkey == TEE_MKEY_UUID &&
		       bytes_equal(want->bytes, have->mkey_bytes);
	default:
		return false;
	}
}

/* What a comparison shares: the first thing that differs is kept. */
struct comparison {
	struct arena *arena;
	const struct corim_id *mkey;
	struct corim_difference *difference;
};

static bool differs(const struct comparison *to, const char *what, const char *expected,
		    const char *found)
{
	struct corim_difference *difference = to->difference;
	const char *mkey;

	if (!difference || difference->closeness >= OTHER_VALUE)
		return false;
	mkey = corim_mkey_text(to->mkey, to->arena);
	difference->closeness = OTHER_VALUE;
	difference->expected = or_empty(
	    arena_printf(to->arena, "%s: %s %s", mkey, what, or_empty(expected)));
	difference->found =
	    or_empty(arena_printf(to->arena, "%s: %s %s", mkey, what, or_empty(found)));
	return false;
}

static const struct tee_digest *find_digest(const struct tee_digest *list, size_t count,
					    uint64_t algorithm)
{
	for (size_t i = 0; i < count; i++) {
		if (algorithm && list[i].algorithm == algorithm)
			return &list[i];
	}
	return NULL;
}

/* One algorithm in common at least, and each that is must be equal. */
static bool digests_hold(const struct comparison *to, const char *what,
			 const struct corim_digests *want, const struct tee_digest *have,
			 size_t count)
{
	bool common = false;

	for (size_t i = 0; i < want->count; i++) {
		const struct tee_digest *found =
		    find_digest(have, count, want->items[i].algorithm);

		if (!found)
			continue;
		common = true;
		if (!bytes_equal(found->value, want->items[i].value))
			return differs(to, what, hex(want->items[i].value, to->arena),
				       hex(found->value, to->arena));
	}
	return common || differs(to, what, hex(want->items[0].value, to->arena),
				 count ? "of another algorithm" : "nothing");
}

static bool raw_holds(const struct comparison *to, const struct corim_values *want,
		      const struct tee_measurement *have)
{
	bool equal = want->raw.size == have->raw.size;

	for (size_t i = 0; i < want->raw.size && equal; i++) {
		uint8_t mask = want->mask.ptr ? want->mask.ptr[i] : 0xff;

		equal = ((want->raw.ptr[i] ^ have->raw.ptr[i]) & mask) == 0;
	}
	return equal || differs(to, want->mask.ptr ? "masked value" : "value",
				hex(want->raw, to->arena), hex(have->raw, to->arena));
}

bool corim_register_is(const struct corim_register *want, const struct tee_register *have)
{
	if (want->is_text)
		return have->text && bytes_equal_text(want->text, have->text);
	return !have->text && have->number == want->number;
}

static bool registers_hold(const struct comparison *to, const struct corim_values *want,
			   const struct tee_measurement *have)
{
	for (size_t i = 0; i < want->register_count; i++) {
		const struct corim_register *reg = &want->registers[i];
		size_t at = 0;

		while (at < have->register_count &&
		       !corim_register_is(reg, &have->registers[at]))
			at++;
		if (at == have->register_count)
			return differs(to, "register",
				       reg->is_text ? escaped(reg->text, to->arena)
						    : arena_printf(to->arena, "%" PRIu64,
								   reg->number),
				       "not there");
		if (!digests_hold(to, "register", &reg->digests,
				  have->registers[at].digests,
				  have->registers[at].digest_count))
			return false;
	}
	return true;
}

static bool number_holds(enum corim_operator op, uint64_t have, uint64_t want)
{
	switch (op) {
	case CORIM_EQUAL:
	case CORIM_MEMBER:
		return have == want;
	case CORIM_GREATER:
		return have > want;
	case CORIM_AT_LEAST:
		return have >= want;
	case CORIM_LESS:
		return have < want;
	case CORIM_AT_MOST:
		return have <= want;
	default:
		return false;
	}
}

static bool text_is_in(const struct corim_extension *want, struct tobi_bytes have)
{
	for (size_t i = 0; i < want->text_count; i++) {
		if (bytes_equal(want->texts[i], have))
			return true;
	}
	return false;
}

static bool value_holds(const struct corim_extension *want, const struct tee_value *have)
{
	const struct tee_digest *digest;

	switch (want->form) {
	case CORIM_FORM_NUMBER:
		return have->form == TEE_VALUE_NUMBER &&
		       number_holds(want->op, have->number, want->number);
	case CORIM_FORM_BYTES:
		return have->form == TEE_VALUE_BYTES &&
		       bytes_equal(have->bytes, want->bytes);
	case CORIM_FORM_TEXT:
		return have->form == TEE_VALUE_TEXT &&
		       bytes_equal(have->bytes, want->bytes);
	case CORIM_FORM_DIGESTS:
		digest =
		    find_digest(want->digests.items, want->digests.count, have->number);
		return have->form == TEE_VALUE_DIGEST && digest &&
		       bytes_equal(digest->value, have->bytes);
	case CORIM_FORM_TEXTS:
		return have->form == TEE_VALUE_TEXT && text_is_in(want, have->bytes);
	default:
		return false;
	}
}

static const char *want_text(const struct corim_extension *want, struct arena *arena)
{
	switch (want->form) {
	case CORIM_FORM_NUMBER:
		return arena_printf(arena, "%s%" PRIu64,
				    want->op == CORIM_AT_LEAST ? "at least " : "",
				    want->number);
	case CORIM_FORM_BYTES:
		return hex(want->bytes, arena);
	case CORIM_FORM_TEXT:
		return escaped(want->bytes, arena);
	case CORIM_FORM_DIGESTS:
		return hex(want->digests.items[0].value, arena);
	case CORIM_FORM_TEXTS:
		return escaped(want->texts[0], arena);
	default:
		return "in a form that is not known here";
	}
}

static bool extensions_hold(const struct comparison *to, const struct corim_values *want,
			    const struct tee_measurement *have)
{
	for (size_t i = 0; i < want->extension_count; i++) {
		const struct corim_extension *extension = &want->extensions[i];
		const struct tee_value *other = NULL;
		bool met = false;

		for (size_t j = 0; j < have->value_count && !met; j++) {
			if (have->values[j].key != extension->key)
				continue;
			other = &have->values[j];
			met = value_holds(extension, other);
		}
		if (!met)
			return differs(
			    to, arena_printf(to->arena, "value %" PRId64, extension->key),
			    want_text(extension, to->arena),
			    !other ? "not in the evidence"
			    : other->form == TEE_VALUE_NUMBER
				? arena_printf(to->arena, "%" PRIu64, other->number)
				: hex(other->bytes, to->arena));
	}
	return true;
}

static bool svn_holds(const struct comparison *to, const struct corim_values *want,
		      const struct tee_measurement *have)
{
	bool least = want->svn_kind == CORIM_SVN_LEAST;

	if (have->has_svn && (least ? have->svn >= want->svn : have->svn == want->svn))
		return true;
	return differs(
	    to, "svn",
	    arena_printf(to->arena, "%s%" PRIu64, least ? "at least " : "", want->svn),
	    have->has_svn ? arena_printf(to->arena, "%" PRIu64, have->svn)
			  : "not in the evidence");
}

/* Texts that evidence may say, and a reference asks for. */
static bool names_hold(const struct comparison *to, const struct corim_values *want,
		       const struct tee_measurement *have)
{
	if (want->version.ptr &&
	    (!have->version || !bytes_equal_text(want->version, have->version)))
		return differs(to, "version", escaped(want->version, to->arena),
			       have->version ? have->version : "not in the evidence");
	if (want->name.ptr && (!have->name || !bytes_equal_text(want->name, have->name)))
		return differs(to, "name", escaped(want->name, to->arena),
			       have->name ? have->name : "not in the evidence");
	return true;
}

/* Of these no evidence here says anything but who signed a component. */
static bool keys_hold(const struct comparison *to, const struct corim_values *want,
		      const struct tee_measurement *have)
{
	for (size_t i = 0; i < want->keys.count; i++) {
		const struct corim_key *key = &want->keys.items[i];

		if (key->tag != CORIM_KEY_BYTES || !have->signer.size ||
		    !bytes_equal(key->value, have->signer))
			return differs(to, "signer", hex(key->value, to->arena),
				       hex(have->signer, to->arena));
	}
	return true;
}

static const char *not_compared(const struct corim_values *want)
{
	if (want->has_unknown)
		return "a value that is not known here";
	if (want->mac.ptr || want->ip.ptr || want->serial.ptr || want->ueid.ptr ||
	    want->uuid.ptr)
		return "an address, serial number or identifier";
	return want->has_range ? "a range" : NULL;
}

bool corim_measurement_holds(const struct corim_measurement *want,
			     const struct tee_measurement *have, struct arena *arena,
			     struct corim_difference *difference)
{
	const struct comparison to = {arena, &want->mkey, difference};
	const struct corim_values *values = &want->values;
	const char *odd = not_compared(values);

	if (odd)
		return differs(&to, odd, "", "cannot be compared");
	if (values->flags_given & ~have->flags_known ||
	    (values->flags ^ have->flags) & values->flags_given)
		return differs(
		    &to, "flags",
		    arena_printf(arena, "%#x of %#x", values->flags, values->flags_given),
		    arena_printf(arena, "%#x of %#x", have->flags, have->flags_known));
	if (values->digests.count && !digests_hold(&to, "digest", &values->digests,
						   have->digests, have->digest_count))
		return false;
	if (values->svn_kind && !svn_holds(&to, values, have))
		return false;
	if (values->raw.ptr && !raw_holds(&to, values, have))
		return false;
	return registers_hold(&to, values, have) && extensions_hold(&to, values, have) &&
	       names_hold(&to, values, have) && keys_hold(&to, values, have);
}
