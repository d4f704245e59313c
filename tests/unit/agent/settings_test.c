/* OpenSSL's settings file is the image's, and could name code to load: the agent reads
 * policies, and so certificates, before it loads its algorithms. */
#include "tests/check.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keymem.h"

static char path[64] = "/tmp/tobichi-settings-XXXXXX";

static int enter(void **state)
{
	static const char settings[] = "openssl_conf = all\n[all]\nalg_section = how\n"
				       "[how]\ndefault_properties = fips=yes\n";
	int fd = mkstemp(path);
	bool good = fd >= 0 && write(fd, settings, sizeof(settings) - 1) > 0;

	(void)state;
	fd_close(&fd);
	return !good || setenv("OPENSSL_CONF", path, 1);
}

static int leave(void **state)
{
	(void)state;
	return unlink(path);
}

/* In a process that has not used OpenSSL: 1 when the file was obeyed. */
static int obeys_settings(bool as_agent)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (as_agent && keymem_init(NULL))
			_exit(77);
		EVP_MD_free(EVP_MD_fetch(NULL, "SHA256", NULL));
		_exit(EVP_default_properties_is_fips_enabled(NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_keymem_init__settings_of_the_image__are_not_read(void **state)
{
	int obeyed;

	(void)state;
	assert_int_equal(obeys_settings(false), 1);
	obeyed = obeys_settings(true);
	if (obeyed == 77)
		skip(); /* no memory can be locked here */
	assert_int_equal(obeyed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_keymem_init__settings_of_the_image__are_not_read, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
