#include "tee/arm_claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/secret.h"
#include "codec/cbor.h"

enum { TEXT_MAX = 1024, LIFECYCLE_MAX = 0xffff };

static const char *const lifecycles[ARM_LIFECYCLES] = {
    "unknown",	     "assembly",	  "provisioning",   "secured",
    "non-rot-debug", "recoverable-debug", "decommissioned",
};

void arm_claims_wrong(struct arm_claims *claims, const char *format, ...)
{
	va_list args;

	if (claims->wrong[0])
		return;
	va_start(args, format);
	vsnprintf(claims->wrong, sizeof(claims->wrong), format, args);
	va_end(args);
}

/* ---- one value ---- */

static bool is_of_type(const struct cbor *cbor, enum arm_type type)
{
	enum cbor_kind kind = cbor_peek(cbor);

	switch (type) {
	case ARM_BYTES:
		return kind == CBOR_BYTES;
	case ARM_TEXT:
		return kind == CBOR_TEXT;
	case ARM_INT:
		return kind == CBOR_UINT || kind == CBOR_NEGATIVE;
	case ARM_LIST:
		break;
	}
	return kind == CBOR_ARRAY;
}

static struct tobi_bytes read_string(struct cbor *cbor, enum arm_type type)
{
	return type == ARM_TEXT ? cbor_text(cbor, LIMIT_TOKEN, "text")
				: cbor_bytes(cbor, LIMIT_TOKEN, "bytes");
}

static bool is_size(const struct arm_row *row, size_t size)
{
	return size >= row->least && size <= row->most &&
	       (size - row->least) % row->step == 0;
}

/* ---- the measured software ---- */

/* Labels of a component: those of all profiles are the same. */
static const struct arm_row component_rows[] = {
    {1, 0, ARM_TEXT, false, "type", 0, TEXT_MAX, 1},
    {2, 1, ARM_BYTES, true, "measurement", 32, 64, 16},
    {4, 2, ARM_TEXT, false, "version", 0, TEXT_MAX, 1},
    {5, 3, ARM_BYTES, true, "signer", 32, 64, 16},
    {6, 4, ARM_TEXT, false, "hash algorithm", 0, TEXT_MAX, 1},
};

enum { COMPONENT_ROWS = sizeof(component_rows) / sizeof(component_rows[0]) };

static void read_component_claim(struct cbor *cbor, int64_t label, size_t number,
				 struct arm_component *component,
				 struct arm_claims *claims)
{
	struct tobi_bytes *const out[] = {&component->type, &component->value,
					  &component->version, &component->signer,
					  &component->hash};

	for (size_t i = 0; i < COMPONENT_ROWS; i++) {
		const struct arm_row *row = &component_rows[i];

		if (row->label != label)
			continue;
		if (!is_of_type(cbor, row->type)) {
			arm_claims_wrong(claims,
					 "component %zu: its %s is of another type",
					 number, row->name);
			break;
		}
		*out[i] = read_string(cbor, row->type);
		if (!cbor_failed(cbor) && !is_size(row, out[i]->size))
			arm_claims_wrong(claims, "component %zu: its %s has %zu bytes",
					 number, row->name, out[i]->size);
		return;
	}
	cbor_skip(cbor, "component");
}

/* The next label of a map; others than numbers are passed over with their values. */
static bool next_label(struct cbor *cbor, struct cbor_map *map, int64_t *ret_label)
{
	struct tobi_bytes text;

	while (map->left > 0 && cbor_peek(cbor) == CBOR_TEXT &&
	       cbor_map_text(cbor, map, &text, "label"))
		cbor_skip(cbor, "claim");
	return cbor_map_int(cbor, map, ret_label, "label");
}

static void read_component(struct cbor *cbor, size_t number, struct arm_claims *claims)
{
	struct arm_component *component = &claims->components[number - 1];
	struct cbor_map map;
	int64_t label;

	if (cbor_peek(cbor) != CBOR_MAP) {
		arm_claims_wrong(claims, "component %zu is no map", number);
		cbor_skip(cbor, "component");
		return;
	}
	map = cbor_map(cbor, ARM_CLAIMS_MAX, "component");
	while (next_label(cbor, &map, &label))
		read_component_claim(cbor, label, number, component, claims);
	if (!component->value.ptr)
		arm_claims_wrong(claims, "component %zu: it has no measurement", number);
	if (!component->signer.ptr)
		arm_claims_wrong(claims, "component %zu: it has no signer", number);
}

static void read_components(struct cbor *cbor, struct arm_claims *claims)
{
	size_t count = cbor_array(cbor, ARM_COMPONENTS_MAX, "components");

	for (size_t i = 0; i < count && !cbor_failed(cbor); i++)
		read_component(cbor, i + 1, claims);
	claims->component_count = cbor_failed(cbor) ? 0 : count;
}

static void read_rems(struct cbor *cbor, struct arm_claims *claims)
{
	size_t count = cbor_array(cbor, ARM_COMPONENTS_MAX, "REMs");

	if (count != CCA_REMS)
		arm_claims_wrong(claims, "there are %zu REMs, not %d", count, CCA_REMS);
	for (size_t i = 0; i < count && !cbor_failed(cbor); i++) {
		if (i >= CCA_REMS || cbor_peek(cbor) != CBOR_BYTES) {
			arm_claims_wrong(claims, "REM %zu is no byte string", i);
			cbor_skip(cbor, "REM");
		} else {
			claims->rems[i] = cbor_bytes(cbor, LIMIT_TOKEN, "REM");
		}
	}
}

