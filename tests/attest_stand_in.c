#include "tests/attest_stand_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/nsm.h"
#include "attest/sev_guest.h"
#include "attest/tdx_guest.h"
#include "base/endian.h"
#include "base/secret.h"
#include "codec/cbor.h"

#define TSM "/sys/kernel/config/tsm/report"
#define GRAMINE "/dev/attestation"

enum { FD = 100, PAGE = 4096 };

static bool ends_with(const char *path, const char *end)
{
	size_t size = strlen(path), end_size = strlen(end);

	return size >= end_size && strcmp(path + size - end_size, end) == 0;
}

/* errno, when this call is to fail. */
static bool fails(struct stand_in *machine, const char *call, const char *path)
{
	for (size_t i = 0; i < STAND_IN_FAULTS; i++) {
		struct stand_in_fault *fault = &machine->faults[i];

		if (!fault->call || strcmp(fault->call, call) != 0 ||
		    !ends_with(path, fault->path) || !fault->times)
			continue;
		if (fault->skip) {
			fault->skip--;
			continue;
		}
		fault->times--;
		errno = fault->number;
		return true;
	}
	return false;
}

static void make_evidence(struct stand_in *machine, const uint8_t *data,
			  struct writer *out)
{
	uint8_t asked[ATTEST_DATA_SIZE];

	bytes_copy(asked, sizeof(asked), data, ATTEST_DATA_SIZE);
	asked[0] ^= machine->other_data;
	if (machine->make) {
		machine->make(machine, asked, out);
		return;
	}
	wr_reserve(out, 0x50);
	wr_bytes(out, asked, sizeof(asked));
	wr_reserve(out, 1184 - 0x50 - sizeof(asked));
}

/* ---- files ---- */

static struct stand_in_file *find(struct stand_in *machine, const char *path)
{
	for (size_t i = 0; i < STAND_IN_FILES; i++) {
		if (machine->files[i].used && strcmp(machine->files[i].path, path) == 0)
			return &machine->files[i];
	}
	return NULL;
}

void stand_in_put(struct stand_in *machine, const char *path, struct tobi_bytes content)
{
	struct stand_in_file *file = find(machine, path);

	for (size_t i = 0; i < STAND_IN_FILES && !file; i++) {
		if (!machine->files[i].used)
			file = &machine->files[i];
	}
	if (!file)
		abort();
	wr_done(&file->content);
	*file = (struct stand_in_file){.used = true, .content = wr_init(8 << 20)};
	snprintf(file->path, sizeof(file->path), "%s", path);
	wr_bytes(&file->content, content.ptr, content.size);
}

static void put_text(struct stand_in *machine, const char *path, const char *text)
{
	stand_in_put(machine, path, bytes_of_text(text));
}

static bool exists(const struct stand_in *machine, const char *path)
{
	static const struct {
		unsigned has;
		const char *path;
	} devices[] = {{STAND_IN_SEV_GUEST, "/dev/sev-guest"},
		       {STAND_IN_TDX_GUEST, "/dev/tdx_guest"},
		       {STAND_IN_NSM, "/dev/nsm"},
		       {STAND_IN_GRAMINE, GRAMINE "/user_report_data"},
		       {STAND_IN_GRAMINE, GRAMINE "/quote"},
		       {STAND_IN_GRAMINE, GRAMINE "/attestation_type"},
		       {STAND_IN_GRAMINE, GRAMINE "/keys/_sgx_mrsigner"}};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (machine->has & devices[i].has && strcmp(devices[i].path, path) == 0)
			return true;
	}
	return false;
}

