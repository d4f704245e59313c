#include "tee/nvidia_rim_match.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"

#define RIM "TCG RIM Information Model 1.01; "
#define SPEC "Tobichi protocols, section 14.13"

const struct check check_rim_form = {
    "GPU-RIM-FORM", "the reference values that came can be read, and say one thing each",
    RIM "ISO/IEC 19770-2",
    "Get the RIM of this version again from NVIDIA (rim.attestation.nvidia.com)."};
const struct check check_rim_chain = {
    "GPU-RIM-CHAIN", "whoever signed the reference values goes back to NVIDIA's RIM root",
    "RFC 5280, section 6; Tobichi policy, roots",
    "Get the RIM again: NVIDIA signs anew before its signer's certificate ends."};
const struct check check_rim_signature = {
    "GPU-RIM-SIGNATURE", "the signature is over all of the reference values, and holds",
    "W3C XML Signature 1.1; " SPEC,
    "Somebody has changed the file, or it is of another form. Get it again."};
const struct check check_rim_version = {
    "GPU-RIM-VERSION",
    "the reference values are of the chip and version that the device reports", SPEC,
    "Give the RIM of exactly this driver and VBIOS version."};
const struct check check_rim_index = {
    "GPU-RIM-INDEX", "no measurement is listed by both, driver and firmware", SPEC,
    "Give one RIM of the driver and one of the VBIOS, of versions that go together."};
const struct check check_rim_match = {
    "GPU-RIM-MATCH", "each measurement that NVIDIA lists has a value that NVIDIA lists",
    SPEC, "The device runs something else than NVIDIA has published. Do not use it."};

/* That of the video decoder, which may be off, and then has nothing to measure. */
enum { NVDEC_INDEX = 35 };

static const struct check *const rows[] = {&check_rim_form,	 &check_rim_chain,
					   &check_rim_signature, &check_rim_version,
					   &check_rim_index,	 &check_rim_match};

void nvidia_rims_waive(struct checklist *list)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_waive(list, rows[i], "no reference values came");
}

void nvidia_rims_done(struct nvidia_rims *rims)
{
	nvidia_rim_unref(&rims->driver);
	nvidia_rim_unref(&rims->vbios);
}

/* "LS_10" in certificates is "LS10" elsewhere. */
static bool is_same_chip(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += *a == '_';
		b += *b == '_';
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

/* Versions are hexadecimal, and not always of one case. */
static bool is_of(const struct nvidia_rim *rim, const char *version, const char *chip)
{
	return strcasecmp(rim->version, version) == 0 && is_same_chip(rim->product, chip);
}

static bool is_right(const struct nvidia_rim *rim)
{
	return !rim->form[0] && !rim->signature[0] && rim->chain &&
	       !rim->chain->path[0] && rim->chain->profile && !rim->chain->profile[0];
}

/* How much speaks for a document; 0: it is of the other kind. */
static int weight(const struct nvidia_rim *rim, bool vbios, const char *version,
		  const char *chip)
{
	if (!rim->version[0])
		return 1;
	if (rim->is_vbios != vbios)
		return 0;
	return is_of(rim, version, chip) ? 3 + is_right(rim) : 2;
}

struct search {
	const struct nvidia_appraisal *about;
	bool vbios;
	const char *version, *chip;
	struct nvidia_rim *best;
	int weight;
};

static enum tobi_err try_one(struct search *search,
			     const struct nvidia_document *document,
			     struct tobi_fault *fault)
{
	const struct tee_request *request = search->about->request;
	CLEANUP(nvidia_rim_unref) struct nvidia_rim *rim = NULL;
	enum tobi_err err = nvidia_rim_read(document, &request->reference_pins, request,
					    search->about->material, &rim, fault);
	int found;

	if (err)
		return err;
	found = weight(rim, search->vbios, search->version, search->chip);
	if (found > search->weight) {
		nvidia_rim_unref(&search->best);
		search->best = TAKE(rim);
		search->weight = found;
	}
	return TOBI_OK;
}

/* Of the collateral, which may be of a fleet, only those of this version. */
static enum tobi_err find_one(struct search *search, struct nvidia_rim **ret_rim,
			      struct tobi_fault *fault)
{
	const struct nvidia_material *material = search->about->material;
	const struct collateral_item *item;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < material->rim_count && !err; i++)
		err = try_one(search, &material->rims[i], fault);
	for (size_t i = 0;
	     (item = collateral_at(search->about->request->collateral, i)) && !err; i++) {
		struct nvidia_document document = {.bytes = item->data};

		if (item->kind != COLLATERAL_NVIDIA_RIM ||
		    strcasecmp(item->name, search->version) != 0)
			continue;
		bytes_copy(document.hash, SHA256_SIZE, item->hash, SHA256_SIZE);
		err = try_one(search, &document, fault);
	}
	*ret_rim = search->best;
	return err;
}

enum tobi_err nvidia_rims_find(const struct nvidia_appraisal *about,
			       const struct nvidia_device *device,
			       struct nvidia_rims *ret_rims, struct tobi_fault *fault)
{
	struct search driver = {.about = about,
				.vbios = false,
				.version = device->driver,
				.chip = device->chip};
	struct search vbios = {.about = about,
			       .vbios = true,
			       .version = device->vbios,
			       .chip = device->chip};
	enum tobi_err err = find_one(&vbios, &ret_rims->vbios, fault);

