#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/http.h"

enum tobi_err broker_reply_header(struct broker_reply *reply, const char *name,
				  const char *format, ...)
{
	char *value = NULL;
	va_list list;
	int size;

	if (reply->header_count == HTTP_REPLY_HEADERS)
		return TOBI_E_LIMIT;
	va_start(list, format);
	size = vasprintf(&value, format, list);
	va_end(list);
	if (size < 0)
		return TOBI_E_MEMORY;
	for (int i = 0; i < size; i++) {
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f) {
			free(value);
			return TOBI_E_MALFORMED;
		}
	}
	reply->headers[reply->header_count].name = name;
	reply->headers[reply->header_count++].value = value;
	return TOBI_OK;
}

void broker_reply_done(struct broker_reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		/* A cookie, it may be. */
		explicit_bzero(reply->headers[i].value, strlen(reply->headers[i].value));
		free(reply->headers[i].value);
	}
	reply->header_count = 0;
	wr_done(&reply->body);
}