/* What configfs-tsm shows in a folder at this moment. */
static bool show_tsm(struct stand_in *machine, const char *path)
{
	const char *name = path + strlen(machine->folder) + 1;
	char number[24];

	if (strcmp(name, "generation") == 0) {
		snprintf(number, sizeof(number), "%u\n", machine->writes);
		put_text(machine, path,
			 machine->generation ? machine->generation : number);
	} else if (strcmp(name, "provider") == 0) {
		put_text(machine, path, machine->provider);
	} else if (strcmp(name, "privlevel_floor") == 0 && machine->floor) {
		put_text(machine, path, machine->floor);
	} else if (strcmp(name, "auxblob") == 0 && machine->table.ptr) {
		stand_in_put(machine, path, machine->table);
	} else if (strcmp(name, "outblob") == 0) {
		struct writer evidence = wr_init(LIMIT_EVIDENCE);

		make_evidence(machine, machine->inblob, &evidence);
		stand_in_put(machine, path, wr_view(&evidence));
		wr_done(&evidence);
		if (machine->disturbances) {
			machine->disturbances--;
			machine->writes++;
		}
	} else {
		return strcmp(name, "inblob") == 0 || strcmp(name, "privlevel") == 0;
	}
	return true;
}

static bool in_tsm(const struct stand_in *machine, const char *path)
{
	size_t size = strlen(machine->folder);

	return size && strncmp(path, machine->folder, size) == 0 && path[size] == '/';
}

static int play_open(void *context, const char *path, int flags)
{
	struct stand_in *machine = context;
	struct stand_in_file *file;

	(void)flags;
	if (fails(machine, "open", path))
		return -1;
	if (in_tsm(machine, path) ? !show_tsm(machine, path)
				  : !exists(machine, path) && !find(machine, path)) {
		errno = ENOENT;
		return -1;
	}
	if (strcmp(path, GRAMINE "/attestation_type") == 0)
		put_text(machine, path, machine->type);
	if (strcmp(path, GRAMINE "/quote") == 0) {
		struct writer quote = wr_init(LIMIT_EVIDENCE);

		make_evidence(machine, machine->inblob, &quote);
		stand_in_put(machine, path, wr_view(&quote));
		wr_done(&quote);
	}
	if (!find(machine, path))
		stand_in_put(machine, path, (struct tobi_bytes){0});
	file = find(machine, path);
	file->position = 0;
	machine->open_files++;
	return FD + (int)(file - machine->files);
}

static struct stand_in_file *file_of(struct stand_in *machine, int fd)
{
	return &machine->files[fd - FD];
}

static void play_close(void *context, int fd)
{
	struct stand_in *machine = context;

	(void)fd;
	machine->open_files--;
}

static ssize_t play_read(void *context, int fd, void *out, size_t size)
{
	struct stand_in *machine = context;
	struct stand_in_file *file = file_of(machine, fd);
	size_t left = file->content.size - file->position;

	if (fails(machine, "read", file->path))
		return -1;
	if (machine->flood && file->position < machine->flood) {
		memset(out, 'x', size);
		file->position += size;
		return (ssize_t)size;
	}
	if (size > left)
		size = left;
	if (machine->least && size > machine->least)
		size = machine->least;
	bytes_copy(out, size, file->content.ptr + file->position, size);
	file->position += size;
	return (ssize_t)size;
}

/* The service's answer to a report. */
static void answer_quote(struct stand_in *machine, struct stand_in_file *file)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE), message = wr_init(LIMIT_EVIDENCE);
	uint8_t head[24] = {1, 0, 1, 0, 1}; /* version 1.1, a response */
	const size_t report = 4 + 16 + 8;

	wr_done(&file->content);
	file->content = wr_init(8 << 20);
	file->position = 0;
	if (machine->said.size >= report + TDX_GUEST_REPORT)
		make_evidence(machine, machine->said.ptr + report + 128, &quote);
	store_le(head + 8, 4, sizeof(head) + quote.size);
	store_le(head + 20, 4, quote.size);
	wr_bytes(&message, head, sizeof(head));
	wr_bytes(&message, quote.ptr, quote.size);
	if (machine->answer.ptr) {
		wr_bytes(&file->content, machine->answer.ptr, machine->answer.size);
	} else {
		wr_uint_be(&file->content, message.size, 4);
		wr_bytes(&file->content, message.ptr, message.size);
	}
	wr_done(&quote);
	wr_done(&message);
}

