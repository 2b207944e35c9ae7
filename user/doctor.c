// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See doctor.h.  A check is a function and a row in examine[].
 */
#include "doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "rights.h"

static const char *const verdict_names[] = {
	[DOCTOR_GOOD] = "good",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_RIGHTS] = "rights",
	[DOCTOR_KERNEL] = "kernel",
};
_Static_assert(sizeof(verdict_names) / sizeof(verdict_names[0]) == DOCTOR_VERDICTS, "a name for "
										    "each");

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
	return verdict_names[verdict];
}

__attribute__((format(printf, 2, 3))) static void found(struct doctor_check *check,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(check->value, sizeof(check->value), format, args);
	va_end(args);
}

/* Whether the running kernel is at least major.minor. */
static bool kernel_is(unsigned int major, unsigned int minor)
{
	unsigned int its_major = 0, its_minor = 0;
	struct utsname name;

	if (!uname(&name))
		(void)sscanf(name.release, "%u.%u", &its_major, &its_minor);
	return its_major > major || (its_major == major && its_minor >= minor);
}

static void check_kernel(struct doctor_check *check, const char *root)
{
	struct utsname name;

	(void)root;
	if (uname(&name))
		return;
	found(check, "%s %s", name.release, name.machine);
	if (kernel_is(5, 10))
		return;
	check->verdict = DOCTOR_KERNEL;
	check->advice = "5.10 or newer is needed";
}

static void check_btf(struct doctor_check *check, const char *root)
{
	char name[512];

	(void)snprintf(name, sizeof(name), "%s/sys/kernel/btf/vmlinux", root);
	if (!access(name, R_OK)) {
		found(check, "/sys/kernel/btf/vmlinux");
		return;
	}
	found(check, "none");
	check->verdict = DOCTOR_KERNEL;
	check->advice = "a kernel with CONFIG_DEBUG_INFO_BTF=y is needed";
}

static void check_rights(struct doctor_check *check, const char *root)
{
	char missing[96];

	if (!rights_are_initial(root, missing, sizeof(missing))) {
		found(check, "those of another user namespace (%s)", missing);
		check->verdict = DOCTOR_RIGHTS;
		check->advice = "run it outside of that, as root: sudo porttrace doctor";
		return;
	}
	if (rights_missing(missing, sizeof(missing))) {
		found(check, "can't be read");
		return;
	}
	found(check, "%s%s", missing[0] ? missing : "CAP_BPF and CAP_PERFMON",
	      missing[0] ? " missing" : "");
	if (!missing[0])
		return;
	check->verdict = DOCTOR_RIGHTS;
	check->advice = "run it as root: sudo porttrace doctor";
}

static void check_lockdown(struct doctor_check *check, const char *root)
{
	char mode[64];
	int err = rights_lockdown(root, mode, sizeof(mode));

	if (err) {
		found(check, err == -ENOENT ? "none" : "not known: %s", strerror(-err));
		return;
	}
	found(check, "%s", mode);
	if (strcmp(mode, "confidentiality") != 0)
		return;
	check->verdict = DOCTOR_KERNEL;
	check->advice = "it forbids to read the kernel's memory: boot with lockdown=integrity";
}

/* Up to 5.10 maps count as locked memory. */
static void check_memory(struct doctor_check *check, const char *root)
{
	struct rlimit limit;

	(void)root;
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (kernel_is(5, 11)) {
		found(check, "of the cgroup; the limit of locked memory does not matter since "
			     "5.11");
		return;
	}
	if (limit.rlim_max == RLIM_INFINITY)
		found(check, "locked memory without limit");
	else
		found(check, "locked memory up to %llu KiB",
		      (unsigned long long)limit.rlim_max / 1024);
	if (limit.rlim_max == RLIM_INFINITY || rights_have(CAP_SYS_RESOURCE))
		return;
	check->verdict = DOCTOR_NOTE;
	check->advice = "before 5.11 maps need it: ulimit -l unlimited, or CAP_SYS_RESOURCE";
}

static void check_helpers(struct doctor_check *check, const char *root)
{
	(void)root;
	if (kernel_is(5, 12)) {
		found(check, "all");
		return;
	}
	found(check, "no cookies for tracing programs (5.12)");
	check->verdict = DOCTOR_NOTE;
	check->advice = "porttrace.cookie is told only where something else made it, as ss -e does";
}

/* Where a file system of a type is mounted; false: nowhere. */
static bool mounted_at(const char *root, const char *type, char *path, size_t size)
{
	char name[512], *line = NULL, *rest, *word;
	size_t room = 0;
	bool is_found = false;
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s/proc/self/mounts", root);
	file = fopen(name, "re");
	if (!file)
		return false;
	while (!is_found && getline(&line, &room, file) > 0) {
		const char *at;

		rest = line;
		(void)strsep(&rest, " ");
		at = strsep(&rest, " ");
		word = strsep(&rest, " ");
		if (!word || strcmp(word, type) != 0)
			continue;
		(void)snprintf(path, size, "%s", at);
		is_found = true;
	}
	free(line);
	(void)fclose(file);
	return is_found;
}

static void check_cgroup(struct doctor_check *check, const char *root)
{
	char unified[96], old[96];
	bool has_unified = mounted_at(root, "cgroup2", unified, sizeof(unified));

	if (mounted_at(root, "cgroup", old, sizeof(old)))
		found(check, "version 1%s%s", has_unified ? ", and 2 at " : "",
		      has_unified ? unified : "");
	else if (has_unified)
		found(check, "version 2 at %s", unified);
	else
		found(check, "not mounted");
}

static void check_tracefs(struct doctor_check *check, const char *root)
{
	char path[96];

	if (mounted_at(root, "tracefs", path, sizeof(path)))
		found(check, "at %s", path);
	else
		found(check, "not mounted; opened without that where it is needed");
}

static void check_namespace(struct doctor_check *check, const char *root)
{
	char name[64];

	if (rights_see_processes(root, name, sizeof(name))) {
		found(check, "initial");
		return;
	}
	found(check, "another one (%s)", name);
	check->verdict = DOCTOR_NOTE;
	check->advice = "pids are told as the initial pid namespace numbers them, not as ps here "
			"does; who outside of it holds a socket that is there already is not known";
}

static const struct {
	const char *name;
	void (*examine)(struct doctor_check *check, const char *root);
} examine[] = {
	{ "kernel", check_kernel },           { "BTF", check_btf },
	{ "rights", check_rights },           { "lockdown", check_lockdown },
	{ "memory", check_memory },           { "helpers", check_helpers },
	{ "cgroups", check_cgroup },          { "tracefs", check_tracefs },
	{ "pid namespace", check_namespace },
};
_Static_assert(sizeof(examine) / sizeof(examine[0]) == DOCTOR_CHECKS, "room for each");

size_t doctor_examine(struct doctor_check *checks, const char *root)
{
	for (size_t i = 0; i < DOCTOR_CHECKS; i++) {
		checks[i] = (struct doctor_check){ .name = examine[i].name };
		examine[i].examine(&checks[i], root);
	}
	return DOCTOR_CHECKS;
}
