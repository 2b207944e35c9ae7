// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options_help.c, and that the manual page and the completion name the same options as
 * the table; they are looked for in $SRCDIR (the current directory without it).
 */
#include "options_fixture.h"

#include <ctype.h>

static char *printed_by(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void help_of_trace(FILE *out)
{
	options_help(COMMAND_TRACE, out);
}

static void test_help(void **state)
{
	char *help = printed_by(help_of_trace), *list = printed_by(options_list), *rest = help;
	static const char *const groups[] = { "\nFilter ", "\nOutput:\n", "\nStop:\n",
					      "\nTuning:\n", "\nOther:\n" };
	const char *place = help;

	(void)state;
	for (size_t i = 0; i < COUNT(groups); i++) {
		place = strstr(place, groups[i]);
		assert_non_null(place);
	}
	assert_non_null(strstr(help, "  -p, --pid PID "));
	assert_non_null(strstr(help, "\n      --comm GLOB "));
	assert_non_null(strstr(help, "\n  -4 "));
	assert_non_null(strstr(help, "\n  -n, --numeric "));
	assert_non_null(strstr(list, "-p --pid PID\n"));
	assert_non_null(strstr(list, "\n-4\n"));
	assert_non_null(strstr(list, "\n--comm GLOB\n"));
	while (rest && *rest)
		assert_true(strlen(strsep(&rest, "\n")) <= 80);
	free(list);
	free(help);
}

static char *read_source(const char *name)
{
	const char *directory = getenv("SRCDIR");
	char path[4096], *text = NULL;
	size_t size = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory ? directory : ".", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: %s (SRCDIR is the root of the source)", path, strerror(errno));
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	(void)fclose(file);
	return text;
}

static bool is_option_char(char c)
{
	return isalnum((unsigned char)c) || c == '-';
}

/* As a word: --port is not in "--port-range", nor -t in "-tn". */
static bool has_word(const char *text, const char *word, size_t len)
{
	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !is_option_char(at[-1])) && !is_option_char(at[len]))
			return true;
	return false;
}

static void check_words(const char *name, const char *text, char *list)
{
	char *line, *word;

	while ((line = strsep(&list, "\n")) != NULL)
		while ((word = strsep(&line, " ")) != NULL)
			if (*word == '-' && !has_word(text, word, strlen(word)))
				fail_msg("%s lacks %s", name, word);
}

/* Nor may they promise what is not there. */
static void check_no_others(const char *name, const char *text, const char *list)
{
	for (const char *at = strstr(text, "--"); at; at = strstr(at + 1, "--")) {
		char word[64];
		size_t len = 2;

		if (at > text && is_option_char(at[-1]))
			continue;
		while (is_option_char(at[len]))
			len++;
		if (len == 2)
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, at);
		if (!has_word(list, word, strlen(word)))
			fail_msg("%s has %s, the program does not", name, word);
	}
}

static void check_source(const char *name)
{
	char *text = read_source(name), *list = printed_by(options_list);
	char *copy = strdup(list);

	/* Only roff writes "\-"; in the completion there is none. */
	for (char *at = text; (at = strstr(at, "\\-")) != NULL; at++)
		memmove(at, at + 1, strlen(at));
	assert_non_null(copy);
	check_words(name, text, copy);
	check_no_others(name, text, list);
	for (enum command_id id = COMMAND_TRACE + 1; id < COMMANDS; id++)
		if (!has_word(text, command_table[id].name, strlen(command_table[id].name)))
			fail_msg("%s lacks the command %s", name, command_table[id].name);
	free(copy);
	free(list);
	free(text);
}

static void test_manual_page(void **state)
{
	(void)state;
	check_source("doc/porttrace.8");
}

static void test_completion(void **state)
{
	(void)state;
	check_source("packaging/completions/porttrace.bash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_manual_page),
		cmocka_unit_test(test_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
