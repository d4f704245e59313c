/* Usage: verify EVIDENCE POLICY NONCE-FILE: prints the verdict and why. */
#include <stdio.h>
#include <time.h>
#include <tobichi/verify.h>

static struct tobi_bytes load(const char *path, uint8_t *room, size_t size)
{
	FILE *file = fopen(path, "rb");
	return (struct tobi_bytes){room, file ? fread(room, 1, size, file) : 0};
}

int main(int argc, char **argv)
{
	static uint8_t evidence[1 << 20], policy_text[1 << 18], nonce[64];
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	if (argc != 4 || tobi_policy_parse(load(argv[2], policy_text, sizeof(policy_text)), argv[2], &policy, NULL))
		return 2;
	struct tobi_verify_request request = {load(argv[1], evidence, sizeof(evidence)),
					      load(argv[3], nonce, sizeof(nonce)), time(NULL)};
	if (tobi_verify(policy, &request, &result, NULL) == TOBI_OK)
		puts(tobi_result_reason(result));
	return tobi_result_verdict(result) == TOBI_ACCEPT ? 0 : 1;
}
