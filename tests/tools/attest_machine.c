/*
 * The devices of a machine that is played, in the place of this machine's, for a build of
 * `tobichi` that only the tests have. What it is says TOBICHI_TEST_MACHINE:
 *   sev-guest, tsm  a guest of SEV-SNP; tdx-guest (with a quoting service), tsm-tdx: of
 *   TDX; tdx-report: without one; tsm-cca: a realm of CCA; nsm: a Nitro enclave;
 *   gramine: an SGX enclave under Gramine; none
 * Its makers are those of the tests' scenes; their policy, collateral and time, as files
 * for `tobichi verify`, go to the folder TOBICHI_TEST_FOLDER.
 * TOBICHI_TEST_DISTURB=N: another one writes N times while a report is made.
 * The metadata service is asked for real.
 *
 * With daemons/platform/main.c it is a platform service on such a machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "attest/system.h"
#include "base/file.h"
#include "collateral/http.h"
#include "tests/check.h"
#include "tests/nitro_scene.h"
#include "tests/snp_scene.h"
#include "tests/tools/attest_machine.h"

static struct stand_in machine;
static struct snp_scene snp;
static struct writer extended;

void machine_put(const char *name, struct tobi_bytes bytes)
{
	const char *folder = getenv("TOBICHI_TEST_FOLDER");
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : ".", name);
	if (file_write(path, 0644, bytes, name, NULL))
		abort();
}

void machine_put_time(int64_t seconds)
{
	const time_t now = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&now, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		abort();
	machine_put("time", text_bytes(text));
}

static void make_report(struct stand_in *played, const uint8_t *data, struct writer *out)
{
	(void)played;
	bytes_copy(snp.report + 0x50, 64, data, 64);
	snp_scene_report(&snp, out);
}

static void prepare_snp(struct stand_in *played)
{
	struct writer policy = wr_init(LIMIT_POLICY);

	snp_scene_make(&snp);
	snp.now = snp.time = time(NULL);
	snp.leaf_from = snp.crl_from = snp.now - SNP_DAY;
	snp.leaf_to = snp.crl_to = snp.now + SNP_DAY;
	snp_scene_pieces(&snp);
	extended = wr_init(LIMIT_EVIDENCE);
	snp_scene_extended(&snp, &extended);
	played->table = (struct tobi_bytes){extended.ptr + 1184, extended.size - 1184};
	played->make = make_report;
	snp_scene_policy(&snp, &policy);
	machine_put("policy.yaml", wr_view(&policy));
	wr_done(&policy);
	machine_put_time(snp.time);
}

static void make_document(struct stand_in *played, const uint8_t *data,
			  struct writer *out)
{
	struct test_nitro *nitro = played->maker;

	nitro->timestamp = (uint64_t)time(NULL) * 1000;
	nitro->nonce = (struct tobi_bytes){data, 32};
	test_nitro_document(nitro, out);
}

static void prepare_nitro(struct stand_in *played)
{
	static struct test_nitro nitro;
	struct writer policy = wr_init(LIMIT_POLICY);

	test_nitro_make(&nitro, NITRO_ENCLAVE);
	nitro.now = time(NULL);
	for (size_t i = 0; i < NITRO_PLACES; i++) {
		nitro.certificates[i].not_before += nitro.now - NITRO_NOW;
		nitro.certificates[i].not_after += nitro.now - NITRO_NOW;
	}
	played->make = make_document;
	played->maker = &nitro;
	test_nitro_policy(&nitro, &policy);
	machine_put("policy.yaml", wr_view(&policy));
	wr_done(&policy);
	machine_put_time(nitro.now);
}

static enum tobi_err ask_http(void *context, const struct http_request *request,
			      struct http_answer *ret_answer, struct tobi_fault *fault)
{
	const struct http_settings settings = {.timeout_ms = 3000, .tries = 3};
	struct http_client *client = NULL;
	enum tobi_err err = http_client_new(&settings, &client, fault);

	(void)context;
	if (!err)
		err = http_get(client, request, ret_answer, fault);
	http_client_free(client);
	return err;
}

/* boot.log in the tests' folder is the firmware's log. */
static void put_log(void)
{
	const char *folder = getenv("TOBICHI_TEST_FOLDER");
	struct writer log = wr_init(LIMIT_EVIDENCE);
	char path[1024];

	snprintf(path, sizeof(path), "%s/boot.log", folder ? folder : ".");
	if (!file_read(path, LIMIT_EVIDENCE, "log", &log, NULL))
		stand_in_put(&machine,
			     "/sys/kernel/security/tpm0/binary_bios_measurements",
			     wr_view(&log));
	wr_done(&log);
}

const struct attest_device *attest_system(void)
{
	static const struct {
		const char *name;
		unsigned has;
		void (*prepare)(struct stand_in *machine);
	} kinds[] = {{"sev-guest", STAND_IN_SEV_GUEST, prepare_snp},
		     {"tsm", STAND_IN_TSM, prepare_snp},
		     {"tsm-cca", STAND_IN_TSM, machine_cca},
		     {"tsm-tdx", STAND_IN_TSM, machine_tdx},
		     {"tdx-guest", STAND_IN_TDX_GUEST | STAND_IN_QUOTES, machine_tdx},
		     {"nsm", STAND_IN_NSM, prepare_nitro},
		     {"gramine", STAND_IN_GRAMINE, machine_sgx},
		     {"tdx-report", STAND_IN_TDX_GUEST, NULL},
		     {"none", 0, NULL}};
	const char *name = getenv("TOBICHI_TEST_MACHINE");
	const char *disturb = getenv("TOBICHI_TEST_DISTURB");

	if (machine.device.open)
		return &machine.device;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!name || strcmp(name, kinds[i].name) != 0)
			continue;
		stand_in_make(&machine, kinds[i].has);
		machine.device.http = ask_http;
		put_log();
		machine.disturbances = disturb ? (unsigned)strtoul(disturb, NULL, 10) : 0;
		if (kinds[i].prepare)
			kinds[i].prepare(&machine);
		return &machine.device;
	}
	abort();
}
