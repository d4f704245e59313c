/* Guests of Arm CCA, Intel TDX and SGX for attest_machine.c: their evidence is made when
 * it is asked for, under keys of the tests' own. */
#include "tests/tools/attest_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "tests/boot_scene.h"
#include "tests/cca_scene.h"
#include "tests/check.h"
#include "tests/tdx_run.h"

static void put_policy(struct writer *policy)
{
	machine_put("policy.yaml", wr_view(policy));
	wr_done(policy);
}

/* ---- Arm CCA ---- */

static void make_token(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct test_cca *cca = machine->maker;

	test_claim_bytes(&cca->realm, 10, (struct tobi_bytes){data, ATTEST_DATA_SIZE});
	test_cca_write(cca, out);
}

void machine_cca(struct stand_in *machine)
{
	static struct test_cca cca;
	struct writer policy = wr_init(LIMIT_POLICY);

	test_cca_make(&cca, CCA_REALM_2);
	machine->provider = "arm_cca_guest\n";
	machine->make = make_token;
	machine->maker = &cca;
	test_cca_policy(&cca, &policy);
	put_policy(&policy);
	machine_put_time(time(NULL));
}

/* ---- Intel TDX and SGX ---- */

static void make_quote(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct tdx_run *run = machine->maker;

	const size_t at = run->scene.body_kind == DCAP_SGX ? 320 : 520; /* REPORTDATA */

	bytes_copy(run->scene.body + at, ATTEST_DATA_SIZE, data, ATTEST_DATA_SIZE);
	dcap_scene_quote(&run->scene, out);
}

static void put_collateral(const struct tdx_run *run)
{
	const char *folder = getenv("TOBICHI_TEST_FOLDER");
	char path[1024];

	snprintf(path, sizeof(path), "%s/collateral", folder ? folder : ".");
	tdx_run_put_collateral(run, path);
}

/* Its firmware has kept a log, whose registers are the guest's. */
static void start_up(struct stand_in *machine, struct tdx_run *run)
{
	struct writer lines = wr_init(LIMIT_POLICY);
	struct boot_scene boot;

	boot_scene_whole(&boot, BOOT_RTMRS);
	for (size_t i = 0; i < 4; i++)
		bytes_copy(run->scene.body + 328 + 48 * i, 48, boot.registers[i + 1], 48);
	stand_in_put(machine, "/sys/firmware/acpi/tables/data/CCEL", wr_view(&boot.log));
	boot_scene_policy(&lines);
	machine_put("boot.lines", wr_view(&lines));
	boot_scene_done(&boot);
	wr_done(&lines);
}

void machine_tdx(struct stand_in *machine)
{
	static struct tdx_run run;
	struct writer policy = wr_init(LIMIT_POLICY);

	tdx_run_init(&run);
	tdx_run_kind(&run, 5, DCAP_TD15);
	/* An enclave's evidence is of today. */
	tdx_run_move(&run, time(NULL));
	start_up(machine, &run);
	machine->provider = "tdx_guest\n";
	machine->make = make_quote;
	machine->maker = &run;
	tdx_run_policy(&run, "", &policy);
	put_policy(&policy);
	put_collateral(&run);
	machine_put_time(run.time);
}

void machine_sgx(struct stand_in *machine)
{
	static struct tdx_run run;
	struct writer policy = wr_init(LIMIT_POLICY);

	tdx_run_init(&run);
	tdx_run_kind(&run, 3, DCAP_SGX);
	tdx_run_move(&run, time(NULL));
	machine->make = make_quote;
	machine->maker = &run;
	tdx_run_policy(&run, "", &policy);
	put_policy(&policy);
	put_collateral(&run);
	machine_put_time(run.time);
}
