#include "root/tpm_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <tss2/tss2_tcti_device.h>
#include <tss2/tss2_tcti_swtpm.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/secret.h"
#include "root/tpm_swtpm.h"

#define USUAL_DEVICE "device:/dev/tpmrm0"

enum {
	MAGIC_OUTER = 0x544f4249, /* "TOBI" */
	HEADER = 10,		  /* tag, size, response code */
	PAUSE_FIRST_MS = 10,
	PAUSE_MOST_MS = 200,
	HANDLES = 4,
};

/* tpm2-tss writes its commands to whatever it is given: never to a file. */
static const char *wrong_device(const char *path, int patience_ms)
{
	struct stat st;

	(void)patience_ms;
	if (stat(path, &st))
		return "is not there, or this user may not look at it";
	return S_ISCHR(st.st_mode) ? NULL : "is no device";
}

static const char *wrong_swtpm(const char *configuration, int patience_ms)
{
	return tpm_swtpm_answers(configuration, patience_ms)
		   ? NULL
		   : "is not there, or does not answer";
}

/* Linked, not loaded by name: the name comes from a file and from the command line. */
static const struct {
	const char *prefix;
	TSS2_TCTI_INIT_FUNC init;
	/* Before it is opened; NULL: nothing is wrong with it. */
	const char *(*wrong)(const char *configuration, int patience_ms);
} kinds[] = {{"device:", Tss2_Tcti_Device_Init, wrong_device},
	     {"swtpm:", Tss2_Tcti_Swtpm_Init, wrong_swtpm}};

static struct tpm_link *link_of(TSS2_TCTI_CONTEXT *outer)
{
	return (struct tpm_link *)outer;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *outer, size_t size, const uint8_t *command)
{
	struct tpm_link *link = link_of(outer);

	if (size > sizeof(link->command))
		return TSS2_TCTI_RC_BAD_VALUE;
	bytes_copy(link->command, sizeof(link->command), command, size);
	link->size = size;
	return Tss2_Tcti_Transmit(link->inner, size, command);
}

/* Waits for one of the handles and for the deadline; false when that has passed. */
static bool wait_for(struct tpm_link *link, struct pollfd *handles, nfds_t count,
		     int most_ms)
{
	int ready;

	handles[count] = (struct pollfd){.fd = link->timer, .events = POLLIN};
	do {
		ready = poll(handles, count + 1, most_ms);
	} while (ready < 0 && errno == EINTR);
	link->late |= ready < 0 || handles[count].revents != 0;
	return !link->late;
}

/* A TCTI that cannot say what to wait for is waited for in its own read. */
static TSS2_RC wait_for_answer(struct tpm_link *link)
{
	TSS2_TCTI_POLL_HANDLE handles[HANDLES + 1];
	size_t count = HANDLES;

	if (Tss2_Tcti_GetPollHandles(link->inner, handles, &count) || !count)
		return TSS2_RC_SUCCESS;
	for (size_t i = 0; i < count; i++)
		handles[i].events = POLLIN;
	return wait_for(link, handles, count, -1) ? TSS2_RC_SUCCESS
						  : TSS2_TCTI_RC_IO_ERROR;
}

static bool is_busy(const uint8_t *response, size_t size)
{
	struct reader rd = rd_init((struct tobi_bytes){response, size});
	uint32_t code;

	rd_bytes(&rd, 6, "header");
	code = rd_u32be(&rd, "response code");
	return !rd_failed(&rd) && (code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED ||
				   code == TPM2_RC_TESTING);
}

/* The whole answer to the last command, asked again while the TPM is busy. */
static TSS2_RC fetch(struct tpm_link *link)
{
	for (int pause = PAUSE_FIRST_MS;; pause = 2 * pause) {
		struct pollfd only_timer;
		size_t size = sizeof(link->answer);
		TSS2_RC rc = wait_for_answer(link);

		if (!rc)
			rc = Tss2_Tcti_Receive(link->inner, &size, link->answer,
					       TSS2_TCTI_TIMEOUT_BLOCK);
		if (rc)
			return rc;
		if (!is_busy(link->answer, size)) {
			link->answer_size = size;
			return TSS2_RC_SUCCESS;
		}
		pause = pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
		if (!wait_for(link, &only_timer, 0, pause))
			return TSS2_TCTI_RC_IO_ERROR;
		rc = Tss2_Tcti_Transmit(link->inner, link->size, link->command);
		if (rc)
			return rc;
	}
}

