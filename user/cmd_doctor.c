// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What this kernel and these rights allow, hook by hook.  It does not guess: it loads and
 * attaches what the tracer would, for a moment, and says what the kernel answered.
 */
#include "cmd_doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "hooks.h"
#include "log.h"
#include "probe.h"
#include "text.h"

struct diagnosis {
	struct doctor_check checks[DOCTOR_CHECKS];
	size_t count;
	struct probe *probe; /* NULL: could not be loaded */
	int status;          /* exit status */
};

static void ignore(void *context, const void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
}

/* The worst that was found, by its exit status. */
static int status_of_checks(const struct diagnosis *diagnosis)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < diagnosis->count; i++) {
		if (diagnosis->checks[i].verdict == DOCTOR_RIGHTS && !status)
			status = EXIT_RIGHTS;
		else if (diagnosis->checks[i].verdict == DOCTOR_KERNEL)
			status = EXIT_KERNEL;
	}
	return status;
}

/* Load and attach, as the tracer does.  What goes wrong is told by the probe itself. */
static void try_it(struct diagnosis *diagnosis, const struct options *options)
{
	struct probe_config config = { .way = (enum probe_way)options->hooks };
	int err = probe_open(&diagnosis->probe, &config, ignore, NULL);

	if (!err)
		err = probe_attach(diagnosis->probe);
	if (err)
		diagnosis->status = err == -EPERM ? EXIT_RIGHTS : EXIT_KERNEL;
}

#define COSTS 2

/* What the hooks in use cost those who are traced: sentences. */
static size_t find_costs(const struct hooks *hooks, const char *costs[COSTS])
{
	bool calls = false;
	size_t count = 0;

	for (enum hook_fact fact = 0; fact < FACT_DATAGRAMS; fact++)
		calls |= hooks->ways[fact] == WAY_CALL;
	costs[count++] = calls ? "every system call of the machine is 25 to 30 ns slower"
			       : "nothing for those who do none of it";
	if (hooks->ways[FACT_DATAGRAMS] == WAY_CALL)
		costs[count++] = "each send and receive of any socket, TCP's too, is some tens of "
				 "ns slower (--tcp leaves that out)";
	if (hooks->ways[FACT_DATAGRAMS] == WAY_FUNCTION)
		costs[count++] = "each datagram sent or received is some tens of ns slower (--tcp "
				 "leaves that out)";
	return count;
}

/* Why a fact is not seen in the best way; NULL: it is. */
static const char *why_not_better(const struct hooks *hooks, enum hook_fact fact)
{
	if (fact == FACT_DATAGRAMS && hooks->no_datagrams)
		return hooks->no_datagrams;
	if (hooks->ways[fact] != WAY_CALL)
		return NULL;
	return hooks->refusal[0] ? hooks->refusal : "--hooks calls";
}

/* io_uring, where the other hooks see it, is no fact of its own. */
static bool is_told(const struct hooks *hooks, enum hook_fact fact)
{
	return hooks->ways[fact] != WAY_NONE || (fact == FACT_DATAGRAMS && hooks->no_datagrams);
}

static void print_hooks(const struct hooks *hooks)
{
	const char *missed = hooks_missed(hooks), *costs[COSTS];
	size_t count = find_costs(hooks, costs);
	bool said = false; /* why not by functions: the same for all */
	char names[512];

	for (enum hook_fact fact = 0; fact < FACTS; fact++) {
		const char *why = why_not_better(hooks, fact);
		bool none = hooks->ways[fact] == WAY_NONE;

		if (!is_told(hooks, fact))
			continue;
		hooks_names(hooks, fact, names, sizeof(names));
		(void)printf("%-14s %s\n", hooks_fact_name(fact),
			     names[0] && !none ? names : "not seen");
		if (why && (none || !said))
			(void)printf("%14s %s%s\n", "",
				     none ? "" : "not by functions of the kernel: ", why);
		said |= why && !none;
	}
	(void)printf("\n%-14s %s\n", "coverage",
		     missed ? "all TCP and UDP sockets, but not:"
			    : "all TCP and UDP sockets, of every network namespace");
	if (missed)
		(void)printf("%14s %s\n", "", missed);
	for (size_t i = 0; i < count; i++)
		(void)printf("%-14s %s\n", i ? "" : "cost", costs[i]);
}