/* errno 0: the call is to be short by one. */
static ssize_t play_write(void *context, int fd, const void *bytes, size_t size)
{
	struct stand_in *machine = context;
	struct stand_in_file *file = file_of(machine, fd);

	if (fails(machine, "write", file->path))
		return errno ? -1 : (ssize_t)size - 1;
	if (ends_with(file->path, "/inblob") ||
	    ends_with(file->path, "/user_report_data")) {
		if (size > sizeof(machine->inblob)) {
			errno = EINVAL;
			return -1;
		}
		bytes_copy(machine->inblob, sizeof(machine->inblob), bytes, size);
		machine->writes++;
	} else if (ends_with(file->path, "/privlevel")) {
		snprintf(machine->privilege, sizeof(machine->privilege), "%.*s",
			 (int)size, (const char *)bytes);
		machine->writes++;
	} else if (strcmp(file->path, "vsock") == 0) {
		wr_bytes(&machine->said, bytes, size);
		answer_quote(machine, file);
	}
	return (ssize_t)size;
}

static int play_connect(void *context, unsigned cid, unsigned port)
{
	struct stand_in *machine = context;

	if (!(machine->has & STAND_IN_QUOTES) || cid != 2 || port != 4050) {
		errno = ECONNRESET;
		return -1;
	}
	put_text(machine, "vsock", "");
	machine->open_files++;
	return FD + (int)(find(machine, "vsock") - machine->files);
}

static int play_make_folder(void *context, const char *path)
{
	struct stand_in *machine = context;

	if (fails(machine, "mkdir", TSM))
		return -1;
	if (!(machine->has & STAND_IN_TSM)) {
		errno = ENOENT;
		return -1;
	}
	snprintf(machine->folder, sizeof(machine->folder), "%s", path);
	machine->writes = 0;
	machine->folders_made++;
	return 0;
}

static int play_remove_folder(void *context, const char *path)
{
	struct stand_in *machine = context;

	for (size_t i = 0; i < STAND_IN_FILES; i++) {
		if (strncmp(machine->files[i].path, path, strlen(path)) == 0) {
			wr_done(&machine->files[i].content);
			machine->files[i] = (struct stand_in_file){0};
		}
	}
	machine->folder[0] = 0;
	machine->folders_removed++;
	return 0;
}

static void play_wait(void *context, unsigned milliseconds)
{
	struct stand_in *machine = context;

	machine->waits++;
	machine->waited_ms += milliseconds;
}

/* ---- ioctls ---- */

static int fail_call(struct sev_guest_call *call, uint32_t vmm, uint32_t firmware)
{
	call->error = (uint64_t)vmm << 32 | firmware;
	errno = EIO;
	return -1;
}

static int sev_guest(struct stand_in *machine, unsigned long number,
		     struct sev_guest_call *call)
{
	struct sev_guest_extended *request =
	    (struct sev_guest_extended *)(uintptr_t)call->request;
	uint8_t *response = (uint8_t *)(uintptr_t)call->response;
	struct writer report = wr_init(LIMIT_EVIDENCE);

	machine->vmpl = request->data.vmpl;
	if (machine->busy) {
		machine->busy--;
		return fail_call(call, 2, 0);
	}
	if (machine->vmm_error || machine->firmware_error)
		return fail_call(call, machine->vmm_error, machine->firmware_error);
	if (number == SEV_GUEST_GET_EXTENDED) {
		if (request->certificates_size % PAGE) {
			errno = EINVAL;
			return -1;
		}
		if (machine->table_needs > request->certificates_size) {
			request->certificates_size = machine->table_needs;
			return fail_call(call, 1, 0);
		}
		bytes_copy((void *)(uintptr_t)request->certificates,
			   request->certificates_size, machine->table.ptr,
			   machine->table.size);
	}
	make_evidence(machine, request->data.user_data, &report);
	store_le(response, 4, machine->status);
	store_le(response + 4, 4,
		 machine->report_size ? machine->report_size : (uint32_t)report.size);
	bytes_copy(response + 32, SEV_GUEST_RESPONSE - 32, report.ptr, report.size);
	wr_done(&report);
	return 0;
}

static int tdx_guest(struct stand_in *machine, struct tdx_guest_request *request)
{
	request->report[0] = machine->status ? 0 : 0x81;
	bytes_copy(request->report + 128, ATTEST_DATA_SIZE, request->data,
		   ATTEST_DATA_SIZE);
	request->report[128] ^= machine->other_data && !machine->make;
	return 0;
}