/* Without a buffer the size is asked for; the answer is then taken in a second call. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *outer, size_t *size, uint8_t *response,
		       int32_t timeout)
{
	struct tpm_link *link = link_of(outer);
	const size_t room = *size;
	TSS2_RC rc = link->answer_size ? TSS2_RC_SUCCESS : fetch(link);

	(void)timeout;
	if (rc)
		return rc;
	*size = link->answer_size;
	if (!response)
		return TSS2_RC_SUCCESS;
	if (room < link->answer_size)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	bytes_copy(response, room, link->answer, link->answer_size);
	explicit_bzero(link->answer, link->answer_size);
	link->answer_size = 0;
	return TSS2_RC_SUCCESS;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *outer)
{
	return Tss2_Tcti_Cancel(link_of(outer)->inner);
}

static int start_timer(int64_t ms)
{
	const struct itimerspec time = {.it_value = {ms / 1000, ms % 1000 * 1000000 + 1}};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (timer >= 0 && timerfd_settime(timer, 0, &time, NULL))
		fd_close(&timer);
	return timer;
}

enum tobi_err tpm_link_wrap(TSS2_TCTI_CONTEXT *inner, int64_t patience_ms,
			    struct tpm_link **ret_link, struct tobi_fault *fault)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct tpm_link *link = calloc(1, sizeof(*link));
	int timer = start_timer(patience_ms);

	if (!link || timer < 0) {
		fd_close(&timer);
		free(link);
		Tss2_Tcti_Finalize(inner);
		free(inner);
		return fault_set(fault, TOBI_E_MEMORY, "TPM", "",
				 "out of memory, or of open files");
	}
	link->outer.v1.magic = MAGIC_OUTER;
	link->outer.v1.version = 2;
	link->outer.v1.transmit = transmit;
	link->outer.v1.receive = receive;
	link->outer.v1.cancel = cancel;
	link->inner = inner;
	link->timer = timer;
	/* A software TPM that ended is an error, not the end of whoever asked it. */
	sigaction(SIGPIPE, &ignore, &link->sigpipe);
	*ret_link = link;
	return TOBI_OK;
}

enum tobi_err tpm_link_find(const char *device, const char **ret_device,
			    struct tobi_fault *fault)
{
	bool usual = access("/dev/tpmrm0", F_OK) == 0;

	if (!device && !usual)
		return fault_set(fault, TOBI_E_NOT_FOUND, "TPM", "device",
				 "there is no /dev/tpmrm0; name a TPM with --device: "
				 "device:PATH, or swtpm:path=SOCKET for a software TPM");
	*ret_device = device ? device : USUAL_DEVICE;
	return TOBI_OK;
}

static enum tobi_err open_kind(TSS2_TCTI_INIT_FUNC init, const char *device,
			       const char *configuration, TSS2_TCTI_CONTEXT **ret_inner,
			       struct tobi_fault *fault)
{
	TSS2_TCTI_CONTEXT *inner = NULL;
	size_t size = 0;
	TSS2_RC rc = init(NULL, &size, configuration);

	if (!rc) {
		inner = calloc(1, size);
		if (!inner)
			return fault_set(fault, TOBI_E_MEMORY, "TPM", "",
					 "out of memory");
		rc = init(inner, &size, configuration);
	}
	if (rc) {
		free(inner);
		return fault_set(fault, TOBI_E_NOT_FOUND, "TPM", "device",
				 "%s does not answer: is it there, may this user open "
				 "it, and is it a TPM 2.0?",
				 device);
	}
	*ret_inner = inner;
	return TOBI_OK;
}

enum tobi_err tpm_link_open(const char *device, int64_t patience_ms,
			    struct tpm_link **ret_link, struct tobi_fault *fault)
{
	TSS2_TCTI_CONTEXT *inner = NULL;
	const char *wrong;
	enum tobi_err err = TOBI_E_ARGUMENT;

	/* tpm2-tss would write to standard error; faults say it here. */
	setenv("TSS2_LOG", "all+none", 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !inner; i++) {
		size_t size = strlen(kinds[i].prefix);

		if (strncmp(device, kinds[i].prefix, size) != 0)
			continue;
		wrong = kinds[i].wrong(device + size, (int)patience_ms);
		if (wrong)
			return fault_set(fault, TOBI_E_NOT_FOUND, "TPM", "device",
					 "%s %s", device, wrong);
		err = open_kind(kinds[i].init, device, device + size, &inner, fault);
		if (err)
			return err;
	}
	if (err)
		return fault_set(fault, err, "TPM", "device",
				 "'%s' is neither device:PATH nor swtpm:path=SOCKET",
				 device);
	return tpm_link_wrap(inner, patience_ms, ret_link, fault);
}

void tpm_link_close(struct tpm_link *link)
{
	if (!link)
		return;
	Tss2_Tcti_Finalize(link->inner);
	free(link->inner);
	fd_close(&link->timer);
	sigaction(SIGPIPE, &link->sigpipe, NULL);
	explicit_bzero(link, sizeof(*link));
	free(link);
}

TSS2_TCTI_CONTEXT *tpm_link_tcti(struct tpm_link *link)
{
	return (TSS2_TCTI_CONTEXT *)link;
}
