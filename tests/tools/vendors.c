/* Writes what two made-up vendors publish today into a folder, and the evidence that
 * needs it, for the end-to-end tests: vendors FOLDER. */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "tests/vendor_scene.h"

static bool put(const char *folder, const char *name, const struct writer *bytes)
{
	struct tobi_fault fault = {0};
	char path[4096], text[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!file_write(path, 0644, wr_view(bytes), "vendors", &fault))
		return true;
	tobi_fault_print(&fault, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
	return false;
}

/* What a test wants beside what is right. */
static bool put_others(const char *folder, const struct vendor_scene *scene)
{
	struct writer bad = wr_init(64 << 10), other = wr_init(64 << 10);
	struct writer old = wr_init(64 << 10), roots = wr_init(64 << 10);
	struct writer older = wr_init(64 << 10);
	bool good;

	wr_bytes(&bad, scene->sgx_tcb_info.ptr, scene->sgx_tcb_info.size);
	/* A digit of the signature, for another. */
	bad.ptr[bad.size - 3] = bad.ptr[bad.size - 3] == '0' ? '1' : '0';
	vendor_tcb_info("SGX", "FFFFFFFFFFFF", scene->now - 3600, scene->now + 3600,
			scene->tcb.key, &other);
	vendor_tcb_info("SGX", VENDOR_FMSPC, scene->now - 7200, scene->now - 3600,
			scene->tcb.key, &old);
	/* A minute before what is right, and as good for itself. */
	vendor_tcb_info("SGX", VENDOR_FMSPC, scene->now - 3660, scene->now + 3600,
			scene->tcb.key, &older);
	vendor_pem(&scene->root, &roots);
	vendor_pem(&scene->ark, &roots);
	good = put(folder, "bad-signature", &bad) &&
	       put(folder, "other-platform", &other) && put(folder, "expired", &old) &&
	       put(folder, "older", &older) && put(folder, "roots.pem", &roots);
	wr_done(&bad);
	wr_done(&other);
	wr_done(&old);
	wr_done(&older);
	wr_done(&roots);
	return good;
}

int main(int argc, char **argv)
{
	struct vendor_scene scene;
	bool good = true;

	if (argc != 2)
		return 2;
	vendor_scene_make(&scene, time(NULL));
	const struct {
		const char *name;
		const struct writer *bytes;
	} files[] = {
	    {"sgx-tcb", &scene.sgx_tcb_info},
	    {"tdx-tcb", &scene.tdx_tcb_info},
	    {"sgx-identity", &scene.sgx_identity},
	    {"tdx-identity", &scene.tdx_identity},
	    {"root-crl", &scene.root_crl},
	    {"platform-crl", &scene.platform_crl},
	    {"processor-crl", &scene.processor_crl},
	    {"tcb-chain", &scene.tcb_chain},
	    {"platform-chain", &scene.platform_chain},
	    {"processor-chain", &scene.processor_chain},
	    {"amd-crl", &scene.amd_crl},
	    {"amd-chain", &scene.amd_chain},
	    {"vlek-chain", &scene.vlek_chain},
	    {"vcek", &scene.vcek_der},
	    {"quote.dat", &scene.quote},
	    {"report.bin", &scene.report},
	};
	for (size_t i = 0; good && i < sizeof(files) / sizeof(files[0]); i++)
		good = put(argv[1], files[i].name, files[i].bytes);
	good = good && put_others(argv[1], &scene);
	vendor_scene_done(&scene);
	return good ? 0 : 1;
}
