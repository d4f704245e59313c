/* What a policy asks of NVIDIA's devices, compared with what they are. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/policy_gpu.h"
#include "appraise/policy_section.h"
#include "base/hex.h"
#include "tee/nvidia_claims.h"
#include "tee/spdm_report.h"

#define POLICY "Tobichi policy, gpu"

static const struct check check_count = {
    "POLICY-GPU-COUNT",
    "as many devices as the policy asks for have proven what they are",
    POLICY ".min-count",
    "Give the evidence of each device, asked with the SHA-256 of the CPU's evidence."};
static const struct check check_arch = {
    "POLICY-GPU-ARCH", "each device is of an architecture that the policy names",
    POLICY ".architectures", "Use a device that the policy names."};
static const struct check check_driver = {
    "POLICY-GPU-DRIVER", "each GPU's driver is of a version that the policy accepts",
    POLICY ".drivers; " POLICY ".min-driver",
    "Install that driver; or name the new version, once you have reviewed it."};
static const struct check check_vbios = {
    "POLICY-GPU-VBIOS", "each device's firmware is of a version that the policy accepts",
    POLICY ".vbios",
    "Install that firmware; or name the new version, once you have reviewed it."};
static const struct check check_rim = {
    "POLICY-GPU-RIM",
    "each device's driver and firmware were compared with what NVIDIA has published",
    POLICY ".rim",
    "Give both RIM files (`tobichi verify --with`, or --collateral); without them name "
    "firmware by hash and write rim: optional."};
static const struct check check_ocsp = {
    "POLICY-GPU-OCSP",
    "NVIDIA says at this time of each certificate that it is not revoked",
    POLICY ".ocsp; " POLICY " collateral.grace",
    "Ask NVIDIA's responder (ocsp.ndis.nvidia.com) anew, and give each answer: they "
    "count for a day."};
static const struct check check_hold = {
    "POLICY-GPU-HOLD", "no certificate is on hold, or the policy allows that",
    POLICY ".hold",
    "Early devices are so for good: write hold: allowed if you accept "
    "that."};
static const struct check check_board = {
    "POLICY-GPU-BOARD", "each GPU is of a board and chip model that the policy names",
    POLICY ".projects; " POLICY ".project-skus; " POLICY ".chip-skus; " POLICY ".boards",
    "Compare with what `tobichi verify` shows of the device."};
static const struct check check_fwid = {
    "POLICY-GPU-FWID", "each device's first firmware is one that the policy names",
    POLICY ".fwids", "Name its hash, once you have reviewed it."};
static const struct check check_chip = {
    "POLICY-GPU-CHIP", "each device is one of those that the policy names",
    POLICY ".chips", "Use one of those devices, or name this one's number."};
static const struct check check_pcie = {
    "POLICY-GPU-PCIE", "protected PCIe is as the policy wants it on each GPU",
    POLICY ".protected-pcie",
    "Set the GPU's mode with NVIDIA's tool, and restart the machine."};

static const struct check *const rows[] = {
    &check_count, &check_arch,	&check_driver, &check_vbios, &check_rim,  &check_ocsp,
    &check_hold,  &check_board, &check_fwid,   &check_chip,  &check_pcie, NULL};

void policy_gpu_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.nvidia && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

struct run {
	struct tobi_result *result;
	const struct policy_gpu *asked;
	const struct nvidia_device *device;
	size_t index;
};

/* Of several devices it is said which. */
static void record(const struct run *run, const struct check *check, bool passed,
		   const char *expected, const char *found)
{
	const char *text = found;

	if (run->result->claims.nvidia->count > 1 && found[0])
		text = arena_printf(&run->result->arena, "device %zu: %s", run->index + 1,
				    found);
	check_record(&run->result->list, check, passed, expected, text ? text : found);
}

static bool has_text(const struct gpu_texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++) {
		if (strcasecmp(texts->items[i], text) == 0)
			return true;
	}
	return false;
}

static const char *join(struct tobi_result *result, const struct gpu_texts *texts)
{
	const char *all = texts->items[0];

	for (size_t i = 1; i < texts->count && all; i++)
		all = arena_printf(&result->arena, "%s or %s", all, texts->items[i]);
	return all ? all : "one that the policy names";
}

/* One of a list of texts. */
static void run_texts(const struct run *run, const struct check *check,
		      const struct gpu_texts *texts, const char *found)
{
	if (texts->count)
		record(run, check, has_text(texts, found), join(run->result, texts),
		       found[0] ? found : "not said");
}

static void run_hashes(const struct run *run, const struct check *check,
		       const struct bytes_list *list, const uint8_t *bytes, size_t size)
{
	struct tobi_bytes found = {bytes, size};

	if (list->count)
		record(run, check, run->device->genuine && bytes_list_has(list, found),
		       list->count == 1 ? policy_hex(run->result, list->items[0])
					: "one of those in the policy",
		       policy_hex(run->result, found));
}

/* Number by number; what is not there counts as 0. */
static bool is_at_least(const char *version, const char *least)
{
	while (*version || *least) {
		char *end_version, *end_least;
		unsigned long a = strtoul(version, &end_version, 10);
		unsigned long b = strtoul(least, &end_least, 10);

		if (*end_version && *end_version != '.')
			return false;
		if (a != b)
			return a > b;
		version = end_version + (*end_version == '.');
		least = end_least + (*end_least == '.');
	}
	return true;
}

