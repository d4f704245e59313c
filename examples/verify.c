/* Usage: verify EVIDENCE POLICY NONCE-FILE: prints the verdict and why. */
#include <stdio.h>
#include <time.h>
#include <tobichi/verify.h>

static struct tobi_bytes load(const char *path, uint8_t room[static 1 << 20])
{
	FILE *file = fopen(path, "rb");
	return (struct tobi_bytes){room, file ? fread(room, 1, 1 << 20, file) : 0};
}

int main(int argc, char **argv)
{
	static uint8_t a[1 << 20], b[1 << 20], c[1 << 20];
	static struct tobi_policy *policy;
	static struct tobi_result *result;
	if (argc != 4 || tobi_policy_parse(load(argv[2], a), argv[2], &policy, NULL))
		return 2;
	struct tobi_verify_request ask = {load(argv[1], b), load(argv[3], c), time(NULL)};
	if (tobi_verify(policy, &ask, &result, NULL))
		return 2;
	puts(tobi_result_reason(result));
	return tobi_result_verdict(result) == TOBI_ACCEPT ? 0 : 1;
}
