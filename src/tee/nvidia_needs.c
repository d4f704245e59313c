#include "tee/nvidia_needs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "tee/nvidia.h"
#include "tee/nvidia_chain.h"
#include "tee/nvidia_evidence.h"
#include "tee/nvidia_rim.h"

DEFINE_CLEANUP(OCSP_REQUEST *, OCSP_REQUEST_free)

static const char object[] = "evidence";

enum { NEEDS_ARENA = 8 << 20 };

/* ---- reference values ---- */

static bool is_plain(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	}
	return size > 0;
}

/* The id goes into an address: what the device says is no more than a name in it. */
static enum tobi_err add_rim(struct needs *needs, const char *id, const char *version,
			     struct tobi_fault *fault)
{
	struct need need = {.service = SERVICE_RIM, .kind = COLLATERAL_NVIDIA_RIM};

	if (!is_plain(id))
		return fault_set(fault, TOBI_E_MALFORMED, object, "version",
				 "the report has a version that names no file");
	if (strlen(version) <= NEED_NAME_MAX)
		snprintf(need.name, sizeof(need.name), "%s", version);
	snprintf(need.path, sizeof(need.path), "/v1/rim/%s", id);
	return needs_add(needs, &need, fault);
}

/* "96.00.9F.00.01" as "96009F0001". */
static void without_dots(const char *text, char ret_text[static NVIDIA_TEXT_MAX])
{
	size_t size = 0;

	for (; *text && size + 1 < NVIDIA_TEXT_MAX; text++) {
		if (*text != '.')
			ret_text[size++] = (char)toupper((unsigned char)*text);
	}
	ret_text[size] = 0;
}

static enum tobi_err add_rims(struct needs *needs, const struct spdm_report *report,
			      const char *chip, struct tobi_fault *fault)
{
	char project[NVIDIA_TEXT_MAX] = "", sku[NVIDIA_TEXT_MAX] = "";
	char chip_sku[NVIDIA_TEXT_MAX] = "", version[NVIDIA_TEXT_MAX] = "";
	char bare[NVIDIA_TEXT_MAX], id[5 * NVIDIA_TEXT_MAX];
	bool is_switch = strncmp(chip, "LS", 2) == 0;
	enum tobi_err err = TOBI_OK;

	if (!spdm_report_text(report, SPDM_FIELD_PROJECT, project, sizeof(project)) ||
	    !spdm_report_text(report, SPDM_FIELD_PROJECT_SKU, sku, sizeof(sku)) ||
	    !spdm_report_text(report, SPDM_FIELD_CHIP_SKU, chip_sku, sizeof(chip_sku)) ||
	    !spdm_report_vbios(report, version, sizeof(version)))
		return fault_set(
		    fault, TOBI_E_MALFORMED, object, "board",
		    "the report does not say which board and firmware it is");
	without_dots(version, bare);
	snprintf(id, sizeof(id), "%s_%s_%s_%s_%s",
		 is_switch ? "NV_SWITCH_BIOS" : "NV_GPU_VBIOS", project, sku, chip_sku,
		 bare);
	err = add_rim(needs, id, version, fault);
	/* A switch has no driver of its own. */
	if (err || is_switch)
		return err;
	if (!chip[0]) {
		needs->note =
		    "the report's certificates did not come with it (give it as "
		    "JSON): neither the driver's reference values nor answers "
		    "on revocation can be asked for";
		return TOBI_OK;
	}
	if (!spdm_report_text(report, SPDM_FIELD_DRIVER, version, sizeof(version)))
		return fault_set(fault, TOBI_E_MALFORMED, object, "driver",
				 "the report does not say which driver it is");
	snprintf(id, sizeof(id), "NV_GPU_DRIVER_%s_%s", chip, version);
	return add_rim(needs, id, version, fault);
}

/* ---- answers on revocation ---- */

static OCSP_REQUEST *make_request(X509 *certificate, X509 *issuer)
{
	CLEANUP(OCSP_REQUEST_freep) OCSP_REQUEST *request = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha384(), certificate, issuer);

	if (!request || !id || !OCSP_request_add0_id(request, id)) {
		OCSP_CERTID_free(id);
		return NULL;
	}
	return TAKE(request);
}