static const char *verdict_of(const struct diagnosis *diagnosis)
{
	switch (diagnosis->status) {
	case EXIT_DONE:
		return "ready";
	case EXIT_RIGHTS:
		return "not ready: rights are missing, run it as root with all rights: sudo "
		       "porttrace doctor";
	default:
		return "not ready: this kernel cannot, see above";
	}
}

static void print_table(const struct diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->count; i++) {
		const struct doctor_check *check = &diagnosis->checks[i];

		(void)printf("%-14s %s\n", check->name, check->value);
		if (check->advice)
			(void)printf("%14s %s\n", "", check->advice);
	}
	(void)printf("\n");
	if (diagnosis->probe)
		print_hooks(probe_choice(diagnosis->probe));
	(void)printf("%s\n", verdict_of(diagnosis));
}

static void json_string(struct text *text, const char *key, const char *value)
{
	text_char(text, '"');
	text_string(text, key);
	TEXT_LITERAL(text, "\":\"");
	text_json(text, value, strlen(value));
	text_char(text, '"');
}

static void json_names(struct text *text, char *names)
{
	const char *name;
	bool more = false;

	TEXT_LITERAL(text, ",\"names\":[");
	while ((name = strsep(&names, " "))) {
		if (!*name)
			continue;
		text_string(text, more ? ",\"" : "\"");
		text_string(text, name);
		text_char(text, '"');
		more = true;
	}
	text_char(text, ']');
}

static void json_hooks(struct text *text, const struct hooks *hooks)
{
	const char *missed = hooks_missed(hooks), *costs[COSTS];
	size_t count = find_costs(hooks, costs);
	bool more = false;
	char names[512];

	TEXT_LITERAL(text, ",\"hooks\":[");
	for (enum hook_fact fact = 0; fact < FACTS; fact++) {
		const char *why = why_not_better(hooks, fact);

		if (!is_told(hooks, fact))
			continue;
		text_string(text, more ? ",{" : "{");
		more = true;
		json_string(text, "fact", hooks_fact_name(fact));
		text_char(text, ',');
		json_string(text, "way", hooks_way_name(hooks->ways[fact]));
		hooks_names(hooks, fact, names, sizeof(names));
		json_names(text, names);
		if (why) {
			text_char(text, ',');
			json_string(text, "why", why);
		}
		text_char(text, '}');
	}
	text_char(text, ']');
	if (missed) {
		text_char(text, ',');
		json_string(text, "missed", missed);
	}
	TEXT_LITERAL(text, ",\"costs\":[");
	for (size_t i = 0; i < count; i++) {
		text_string(text, i ? ",\"" : "\"");
		text_json(text, costs[i], strlen(costs[i]));
		text_char(text, '"');
	}
	text_char(text, ']');
}

static void print_json(const struct diagnosis *diagnosis)
{
	struct text text = {};

	TEXT_LITERAL(&text, "{\"checks\":[");
	for (size_t i = 0; i < diagnosis->count; i++) {
		const struct doctor_check *check = &diagnosis->checks[i];

		text_string(&text, i ? ",{" : "{");
		json_string(&text, "name", check->name);
		text_char(&text, ',');
		json_string(&text, "verdict", doctor_verdict_name(check->verdict));
		text_char(&text, ',');
		json_string(&text, "value", check->value);
		if (check->advice) {
			text_char(&text, ',');
			json_string(&text, "advice", check->advice);
		}
		text_char(&text, '}');
	}
	text_char(&text, ']');
	if (diagnosis->probe)
		json_hooks(&text, probe_choice(diagnosis->probe));
	TEXT_LITERAL(&text, ",\"ready\":");
	text_string(&text, diagnosis->status ? "false" : "true");
	TEXT_LITERAL(&text, "}\n");
	(void)fwrite(text.data, 1, text.failed ? 0 : text.len, stdout);
	text_free(&text);
}

int cmd_doctor(const struct options *options, const struct services *services)
{
	struct diagnosis diagnosis = {};

	(void)services;
	diagnosis.count = doctor_examine(diagnosis.checks, "");
	diagnosis.status = status_of_checks(&diagnosis);
	if (!diagnosis.status)
		try_it(&diagnosis, options);
	if (options->json)
		print_json(&diagnosis);
	else
		print_table(&diagnosis);
	probe_free(diagnosis.probe);
	if (!fflush(stdout))
		return diagnosis.status;
	log_error("the output failed: %m");
	return EXIT_OUTPUT;
}
