#include "tests/softhsm.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/bytes.h"

const char *softhsm_module(void)
{
	static const char *const places[] = {
	    "/usr/lib/softhsm/libsofthsm2.so",
	    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return NULL;
}

static int run(const char *const arguments[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execvp(arguments[0], (char **)(uintptr_t)arguments);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void softhsm_write(const char *path, const char *text)
{
	assert_int_equal(file_write(path, 0600, text_bytes(text), "test", NULL), 0);
}

void softhsm_make(const char *folder, const char *label)
{
	const char *const make_token[] = {
	    "softhsm2-util", "--init-token", "--free",	 "--label",  label,
	    "--pin",	     "4321",	     "--so-pin", "87654321", NULL};
	char path[LIMIT_PATH], text[LIMIT_PATH + 128];

	snprintf(path, sizeof(path), "%s/pin", folder);
	softhsm_write(path, "4321\n");
	snprintf(path, sizeof(path), "%s/tokens", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(text, sizeof(text),
		 "directories.tokendir = %s\nobjectstore.backend = file\n"
		 "log.level = ERROR\n",
		 path);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", folder);
	softhsm_write(path, text);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	assert_int_equal(run(make_token), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int softhsm_remove(const char *folder)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
