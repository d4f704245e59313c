#include "tests/dcap_collateral.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "base/secret.h"

/* Also for programs without cmocka. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct dcap_test_document document_of(const char *id, unsigned version)
{
	return (struct dcap_test_document){
	    .id = id,
	    .version = version,
	    .issued = DCAP_NOW - 5 * DCAP_DAY,
	    .next_update = DCAP_NOW + 25 * DCAP_DAY,
	    .evaluation = 17,
	    .signer = DCAP_KEY_TCB_SIGNER,
	    .chain = {DCAP_TCB_SIGNER, DCAP_ROOT},
	    .chain_count = 2,
	};
}

static struct dcap_test_level level_of(unsigned svn, const char *status,
				       const char *advisories)
{
	return (struct dcap_test_level){.pcesvn = svn,
					.status = status,
					.date = "2025-05-14T00:00:00Z",
					.advisories = advisories};
}

static void make_tcb(const struct dcap_scene *scene, bool tdx, struct dcap_test_tcb *out)
{
	const struct dcap_pck *pck = &scene->pck;

	*out = (struct dcap_test_tcb){.document = document_of(tdx ? "TDX" : "SGX", 3),
				      .level_count = 2,
				      .module_count = 1};
	bytes_copy(out->fmspc, 6, pck->fmspc, 6);
	bytes_copy(out->pce_id, 2, pck->pce_id, 2);
	out->levels[0] = level_of(pck->pcesvn, "UpToDate", NULL);
	bytes_copy(out->levels[0].sgx, 16, pck->components, 16);
	memset(out->levels[0].tdx, 3, 16);
	out->levels[0].tdx[1] = 0;
	out->levels[1] = level_of(pck->pcesvn - 1u, "OutOfDate", "\"INTEL-SA-00002\"");
	bytes_copy(out->levels[1].sgx, 16, pck->components, 16);
	out->levels[1].sgx[0]--;
	memset(out->levels[1].tdx, 2, 16);
	out->levels[1].tdx[1] = 0;
	out->modules[0] = (struct dcap_test_module){.id = "TDX_01", .level_count = 2};
	out->modules[0].levels[0] = level_of(3, "UpToDate", NULL);
	out->modules[0].levels[1] = level_of(2, "OutOfDate", "\"INTEL-SA-00003\"");
}

void dcap_test_collateral_make(const struct dcap_scene *scene,
			       struct dcap_test_collateral *out)
{
	bool tdx = scene->body_kind != DCAP_SGX;

	*out = (struct dcap_test_collateral){.tdx = tdx};
	make_tcb(scene, tdx, &out->tcb);
	out->qe = (struct dcap_test_identity){
	    .document = document_of(tdx ? "TD_QE" : "QE", 2),
	    .product = tdx ? 2 : 1,
	    .level_count = 2,
	};
	bytes_copy(out->qe.miscselect, 4, scene->qe_report + 16, 4);
	bytes_copy(out->qe.attributes, 16, scene->qe_report + 48, 16);
	bytes_copy(out->qe.signer, 32, scene->qe_report + 128, 32);
	out->qe.levels[0] = level_of(8, "UpToDate", NULL);
	out->qe.levels[1] = level_of(6, "OutOfDate", "\"INTEL-SA-00001\"");
}

/* ---- the texts ---- */

static void hex_member(struct writer *out, const char *name, const uint8_t *ptr,
		       size_t size)
{
	char text[2 * 48 + 1];

	hex_write((struct tobi_bytes){ptr, size}, text, sizeof(text));
	wr_printf(out, "\"%s\":\"%s\"", name, text);
}

