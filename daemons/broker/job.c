#include "daemons/broker/job.h"

#include <stdlib.h>
#include <string.h>

struct job *job_new(size_t text_size)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		job->text = calloc(1, text_size + 1);
	if (job && !job->text) {
		free(job);
		return NULL;
	}
	return job;
}

/* The head has cookies and tokens. How long it is, parsing has not hidden: the last value
 * ends where the text does, and the values are wiped one by one. */
static void wipe_head(struct job *job)
{
	for (size_t i = 0; i < job->head.header_count; i++)
		explicit_bzero((char *)job->head.headers[i].value,
			       strlen(job->head.headers[i].value));
}

void job_free(struct job *job)
{
	if (!job)
		return;
	if (job->text)
		wipe_head(job);
	if (job->body)
		explicit_bzero(job->body, job->body_size);
	broker_reply_done(&job->reply);
	free(job->body);
	free(job->text);
	free(job);
}
