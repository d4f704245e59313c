#include "tee/nvidia_device.h"

#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "pki/signature.h"
#include "tee/nvidia_chain.h"
#include "tee/nvidia_rim_match.h"

#define NVTRUST "NVIDIA attestation SDK; "
#define SPEC "Tobichi protocols, section 14.13"

static const struct check check_chain = {
    "GPU-CHAIN",
    "the device's certificates came, leaf first, and go back to NVIDIA's root",
    NVTRUST "RFC 5280, section 6",
    "Give the device's chain as NVIDIA's tool writes it: `tobichi verify --with "
    "cert_chain.pem`."};
static const struct check check_profile = {
    "GPU-PROFILE",
    "each certificate is of the kind that NVIDIA's devices have: P-384, for its use, of "
    "one chip",
    NVTRUST "TCG DICE", "Somebody else than NVIDIA made it. Do not use the device."};
static const struct check check_signature = {
    "GPU-SIGNATURE", "the device's key has signed the request and its measurements",
    "DMTF DSP0274 1.1, section 10.11",
    "The report was changed, or is of another device than the certificates."};
static const struct check check_fwid = {
    "GPU-FWID", "the firmware that reports is the one that its certificate was made for",
    NVTRUST "TCG DICE", "The device may run changed firmware. Do not use it."};
static const struct check check_nonce = {
    "GPU-NONCE", "the device was asked with what it is to be bound to", SPEC,
    "Ask each device with the SHA-256 of the CPU's evidence as the nonce; devices alone, "
    "all with one nonce."};
static const struct check check_twice = {
    "GPU-TWICE", "each device is there once", SPEC,
    "Give one report of each device: the same one twice proves no second one."};
static const struct check check_arch = {
    "GPU-ARCH", "the device is of the architecture that its evidence names",
    NVTRUST "serialized evidence", "Ask the device for the evidence again."};
static const struct check check_revoked = {
    "GPU-REVOKED", "no answer on revocation that came says that a certificate is revoked",
    "RFC 6960, section 2.2", "NVIDIA does not vouch for it any more. Do not use it."};
static const struct check check_ocsp = {
    "GPU-OCSP-SIGNATURE",
    "who may answer for the certificates' issuers has signed the answers that came",
    "RFC 6960, section 4.2.2.2", "Ask NVIDIA's OCSP responder again."};

const struct check *const nvidia_checks[] = {
    &check_chain,	&check_profile,	  &check_signature, &check_fwid,
    &check_nonce,	&check_twice,	  &check_arch,	    &check_revoked,
    &check_ocsp,	&check_rim_form,  &check_rim_chain, &check_rim_signature,
    &check_rim_version, &check_rim_index, &check_rim_match, NULL,
};

/* By the first part of the chip's name. */
static const struct {
	const char *chip, *architecture;
} architectures[] = {{"GH", "HOPPER"}, {"GB", "BLACKWELL"}, {"LS", "LS10"}};

const char *nvidia_architecture(const char *chip)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++) {
		if (strncmp(chip, architectures[i].chip, 2) == 0)
			return architectures[i].architecture;
	}
	return "";
}

/* Of several devices it is said which. */
static const char *told(const struct nvidia_appraisal *about, size_t index,
			const char *what)
{
	const char *text = what;

	if (what[0] && about->material->device_count > 1)
		text =
		    arena_printf(about->list->arena, "device %zu: %s", index + 1, what);
	return text ? text : what;
}

static bool record(const struct nvidia_appraisal *about, size_t index,
		   const struct check *check, bool passed, const char *expected,
		   const char *found)
{
	return check_record(about->list, check, passed, expected,
			    told(about, index, found));
}

/* A report as it is does not say which of the chains that came is its own: the one whose
 * key has signed it. Tried first is the one at the same place. */
static enum tobi_err find_chain(const struct nvidia_appraisal *about, size_t index,
				struct nvidia_chain **ret_chain, bool *ret_signed,
				struct tobi_fault *fault)
{
	const struct nvidia_material *material = about->material;
	const struct nvidia_evidence_of *device = &material->devices[index];
	size_t count = device->chain.size ? 1 : material->chain_count;

	for (size_t i = 0; i < count; i++) {
		CLEANUP(nvidia_chain_unref) struct nvidia_chain *chain = NULL;
		struct tobi_bytes pem = device->chain.size
					    ? device->chain
					    : material->chains[(index + i) % count];
		enum tobi_err err = nvidia_chain_read(
		    pem, &about->request->pins, about->request, material, &chain, fault);

		if (err)
			return err;
		*ret_signed =
		    chain->key && ec_signature_holds(chain->key, device->report.message,
						     device->report.signature);
		if (*ret_signed || i == 0) {
			nvidia_chain_unref(ret_chain);
			*ret_chain = TAKE(chain);
		}
		if (*ret_signed)
			return TOBI_OK;
	}
	return TOBI_OK;
}

