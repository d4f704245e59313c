/* What a detached enclave has printed. The service keeps the newest part of it in memory;
 * it is gone when the enclave is. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/service_client.h"
#include "codec/cbor.h"

enum { FOLLOW_MS = 200 };

/* From offset to the present end; what was dropped meanwhile is a hole. */
static enum tobi_err copy(int log, off_t *offset, struct tobi_fault *fault)
{
	uint8_t buffer[16384];
	off_t at = lseek(log, *offset, SEEK_DATA);
	ssize_t size;
	enum tobi_err err;

	if (at < 0)
		return TOBI_OK;
	while ((size = pread(log, buffer, sizeof(buffer), at)) > 0) {
		err =
		    fd_write_all(STDOUT_FILENO, (struct tobi_bytes){buffer, (size_t)size},
				 "output", fault);
		if (err)
			return err;
		at += size;
	}
	*offset = at;
	return size < 0 ? fault_errno(fault, "log", "", "cannot be read") : TOBI_OK;
}

static enum tobi_err show(int service, int log, bool follow, struct tobi_fault *fault)
{
	struct pollfd wait = {.fd = service, .events = POLLIN};
	off_t offset = 0;
	bool ended = !follow;
	enum tobi_err err;

	do {
		err = copy(log, &offset, fault);
		/* The service speaks again, or goes, when the enclave has ended. */
		if (!err && !ended)
			ended = poll(&wait, 1, FOLLOW_MS) > 0;
		else
			return err;
	} while (!err);
	return err;
}

int cmd_logs(int argc, char **argv)
{
	static const struct option known[] = {{"follow", no_argument, NULL, 'f'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(fd_close) int service = -1;
	CLEANUP(fd_close) int log = -1;
	CLEANUP(wr_done) struct writer request = wr_init(256);
	CLEANUP(packet_done) struct packet reply = {0};
	struct tobi_fault fault = {0};
	bool follow = false;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "f", known, NULL)) != -1) {
		if (option != 'f')
			return cli_usage("logs", "wrong option");
		follow = true;
	}
	if (optind + 1 != argc)
		return cli_usage("logs", "the id or name of one enclave is needed");
	service_request(&request, REQUEST_LOGS, 1);
	cbor_write_uint(&request, 1);
	cbor_write_text(&request, argv[optind]);
	if (service_connect(false, &service, &fault) ||
	    service_ask(service, &request, REPLY_LOG, &reply, &fault))
		return cli_fail(&fault);
	log = packet_take_fd(&reply, 0);
	if (log < 0)
		return cli_error("the service gave no log");
	return show(service, log, follow, &fault) ? cli_fail(&fault) : EXIT_ACCEPTED;
}