static enum tobi_err add_answer(struct needs *needs, X509 *certificate, X509 *issuer,
				struct tobi_fault *fault)
{
	struct need need = {.service = SERVICE_OCSP, .kind = COLLATERAL_OCSP};
	CLEANUP(OCSP_REQUEST_freep)
	OCSP_REQUEST *request = make_request(certificate, issuer);
	CLEANUP(wr_done) struct writer path = wr_init(NEED_PATH_MAX - 1);
	unsigned char *der = NULL;
	int size = request ? i2d_OCSP_REQUEST(request, &der) : -1;

	if (size <= 0 || size > NEED_BODY_MAX) {
		OPENSSL_free(der);
		return fault_openssl(fault, object, "certificate",
				     "no question can be made of it");
	}
	bytes_copy(need.body, sizeof(need.body), der, (size_t)size);
	need.body_size = (size_t)size;
	/* It tells one question from another; it is not sent. */
	wr_u8(&path, '/');
	base64url_write(&path, (struct tobi_bytes){der, (size_t)size});
	OPENSSL_free(der);
	if (wr_err(&path))
		return fault_set(fault, wr_err(&path), object, "certificate", "no room");
	bytes_copy(need.path, NEED_PATH_MAX - 1, path.ptr, path.size);
	ocsp_name(X509_get0_serialNumber(certificate), need.name);
	return needs_add(needs, &need, fault);
}

/* Of a device the first one was signed by the device itself; the root by nobody else. */
static enum tobi_err add_answers(struct needs *needs, const struct nvidia_chain *chain,
				 enum nvidia_chain_kind kind, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = kind == NVIDIA_DEVICE; i + 1 < chain->count && !err; i++)
		err = add_answer(needs, chain->certificates[i],
				 chain->certificates[i + 1], fault);
	return err;
}

/* ---- all of it ---- */

static enum tobi_err add_device(struct needs *needs,
				const struct nvidia_evidence_of *device,
				const struct nvidia_material *material,
				struct tobi_fault *fault)
{
	static const struct key_pins nobody = {0};
	static const struct tee_request request = {0};
	CLEANUP(nvidia_chain_unref) struct nvidia_chain *chain = NULL;
	enum tobi_err err = TOBI_OK;

	if (device->chain.size)
		err = nvidia_chain_read(device->chain, &nobody, &request, material,
					&chain, fault);
	if (!err)
		err = add_rims(needs, &device->report, chain ? chain->chip : "", fault);
	return err || !chain ? err : add_answers(needs, chain, NVIDIA_DEVICE, fault);
}

enum tobi_err nvidia_needs(struct tobi_bytes evidence, struct needs *needs,
			   struct tobi_fault *fault)
{
	CLEANUP(arena_done) struct arena arena = arena_init(NEEDS_ARENA);
	struct nvidia_material *material = arena_alloc(&arena, sizeof(*material));
	enum tobi_err err;

	if (!nvidia_evidence_is(evidence))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "it is no evidence of a device of NVIDIA");
	if (!material)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = nvidia_material_take(material, evidence, &arena, fault);
	for (size_t i = 0; i < material->device_count && !err; i++)
		err = add_device(needs, &material->devices[i], material, fault);
	return err;
}

enum tobi_err nvidia_needs_of_rim(struct tobi_bytes bytes, struct needs *needs,
				  struct tobi_fault *fault)
{
	static const struct key_pins nobody = {0};
	static const struct tee_request request = {0};
	static const struct nvidia_material nothing = {0};
	CLEANUP(nvidia_rim_unref) struct nvidia_rim *rim = NULL;
	struct nvidia_document document = {.bytes = bytes};
	enum tobi_err err = hash_sha256(bytes, document.hash);

	if (!err)
		err =
		    nvidia_rim_read(&document, &nobody, &request, &nothing, &rim, fault);
	return err || !rim->chain ? err
				  : add_answers(needs, rim->chain, NVIDIA_SIGNER, fault);
}
