#include "tee/dcap_qe.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"

static const char object_name[] = "QE identity";

enum tobi_err dcap_qe_identity_read(struct tobi_bytes json, struct arena *arena,
				    struct dcap_qe_identity *ret_identity,
				    struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	struct dcap_reader rd = {object_name, arena, fault, TOBI_OK};
	struct dcap_qe_identity out = {0};
	const char *id;

	rd.err = json_parse(json, LIMIT_DOCUMENT, object_name, &root, fault);
	if (dcap_number(&rd, root, "version", UINT32_MAX) != 2 && !rd.err)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object_name, "version",
				 "only version 2 is known here");
	id = dcap_text(&rd, root, "id");
	out.tdx = strcmp(id, "TD_QE") == 0;
	if (!rd.err && !out.tdx && strcmp(id, "QE") != 0)
		dcap_fail(&rd, "id", "it is neither QE nor TD_QE");
	out.issued = dcap_date(&rd, root, "issueDate");
	out.next_update = dcap_date(&rd, root, "nextUpdate");
	out.evaluation =
	    (uint32_t)dcap_number(&rd, root, "tcbEvaluationDataNumber", UINT32_MAX);
	dcap_hex(&rd, root, "miscselect", out.miscselect, sizeof(out.miscselect));
	dcap_hex(&rd, root, "miscselectMask", out.miscselect_mask,
		 sizeof(out.miscselect_mask));
	dcap_hex(&rd, root, "attributes", out.attributes, sizeof(out.attributes));
	dcap_hex(&rd, root, "attributesMask", out.attributes_mask,
		 sizeof(out.attributes_mask));
	dcap_hex(&rd, root, "mrsigner", out.signer, sizeof(out.signer));
	out.product = (uint16_t)dcap_number(&rd, root, "isvprodid", UINT16_MAX);
	out.levels = dcap_svn_levels(&rd, root);
	if (!rd.err)
		*ret_identity = out;
	return rd.err;
}

static bool equal_under(const uint8_t *mask, const uint8_t *a, const uint8_t *b,
			size_t size)
{
	uint8_t differs = 0;

	for (size_t i = 0; i < size; i++)
		differs |= (uint8_t)((a[i] ^ b[i]) & mask[i]);
	return !differs;
}

const char *dcap_qe_differs(const struct dcap_qe_identity *identity,
			    const struct sgx_report *report)
{
	if (memcmp(report->mrsigner.ptr, identity->signer, sizeof(identity->signer)) != 0)
		return "its MRSIGNER";
	if (report->product != identity->product)
		return "its ISVPRODID";
	if (!equal_under(identity->miscselect_mask, report->miscselect.ptr,
			 identity->miscselect, sizeof(identity->miscselect)))
		return "its MISCSELECT";
	if (!equal_under(identity->attributes_mask, report->attributes.ptr,
			 identity->attributes, sizeof(identity->attributes)))
		return "its ATTRIBUTES";
	/* Intel's masks say so as well. */
	return report->flags & SGX_DEBUG ? "it can be debugged" : NULL;
}
