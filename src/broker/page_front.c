/* The front page: what this broker is, the head of its log, and how it is. */
#include "broker/decision.h"
#include "broker/keyring.h"
#include "broker/page.h"

static void put_log(struct page_call *call, const struct decision_head *head,
		    const struct log_head *said)
{
	struct writer *out = call->out;

	page_put(out, "<h2>The log of decisions</h2>\n<dl>\n");
	page_pair(out, "Log");
	page_text(out, said->name);
	page_pair_end(out);
	page_pair(out, "Entries");
	page_number(out, head->leaves);
	page_pair_end(out);
	page_pair(out, "Root hash");
	page_hash(out, log_hash_view(&head->root));
	page_pair_end(out);
	page_pair(out, "Signed at");
	page_time(out, head->time);
	page_pair_end(out);
	page_pair(out, "Signed by the key");
	page_hash(out, (struct tobi_bytes){said->key, sizeof(said->key)});
	page_pair_end(out);
	page_put(
	    out,
	    "</dl>\n<p>The head is <a href=\"/v1/log/head\">signed</a>. Whoever keeps "
	    "it can prove later that nothing was changed or left out: <code>tobichi "
	    "log follow</code> does so.</p>\n");
}

/* In words for everybody; why, the broker's own log says. */
static void put_health(struct page_call *call)
{
	struct tobi_fault fault = {0};
	struct writer *out = call->out;

	page_put(out, "<h2>How it is</h2>\n<dl>\n");
	page_pair(out, "Database");
	page_put(out, "answers");
	page_pair_end(out);
	/* It makes a device or a server work: not for everybody who looks. */
	if (!call->known) {
		page_put(out, "</dl>\n");
		return;
	}
	page_pair(out, "Keys");
	if (keyring_check(call->broker->keyring, &fault))
		page_put(out, "away: no secret can be given out");
	else
		page_put(out, "there");
	page_pair_end(out);
	page_put(out, "</dl>\n");
}

enum tobi_err page_front(struct broker *broker, const struct broker_request *request,
			 struct broker_reply *reply, struct tobi_fault *fault)
{
	struct decision_head head;
	struct log_head said;
	struct page_call call;
	enum tobi_err err = page_enter_open(broker, request, reply, &call, fault);

	if (!err)
		err = decision_log_head(broker->log, request->now, &head, fault);
	if (!err)
		err = log_head_read((struct tobi_bytes){head.bytes, head.size}, NULL,
				    &said, fault);
	if (!err)
		err = page_begin(&call, 200, PAGE_FRONT, "A broker of keys", fault);
	if (err)
		return err;
	page_put(
	    call.out,
	    "<p>It gives secrets to programs that prove what they are, under "
	    "the policies of the secrets' owners, and writes down each decision.</p>\n");
	put_log(&call, &head, &said);
	put_health(&call);
	return page_end(&call, fault);
}
