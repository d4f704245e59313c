#include "corim/match.h"

#include "base/secret.h"

static bool take_text(struct tobi_bytes text, struct arena *arena, const char **ret_text)
{
	if (!text.ptr)
		return true;
	*ret_text = arena_text(arena, text);
	return *ret_text != NULL;
}

static bool take_environment(const struct corim_environment *from, struct arena *arena,
			     struct tee_environment *to)
{
	static const enum tee_class kinds[] = {
	    [CORIM_ID_NONE] = TEE_CLASS_NONE,
	    [CORIM_ID_OID] = TEE_CLASS_OID,
	    [CORIM_ID_UUID] = TEE_CLASS_UUID,
	    [CORIM_ID_BYTES] = TEE_CLASS_BYTES,
	};

	*to = (struct tee_environment){
	    .class_kind = kinds[from->class_id.kind],
	    .class_id = from->class_id.bytes,
	    .instance = from->instance.kind == CORIM_ID_OTHER ? (struct tobi_bytes){0}
							      : from->instance.bytes,
	    .has_layer = from->has_layer,
	    .has_index = from->has_index,
	    .layer = from->layer,
	    .index = from->index,
	    .group = from->group.bytes,
	};
	return take_text(from->vendor, arena, &to->vendor) &&
	       take_text(from->model, arena, &to->model);
}

static bool take_key(const struct corim_id *mkey, struct arena *arena,
		     struct tee_measurement *to)
{
	switch (mkey->kind) {
	case CORIM_ID_UINT:
		to->mkey = TEE_MKEY_NUMBER;
		to->number = mkey->number;
		return true;
	case CORIM_ID_TEXT:
		to->mkey = TEE_MKEY_TEXT;
		return take_text(mkey->bytes, arena, &to->text);
	case CORIM_ID_OID:
	case CORIM_ID_UUID:
		to->mkey = mkey->kind == CORIM_ID_OID ? TEE_MKEY_OID : TEE_MKEY_UUID;
		to->mkey_bytes = mkey->bytes;
		return true;
	default:
		return true;
	}
}

static size_t take_digests(const struct corim_digests *from, struct tee_digest *to,
			   size_t room)
{
	size_t count = from->count < room ? from->count : room;

	for (size_t i = 0; i < count; i++)
		to[i] = from->items[i];
	return count;
}

static bool take_registers(const struct corim_values *from, struct arena *arena,
			   struct tee_measurement *to)
{
	struct tee_register *list =
	    arena_array(arena, from->register_count + 1, sizeof(*list));

	for (size_t i = 0; i < from->register_count && list; i++) {
		const struct corim_register *reg = &from->registers[i];

		list[i].number = reg->number;
		list[i].digest_count = take_digests(&reg->digests, list[i].digests, 2);
		if (!take_text(reg->text, arena, &list[i].text))
			return false;
	}
	to->registers = list;
	to->register_count = from->register_count;
	return list != NULL;
}

/* A least SVN, a mask and a profile's expression are bounds, which no claim is. */
bool corim_claim_of(const struct corim_environment *environment,
		    const struct corim_measurement *measurement, struct arena *arena,
		    struct corim_claim *ret_claim)
{
	const struct corim_values *values = &measurement->values;
	struct corim_claim claim = {0};
	struct tee_measurement *to = &claim.measurement;

	to->digest_count = take_digests(&values->digests, to->digests, TEE_DIGESTS_MAX);
	to->has_svn = values->svn_kind == CORIM_SVN_EXACT;
	to->svn = values->svn;
	to->raw = values->mask.ptr ? (struct tobi_bytes){0} : values->raw;
	to->flags_known = values->flags_given;
	to->flags = values->flags;
	if (values->keys.count && values->keys.items[0].tag == CORIM_KEY_BYTES)
		to->signer = values->keys.items[0].value;
	if (!take_environment(environment, arena, &claim.environment) ||
	    !take_key(&measurement->mkey, arena, to) ||
	    !take_registers(values, arena, to) ||
	    !take_text(values->name, arena, &to->name) ||
	    !take_text(values->version, arena, &to->version))
		return false;
	*ret_claim = claim;
	return true;
}