static void examine_chain(const struct nvidia_appraisal *about, size_t index,
			  const struct nvidia_chain *chain, bool is_signed)
{
	const char *wrong =
	    chain ? nvidia_chain_wrong(chain) : "no certificates of the device came";

	record(about, index, &check_chain, !wrong[0], "a chain to a trusted root", wrong);
	if (!chain)
		return;
	if (chain->profile)
		record(about, index, &check_profile, !chain->profile[0],
		       "certificates of a device", chain->profile);
	record(about, index, &check_signature, is_signed, "the device's signature",
	       is_signed ? "" : "it does not hold");
}

/* Firmware of early drivers does not say it, nor do switches. */
static void examine_fwid(const struct nvidia_appraisal *about, size_t index,
			 const struct nvidia_chain *chain)
{
	const struct spdm_report *report = &about->material->devices[index].report;
	struct tobi_bytes said = report->fields[SPDM_FIELD_FWID];
	struct tobi_bytes expected = {chain->fwid, NVIDIA_FWID_SIZE};
	char hex[2][2 * NVIDIA_FWID_SIZE + 1] = {"", "of another size"};

	if (!said.ptr || !chain->has_fwid)
		return;
	hex_write(expected, hex[0], sizeof(hex[0]));
	if (said.size == NVIDIA_FWID_SIZE)
		hex_write(said, hex[1], sizeof(hex[1]));
	record(about, index, &check_fwid, bytes_equal(said, expected), hex[0], hex[1]);
}

static void examine_nonce(const struct nvidia_appraisal *about, size_t index)
{
	const struct nvidia_evidence_of *device = &about->material->devices[index];
	struct tobi_bytes nonce = device->report.nonce, expected = about->nonce;
	char hex[2][2 * SPDM_NONCE_SIZE + 1] = {"", ""};

	if (!expected.size && about->material->device_count == 1 &&
	    !device->said_nonce.size) {
		check_waive(about->list, &check_nonce,
			    "it came alone: CLAIMS-NONCE compares it with yours");
		return;
	}
	if (!expected.size)
		expected = about->material->devices[0].report.nonce;
	hex_write(expected, hex[0], sizeof(hex[0]));
	hex_write(nonce, hex[1], sizeof(hex[1]));
	record(about, index, &check_nonce, bytes_equal(expected, nonce), hex[0], hex[1]);
	/* What is said of it elsewhere must be true. */
	if (device->said_nonce.size && !bytes_equal(device->said_nonce, nonce))
		record(about, index, &check_nonce, false,
		       "the nonce that the evidence names", hex[1]);
}

static void examine_arch(const struct nvidia_appraisal *about, size_t index,
			 const struct nvidia_chain *chain)
{
	const char *said = about->material->devices[index].arch;
	const char *is = nvidia_architecture(chain->chip);

	if (said)
		record(about, index, &check_arch, strcmp(said, is) == 0,
		       is[0] ? is : "a chip that is known here", said);
}

static void take_text(const struct spdm_report *report, enum spdm_field field, char *to)
{
	if (!spdm_report_text(report, field, to, NVIDIA_TEXT_MAX))
		to[0] = 0;
}

static uint8_t take_byte(const struct spdm_report *report, enum spdm_field field)
{
	struct tobi_bytes value = report->fields[field];

	return value.size == 1 ? value.ptr[0] : 0;
}

/* A switch has one firmware, and no driver that runs on it. */
static void take_report(const struct spdm_report *report,
			const struct nvidia_chain *chain, struct nvidia_device *device)
{
	take_text(report, SPDM_FIELD_DRIVER, device->driver);
	if (!spdm_report_vbios(report, device->vbios, sizeof(device->vbios)))
		device->vbios[0] = 0;
	take_text(report, SPDM_FIELD_PROJECT, device->project);
	take_text(report, SPDM_FIELD_PROJECT_SKU, device->project_sku);
	take_text(report, SPDM_FIELD_CHIP_SKU, device->chip_sku);
	if (report->fields[SPDM_FIELD_BOARD].size == 4)
		device->board =
		    (uint32_t)load_le(report->fields[SPDM_FIELD_BOARD].ptr, 4);
	device->nvdec = take_byte(report, SPDM_FIELD_NVDEC);
	device->protected_pcie = take_byte(report, SPDM_FIELD_PROTECTED_PCIE);
	if (!chain)
		return;
	device->genuine = !chain->path[0];
	device->is_switch = strncmp(chain->chip, "LS", 2) == 0;
	bytes_copy(device->chip, sizeof(device->chip), chain->chip, sizeof(chain->chip));
	bytes_copy(device->ueid, sizeof(device->ueid), chain->ueid, sizeof(chain->ueid));
	bytes_copy(device->fwid, sizeof(device->fwid), chain->fwid, sizeof(chain->fwid));
}

