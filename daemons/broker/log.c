#include "daemons/broker/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

enum { LINES_A_SECOND = 20, LINE_END = 3 };

static void put(struct log_line *line, const char *text, size_t size)
{
	size_t room = sizeof(line->text) - LINE_END - line->used;

	size = size < room ? size : room;
	for (size_t i = 0; i < size; i++)
		line->text[line->used++] = text[i];
}

/* Whole or not at all: a value that is cut would break the line. */
static bool has_room(const struct log_line *line, size_t size)
{
	return sizeof(line->text) - LINE_END - line->used >= size;
}

/* All but plain ASCII as \u00XX, byte by byte: no terminal and no reader of lines is
 * ever led astray by it. */
static void put_escaped(struct log_line *line, const char *text)
{
	char one[8];

	for (size_t i = 0; text[i] && i < LOG_TEXT; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			snprintf(one, sizeof(one), "\\%c", c);
		else if (c < ' ' || c > '~')
			snprintf(one, sizeof(one), "\\u%04x", c);
		else
			snprintf(one, sizeof(one), "%c", c);
		put(line, one, strlen(one));
	}
}

void log_start(struct log_line *line, const char *level, const char *event)
{
	struct timespec now = {0};
	struct tm tm = {0};
	char when[32] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	line->used =
	    (size_t)snprintf(line->text, sizeof(line->text),
			     "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"event\":\"%s\"",
			     when, now.tv_nsec / 1000000, level, event);
}

void log_text(struct log_line *line, const char *name, const char *text)
{
	/* Each byte takes six at most. */
	if (!text || !has_room(line, strlen(name) + 6 + 6 * strnlen(text, LOG_TEXT)))
		return;
	put(line, ",\"", 2);
	put(line, name, strlen(name));
	put(line, "\":\"", 3);
	put_escaped(line, text);
	put(line, "\"", 1);
}

void log_number(struct log_line *line, const char *name, int64_t number)
{
	char text[96];
	int size =
	    snprintf(text, sizeof(text), ",\"%.60s\":%lld", name, (long long)number);

	if (has_room(line, (size_t)size))
		put(line, text, (size_t)size);
}

void log_end(struct log_line *line)
{
	ssize_t done;

	line->text[line->used++] = '}';
	line->text[line->used++] = '\n';
	/* Nobody is left to be told that it did not work. */
	done = write(STDERR_FILENO, line->text, line->used);
	(void)done;
}

void log_event(const char *level, const char *event, const char *name, const char *text)
{
	struct log_line line;

	log_start(&line, level, event);
	if (name)
		log_text(&line, name, text);
	log_end(&line);
}

void log_fault(const char *event, const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	log_event("error", event, "fault", text);
}

bool log_may(struct log_pace *pace, int64_t now)
{
	if (pace->second != now) {
		pace->second = now;
		pace->lines = 0;
	}
	if (++pace->lines > LINES_A_SECOND) {
		pace->left_out++;
		return false;
	}
	return true;
}

uint64_t log_left_out(struct log_pace *pace)
{
	const uint64_t left_out = pace->left_out;

	pace->left_out = 0;
	return left_out;
}