static void date_member(struct writer *out, const char *name, int64_t when)
{
	time_t seconds = (time_t)when;
	char text[32];
	struct tm tm;

	must(gmtime_r(&seconds, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	wr_printf(out, "\"%s\":\"%s\",", name, text);
}

static void write_head(const struct dcap_test_document *document, bool has_id,
		       struct writer *out)
{
	wr_printf(out, "{");
	if (has_id)
		wr_printf(out, "\"id\":\"%s\",", document->id);
	wr_printf(out, "\"version\":%u,", document->version);
	date_member(out, "issueDate", document->issued);
	date_member(out, "nextUpdate", document->next_update);
	wr_printf(out, "\"tcbEvaluationDataNumber\":%u,", document->evaluation);
}

static void write_components(const uint8_t components[static 16], const char *name,
			     struct writer *out)
{
	wr_printf(out, "\"%s\":[", name);
	for (unsigned i = 0; i < 16; i++)
		wr_printf(out, "%s{\"svn\":%u}", i ? "," : "", components[i]);
	wr_printf(out, "],");
}

static void write_advice(const struct dcap_test_level *level, struct writer *out)
{
	wr_printf(out, ",\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", level->date,
		  level->status);
	if (level->advisories)
		wr_printf(out, ",\"advisoryIDs\":[%s]", level->advisories);
	wr_printf(out, "}");
}

static void write_svn_levels(const struct dcap_test_level *levels, size_t count,
			     struct writer *out)
{
	wr_printf(out, "\"tcbLevels\":[");
	for (size_t i = 0; i < count; i++) {
		wr_printf(out, "%s{\"tcb\":{\"isvsvn\":%u}", i ? "," : "",
			  levels[i].pcesvn);
		write_advice(&levels[i], out);
	}
	wr_printf(out, "]");
}

static void write_module(const struct dcap_test_module *module, struct writer *out)
{
	static const uint8_t mask[8] = {255, 255, 255, 255, 255, 255, 255, 255};

	wr_printf(out, "{");
	if (module->id)
		wr_printf(out, "\"id\":\"%s\",", module->id);
	hex_member(out, "mrsigner", module->signer, 48);
	wr_printf(out, ",");
	hex_member(out, "attributes", module->attributes, 8);
	wr_printf(out, ",");
	hex_member(out, "attributesMask", mask, 8);
	if (module->id) {
		wr_printf(out, ",");
		write_svn_levels(module->levels, module->level_count, out);
	}
	wr_printf(out, "}");
}

static void write_modules(const struct dcap_test_tcb *tcb, struct writer *out)
{
	wr_printf(out, "\"tdxModule\":");
	write_module(&tcb->module, out);
	if (tcb->module_count)
		wr_printf(out, ",\"tdxModuleIdentities\":[");
	for (size_t i = 0; i < tcb->module_count; i++) {
		wr_printf(out, "%s", i ? "," : "");
		write_module(&tcb->modules[i], out);
	}
	wr_printf(out, "%s,", tcb->module_count ? "]" : "");
}

static void write_level(const struct dcap_test_level *level, unsigned version, bool tdx,
			struct writer *out)
{
	wr_printf(out, "{\"tcb\":{");
	for (unsigned i = 0; version == 2 && i < 16; i++)
		wr_printf(out, "\"sgxtcbcomp%02usvn\":%u,", i + 1, level->sgx[i]);
	if (version != 2)
		write_components(level->sgx, "sgxtcbcomponents", out);
	if (tdx)
		write_components(level->tdx, "tdxtcbcomponents", out);
	wr_printf(out, "\"pcesvn\":%u}", level->pcesvn);
	write_advice(level, out);
}

/* The first place where a text stands becomes another; it must be there. */
static void replace(struct writer *text, const char *from, const char *to)
{
	struct writer out = wr_init(LIMIT_DOCUMENT);
	const uint8_t *at;

	if (!from)
		return;
	at = memmem(text->ptr, text->size, from, strlen(from));
	must(at != NULL);
	wr_bytes(&out, text->ptr, (size_t)(at - text->ptr));
	wr_bytes(&out, to, strlen(to));
	at += strlen(from);
	wr_bytes(&out, at, (size_t)(text->ptr + text->size - at));
	wr_done(text);
	*text = out;
}

static void edit(const struct dcap_test_document *document, struct writer *text,
		 struct writer *out)
{
	for (size_t i = 0; i < DCAP_TEST_EDITS; i++)
		replace(text, document->edits[i].from, document->edits[i].to);
	wr_bytes(out, text->ptr, text->size);
	must(!wr_err(text) && !wr_err(out));
	wr_done(text);
}

void dcap_test_tcb_value(const struct dcap_test_tcb *tcb, struct writer *out)
{
	const struct dcap_test_document *document = &tcb->document;
	bool tdx = strcmp(document->id, "TDX") == 0;
	struct writer text = wr_init(LIMIT_DOCUMENT);

	write_head(document, document->version != 2, &text);
	hex_member(&text, "fmspc", tcb->fmspc, 6);
	wr_printf(&text, ",");
	hex_member(&text, "pceId", tcb->pce_id, 2);
	wr_printf(&text, ",\"tcbType\":%u,", tcb->type);
	if (tdx)
		write_modules(tcb, &text);
	wr_printf(&text, "\"tcbLevels\":[");
	for (size_t i = 0; i < tcb->level_count; i++) {
		wr_printf(&text, "%s", i ? "," : "");
		write_level(&tcb->levels[i], document->version, tdx, &text);
	}
	wr_printf(&text, "]}");
	edit(document, &text, out);
}

/* Masks as Intel's: MODE64BIT and xfrm are not compared. */
void dcap_test_identity_value(const struct dcap_test_identity *identity,
			      struct writer *out)
{
	static const uint8_t mask[16] = {0xfb, 255, 255, 255, 255, 255, 255, 255};
	struct writer text = wr_init(LIMIT_DOCUMENT);

	write_head(&identity->document, true, &text);
	hex_member(&text, "miscselect", identity->miscselect, 4);
	wr_printf(&text, ",\"miscselectMask\":\"FFFFFFFF\",");
	hex_member(&text, "attributes", identity->attributes, 16);
	wr_printf(&text, ",");
	hex_member(&text, "attributesMask", mask, 16);
	wr_printf(&text, ",");
	hex_member(&text, "mrsigner", identity->signer, 32);
	wr_printf(&text, ",\"isvprodid\":%u,", identity->product);
	write_svn_levels(identity->levels, identity->level_count, &text);
	wr_printf(&text, "}");
	edit(&identity->document, &text, out);
}

/* ---- the set ---- */

static void write_envelope(const struct dcap_test_document *document, const char *member,
			   struct tobi_bytes value, struct writer *out)
{
	uint8_t signature[64];
	char text[129];

	dcap_scene_sign(document->signer, value, signature);
	signature[63] ^= document->damage_signature;
	hex_write((struct tobi_bytes){signature, 64}, text, sizeof(text));
	wr_printf(out, "{\"%s\":", member);
	wr_bytes(out, value.ptr, value.size);
	wr_printf(out, ",\"signature\":\"%s\"}", text);
	replace(out, document->damage.from, document->damage.to);
}

static void put(const struct dcap_scene *scene, const struct dcap_test_document *document,
		const char *member, struct tobi_bytes value, struct collateral_item item,
		struct tobi_collateral *set)
{
	struct writer text = wr_init(LIMIT_DOCUMENT), chain = wr_init(LIMIT_PEM);

	write_envelope(document, member, value, &text);
	for (size_t i = 0; i < document->chain_count; i++)
		dcap_scene_pem(scene, document->chain[i], &chain);
	item.data = wr_view(&text);
	item.chain = wr_view(&chain);
	must(!wr_err(&text) && !wr_err(&chain));
	if (!document->absent)
		must(!collateral_put(set, &item, NULL));
	wr_done(&text);
	wr_done(&chain);
}

void dcap_test_put(const struct dcap_scene *scene,
		   const struct dcap_test_collateral *collateral,
		   struct tobi_collateral *set)
{
	struct writer tcb = wr_init(LIMIT_DOCUMENT), qe = wr_init(LIMIT_DOCUMENT);
	bool tdx = collateral->tdx;
	char name[13];

	dcap_test_tcb_value(&collateral->tcb, &tcb);
	dcap_test_identity_value(&collateral->qe, &qe);
	hex_write((struct tobi_bytes){scene->pck.fmspc, 6}, name, sizeof(name));
	for (size_t i = 0; name[i]; i++)
		name[i] = name[i] >= 'a' ? (char)(name[i] - 'a' + 'A') : name[i];
	put(scene, &collateral->tcb.document, "tcbInfo", wr_view(&tcb),
	    (struct collateral_item){
		.kind = tdx ? COLLATERAL_TDX_TCB_INFO : COLLATERAL_SGX_TCB_INFO,
		.name = collateral->tcb.name ? collateral->tcb.name : name},
	    set);
	put(scene, &collateral->qe.document, "enclaveIdentity", wr_view(&qe),
	    (struct collateral_item){.kind = tdx ? COLLATERAL_TDX_QE_IDENTITY
						 : COLLATERAL_SGX_QE_IDENTITY,
				     .name = ""},
	    set);
	dcap_scene_put_crls(scene, set);
	wr_done(&tcb);
	wr_done(&qe);
}
