#include "daemons/platform/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"

enum { KEPT = 1 << 20, PAGE = 4096, READS_AT_ONCE = 16 };

void output_init(struct output *output)
{
	*output = (struct output){.pipe = -1, .log = -1};
}

/* False when there is no more for now. */
static bool take(struct output *output)
{
	uint8_t buffer[16384];
	ssize_t size = read(output->pipe, buffer, sizeof(buffer));
	uint64_t drop;

	if (size <= 0) {
		if (size == 0 && output->event)
			event_del(output->event);
		return size < 0 && errno == EINTR;
	}
	IGNORE(fd_write_all(output->log, (struct tobi_bytes){buffer, (size_t)size}, "log",
			    NULL));
	output->size += (uint64_t)size;
	drop = output->size > KEPT ? (output->size - KEPT) / PAGE * PAGE : 0;
	if (drop)
		IGNORE(fallocate(output->log, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 0, (off_t)drop));
	return true;
}

/* Others want the service too: not more than a little at a time. */
static void on_output(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	for (int i = 0; i < READS_AT_ONCE && take(context); i++)
		;
}

enum tobi_err output_open(struct output *output, struct event_base *base, int *ret_fd,
			  struct tobi_fault *fault)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC))
		return fault_errno(fault, "log", "", "no pipe");
	output->pipe = pipes[0];
	output->log = memfd_create("log", MFD_CLOEXEC);
	if (output->log < 0 || fcntl(output->pipe, F_SETFL, O_NONBLOCK)) {
		close(pipes[1]);
		return fault_errno(fault, "log", "", "cannot be made");
	}
	output->event =
	    event_new(base, output->pipe, EV_READ | EV_PERSIST, on_output, output);
	if (!output->event || event_add(output->event, NULL)) {
		close(pipes[1]);
		return fault_set(fault, TOBI_E_MEMORY, "log", "", "no room for an event");
	}
	*ret_fd = pipes[1];
	return TOBI_OK;
}

enum tobi_err output_reader(const struct output *output, int *ret_fd,
			    struct tobi_fault *fault)
{
	char path[48];

	if (output->log < 0)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, "enclave", "log",
		    "only a detached enclave (run --detach) whose image does "
		    "not discard its output has one");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", output->log);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? fault_errno(fault, "enclave", "log", "cannot be opened")
			   : TOBI_OK;
}

void output_drain(struct output *output)
{
	if (output->pipe < 0)
		return;
	/* A pipe holds at most 1 MiB unless a program makes it larger: then the rest is
	 * lost. */
	for (int i = 0; i < 64 && take(output); i++)
		;
}

void output_done(struct output *output)
{
	if (output->event)
		event_free(output->event);
	fd_close(&output->pipe);
	fd_close(&output->log);
	output_init(output);
}