/* The fields of {"Attestation": {"user_data", "nonce", "public_key"}}. */
static struct tobi_bytes read_nonce(struct tobi_bytes request)
{
	struct cbor cbor = cbor_init(request, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, 1, "request"), inner;
	struct tobi_bytes key, nonce = {0};

	cbor_map_text(&cbor, &map, &key, "request");
	inner = cbor_map(&cbor, 3, "request");
	while (cbor_map_text(&cbor, &inner, &key, "request")) {
		if (bytes_equal_text(key, "nonce"))
			nonce = cbor_bytes(&cbor, ATTEST_DATA_SIZE, "nonce");
		else
			cbor_skip(&cbor, "other");
	}
	if (cbor_failed(&cbor))
		abort();
	return nonce;
}

static int nsm(struct stand_in *machine, struct nsm_call *call)
{
	struct writer response = wr_init(NSM_RESPONSE_MAX),
		      document = wr_init(LIMIT_NITRO);
	uint8_t data[ATTEST_DATA_SIZE] = {0};
	struct tobi_bytes nonce = read_nonce((struct tobi_bytes){
	    (const uint8_t *)(uintptr_t)call->request.address, call->request.size});

	bytes_copy(data, sizeof(data), nonce.ptr, nonce.size);
	if (machine->answer.ptr) {
		wr_bytes(&response, machine->answer.ptr, machine->answer.size);
	} else {
		make_evidence(machine, data, &document);
		cbor_write_map(&response, 1);
		cbor_write_text(&response, "Attestation");
		cbor_write_map(&response, 1);
		cbor_write_text(&response, "document");
		cbor_write_bytes(&response, wr_view(&document));
	}
	bytes_copy((void *)(uintptr_t)call->response.address, call->response.size,
		   response.ptr, response.size);
	call->response.size = machine->answer_size ? machine->answer_size : response.size;
	wr_done(&response);
	wr_done(&document);
	return 0;
}

static int play_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	struct stand_in *machine = context;
	const char *path = file_of(machine, fd)->path;

	if (fails(machine, "ioctl", path))
		return -1;
	if (request == SEV_GUEST_GET_REPORT || request == SEV_GUEST_GET_EXTENDED)
		return sev_guest(machine, request, argument);
	if (request == TDX_GUEST_GET_REPORT)
		return tdx_guest(machine, argument);
	if (request == NSM_CALL)
		return nsm(machine, argument);
	errno = ENOTTY;
	return -1;
}

/* ---- the machine ---- */

void stand_in_make(struct stand_in *machine, unsigned has)
{
	*machine = (struct stand_in){.has = has,
				     .provider = "sev_guest\n",
				     .type = "dcap",
				     .said = wr_init(1 << 20)};
	machine->device = (struct attest_device){.open = play_open,
						 .connect = play_connect,
						 .ioctl = play_ioctl,
						 .read = play_read,
						 .write = play_write,
						 .close = play_close,
						 .make_folder = play_make_folder,
						 .remove_folder = play_remove_folder,
						 .wait = play_wait,
						 .context = machine};
}

void stand_in_done(struct stand_in *machine)
{
	for (size_t i = 0; i < STAND_IN_FILES; i++)
		wr_done(&machine->files[i].content);
	wr_done(&machine->said);
}

void stand_in_fail(struct stand_in *machine, const char *call, const char *path,
		   int number, unsigned skip, unsigned times)
{
	for (size_t i = 0; i < STAND_IN_FAULTS; i++) {
		if (machine->faults[i].call)
			continue;
		machine->faults[i] =
		    (struct stand_in_fault){call, path, number, skip, times};
		return;
	}
	abort();
}

struct attest_request stand_in_request(struct stand_in *machine)
{
	struct attest_request request = {
	    .device = &machine->device, .data_size = ATTEST_DATA_SIZE, .privilege = -1};

	for (unsigned i = 0; i < ATTEST_DATA_SIZE; i++)
		request.data[i] = (uint8_t)(i + 1);
	return request;
}
