#include "attest.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "ipc/packet.h"

struct asker {
	struct channel *channel;
	uint64_t request;
};

static void send_fault(struct channel *channel, const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	packet_write_fault(&out, MESSAGE_FAULT, fault);
	channel_send(channel, &out);
}

static void on_attested(void *context, const struct writer *collection,
			const struct tobi_fault *why)
{
	CLEANUP(freep) struct asker *asker = context;
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	if (!collection) {
		send_fault(asker->channel, why);
		return;
	}
	message_write_evidence(&out, asker->request, wr_view(collection));
	channel_send(asker->channel, &out);
}

void attest(struct channel *channel, struct evidence *evidence,
	    const struct message *message)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	struct tobi_fault fault;

	if (!asker) {
		fault_set(&fault, TOBI_E_MEMORY, "agent", "", "out of memory");
		send_fault(channel, &fault);
		return;
	}
	asker->channel = channel;
	asker->request = message->attest.request;
	if (evidence_for_nonce(evidence, message->attest.nonce, on_attested, asker,
			       &fault)) {
		free(asker);
		send_fault(channel, &fault);
	}
}
