#include "daemons/platform/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "ipc/packet.h"

enum {
	MESSAGE_SIGN = 1,
	MESSAGE_SIGNATURE = 2,
	MESSAGE_DERIVE = 3,
	MESSAGE_KEY = 4,
	MESSAGE_FAULT = 13,

	LIMIT_MESSAGE = LIMIT_TOKEN + 256,
	ANSWER_TIMEOUT_MS = 10000,
};

static void write_message(struct writer *out, unsigned kind, struct tobi_bytes bytes)
{
	cbor_write_map(out, 2);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
	cbor_write_uint(out, 1);
	cbor_write_bytes(out, bytes);
}

static enum tobi_err read_message(struct tobi_bytes packet, uint64_t *ret_kind,
				  struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(packet, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 2, "message");
	int64_t key = -1;
	uint64_t kind;
	struct tobi_bytes bytes;
	enum tobi_err err;

	cbor_require(&cbor, cbor_map_int(&cbor, &map, &key, "kind") && key == 0, "kind");
	kind = cbor_uint(&cbor, "kind");
	cbor_require(&cbor, cbor_map_int(&cbor, &map, &key, "bytes") && key == 1,
		     "bytes");
	bytes = cbor_bytes(&cbor, LIMIT_TOKEN, "bytes");
	err = cbor_finish(&cbor, "signer's message", fault);
	if (err)
		return err;
	*ret_kind = kind;
	*ret_bytes = bytes;
	return TOBI_OK;
}

static enum tobi_err answer(struct root *root, struct tobi_bytes packet,
			    struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer signature = wr_init(1024);
	struct tobi_bytes bytes = {0};
	uint64_t kind = 0;
	uint8_t key[32];
	enum tobi_err err = read_message(packet, &kind, &bytes, fault);

	if (err)
		return err;
	if (kind == MESSAGE_SIGN) {
		err = root_sign(root, bytes, &signature, fault);
		if (!err)
			write_message(out, MESSAGE_SIGNATURE, wr_view(&signature));
		return err;
	}
	if (kind != MESSAGE_DERIVE)
		return fault_set(fault, TOBI_E_PROTOCOL, "signer's message", "kind",
				 "not known");
	err = root_derive(root, bytes, key, fault);
	if (!err)
		write_message(out, MESSAGE_KEY, (struct tobi_bytes){key, sizeof(key)});
	explicit_bzero(key, sizeof(key));
	return err;
}

/* No files, no new processes, no dumps; one socket. */
static bool close_in(int fd)
{
	const struct rlimit none = {0, 0};
	const int only = 3;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return false;
	if (fd != only && dup2(fd, only) < 0)
		return false;
	return !syscall(SYS_close_range, only + 1, ~0u, 0) &&
	       !setrlimit(RLIMIT_NOFILE, &none) && !setrlimit(RLIMIT_CORE, &none) &&
	       !setrlimit(RLIMIT_NPROC, &none) && !setrlimit(RLIMIT_FSIZE, &none);
}

static _Noreturn void serve(struct root *root, int fd)
{
	signal(SIGINT, SIG_IGN); /* a terminal's; the service ends this process */
	signal(SIGTERM, SIG_IGN);
	if (!close_in(fd))
		_exit(1);
	fd = 3;
	for (;;) {
		CLEANUP(packet_done) struct packet packet = {0};
		CLEANUP(wr_done) struct writer out = wr_init(LIMIT_MESSAGE);
		struct tobi_fault fault = {0};

		if (packet_receive(fd, LIMIT_MESSAGE, &packet, &fault))
			_exit(0);
		if (answer(root, wr_view(&packet.bytes), &out, &fault)) {
			wr_done(&out);
			packet_write_fault(&out, MESSAGE_FAULT, &fault);
		}
		if (wr_err(&out) || packet_send(fd, wr_view(&out), NULL, 0, NULL))
			_exit(1);
	}
}

