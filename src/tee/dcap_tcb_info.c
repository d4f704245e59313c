#include "tee/dcap_tcb_info.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"

static const char object_name[] = "TCB info";

static void *items_of(struct dcap_reader *rd, const json_t *list, size_t size,
		      const char *name)
{
	size_t count = list ? json_array_size(list) : 0;
	void *items = NULL;

	if (rd->err)
		return NULL;
	if (count == 0)
		dcap_fail(rd, name, "it is empty");
	else if (!(items = arena_array(rd->arena, count, size)))
		rd->err = fault_set(rd->fault, TOBI_E_MEMORY, rd->object, name,
				    "out of memory");
	return items;
}

struct dcap_svn_levels dcap_svn_levels(struct dcap_reader *rd, const json_t *object)
{
	const json_t *list = dcap_array(rd, object, "tcbLevels", DCAP_LEVELS_MAX);
	struct dcap_svn_level *levels = items_of(rd, list, sizeof(*levels), "tcbLevels");

	for (size_t i = 0; !rd->err && i < json_array_size(list); i++) {
		const json_t *level = json_array_get(list, i);

		levels[i].svn = (uint16_t)dcap_number(rd, dcap_object(rd, level, "tcb"),
						      "isvsvn", UINT16_MAX);
		levels[i].advice = dcap_advice(rd, level);
		/* Software has no configuration, nor is it hardened by others. */
		if (!rd->err && levels[i].advice.status != DCAP_UP_TO_DATE &&
		    levels[i].advice.status != DCAP_OUT_OF_DATE &&
		    levels[i].advice.status != DCAP_REVOKED)
			dcap_fail(rd, "tcbStatus", "a status that no enclave has");
		if (!rd->err && i && levels[i].svn >= levels[i - 1].svn)
			dcap_fail(rd, "tcbLevels",
				  "they do not go from the highest to the lowest");
	}
	return rd->err ? (struct dcap_svn_levels){0}
		       : (struct dcap_svn_levels){levels, json_array_size(list)};
}

static void read_components(struct dcap_reader *rd, const json_t *tcb, const char *name,
			    uint8_t out[static DCAP_COMPONENTS])
{
	const json_t *list = dcap_array(rd, tcb, name, DCAP_COMPONENTS);

	if (!rd->err && json_array_size(list) != DCAP_COMPONENTS)
		dcap_fail(rd, name, "16 components are needed");
	for (size_t i = 0; !rd->err && i < DCAP_COMPONENTS; i++)
		out[i] =
		    (uint8_t)dcap_number(rd, json_array_get(list, i), "svn", UINT8_MAX);
}

/* Version 2 names each: sgxtcbcomp01svn. */
static void read_named_components(struct dcap_reader *rd, const json_t *tcb,
				  uint8_t out[static DCAP_COMPONENTS])
{
	for (unsigned i = 0; i < DCAP_COMPONENTS; i++) {
		char name[20];

		snprintf(name, sizeof(name), "sgxtcbcomp%02usvn", i + 1);
		out[i] = (uint8_t)dcap_number(rd, tcb, name, UINT8_MAX);
	}
}

/* In Intel's order: SGX components, PCESVN, TDX components. */
static int compare_levels(const struct dcap_tcb_level *a, const struct dcap_tcb_level *b)
{
	int order = memcmp(a->sgx, b->sgx, sizeof(a->sgx));

	if (!order)
		order = a->pcesvn - b->pcesvn;
	return order ? order : memcmp(a->tdx, b->tdx, sizeof(a->tdx));
}

static void read_levels(struct dcap_reader *rd, const json_t *json, uint64_t version,
			struct dcap_tcb_info *out)
{
	const json_t *list = dcap_array(rd, json, "tcbLevels", DCAP_LEVELS_MAX);
	struct dcap_tcb_level *levels = items_of(rd, list, sizeof(*levels), "tcbLevels");

