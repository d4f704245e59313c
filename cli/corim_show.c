/* `tobichi corim show`: what a document says. Nothing is proven. */
#include "cli/corim.h"

#include <string.h>

enum { DEPTH_MAX = 16, WIDTH = 2 };

/* One level of what is printed: an object, or an array. */
struct level {
	json_t *value;
	void *iterator;
	size_t index;
	bool is_first; /* of an array's element, which "- " begins */
};

static void print_scalar(json_t *value)
{
	if (json_is_string(value))
		cli_print_text(
		    stdout, (struct tobi_bytes){(const uint8_t *)json_string_value(value),
						json_string_length(value)});
	else if (json_is_integer(value))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		printf("%s", json_is_true(value)    ? "yes"
			     : json_is_false(value) ? "no"
						    : "any");
	putchar('\n');
}

static void indent(const struct level *levels, size_t depth)
{
	size_t width = 0;

	for (size_t i = 1; i < depth; i++)
		width += WIDTH;
	/* The first line of an element stands behind its dash. */
	if (depth > 1 && levels[depth - 1].is_first)
		printf("%*s- ", (int)width - WIDTH, "");
	else
		printf("%*s", (int)width, "");
}

/* The next member of the level; false at its end. */
static bool next(struct level *level, const char **ret_key, json_t **ret_value)
{
	*ret_key = NULL;
	if (json_is_array(level->value)) {
		*ret_value = json_array_get(level->value, level->index++);
		return *ret_value != NULL;
	}
	level->iterator = level->index++ == 0
			      ? json_object_iter(level->value)
			      : json_object_iter_next(level->value, level->iterator);
	if (!level->iterator)
		return false;
	*ret_key = json_object_iter_key(level->iterator);
	*ret_value = json_object_iter_value(level->iterator);
	return true;
}

static void print_text(json_t *json)
{
	struct level levels[DEPTH_MAX] = {{.value = json}};
	size_t depth = 1;

	while (depth > 0) {
		struct level *level = &levels[depth - 1];
		const char *key;
		json_t *value;
		bool nested;

		if (!next(level, &key, &value)) {
			depth--;
			continue;
		}
		nested = json_is_object(value) || json_is_array(value);
		if (key || !nested) {
			indent(levels, depth);
			level->is_first = false;
		}
		if (key)
			printf("%s:%s", key, nested ? "\n" : " ");
		else if (!nested)
			printf("- ");
		if (!nested)
			print_scalar(value);
		else if (depth < DEPTH_MAX)
			levels[depth++] =
			    (struct level){.value = value, .is_first = key == NULL};
	}
}

static int show_one(const char *path, json_t *all)
{
	CLEANUP(corim_document_freep) struct corim_document *document = NULL;
	struct tobi_fault fault = {0};
	json_t *json;

	if (corim_load(path, &document, &fault))
		return cli_fail(&fault);
	json = corim_to_json(document);
	if (!json)
		return cli_error("out of memory");
	if (all) {
		json_array_append_new(all, json);
	} else {
		print_text(json);
		json_decref(json);
	}
	return EXIT_ACCEPTED;
}

int corim_show(int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	json_t *all = NULL;
	int option, status = EXIT_ACCEPTED;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'j')
			return cli_usage(CORIM_COMMAND, "show has no such option");
		if (!all)
			all = json_array();
	}
	if (optind == argc) {
		json_decref(all);
		return cli_usage(CORIM_COMMAND, "show needs a FILE");
	}
	for (int i = optind; i < argc && status == EXIT_ACCEPTED; i++) {
		if (!all && argc - optind > 1) {
			cli_print_text(stdout,
				       (struct tobi_bytes){(const uint8_t *)argv[i],
							   strlen(argv[i])});
			putchar('\n');
		}
		status = show_one(argv[i], all);
	}
	if (all && status == EXIT_ACCEPTED)
		return cli_put_json(NULL, all);
	json_decref(all);
	return status;
}
