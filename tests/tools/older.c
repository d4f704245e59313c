/* Writes evidence of AMD SEV and a report of Intel's EPID service, with policies that
 * accept them, for tests from the command line: older FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/check.h"
#include "tests/epid_scene.h"
#include "tests/sev_scene.h"

static void put(const char *name, mode_t mode, const void *bytes, size_t size)
{
	struct tobi_bytes view = {bytes, size};

	if (file_write(name, mode, view, "output", NULL))
		abort();
}

static void put_writer(const char *name, struct writer *text)
{
	put(name, 0644, text->ptr, text->size);
	text->size = 0;
}

static void sev_files(struct writer *out)
{
	static struct test_amd amd;
	static struct test_sev sev;

	test_amd_make(&amd, 2048, TEST_KEY_ID_ROME);
	test_sev_make(&sev, &amd);
	test_sev_policy(&sev, out);
	put_writer("sev.yaml", out);
	sev.section = "sev:\n  platform-only: allowed\n";
	sev.images = "";
	test_sev_policy(&sev, out);
	put_writer("platform.yaml", out);
	test_sev_launch(&sev, out);
	put_writer("launch.json", out);
	sev.no_amd = true;
	test_sev_chain(&sev, out);
	put_writer("chain", out);
	wr_bytes(out, amd.ask, amd.size);
	wr_bytes(out, amd.ark, amd.size);
	put_writer("amd.cert", out);
	put("pdh.cert", 0644, sev.pdh, sizeof(sev.pdh));
	put("tik", 0600, sev.tik, sizeof(sev.tik));
	test_sev_done(&sev);
	test_amd_done(&amd);
}

static void epid_files(struct writer *out)
{
	static struct test_service service;
	static struct test_epid epid;
	struct writer body = wr_init(LIMIT_EPID_REPORT);

	test_service_make(&service, NULL, NULL);
	test_epid_make(&epid, &service);
	epid.status = "GROUP_OUT_OF_DATE";
	test_epid_policy(&epid, out);
	put_writer("strict.yaml", out);
	epid.section = "sgx-epid:\n  status: [GROUP_OUT_OF_DATE]\n";
	test_epid_policy(&epid, out);
	put_writer("epid.yaml", out);
	test_epid_reply(&epid, out);
	put_writer("reply", out);
	test_epid_body(&epid, &body);
	test_epid_signature(&epid, wr_view(&body), out);
	put_writer("report.sig", out);
	put("report.json", 0644, body.ptr, body.size);
	put("chain.pem", 0644, service.chain.ptr, service.chain.size);
	wr_done(&body);
	test_service_done(&service);
}

int main(int argc, char **argv)
{
	struct writer out = wr_init(LIMIT_EVIDENCE);

	if (argc != 2 || chdir(argv[1]))
		return EXIT_FAILURE;
	sev_files(&out);
	epid_files(&out);
	wr_done(&out);
	return EXIT_SUCCESS;
}
