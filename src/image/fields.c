#include "image/fields.h"

#include "base/fault.h"
#include "base/secret.h"
#include "image/rules.h"

struct fields fields_init(struct tobi_bytes bytes)
{
	return (struct fields){.cbor = cbor_init(bytes, CBOR_DETERMINISTIC)};
}

void fields_refuse(struct fields *in, enum tobi_err err, const char *field,
		   const char *why)
{
	if (fields_failed(in))
		return;
	in->err = err;
	in->field = field;
	in->why = why;
	cbor_fail(&in->cbor, err, field);
}

bool fields_failed(const struct fields *in)
{
	return cbor_failed(&in->cbor);
}

enum tobi_err fields_finish(struct fields *in, const char *object,
			    struct tobi_fault *fault)
{
	if (in->why)
		return fault_at(fault, in->err, object, in->field, in->start, "%s",
				in->why);
	return cbor_finish(&in->cbor, object, fault);
}

static void begin(struct fields *in)
{
	if (!fields_failed(in))
		in->start = rd_offset(&in->cbor.rd);
}

void fields_key(struct fields *in, struct cbor_map *map, int64_t key, const char *field)
{
	int64_t found = 0;

	begin(in);
	if (fields_failed(in))
		return;
	if (!cbor_map_int(&in->cbor, map, &found, field))
		fields_refuse(in, TOBI_E_MALFORMED, field,
			      "this required key is missing");
	else if (found > key)
		fields_refuse(in, TOBI_E_MALFORMED, field,
			      "this required key is missing");
	else if (found < key)
		fields_refuse(in, TOBI_E_MALFORMED, field,
			      "an unknown key stands before it");
	begin(in);
}

void fields_map_end(struct fields *in, struct cbor_map *map, const char *field)
{
	int64_t key;

	begin(in);
	if (!fields_failed(in) && cbor_map_int(&in->cbor, map, &key, field))
		fields_refuse(in, TOBI_E_MALFORMED, field, "it has an unknown key");
}

uint64_t fields_uint(struct fields *in, uint64_t min, uint64_t max, const char *field)
{
	uint64_t value;

	begin(in);
	value = cbor_uint(&in->cbor, field);
	if (value > max)
		fields_refuse(in, TOBI_E_LIMIT, field, "the number is too large");
	else if (value < min)
		fields_refuse(in, TOBI_E_LIMIT, field, "the number is too small");
	return fields_failed(in) ? 0 : value;
}

struct tobi_bytes fields_text(struct fields *in, size_t max, fields_rule *rule,
			      const char *field, const char *why)
{
	struct tobi_bytes text;
	bool sound = !fields_failed(in);

	begin(in);
	text = cbor_text(&in->cbor, max, field);
	if (sound && in->cbor.rd.err == TOBI_E_MALFORMED) {
		in->err = TOBI_E_MALFORMED;
		in->field = field;
		in->why = "it must be text: UTF-8 without control characters, such as "
			  "an end of line";
	}
	if (!fields_failed(in) && rule && !rule(text))
		fields_refuse(in, TOBI_E_MALFORMED, field, why);
	return fields_failed(in) ? (struct tobi_bytes){0} : text;
}

static size_t open_array(struct fields *in, size_t min, size_t max, const char *field)
{
	size_t count;

	begin(in);
	count = cbor_array(&in->cbor, max, field);
	if (!fields_failed(in) && count < min)
		fields_refuse(in, TOBI_E_MALFORMED, field, "it must not be empty");
	return fields_failed(in) ? 0 : count;
}

size_t fields_texts(struct fields *in, const struct fields_list *list,
		    struct tobi_bytes *ret_items)
{
	size_t count = open_array(in, list->min, list->max, list->field);

	for (size_t i = 0; i < count && !fields_failed(in); i++) {
		ret_items[i] =
		    fields_text(in, list->max_text, list->rule, list->field, list->why);
		if (list->ascending && i > 0 && !fields_failed(in) &&
		    bytes_compare(ret_items[i - 1], ret_items[i]) >= 0)
			fields_refuse(
			    in, TOBI_E_MALFORMED, list->field,
			    "the entries must be in ascending order, each once");
	}
	return fields_failed(in) ? 0 : count;
}

size_t fields_arguments(struct fields *in, struct tobi_bytes *ret_items)
{
	const struct fields_list list = {
	    1, LIMIT_ARGUMENTS, LIMIT_ARGUMENT, NULL, false, "arguments", NULL};

	return fields_texts(in, &list, ret_items);
}

size_t fields_environment(struct fields *in, size_t min, struct text_pair *ret_pairs)
{
	struct cbor_map map;
	struct text_pair pair;
	size_t count = 0, start;

	begin(in);
	start = in->start;
	map = cbor_map(&in->cbor, LIMIT_ARGUMENTS, "environment");
	while (!fields_failed(in) && count < LIMIT_ARGUMENTS) {
		begin(in);
		if (!cbor_map_text(&in->cbor, &map, &pair.name, "environment"))
			break;
		if (!rule_variable(pair.name))
			fields_refuse(in, TOBI_E_MALFORMED, "environment",
				      "a variable's name must be letters, digits and _");
		pair.value = fields_text(in, LIMIT_ARGUMENT, NULL, "environment", NULL);
		ret_pairs[count++] = pair;
	}
	if (!fields_failed(in) && count < min) {
		in->start = start;
		fields_refuse(in, TOBI_E_MALFORMED, "environment",
			      "it must not be empty");
	}
	return fields_failed(in) ? 0 : count;
}

void fields_write_texts(struct writer *out, const struct tobi_bytes *items, size_t count)
{
	cbor_write_array(out, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_text_bytes(out, items[i]);
}

void fields_write_environment(struct writer *out, const struct text_pair *pairs,
			      size_t count)
{
	cbor_write_map(out, count);
	for (size_t i = 0; i < count; i++) {
		cbor_write_text_bytes(out, pairs[i].name);
		cbor_write_text_bytes(out, pairs[i].value);
	}
}
