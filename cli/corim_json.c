/* A CoRIM as JSON, which `tobichi corim show` prints as it is or as text. */
#include <inttypes.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "cli/corim.h"
#include "corim/key.h"

static json_t *text(struct tobi_bytes bytes)
{
	return json_stringn((const char *)bytes.ptr, bytes.size);
}

static json_t *hex(struct tobi_bytes bytes)
{
	CLEANUP(wr_done) struct writer out = wr_init(2 * LIMIT_CORIM + 1);
	uint8_t *room = wr_reserve(&out, 2 * bytes.size + 1);

	if (!room)
		return NULL;
	hex_write(bytes, (char *)room, 2 * bytes.size + 1);
	return json_string((const char *)room);
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void put_text(json_t *object, const char *key, struct tobi_bytes bytes)
{
	if (bytes.ptr)
		put(object, key, text(bytes));
}

static void put_hex(json_t *object, const char *key, struct tobi_bytes bytes)
{
	if (bytes.ptr)
		put(object, key, hex(bytes));
}

static void put_count(json_t *object, const char *key, size_t count)
{
	if (count)
		put(object, key, json_integer((json_int_t)count));
}

static void put_time(json_t *object, const char *key, bool there, int64_t time)
{
	char out[CLI_TIME_SIZE];

	if (!there)
		return;
	cli_format_time(time, out);
	put(object, key, json_string(out));
}

/* The numbers of an OID, from its content octets. */
static json_t *oid(struct tobi_bytes octets)
{
	CLEANUP(wr_done) struct writer out = wr_init(4096);
	uint64_t arc = 0;
	bool first = true;

	for (size_t i = 0; i < octets.size; i++) {
		if (arc >> 56)
			return hex(octets);
		arc = arc << 7 | (octets.ptr[i] & 0x7f);
		if (octets.ptr[i] & 0x80)
			continue;
		if (first)
			wr_printf(&out, "%d.%" PRIu64, arc < 80 ? (int)(arc / 40) : 2,
				  arc < 80 ? arc % 40 : arc - 80);
		else
			wr_printf(&out, ".%" PRIu64, arc);
		first = false;
		arc = 0;
	}
	return wr_err(&out) ? NULL : text(wr_view(&out));
}

static json_t *uuid(struct tobi_bytes bytes)
{
	char digits[33], out[37];

	if (bytes.size != 16)
		return hex(bytes);
	hex_write(bytes, digits, sizeof(digits));
	snprintf(out, sizeof(out), "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8,
		 digits + 12, digits + 16, digits + 20);
	return json_string(out);
}

static json_t *id(const struct corim_id *from)
{
	switch (from->kind) {
	case CORIM_ID_OID:
		return oid(from->bytes);
	case CORIM_ID_UUID:
		return uuid(from->bytes);
	case CORIM_ID_UINT:
		return json_integer((json_int_t)from->number);
	case CORIM_ID_TEXT:
		return text(from->bytes);
	default:
		return hex(from->bytes);
	}
}

static void put_id(json_t *object, const char *key, const struct corim_id *from)
{
	if (from->kind != CORIM_ID_NONE)
		put(object, key, id(from));
}

static json_t *environment(const struct corim_environment *from)
{
	json_t *object = json_object();

	put_id(object, "class", &from->class_id);
	put_text(object, "vendor", from->vendor);
	put_text(object, "model", from->model);
	if (from->has_layer)
		put(object, "layer", json_integer((json_int_t)from->layer));
	if (from->has_index)
		put(object, "index", json_integer((json_int_t)from->index));
	put_id(object, "instance", &from->instance);
	put_id(object, "group", &from->group);
	return object;
}

static json_t *digests(const struct corim_digests *from)
{
	json_t *array = json_array();

	for (size_t i = 0; i < from->count; i++) {
		const struct tee_digest *digest = &from->items[i];
		json_t *object = json_object();

		put(object, "algorithm",
		    digest->algorithm ? json_integer((json_int_t)digest->algorithm)
				      : json_string("not known"));
		put(object, "value", hex(digest->value));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *keys(const struct corim_keys *from)
{
	json_t *array = json_array();

	for (size_t i = 0; i < from->count; i++) {
		const struct corim_key *key = &from->items[i];
		CLEANUP(EVP_PKEY_freep) EVP_PKEY *opened = NULL;
		json_t *object = json_object();
		uint8_t spki[SHA384_SIZE];

		put(object, "tag", json_integer((json_int_t)key->tag));
		if (!corim_key_open(key, "key", &opened, NULL) &&
		    !key_spki_sha384(opened, spki, NULL))
			put(object, "id", hex((struct tobi_bytes){spki, sizeof(spki)}));
		else
			put(object, "value", hex(key->value));
		json_array_append_new(array, object);
	}
	return array;
}

static void put_keys(json_t *object, const char *key, const struct corim_keys *from)
{
	if (from->count)
		put(object, key, keys(from));
}

static void put_flags(json_t *object, const struct corim_values *from)
{
	static const char *const names[TEE_FLAGS] = {
	    "configured",
	    "secure",
	    "recovery",
	    "debug",
	    "replay-protected",
	    "integrity-protected",
	    "runtime-measured",
	    "immutable",
	    "tcb",
	    "confidential",
	    "runtime-updatable",
	};
	json_t *flags = json_object();

	for (unsigned i = 0; i < TEE_FLAGS; i++) {
		if (from->flags_given & 1U << i)
			put(flags, names[i], json_boolean(from->flags & 1U << i));
	}
	put(object, "flags", flags);
}

static void put_registers(json_t *object, const struct corim_values *from)
{
	json_t *registers = json_object();

	for (size_t i = 0; i < from->register_count; i++) {
		const struct corim_register *reg = &from->registers[i];
		CLEANUP(wr_done) struct writer name = wr_init(4096);

		if (reg->is_text)
			utf8_write_escaped(&name, reg->text);
		else
			wr_printf(&name, "%" PRIu64, reg->number);
		wr_u8(&name, 0);
		if (!wr_err(&name))
			put(registers, (const char *)name.ptr, digests(&reg->digests));
	}
	put(object, "registers", registers);
}

static json_t *extension(const struct corim_extension *from)
{
	json_t *array;

	switch (from->form) {
	case CORIM_FORM_NUMBER:
		return json_integer((json_int_t)from->number);
	case CORIM_FORM_BYTES:
		return hex(from->bytes);
	case CORIM_FORM_TEXT:
		return text(from->bytes);
	case CORIM_FORM_DIGESTS:
		return digests(&from->digests);
	case CORIM_FORM_TEXTS:
		array = json_array();
		for (size_t i = 0; i < from->text_count; i++)
			json_array_append_new(array, text(from->texts[i]));
		return array;
	default:
		return json_string("in a form that is not known here");
	}
}

static void put_extensions(json_t *object, const struct corim_values *from)
{
	static const char *const operators[] = {
	    [CORIM_GREATER] = "greater than", [CORIM_AT_LEAST] = "at least",
	    [CORIM_LESS] = "less than",	      [CORIM_AT_MOST] = "at most",
	    [CORIM_MEMBER] = "one of",
	};

	for (size_t i = 0; i < from->extension_count; i++) {
		const struct corim_extension *one = &from->extensions[i];
		const char *op = one->op <= CORIM_MEMBER ? operators[one->op] : NULL;
		char key[64];

		snprintf(key, sizeof(key), "%" PRId64 "%s%s", one->key, op ? " " : "",
			 op ? op : "");
		put(object, key, extension(one));
	}
}

static void put_range(json_t *object, const struct corim_values *from)
{
	json_t *array = json_array();

	json_array_append_new(array,
			      from->has_least ? json_integer(from->least) : json_null());
	json_array_append_new(array,
			      from->has_most ? json_integer(from->most) : json_null());
	put(object, "range", array);
}

static json_t *measurement(const struct corim_measurement *from)
{
	const struct corim_values *values = &from->values;
	json_t *object = json_object();

	put_id(object, "mkey", &from->mkey);
	put_text(object, "name", values->name);
	put_text(object, "version", values->version);
	if (values->svn_kind)
		put(object, values->svn_kind == CORIM_SVN_LEAST ? "svn at least" : "svn",
		    json_integer((json_int_t)values->svn));
	if (values->digests.count)
		put(object, "digests", digests(&values->digests));
	if (values->flags_given)
		put_flags(object, values);
	put_hex(object, "value", values->raw);
	put_hex(object, "mask", values->mask);
	put_hex(object, "mac-address", values->mac);
	put_hex(object, "ip-address", values->ip);
	put_text(object, "serial-number", values->serial);
	put_hex(object, "ueid", values->ueid);
	if (values->uuid.ptr)
		put(object, "uuid", uuid(values->uuid));
	put_keys(object, "keys", &values->keys);
	if (values->register_count)
		put_registers(object, values);
	if (values->has_range)
		put_range(object, values);
	put_extensions(object, values);
	if (values->has_unknown)
		put(object, "not known here", json_integer(values->unknown));
	put_keys(object, "authorized-by", &from->authorities);
	return object;
}

static json_t *measurements(const struct corim_measurements *from)
{
	json_t *array = json_array();

	for (size_t i = 0; i < from->count; i++)
		json_array_append_new(array, measurement(&from->items[i]));
	return array;
}

static json_t *triple(const struct corim_triple *from)
{
	json_t *object = json_object();

	put(object, "environment", environment(&from->environment));
	put(object, "measurements", measurements(&from->measurements));
	return object;
}

static json_t *triples(const struct corim_triples *from)
{
	json_t *array = json_array();

	for (size_t i = 0; i < from->count; i++)
		json_array_append_new(array, triple(&from->items[i]));
	return array;
}

static void put_triples(json_t *object, const char *key, const struct corim_triples *from)
{
	if (from->count)
		put(object, key, triples(from));
}

static void put_key_triples(json_t *object, const char *key,
			    const struct corim_key_triple *from, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *one = json_object();

		put(one, "environment", environment(&from[i].environment));
		put_id(one, "mkey", &from[i].mkey);
		put_keys(one, "keys", &from[i].keys);
		put_keys(one, "authorized-by", &from[i].authorities);
		json_array_append_new(array, one);
	}
	if (count)
		put(object, key, array);
	else
		json_decref(array);
}

static void put_conditionals(json_t *object, const struct corim_module *module)
{
	json_t *array = json_array();

	for (size_t i = 0; i < module->conditional_count; i++) {
		json_t *one = json_object();

		put_triples(one, "if", &module->conditionals[i].conditions);
		put_triples(one, "then", &module->conditionals[i].endorsements);
		json_array_append_new(array, one);
	}
	for (size_t i = 0; i < module->series_count; i++) {
		const struct corim_series *series = &module->series[i];
		json_t *one = triple(&series->common), *steps = json_array();

		put_keys(one, "authorized-by", &series->authorities);
		for (size_t j = 0; j < series->step_count; j++) {
			json_t *step = json_object();

			put(step, "if", measurements(&series->steps[j].condition));
			put(step, "then", measurements(&series->steps[j].addition));
			json_array_append_new(steps, step);
		}
		put(one, "first of", steps);
		json_array_append_new(array, one);
	}
	if (json_array_size(array))
		put(object, "conditional endorsements", array);
	else
		json_decref(array);
}

static json_t *entities(const struct corim_entities *from, bool of_module)
{
	static const char *const module_roles[] = {"tag creator", "creator",
						   "maintainer"};
	static const char *const document_roles[] = {"", "manifest creator",
						     "manifest signer"};
	json_t *array = json_array();

	for (size_t i = 0; i < from->count; i++) {
		const struct corim_entity *entity = &from->items[i];
		json_t *object = json_object(), *roles = json_array();

		put_text(object, "name", entity->name);
		put_text(object, "uri", entity->uri);
		for (size_t j = 0; j < entity->role_count; j++) {
			int64_t role = entity->roles[j];

			json_array_append_new(
			    roles, role < 0 || role > 2
				       ? json_integer(role)
				       : json_string(of_module ? module_roles[role]
							       : document_roles[role]));
		}
		put(object, "roles", roles);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *module(const struct corim_module *from)
{
	json_t *object = json_object();

	put_id(object, "id", &from->id);
	put_count(object, "version", (size_t)from->version);
	if (from->entities.count)
		put(object, "entities", entities(&from->entities, true));
	put_triples(object, "reference values", &from->references);
	put_triples(object, "endorsed values", &from->endorsed);
	put_key_triples(object, "identity keys", from->identity_keys,
			from->identity_key_count);
	put_key_triples(object, "attestation keys", from->attest_keys,
			from->attest_key_count);
	put_conditionals(object, from);
	put_count(object, "linked tags", from->linked_count);
	put_count(object, "dependencies, not used here", from->dependency_count);
	put_count(object, "memberships, not used here", from->membership_count);
	put_count(object, "CoSWID triples, not used here", from->coswid_count);
	if (from->has_unknown)
		put(object, "triples not known here", json_integer(from->unknown));
	return object;
}

static void put_validity(json_t *object, const char *from, const char *until,
			 const struct corim_validity *validity)
{
	put_time(object, from, validity->has_start, validity->start);
	put_time(object, until, validity->has_end, validity->end);
}

static void put_dependents(json_t *object, const struct corim *corim)
{
	json_t *array = json_array();

	for (size_t i = 0; i < corim->dependent_count; i++) {
		json_t *one = json_object();

		put_text(one, "uri", corim->dependents[i].uri);
		if (corim->dependents[i].thumbprints.count)
			put(one, "digests", digests(&corim->dependents[i].thumbprints));
		json_array_append_new(array, one);
	}
	put(object, "needs, not fetched here", array);
}

static void put_signature(json_t *object, const struct corim_document *document)
{
	json_t *signature = json_object();
	uint8_t spki[SHA384_SIZE];

	if (!document->is_signed) {
		json_decref(signature);
		put(object, "signature", json_string("none"));
		return;
	}
	put(signature, "algorithm", json_integer(document->sign1.alg));
	put_text(signature, "name", document->signer_name);
	put_text(signature, "uri", document->signer_uri);
	put_text(signature, "issuer", document->issuer);
	put_text(signature, "subject", document->subject);
	put_hex(signature, "key id", document->sign1.kid);
	if (document->carried && !key_spki_sha384(document->carried, spki, NULL))
		put(signature, "signer id", hex((struct tobi_bytes){spki, sizeof(spki)}));
	put_count(signature, "certificates", document->sign1.x5chain_count);
	put_validity(signature, "valid from", "valid until",
		     &document->signature_validity);
	put(object, "signature, not verified", signature);
}

json_t *corim_to_json(const struct corim_document *document)
{
	const struct corim *corim = document->corim;
	json_t *object = json_object(), *modules = json_array();

	put_id(object, "id", &corim->id);
	put_id(object, "profile", &corim->profile);
	put_signature(object, document);
	put_validity(object, "valid from", "valid until", &corim->validity);
	if (corim->entities.count)
		put(object, "entities", entities(&corim->entities, false));
	if (corim->dependent_count)
		put_dependents(object, corim);
	for (size_t i = 0; i < corim->module_count; i++)
		json_array_append_new(modules, module(&corim->modules[i]));
	put(object, "modules", modules);
	put_count(object, "CoSWID tags, not used here", corim->coswid_count);
	put_count(object, "CoTL tags, not used here", corim->cotl_count);
	put_count(object, "tags not known here", corim->other_count);
	return object;
}
