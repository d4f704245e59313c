/*
 * Guests of AMD, Intel and Arm by configfs-tsm: a folder that is made for one report, in
 * which the question is written and the answer read.
 *
 * The generation counts what was written. When it is not as many as this attester wrote,
 * another one has written to the same folder, and what was read may answer its question:
 * then all is done again in another folder, a few times; and given up.
 *
 * Source: Linux, Documentation/ABI/testing/configfs-tsm; drivers/virt/coco/guest/.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "attest/rows.h"
#include "attest/snp_pieces.h"
#include "attest/tsm.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

#define REPORTS "/sys/kernel/config/tsm/report"

enum {
	TRIES = 5,
	WAIT_MS = 50,
	NUMBER_MAX = 24,
	PATH_SIZE = 128,
	PROVIDER_MAX = 64,
	PRIVILEGE_MAX = 3,
	AUXILIARY_MAX = 256 << 10,
};

static const char object[] = "configfs-tsm";

/* A folder for one report. */
struct report {
	const struct attest_device *device;
	char folder[PATH_SIZE];
	char path[PATH_SIZE + 32];
	unsigned writes;
};

static const char *file_of(struct report *report, const char *name)
{
	snprintf(report->path, sizeof(report->path), "%s/%s", report->folder, name);
	return report->path;
}

static void report_done(struct report *report)
{
	if (report->device)
		report->device->remove_folder(report->device->context, report->folder);
	report->device = NULL;
}

static enum tobi_err explain_folder(int number, struct tobi_fault *fault)
{
	switch (number) {
	case ENXIO:
	case ENODEV:
	case EOPNOTSUPP:
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, object, "",
		    "the kernel has it, but no provider: this is no guest of "
		    "SEV-SNP, TDX or CCA");
	case ENOENT:
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "there is no " REPORTS ": the kernel is older than 6.7, "
				 "or configfs is not mounted");
	case EACCES:
	case EPERM:
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "this user may not make a folder in " REPORTS
				 "; root may");
	default:
		errno = number;
		return fault_errno(fault, object, "", "cannot make a folder in " REPORTS);
	}
}

static enum tobi_err report_new(const struct attest_device *device,
				struct report *ret_report, struct tobi_fault *fault)
{
	struct report report = {0};
	uint8_t random[8];
	char hex[2 * sizeof(random) + 1];

	for (unsigned i = 0; i < TRIES; i++) {
		if (RAND_bytes(random, sizeof(random)) != 1)
			return fault_set(fault, TOBI_E_CRYPTO, object, "",
					 "no random bytes");
		hex_write((struct tobi_bytes){random, sizeof(random)}, hex, sizeof(hex));
		snprintf(report.folder, sizeof(report.folder), REPORTS "/tobichi-%s",
			 hex);
		if (!device->make_folder(device->context, report.folder)) {
			report.device = device;
			*ret_report = report;
			return TOBI_OK;
		}
		if (errno != EEXIST)
			return explain_folder(errno, fault);
	}
	return explain_folder(EEXIST, fault);
}

bool tsm_number(struct tobi_bytes text, uint64_t *ret_number)
{
	uint64_t number = 0;

	while (text.size && text.ptr[text.size - 1] == '\n')
		text.size--;
	if (!text.size || text.size > 19)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		number = 10 * number + (uint64_t)(text.ptr[i] - '0');
	}
	*ret_number = number;
	return true;
}

static enum tobi_err read_number(struct report *report, const char *name,
				 uint64_t *ret_number, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(NUMBER_MAX);
	enum tobi_err err =
	    device_get(report->device, file_of(report, name), NUMBER_MAX, &text, fault);

	if (!err && !tsm_number(wr_view(&text), ret_number))
		err = fault_set(fault, TOBI_E_MALFORMED, object, name,
				"the kernel gives no number");
	return err;
}

const char *tsm_kind(struct tobi_bytes provider)
{
	static const struct {
		const char *provider, *kind;
	} kinds[] = {{"sev_guest", "snp-report"},
		     {"tdx_guest", "tdx-quote"},
		     {"arm-cca-guest", "cca-token"},
		     {"arm_cca_guest", "cca-token"}};

	while (provider.size && provider.ptr[provider.size - 1] == '\n')
		provider.size--;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (bytes_equal_text(provider, kinds[i].provider))
			return kinds[i].kind;
	}
	return NULL;
}

static enum tobi_err read_provider(struct report *report, const char **ret_kind,
				   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(PROVIDER_MAX);
	enum tobi_err err = device_get(report->device, file_of(report, "provider"),
				       PROVIDER_MAX, &text, fault);

	if (err)
		return err;
	*ret_kind = tsm_kind(wr_view(&text));
	return *ret_kind ? TOBI_OK
			 : fault_set(fault, TOBI_E_UNSUPPORTED, object, "provider",
				     "'%.*s' is not known here", (int)text.size,
				     (const char *)text.ptr);
}