	for (size_t i = 0; levels && !rd->err && i < json_array_size(list); i++) {
		const json_t *level = json_array_get(list, i);
		const json_t *tcb = dcap_object(rd, level, "tcb");

		if (version == 2)
			read_named_components(rd, tcb, levels[i].sgx);
		else
			read_components(rd, tcb, "sgxtcbcomponents", levels[i].sgx);
		if (out->tdx)
			read_components(rd, tcb, "tdxtcbcomponents", levels[i].tdx);
		levels[i].pcesvn = (uint16_t)dcap_number(rd, tcb, "pcesvn", UINT16_MAX);
		levels[i].advice = dcap_advice(rd, level);
		/* The first that matches counts, so the order is part of what is said. */
		if (!rd->err && i && compare_levels(&levels[i], &levels[i - 1]) >= 0)
			dcap_fail(rd, "tcbLevels",
				  "they do not go from the highest to the lowest");
	}
	out->levels = levels;
	out->level_count = rd->err ? 0 : json_array_size(list);
}

static void read_module(struct dcap_reader *rd, const json_t *json,
			struct dcap_module *out)
{
	dcap_hex(rd, json, "mrsigner", out->signer, sizeof(out->signer));
	dcap_hex(rd, json, "attributes", out->attributes, sizeof(out->attributes));
	dcap_hex(rd, json, "attributesMask", out->attributes_mask,
		 sizeof(out->attributes_mask));
}

static void read_modules(struct dcap_reader *rd, const json_t *json,
			 struct dcap_tcb_info *out)
{
	const json_t *list;
	struct dcap_module *modules;

	/* Older documents know no versions of the module. */
	if (rd->err || !json_object_get(json, "tdxModuleIdentities"))
		return;
	list = dcap_array(rd, json, "tdxModuleIdentities", DCAP_MODULES_MAX);
	modules = items_of(rd, list, sizeof(*modules), "tdxModuleIdentities");
	for (size_t i = 0; !rd->err && i < json_array_size(list); i++) {
		const json_t *module = json_array_get(list, i);
		const char *id = dcap_text(rd, module, "id");
		uint8_t version = 0;

		if (!rd->err && (strncasecmp(id, "TDX_", 4) != 0 ||
				 !hex_read(id + 4, &version, 1) || version == 0))
			dcap_fail(rd, "id", "it is not TDX_ and a version of a module");
		for (size_t k = 0; !rd->err && k < i; k++) {
			if (modules[k].version == version)
				dcap_fail(rd, "id", "a module is there twice");
		}
		modules[i].version = version;
		read_module(rd, module, &modules[i]);
		modules[i].levels = dcap_svn_levels(rd, module);
	}
	out->modules = modules;
	out->module_count = rd->err ? 0 : json_array_size(list);
}

static void read_id(struct dcap_reader *rd, const json_t *json, uint64_t version,
		    struct dcap_tcb_info *out)
{
	const char *id = version == 2 ? "SGX" : dcap_text(rd, json, "id");

	out->tdx = strcmp(id, "TDX") == 0;
	if (!rd->err && !out->tdx && strcmp(id, "SGX") != 0)
		dcap_fail(rd, "id", "it is neither SGX nor TDX");
}

enum tobi_err dcap_tcb_info_read(struct tobi_bytes json, struct arena *arena,
				 struct dcap_tcb_info *ret_info, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	struct dcap_reader rd = {object_name, arena, fault, TOBI_OK};
	struct dcap_tcb_info info = {0};
	uint64_t version, type;

	rd.err = json_parse(json, LIMIT_DOCUMENT, object_name, &root, fault);
	version = dcap_number(&rd, root, "version", UINT32_MAX);
	if (!rd.err && version != 2 && version != 3)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object_name, "version",
				 "only versions 2 and 3 are known here");
	read_id(&rd, root, version, &info);
	info.issued = dcap_date(&rd, root, "issueDate");
	info.next_update = dcap_date(&rd, root, "nextUpdate");
	dcap_hex(&rd, root, "fmspc", info.fmspc, sizeof(info.fmspc));
	dcap_hex(&rd, root, "pceId", info.pce_id, sizeof(info.pce_id));
	type = dcap_number(&rd, root, "tcbType", UINT32_MAX);
	if (!rd.err && type != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object_name, "tcbType",
				 "only type 0 is known here");
	info.evaluation =
	    (uint32_t)dcap_number(&rd, root, "tcbEvaluationDataNumber", UINT32_MAX);
	if (info.tdx) {
		read_module(&rd, dcap_object(&rd, root, "tdxModule"), &info.module);
		read_modules(&rd, root, &info);
	}
	read_levels(&rd, root, version, &info);
	if (!rd.err)
		*ret_info = info;
	return rd.err;
}
