#include "daemons/broker/job.h"

#include <stdlib.h>
#include <string.h>

#include "daemons/broker/attested.h"

struct job *job_new(size_t text_size)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		job->text = calloc(1, text_size + 1);
	if (job && !job->text) {
		free(job);
		return NULL;
	}
	if (job)
		job->text_size = text_size;
	return job;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	if (job->text)
		explicit_bzero(job->text, job->text_size);
	if (job->body)
		explicit_bzero(job->body, job->body_size);
	attested_unref(job->attested);
	broker_reply_done(&job->reply);
	free(job->body);
	free(job->text);
	free(job);
}