/* ---- the map ---- */

static void read_claim(struct cbor *cbor, const struct arm_row *row,
		       struct arm_claims *claims)
{
	struct tobi_bytes *value = &claims->values[row->claim];

	claims->has[row->claim] = true;
	if (!is_of_type(cbor, row->type)) {
		arm_claims_wrong(claims, "%s (%lld) is of another type", row->name,
				 (long long)row->label);
		cbor_skip(cbor, row->name);
		return;
	}
	if (row->type == ARM_INT) {
		claims->numbers[row->claim] = cbor_int(cbor, row->name);
	} else if (row->type == ARM_LIST && row->claim == ARM_REMS) {
		read_rems(cbor, claims);
	} else if (row->type == ARM_LIST) {
		read_components(cbor, claims);
	} else {
		*value = read_string(cbor, row->type);
		if (!cbor_failed(cbor) && !is_size(row, value->size))
			arm_claims_wrong(claims, "%s (%lld) has %zu bytes", row->name,
					 (long long)row->label, value->size);
	}
}

static const struct arm_row *find_row(const struct arm_row *rows, int64_t label)
{
	for (; rows->name; rows++) {
		if (rows->label == label)
			return rows;
	}
	return NULL;
}

static void check_required(const struct arm_row *rows, struct arm_claims *claims)
{
	int64_t lifecycle = claims->numbers[ARM_LIFECYCLE];

	for (; rows->name; rows++) {
		if (rows->required && !claims->has[rows->claim])
			arm_claims_wrong(claims, "%s (%lld) is not there", rows->name,
					 (long long)rows->label);
	}
	if (lifecycle < 0 || lifecycle > LIFECYCLE_MAX)
		arm_claims_wrong(claims, "the security lifecycle is out of its range");
	/* A UEID of the type RAND (RFC 9711 section 4.2.1). */
	if (claims->values[ARM_INSTANCE].size && claims->values[ARM_INSTANCE].ptr[0] != 1)
		arm_claims_wrong(claims, "the instance id does not start with 01");
}

enum tobi_err arm_claims_read(struct tobi_bytes payload, const struct arm_row *rows,
			      const char *object, struct arm_claims *ret_claims,
			      struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(payload, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, ARM_CLAIMS_MAX, "claims");
	int64_t label = 0;

	*ret_claims = (struct arm_claims){0};
	while (next_label(&cbor, &map, &label)) {
		const struct arm_row *row = find_row(rows, label);

		if (row)
			read_claim(&cbor, row, ret_claims);
		else
			cbor_skip(&cbor, "claim");
	}
	check_required(rows, ret_claims);
	return cbor_finish(&cbor, object, fault);
}

struct tobi_bytes arm_claims_peek(struct tobi_bytes payload, int64_t label,
				  enum arm_type type)
{
	struct cbor cbor = cbor_init(payload, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, ARM_CLAIMS_MAX, "claims");
	int64_t found = 0;

	while (next_label(&cbor, &map, &found)) {
		if (found == label)
			return is_of_type(&cbor, type) ? read_string(&cbor, type)
						       : (struct tobi_bytes){0};
		cbor_skip(&cbor, "claim");
	}
	return (struct tobi_bytes){0};
}

bool arm_claims_have(struct tobi_bytes payload, int64_t from, int64_t to)
{
	struct cbor cbor = cbor_init(payload, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, ARM_CLAIMS_MAX, "claims");
	int64_t found = 0;

	while (next_label(&cbor, &map, &found)) {
		if (found >= from && found <= to)
			return true;
		cbor_skip(&cbor, "claim");
	}
	return false;
}

/* ---- values that have names ---- */

int arm_lifecycle_of(int64_t lifecycle)
{
	int64_t state = lifecycle >> 12;

	/* 0x3000 to 0x30ff are one state: the last byte is the maker's. */
	return lifecycle >= 0 && (lifecycle & 0xf00) == 0 && state < ARM_LIFECYCLES
		   ? (int)state
		   : -1;
}

const char *arm_lifecycle_name(int64_t lifecycle)
{
	int state = arm_lifecycle_of(lifecycle);

	return state < 0 ? "reserved" : lifecycles[state];
}

int arm_lifecycle_find(const char *name)
{
	for (int i = 0; i < ARM_LIFECYCLES; i++) {
		if (strcmp(lifecycles[i], name) == 0)
			return i;
	}
	return -1;
}

bool arm_lifecycle_is_debug(int64_t lifecycle)
{
	int state = arm_lifecycle_of(lifecycle);

	return state >= 0 && strstr(lifecycles[state], "debug");
}

size_t arm_hash_size(struct tobi_bytes name)
{
	if (bytes_equal_text(name, "sha-256"))
		return 32;
	if (bytes_equal_text(name, "sha-384"))
		return 48;
	return bytes_equal_text(name, "sha-512") ? 64 : 0;
}