	if (err || device->is_switch)
		return err;
	return find_one(&driver, &ret_rims->driver, fault);
}

static bool record(const struct nvidia_appraisal *about, size_t index,
		   const struct check *check, bool passed, const char *expected,
		   const char *found)
{
	const char *text = found;

	if (found[0] && about->material->device_count > 1)
		text =
		    arena_printf(about->list->arena, "device %zu: %s", index + 1, found);
	return check_record(about->list, check, passed, expected, text ? text : found);
}

/* Whether it is genuine, and of what the device runs. */
static bool examine_document(const struct nvidia_appraisal *about, size_t index,
			     const struct nvidia_rim *rim, const char *version,
			     const char *chip)
{
	bool good = record(about, index, &check_rim_form, !rim->form[0], "", rim->form);
	const char *wrong = "";
	char expected[2 * NVIDIA_TEXT_MAX], found[2 * NVIDIA_TEXT_MAX];

	good &= record(about, index, &check_rim_signature, !rim->signature[0], "",
		       rim->signature);
	if (rim->chain) {
		wrong = nvidia_chain_wrong(rim->chain);
		if (!wrong[0] && rim->chain->profile)
			wrong = rim->chain->profile;
		good &= record(about, index, &check_rim_chain, !wrong[0],
			       "a chain to a trusted root", wrong);
	}
	if (!rim->version[0])
		return false;
	snprintf(expected, sizeof(expected), "%s, %s", chip, version);
	snprintf(found, sizeof(found), "%s, %s", rim->product, rim->version);
	good &= record(about, index, &check_rim_version, is_of(rim, version, chip),
		       expected, found);
	return good && rim->chain;
}

static bool is_skipped(const struct nvidia_device *device, size_t index)
{
	return index == NVDEC_INDEX && device->nvdec == SPDM_OFF;
}

/* The first measurement that is not as listed; SPDM_BLOCKS_MAX: all are. Index 0 of the
 * list is the report's block 1. */
static size_t find_mismatch(const struct spdm_report *report,
			    const struct nvidia_rim *rim,
			    const struct nvidia_device *device)
{
	for (size_t i = 0; i < SPDM_BLOCKS_MAX; i++) {
		struct tobi_bytes digest =
		    i < report->block_count ? report->digests[i] : (struct tobi_bytes){0};
		bool active;
		bool listed = nvidia_rim_has(rim, i, digest, &active);

		if (active && !listed && !is_skipped(device, i))
			return i;
	}
	return SPDM_BLOCKS_MAX;
}

static bool match(const struct nvidia_appraisal *about, size_t index,
		  const struct nvidia_rim *rim, const struct nvidia_device *device)
{
	const struct spdm_report *report = &about->material->devices[index].report;
	size_t wrong = find_mismatch(report, rim, device);
	char found[80];

	snprintf(found, sizeof(found), "measurement %zu (block %zu) has another%s", wrong,
		 wrong + 1, wrong < report->block_count ? "" : ": it is not there");
	return record(about, index, &check_rim_match, wrong == SPDM_BLOCKS_MAX,
		      "the values of its RIM", wrong == SPDM_BLOCKS_MAX ? "" : found);
}

static enum nvidia_rim_state examine_one(const struct nvidia_appraisal *about,
					 size_t index, const struct nvidia_rim *rim,
					 const char *version,
					 const struct nvidia_device *device)
{
	if (!rim)
		return NVIDIA_RIM_ABSENT;
	if (!examine_document(about, index, rim, version, device->chip))
		return NVIDIA_RIM_WRONG;
	return match(about, index, rim, device) ? NVIDIA_RIM_MATCHED : NVIDIA_RIM_WRONG;
}

/* Two lists for one measurement: which of them is meant is not known. */
static bool examine_indexes(const struct nvidia_appraisal *about, size_t index,
			    const struct nvidia_rims *rims)
{
	const struct tobi_bytes none = {0};
	char found[64] = "";

	for (size_t i = 0; i < SPDM_BLOCKS_MAX && rims->driver && rims->vbios; i++) {
		bool first, second;

		nvidia_rim_has(rims->driver, i, none, &first);
		nvidia_rim_has(rims->vbios, i, none, &second);
		if (first && second)
			snprintf(found, sizeof(found), "measurement %zu is in both", i);
	}
	return record(about, index, &check_rim_index, !found[0],
		      "each measurement in one of them", found);
}

void nvidia_rims_examine(const struct nvidia_appraisal *about, size_t index,
			 const struct nvidia_rims *rims, struct nvidia_device *device)
{
	device->driver_rim = device->is_switch ? NVIDIA_RIM_NEEDLESS
					       : examine_one(about, index, rims->driver,
							     device->driver, device);
	device->vbios_rim = examine_one(about, index, rims->vbios, device->vbios, device);
	if ((rims->driver || rims->vbios) && !examine_indexes(about, index, rims)) {
		device->driver_rim = NVIDIA_RIM_WRONG;
		device->vbios_rim = NVIDIA_RIM_WRONG;
	}
}
