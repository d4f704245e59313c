#include "tests/check.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "daemons/broker/log.h"

static char said[4096];

/* What is written to standard error while it runs. */
static void hear(void (*speak)(void))
{
	int ends[2], before = dup(STDERR_FILENO);
	ssize_t size;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	speak();
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	size = read(ends[0], said, sizeof(said) - 1);
	close(ends[0]);
	said[size > 0 ? size : 0] = 0;
}

static json_t *read_line(void)
{
	json_t *json = json_loads(said, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	assert_int_equal(said[strlen(said) - 1], '\n');
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	return json;
}

static void speak_hostile(void)
{
	struct log_line line;

	log_start(&line, "info", "request");
	log_text(&line, "path", "a\"b\\c\n\r\x1b[2J\x7f\xc3\xa9\xff");
	log_text(&line, "none", NULL);
	log_number(&line, "status", -7);
	log_end(&line);
}

static void test_log__hostile_text__one_line_of_json(void **state)
{
	json_t *json;

	(void)state;
	hear(speak_hostile);
	for (const char *at = said; *at != '\n'; at++)
		assert_true(*at >= ' ' && *at <= '~');
	json = read_line();
	assert_string_equal(json_string_value(json_object_get(json, "event")), "request");
	assert_int_equal(json_integer_value(json_object_get(json, "status")), -7);
	assert_null(json_object_get(json, "none"));
	assert_non_null(
	    strstr(said, "a\\\"b\\\\c\\u000a\\u000d\\u001b[2J\\u007f\\u00c3"));
	json_decref(json);
}

static void speak_much(void)
{
	static char text[5000];
	struct log_line line;

	memset(text, 1, sizeof(text) - 1);
	log_start(&line, "info", "long");
	for (int i = 0; i < 100; i++) {
		text[0] = (char)('a' + i % 26);
		log_text(&line, "cut", text);
		log_number(&line, "number", i);
	}
	log_end(&line);
}

/* What does not fit is left out as a whole: the line stays JSON. */
static void test_log__too_much__cut_in_whole_values(void **state)
{
	json_t *json;

	(void)state;
	hear(speak_much);
	assert_true(strlen(said) <= LOG_LINE);
	json = json_loads(said, 0, NULL);
	assert_non_null(json);
	json_decref(json);
}

static void speak_fault(void)
{
	struct tobi_fault fault = {.code = TOBI_E_SYSTEM, .message = "no \"space\""};

	log_fault("request-failed", &fault);
}

static void test_log_fault__message__told(void **state)
{
	json_t *json;

	(void)state;
	hear(speak_fault);
	json = read_line();
	assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
	assert_non_null(
	    strstr(json_string_value(json_object_get(json, "fault")), "\"space\""));
	json_decref(json);
}

static void test_log_may__flood__left_out_and_counted(void **state)
{
	struct log_pace pace = {0};
	unsigned lines = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		lines += log_may(&pace, 7);
	assert_int_equal(lines, 20);
	assert_true(log_may(&pace, 8));
	/* Not every line tells it: nothing is forgotten until one does. */
	assert_true(log_may(&pace, 8));
	assert_int_equal(log_left_out(&pace), 980);
	assert_int_equal(log_left_out(&pace), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log__hostile_text__one_line_of_json),
	    cmocka_unit_test(test_log__too_much__cut_in_whole_values),
	    cmocka_unit_test(test_log_fault__message__told),
	    cmocka_unit_test(test_log_may__flood__left_out_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
