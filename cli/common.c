#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/cli.h"

int cli_fail(const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	fputs("tobichi: error: ", stderr);
	/* A fault quotes what came from outside: a policy's name, a peer's words. */
	cli_print_text(stderr, (struct tobi_bytes){(uint8_t *)text, strlen(text)});
	fputc('\n', stderr);
	return EXIT_ERROR;
}

int cli_error(const char *format, ...)
{
	va_list args;

	fputs("tobichi: error: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_ERROR;
}

int cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tobichi %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; `tobichi help %s` shows how it is used\n", command);
	return EXIT_ERROR;
}

bool cli_color(FILE *stream)
{
	return isatty(fileno(stream)) && !getenv("NO_COLOR");
}

/* A device or a pipe is written to; a file takes its new content whole or not at all. */
static bool is_stream(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int cli_put(const char *path, struct tobi_bytes bytes)
{
	struct tobi_fault fault = {0};

	if (path && is_stream(path)) {
		CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

		if (fd < 0 || fd_write_all(fd, bytes, "output", NULL))
			return cli_error("cannot write to %s: %s", path, strerror(errno));
		return EXIT_ACCEPTED;
	}
	if (path)
		return file_write(path, 0644, bytes, "output", &fault) ? cli_fail(&fault)
								       : EXIT_ACCEPTED;
	if (bytes.size && fwrite(bytes.ptr, bytes.size, 1, stdout) != 1)
		return cli_error("cannot write to the standard output");
	return fflush(stdout) == EOF ? cli_error("cannot write to the standard output")
				     : EXIT_ACCEPTED;
}

void cli_print_text(FILE *stream, struct tobi_bytes text)
{
	CLEANUP(wr_done) struct writer out = wr_init(4 * text.size + 1);

	utf8_write_escaped(&out, text);
	fprintf(stream, "%.*s", (int)out.size, out.size ? (const char *)out.ptr : "");
}

void cli_format_time(int64_t seconds, char out[static CLI_TIME_SIZE])
{
	time_t value = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&value, &tm) ||
	    !strftime(out, CLI_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, CLI_TIME_SIZE, "?");
}

bool cli_read_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || number > max)
		return false;
	*ret_number = number;
	return true;
}

bool cli_find_program(const char *name, const char *folder, char *ret_path, size_t room)
{
	const char *const places[][2] = {
	    {"", ""}, {"../libexec/tobichi/", ""}, {"../daemons/", folder}};
	char own[LIMIT_PATH];
	ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[size > 0 ? size : 0] = 0;
	slash = strrchr(own, '/');
	if (slash)
		*slash = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(ret_path, room, "%s/%s%s%s%s", own, places[i][0], places[i][1],
			 *places[i][1] ? "/" : "", name);
		if (access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}
