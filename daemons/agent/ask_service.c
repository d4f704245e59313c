#include "ask_service.h"

#include "base/fault.h"

/* More than fit are never open: evidence and desk have lower limits. */
static void ask(struct ask_service *service, enum asked_kind kind,
		const struct writer *out)
{
	if (asked_put(&service->asked, kind))
		channel_send(service->channel, out);
}

void ask_report(void *context, const uint8_t claims_hash[static 32])
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	message_write_report(&out, claims_hash);
	ask(context, ASKED_REPORT, &out);
}

void ask_key(void *context, const struct key_wanted *wanted)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	message_write_key(&out, wanted);
	ask(context, ASKED_KEY, &out);
}

void ask_counter(void *context, const struct counter_wanted *wanted)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	message_write_counter(&out, wanted);
	ask(context, ASKED_COUNTER, &out);
}

static enum tobi_err not_asked(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_PROTOCOL, "agent channel", "message",
			 "it answers what was not asked");
}

/* The service answers in the order in which it was asked. */
enum tobi_err ask_answered(struct ask_service *service, const struct message *message,
			   struct tobi_fault *fault)
{
	enum asked_kind asked = asked_take(&service->asked);

	switch (message->kind) {
	case MESSAGE_TOKEN:
		return asked == ASKED_REPORT
			   ? evidence_token(service->evidence, message->token,
					    message->guest, fault)
			   : not_asked(fault);
	case MESSAGE_KEY_REPLY:
		return asked == ASKED_KEY
			   ? desk_key(service->desk, message->key.ptr, fault)
			   : not_asked(fault);
	case MESSAGE_COUNTER_REPLY:
		return asked == ASKED_COUNTER
			   ? desk_counter(service->desk, &message->counter, fault)
			   : not_asked(fault);
	default:
		if (asked == ASKED_REPORT)
			return evidence_refused(service->evidence, &message->fault,
						fault);
		return asked == ASKED_NOTHING
			   ? not_asked(fault)
			   : desk_refused(service->desk, &message->fault, fault);
	}
}