/* The worst of the device's and of its documents' signers'. */
static void take_answers(const struct nvidia_appraisal *about,
			 const struct nvidia_answers *answers, const char *whose,
			 struct nvidia_device *device)
{
	const char *text;

	device->held |= answers->held;
	if (device->answer_of && answers->worst <= device->answer)
		return;
	device->answer = answers->worst;
	text = arena_printf(about->list->arena, "%s%s%s%s", whose,
			    answers->of[0] ? ", " : "", answers->of,
			    answers->why[0] ? ": " : "");
	if (text)
		text = arena_printf(about->list->arena, "%s%s", text, answers->why);
	device->answer_of = text ? text : whose;
}

static void examine_answers(const struct nvidia_appraisal *about, size_t index,
			    const struct nvidia_chain *chain,
			    const struct nvidia_rims *rims, struct nvidia_device *device)
{
	const struct nvidia_rim *const from[] = {rims->driver, rims->vbios};
	const char *const whose[] = {"of the driver's reference values",
				     "of the firmware's reference values"};
	struct nvidia_answers answers;
	bool revoked, forged;

	if (chain && !chain->path[0]) {
		answers = nvidia_chain_answers(chain, NVIDIA_DEVICE, about->material,
					       about->request);
		take_answers(about, &answers, "of the device", device);
	}
	for (size_t i = 0; i < 2; i++) {
		if (!from[i] || !from[i]->chain || from[i]->chain->path[0])
			continue;
		answers = nvidia_chain_answers(from[i]->chain, NVIDIA_SIGNER,
					       about->material, about->request);
		take_answers(about, &answers, whose[i], device);
	}
	if (!device->answer_of || device->answer == NVIDIA_ANSWER_NONE)
		return;
	revoked = device->answer == NVIDIA_ANSWER_REVOKED;
	forged = device->answer == NVIDIA_ANSWER_FORGED;
	record(about, index, &check_revoked, !revoked, "none",
	       revoked ? device->answer_of : "");
	record(about, index, &check_ocsp, !forged, "", forged ? device->answer_of : "");
}

enum tobi_err nvidia_device_examine(const struct nvidia_appraisal *about, size_t index,
				    struct nvidia_device *device,
				    struct tobi_fault *fault)
{
	const struct spdm_report *report = &about->material->devices[index].report;
	CLEANUP(nvidia_chain_unref) struct nvidia_chain *chain = NULL;
	CLEANUP(nvidia_rims_done) struct nvidia_rims rims = {0};
	bool is_signed = false;
	enum tobi_err err = find_chain(about, index, &chain, &is_signed, fault);

	if (err)
		return err;
	examine_chain(about, index, chain, is_signed);
	take_report(report, chain, device);
	examine_nonce(about, index);
	if (chain) {
		examine_fwid(about, index, chain);
		examine_arch(about, index, chain);
	}
	err = nvidia_rims_find(about, device, &rims, fault);
	if (err)
		return err;
	nvidia_rims_examine(about, index, &rims, device);
	examine_answers(about, index, chain, &rims, device);
	return TOBI_OK;
}

/* By its number, as certified: reports of one differ each time. */
static void examine_twice(const struct nvidia_appraisal *about,
			  const struct nvidia_claims *claims)
{
	for (size_t i = 0; i < claims->count; i++) {
		const struct nvidia_device *device = &claims->devices[i];
		bool twice = false;

		for (size_t j = 0; j < i; j++)
			twice |= memcmp(device->ueid, claims->devices[j].ueid,
					sizeof(device->ueid)) == 0;
		record(about, i, &check_twice, !twice, "another device",
		       twice ? "one that came before" : "");
	}
}

void nvidia_devices_finish(const struct nvidia_appraisal *about,
			   const struct nvidia_claims *claims)
{
	bool any_rim = false, any_answer = false, any_chain = false;

	for (size_t i = 0; i < claims->count; i++) {
		const struct nvidia_device *device = &claims->devices[i];

		any_rim |= device->driver_rim == NVIDIA_RIM_WRONG ||
			   device->driver_rim == NVIDIA_RIM_MATCHED ||
			   device->vbios_rim == NVIDIA_RIM_WRONG ||
			   device->vbios_rim == NVIDIA_RIM_MATCHED;
		any_answer |= device->answer_of && device->answer != NVIDIA_ANSWER_NONE;
		any_chain |= device->chip[0] != 0;
	}
	examine_twice(about, claims);
	if (!any_answer) {
		check_waive(about->list, &check_revoked, "no answer came");
		check_waive(about->list, &check_ocsp, "no answer came");
	}
	if (!any_rim)
		nvidia_rims_waive(about->list);
	if (any_chain)
		check_waive(about->list, &check_fwid, "the report does not name it");
	check_waive(about->list, &check_arch, "the evidence does not name it");
}
