/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many instructions the running kernel's verifier looks at, for each BPF program:
 *
 *     insns OBJECT.bpf.o [TARGETS [PROGRAM...]]
 *
 * TARGETS is a file of lines "PROGRAM FUNCTION", for programs whose SEC() names none; of many
 * programs only those that are named.  It
 * prints a line "PROGRAM COUNT" for each, COUNT "-" and the reason where the kernel
 * refuses to load it.  Each is loaded alone and attached to nothing.  tests/insns.py
 * compares this with tests/insns.table.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/version.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define LOG_STATS 4 /* BPF_LOG_STATS: nothing but the closing lines */
#define ENTRIES_MAX 65536

static char text[1 << 20];
static char targets[1 << 16] = "\n"; /* "\nPROGRAM FUNCTION\n..." */

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

/* As KERNEL_VERSION() makes it; 0: not known. */
static uint32_t running_version(void)
{
	unsigned int version = 0, patch = 0, level = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u.%u", &version, &patch, &level) < 2)
		return 0;
	return KERNEL_VERSION(version, patch, level > 255 ? 255 : level);
}

/* Tables of a million entries would be allocated once for each program. */
static void fit_maps(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		enum bpf_map_type type = bpf_map__type(map);

		if ((type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_RINGBUF) &&
		    bpf_map__max_entries(map) > ENTRIES_MAX)
			(void)bpf_map__set_max_entries(map, ENTRIES_MAX);
		/* has_task_storage() in bpf/compat.bpf.h */
		if (type == BPF_MAP_TYPE_TASK_STORAGE &&
		    running_version() < KERNEL_VERSION(5, 12, 0))
			(void)bpf_map__set_autocreate(map, false);
	}
}

/* What decides which way of several a program takes (bpf/compat.bpf.h). */
static void set_version(struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_var_secinfo *variables;
	uint32_t version = running_version();
	char *data;
	size_t size;

	if (!map || id < 0)
		return;
	data = (char *)bpf_map__initial_value(map, &size); /* const only in older versions */
	variables = btf_var_secinfos(btf__type_by_id(btf, (__u32)id));
	for (int i = 0; i < btf_vlen(btf__type_by_id(btf, (__u32)id)); i++) {
		const struct btf_type *type = btf__type_by_id(btf, variables[i].type);

		if (!strcmp(btf__name_by_offset(btf, type->name_off), "kernel_version"))
			memcpy(data + variables[i].offset, &version, sizeof(version));
	}
}

static int read_targets(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file)
		return -errno;
	targets[1 + fread(targets + 1, 1, sizeof(targets) - 2, file)] = 0;
	(void)fclose(file);
	return 0;
}

static void set_target(struct bpf_program *program)
{
	char key[128], function[128];
	const char *line;

	(void)snprintf(key, sizeof(key), "\n%s ", bpf_program__name(program));
	line = strstr(targets, key);
	if (line && sscanf(line + strlen(key), "%127s", function) == 1)
		(void)bpf_program__set_attach_target(program, 0, function);
}

/* names: those that are asked for, NULL after the last; none: all. */
static bool is_asked_for(const char *name, char **names)
{
	char **at = names;

	while (*at && strcmp(*at, name) != 0)
		at++;
	return *at || !*names;
}

/* Prints the count of the program at place WHICH; 0 or -errno, -ENOENT after the last. */
static int measure(const char *path, int which, char **names)
{
	struct bpf_program *program, *wanted = NULL;
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	const char *count;
	int place = 0, err;

	if (!object)
		return -errno;
	fit_maps(object);
	set_version(object);
	bpf_object__for_each_program(program, object) {
		(void)bpf_program__set_autoload(program, place == which);
		if (place++ == which)
			wanted = program;
	}
	err = -ENOENT;
	if (!wanted)
		goto out;
	err = 0;
	if (!is_asked_for(bpf_program__name(wanted), names))
		goto out;
	text[0] = 0;
	set_target(wanted);
	(void)bpf_program__set_log_buf(wanted, text, sizeof(text));
	(void)bpf_program__set_log_level(wanted, LOG_STATS);
	err = bpf_object__load(object);
	/* "processed 1234 insns (limit 1000000) max_states_per_insn ..." */
	count = strstr(text, "processed ");
	if (err || !count)
		printf("%s - %s\n", bpf_program__name(wanted),
		       err ? strerror(-err) : "no statistics");
	else
		printf("%s %ld\n", bpf_program__name(wanted), strtol(count + 10, NULL, 10));
	err = 0;
out:
	bpf_object__close(object);
	return err;
}

int main(int argc, char **argv)
{
	int err = 0;

	static char *all[] = { NULL };

	if (argc < 2) {
		fputs("usage: insns OBJECT.bpf.o [TARGETS [PROGRAM...]]\n", stderr);
		return 2;
	}
	if (argc >= 3)
		err = read_targets(argv[2]);
	libbpf_set_print(say_nothing);
	for (int i = 0; !err; i++)
		err = measure(argv[1], i, argc > 3 ? argv + 3 : all);
	if (err != -ENOENT) {
		fprintf(stderr, "insns: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	return 0;
}