static void run_driver(const struct run *run)
{
	const char *least = run->asked->min_driver;
	const char *expected;

	/* A switch has none. */
	if (run->device->is_switch)
		return;
	run_texts(run, &check_driver, &run->asked->drivers, run->device->driver);
	if (!least)
		return;
	expected = arena_printf(&run->result->arena, "at least %s", least);
	record(run, &check_driver,
	       run->device->driver[0] && isdigit((unsigned char)run->device->driver[0]) &&
		   is_at_least(run->device->driver, least),
	       expected ? expected : least,
	       run->device->driver[0] ? run->device->driver : "not said");
}

static void run_rim(const struct run *run)
{
	const struct nvidia_device *device = run->device;
	const char *lacks = "";

	if (run->asked->rim_optional)
		return;
	/* What is wrong with one that came is told by a check of its own. */
	if (device->driver_rim == NVIDIA_RIM_ABSENT)
		lacks = "none of the driver came";
	if (device->vbios_rim == NVIDIA_RIM_ABSENT)
		lacks = lacks[0] ? "none came" : "none of the firmware came";
	record(run, &check_rim, !lacks[0], "reference values of both", lacks);
}

static void run_ocsp(const struct run *run)
{
	const struct nvidia_device *device = run->device;
	bool good = device->answer_of && device->answer <= NVIDIA_ANSWER_HOLD;

	if (run->asked->ocsp_required)
		record(run, &check_ocsp, good, "an answer for each certificate",
		       good		   ? ""
		       : device->answer_of ? device->answer_of
					   : "no answer came");
	record(run, &check_hold, !device->held || run->asked->hold_allowed,
	       "none on hold",
	       device->held && !run->asked->hold_allowed
		   ? (device->answer_of ? device->answer_of : "a certificate is on hold")
		   : "");
}

static void run_board(const struct run *run)
{
	const struct nvidia_device *device = run->device;
	char board[16];

	if (device->is_switch)
		return;
	snprintf(board, sizeof(board), "%u", (unsigned)device->board);
	run_texts(run, &check_board, &run->asked->projects, device->project);
	run_texts(run, &check_board, &run->asked->project_skus, device->project_sku);
	run_texts(run, &check_board, &run->asked->chip_skus, device->chip_sku);
	run_texts(run, &check_board, &run->asked->boards, board);
}

static void run_pcie(const struct run *run)
{
	uint8_t wanted = run->asked->protected_pcie, found = run->device->protected_pcie;

	if (!wanted || run->device->is_switch)
		return;
	/* Of a device that does not say so it is not on. */
	record(run, &check_pcie, wanted == SPDM_ON ? found == SPDM_ON : found != SPDM_ON,
	       wanted == SPDM_ON ? "on" : "not on",
	       found == SPDM_ON	   ? "on"
	       : found == SPDM_OFF ? "off"
				   : "not said");
}

static void run_device(const struct run *run)
{
	run_texts(run, &check_arch, &run->asked->architectures,
		  nvidia_architecture(run->device->chip));
	run_driver(run);
	run_texts(run, &check_vbios, &run->asked->vbios, run->device->vbios);
	run_rim(run);
	run_ocsp(run);
	run_board(run);
	run_hashes(run, &check_fwid, &run->asked->fwids, run->device->fwid,
		   NVIDIA_FWID_SIZE);
	run_hashes(run, &check_chip, &run->asked->chips, run->device->ueid,
		   NVIDIA_UEID_SIZE);
	run_pcie(run);
}

static void warn(struct tobi_result *result, const struct policy_gpu *asked)
{
	const struct nvidia_claims *nvidia = result->claims.nvidia;
	bool absent = false, held = false;

	for (size_t i = 0; i < nvidia->count; i++) {
		absent |= nvidia->devices[i].driver_rim == NVIDIA_RIM_ABSENT ||
			  nvidia->devices[i].vbios_rim == NVIDIA_RIM_ABSENT;
		held |= nvidia->devices[i].held;
	}
	if (absent && asked->rim_optional)
		tee_warn(&result->claims,
			 "NOT COMPARED: what a GPU's driver or firmware measured was not "
			 "compared with what NVIDIA has published, and the policy allows "
			 "that (gpu.rim)");
	if (held && asked->hold_allowed)
		tee_warn(&result->claims,
			 "ON HOLD: NVIDIA holds back a certificate of a device, and the "
			 "policy allows that (gpu.hold)");
	if (!nvidia->beside)
		tee_warn(&result->claims,
			 "GPU ALONE: nothing is proven of the machine that it sits in");
}

void policy_gpu_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_gpu nothing = {.min_count = 1};
	const struct nvidia_claims *nvidia = result->claims.nvidia;
	const struct policy_gpu *asked = policy->gpu ? policy->gpu : &nothing;
	char expected[32], found[32];

	/* Evidence that brings no devices along: a certificate's. */
	if (!nvidia && policy_gpu_asks(policy))
		check_record(&result->list, &check_count, false, "devices",
			     "this evidence can bring none along");
	if (!nvidia)
		return;
	snprintf(expected, sizeof(expected), "at least %u", (unsigned)asked->min_count);
	snprintf(found, sizeof(found), "%zu", nvidia->count);
	check_record(&result->list, &check_count, nvidia->count >= asked->min_count,
		     expected, found);
	for (size_t i = 0; i < nvidia->count; i++) {
		const struct run run = {result, asked, &nvidia->devices[i], i};

		run_device(&run);
	}
	for (size_t i = 0; rows[i]; i++)
		check_waive(&result->list, rows[i],
			    nvidia->count ? "the policy does not ask" : "no device came");
	warn(result, asked);
}