static void take_public(const struct root *root, struct signer *signer)
{
	const struct tobi_bytes *list;
	size_t count = root_chain(root, &list), at = 0;

	signer->root_kind = root_provider_find(root_kind(root))->kind;
	root_ueid(root, signer->ueid);
	for (size_t i = 0; i < count; i++)
		wr_bytes(&signer->chain_bytes, list[i].ptr, list[i].size);
	for (size_t i = 0; i < count && !wr_err(&signer->chain_bytes);
	     at += list[i++].size)
		signer->chain[i] =
		    (struct tobi_bytes){signer->chain_bytes.ptr + at, list[i].size};
	signer->chain_count = count;
	count = root_owner_chain(root, &list);
	if (count)
		cbor_write_array(&signer->endorse, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_bytes(&signer->endorse, list[i]);
}

enum tobi_err signer_start(const char *folder, struct signer *ret_signer,
			   struct tobi_fault *fault)
{
	struct signer signer = {.pid = -1, .fd = -1};
	struct root *root = NULL;
	int pair[2] = {-1, -1};
	enum tobi_err err = root_open(folder, &root, fault);

	if (err)
		return err;
	signer.chain_bytes = wr_init(LIMIT_PEM);
	signer.endorse = wr_init(LIMIT_PEM);
	take_public(root, &signer);
	err = wr_err(&signer.chain_bytes) ? wr_err(&signer.chain_bytes)
					  : wr_err(&signer.endorse);
	if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		err = fault_errno(fault, "signer", "", "no socket");
	if (!err) {
		signer.pid = fork();
		if (signer.pid == 0)
			serve(root, pair[1]);
		if (signer.pid < 0)
			err = fault_errno(fault, "signer", "", "cannot be started");
	}
	/* From here on only the signer has the keys. */
	root_free(root);
	fd_close(&pair[1]);
	signer.fd = pair[0];
	if (err) {
		signer_stop(&signer);
		return err;
	}
	*ret_signer = signer;
	return TOBI_OK;
}

void signer_stop(struct signer *signer)
{
	fd_close(&signer->fd);
	if (signer->pid > 0) {
		kill(signer->pid, SIGKILL);
		while (waitpid(signer->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	wr_done(&signer->chain_bytes);
	wr_done(&signer->endorse);
	signer->pid = -1;
}

static enum tobi_err ask(struct signer *signer, unsigned kind, struct tobi_bytes bytes,
			 unsigned expected, struct packet *ret_packet,
			 struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_MESSAGE);
	struct pollfd wait = {.fd = signer->fd, .events = POLLIN};
	uint64_t got = 0;
	enum tobi_err err;

	write_message(&out, kind, bytes);
	err = wr_err(&out);
	if (!err)
		err = packet_send(signer->fd, wr_view(&out), NULL, 0, fault);
	if (!err && poll(&wait, 1, ANSWER_TIMEOUT_MS) <= 0)
		err =
		    fault_set(fault, TOBI_E_TIMEOUT, "signer", "", "it does not answer");
	if (!err)
		err = packet_receive(signer->fd, LIMIT_MESSAGE, ret_packet, fault);
	if (!err)
		err = read_message(wr_view(&ret_packet->bytes), &got, ret_bytes, fault);
	if (!err && got != expected)
		err = fault_set(fault, TOBI_E_PROTOCOL, "signer", "",
				"it gave another answer");
	return err;
}

enum tobi_err signer_sign(void *context, struct tobi_bytes message,
			  struct writer *ret_signature, struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes signature = {0};
	enum tobi_err err = ask(context, MESSAGE_SIGN, message, MESSAGE_SIGNATURE,
				&packet, &signature, fault);

	if (err)
		return err;
	wr_bytes(ret_signature, signature.ptr, signature.size);
	return wr_err(ret_signature);
}

enum tobi_err signer_derive(struct signer *signer, struct tobi_bytes info,
			    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes key = {0};
	enum tobi_err err =
	    ask(signer, MESSAGE_DERIVE, info, MESSAGE_KEY, &packet, &key, fault);

	if (!err && key.size != 32)
		err = fault_set(fault, TOBI_E_PROTOCOL, "signer", "key",
				"it has the wrong size");
	if (!err)
		bytes_copy(ret_key, 32, key.ptr, key.size);
	return err;
}