/* A guest below another one may not ask for the level above. */
static enum tobi_err write_privilege(struct report *report, int wanted,
				     struct tobi_fault *fault)
{
	char text[NUMBER_MAX];
	uint64_t level = wanted < 0 ? 0 : (uint64_t)wanted;
	enum tobi_err err = TOBI_OK;

	if (wanted < 0) {
		err = read_number(report, "privlevel_floor", &level, fault);
		/* Kinds without levels, and kernels that do not tell. */
		if (err == TOBI_E_NOT_FOUND || (!err && level == 0))
			return TOBI_OK;
	}
	if (err)
		return err;
	if (level > PRIVILEGE_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "privlevel",
				 "0 to %d is allowed", PRIVILEGE_MAX);
	snprintf(text, sizeof(text), "%u", (unsigned)level);
	err = device_put(report->device, file_of(report, "privlevel"),
			 bytes_of_text(text), fault);
	if (!err)
		report->writes++;
	return err;
}

/* Certificates of the host, where there are some; not every kernel has the file. */
static enum tobi_err read_auxiliary(struct report *report, struct writer *out,
				    struct tobi_fault *fault)
{
	enum tobi_err err = device_get(report->device, file_of(report, "auxblob"),
				       AUXILIARY_MAX, out, fault);

	return err == TOBI_E_NOT_FOUND ? TOBI_OK : err;
}

/* What was read in one go. */
struct answer {
	const char *kind;
	struct writer evidence, auxiliary;
	bool disturbed; /* by another writer */
};

static void answer_done(struct answer *answer)
{
	wr_done(&answer->evidence);
	wr_done(&answer->auxiliary);
}

static enum tobi_err ask(struct report *report, const struct attest_request *request,
			 struct answer *answer, struct tobi_fault *fault)
{
	uint64_t before = 0, after = 0;
	enum tobi_err err = read_number(report, "generation", &before, fault);

	if (!err)
		err = read_provider(report, &answer->kind, fault);
	if (!err)
		err = write_privilege(report, request->privilege, fault);
	if (!err)
		err = device_put(report->device, file_of(report, "inblob"),
				 (struct tobi_bytes){request->data, ATTEST_DATA_SIZE},
				 fault);
	if (!err) {
		report->writes++;
		err = device_get(report->device, file_of(report, "outblob"),
				 LIMIT_EVIDENCE, &answer->evidence, fault);
	}
	if (!err)
		err = read_auxiliary(report, &answer->auxiliary, fault);
	if (!err)
		err = read_number(report, "generation", &after, fault);
	/* The kernel says so, too: it was written to while it was read. */
	answer->disturbed = err == TOBI_E_EXISTS;
	if (answer->disturbed)
		return TOBI_OK;
	if (!err)
		answer->disturbed = after - before != report->writes;
	return err;
}

static enum tobi_err ask_anew(const struct attest_request *request, struct answer *answer,
			      struct tobi_fault *fault)
{
	CLEANUP(report_done) struct report report = {0};
	enum tobi_err err = report_new(request->device, &report, fault);

	return err ? err : ask(&report, request, answer, fault);
}

static enum tobi_err take(struct answer *answer, struct attest_output *output,
			  struct tobi_fault *fault)
{
	output->kind = answer->kind;
	wr_bytes(&output->evidence, answer->evidence.ptr, answer->evidence.size);
	if (strcmp(answer->kind, "snp-report") == 0)
		return snp_pieces_add(wr_view(&answer->auxiliary), output, fault);
	return TOBI_OK;
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < TRIES; i++) {
		CLEANUP(answer_done)
		struct answer answer = {.evidence = wr_init(LIMIT_EVIDENCE),
					.auxiliary = wr_init(AUXILIARY_MAX)};
		enum tobi_err err = ask_anew(request, &answer, fault);

		if (err)
			return err;
		if (!answer.disturbed)
			return take(&answer, output, fault);
		request->device->wait(request->device->context, (unsigned)WAIT_MS << i);
	}
	return fault_set(fault, TOBI_E_EXISTS, object, "generation",
			 "another writer changes the report while it is made, each time; "
			 "find out who else writes below " REPORTS);
}

/* The provider is told in a report's folder only. */
static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	CLEANUP(report_done) struct report report = {0};
	enum tobi_err err = report_new(request->device, &report, fault);

	return err ? err : read_provider(&report, ret_kind, fault);
}

const struct attester attester_tsm = {
    .name = "tsm",
    .title = "a guest of SEV-SNP, TDX or CCA, by configfs-tsm",
    .present = present,
    .get = get,
};
