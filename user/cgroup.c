// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cgroup.h.  A path is read from the root to its end, name by name; each name
 * may open a container or be a service.  No allocation, no I/O, and never more than
 * one pass.  Paths of real machines, with where they are from, are in
 * tests/unit/test_cgroup_layouts.c.  processes.c is the caller.
 */
#include "cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ID_DIGITS 64

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define MACHINE_CHARS LOWER UPPER DIGITS "._-"
#define UNIT_CHARS MACHINE_CHARS ":@\\"

/* A piece of somebody else's text. */
struct span {
	const char *text;
	size_t len;
};

/* What a word before the 64 digits says: "docker-<id>.scope", "slice:docker:<id>". */
static const struct {
	const char *word, *runtime;
} words[] = {
	{ "docker", "docker" },
	{ "cri-containerd", "containerd" },
	{ "crio", "cri-o" },
	{ "libpod", "podman" },
	{ "nerdctl", "containerd" },
	{ "libpod-payload", "podman" },
	{ "containerd", "containerd" },
};

/* What the directory of the digits says, where no word does: "/docker/<id>". */
static const struct {
	const char *parent, *runtime;
} parents[] = {
	{ "docker", "docker" },
	{ "k8s.io", "containerd" },  /* containerd's namespaces: of the CRI without a parent, */
	{ "default", "containerd" }, /* of nerdctl */
};

static bool span_is(struct span span, const char *word)
{
	return span.len == strlen(word) && !memcmp(span.text, word, span.len);
}

static bool cut_prefix(struct span *span, const char *prefix)
{
	size_t len = strlen(prefix);

	if (span->len < len || memcmp(span->text, prefix, len) != 0)
		return false;
	span->text += len;
	span->len -= len;
	return true;
}

static bool cut_suffix(struct span *span, const char *suffix)
{
	size_t len = strlen(suffix);

	if (span->len < len || memcmp(span->text + span->len - len, suffix, len) != 0)
		return false;
	span->len -= len;
	return true;
}

/* A name of nothing but these characters, which fits. */
static bool is_name(struct span span, const char *chars)
{
	for (size_t i = 0; i < span.len; i++)
		if (!span.text[i] || !strchr(chars, span.text[i]))
			return false;
	return span.len && span.len < CGROUP_NAME_LEN;
}

static void copy_name(char name[CGROUP_NAME_LEN], struct span span)
{
	memcpy(name, span.text, span.len);
	name[span.len] = '\0';
}

static bool enter(struct cgroup_place *place, struct span id, const char *runtime)
{
	copy_name(place->id, id);
	place->runtime = runtime;
	place->depth++;
	return true;
}

/*
 * The word before the digits: of "slice:word:<id>" (the systemd driver's notation,
 * used as a path by mistake) what stands between the colons, of "word-<id>" all of it.
 */
static struct span word_of(struct span head)
{
	bool colon = cut_suffix(&head, ":");

	if (!colon && !cut_suffix(&head, "-"))
		return (struct span){ "", 0 };
	for (size_t i = head.len; colon && i > 0; i--)
		if (head.text[i - 1] == ':')
			return (struct span){ head.text + i, head.len - i };
	return head;
}

/* conmon watches a container from outside: no word of it is in the table. */
static bool enter_by_id(struct cgroup_place *place, struct span parent, struct span name)
{
	struct span id = name;

	(void)cut_suffix(&id, ".scope");
	if (id.len < ID_DIGITS)
		return false;
	name.len = id.len - ID_DIGITS;
	id = (struct span){ id.text + name.len, ID_DIGITS };
	if (!is_name(id, DIGITS "abcdef"))
		return false;
	if (name.len) {
		name = word_of(name);
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (span_is(name, words[i].word))
				return enter(place, id, words[i].runtime);
		return false;
	}
	/* That would be a pod of podman. */
	if (span_is(parent, "libpod_parent"))
		return false;
	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		if (span_is(parent, parents[i].parent))
			return enter(place, id, parents[i].runtime);
	return enter(place, id, NULL);
}

/* "/lxc/NAME" before LXC 3.1, "/lxc.payload/NAME" before 4.0, "/lxc.payload.NAME" since. */
static bool enter_lxc(struct cgroup_place *place, struct span parent, struct span name)
{
	if (!cut_prefix(&name, "lxc.payload.") && !span_is(parent, "lxc") &&
	    !span_is(parent, "lxc.payload"))
		return false;
	return is_name(name, MACHINE_CHARS) && enter(place, name, "lxc");
}

static int hex_value(char c)
{
	static const char digits[] = DIGITS "abcdef";
	const char *digit = c ? strchr(digits, c) : NULL;

	return digit ? (int)(digit - digits) : -1;
}

/* Undo systemd's \xNN; false: that is no machine's name. */
static bool unescape(char machine[CGROUP_NAME_LEN], struct span name)
{
	size_t len = 0;

	if (!name.len || name.len >= CGROUP_NAME_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.text[i];

		if (c == '\\') {
			int high, low;

			if (name.len - i < 4 || name.text[i + 1] != 'x')
				return false;
			high = hex_value(name.text[i + 2]);
			low = hex_value(name.text[i + 3]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 3;
		}
		machine[len++] = c;
	}
	machine[len] = '\0';
	return is_name((struct span){ machine, len }, MACHINE_CHARS);
}

static bool enter_machine(struct cgroup_place *place, struct span name)
{
	char machine[CGROUP_NAME_LEN];
	const char *runtime = "systemd-nspawn";

	if (!unescape(machine, name))
		return false;
	/* libvirt registers here too: its virtual machines are no containers... */
	if (!strncmp(machine, "qemu-", 5) && machine[5] && strchr(DIGITS, machine[5]))
		return false;
	/* ...and its containers are not systemd's. */
	if (!strncmp(machine, "lxc-", 4) && machine[4] && strchr(DIGITS, machine[4]))
		runtime = NULL;
	return enter(place, (struct span){ machine, strlen(machine) }, runtime);
}

/* "machine-NAME.scope"; systemd-nspawn itself may sit below, as supervisor. */
static bool enter_machine_scope(struct cgroup_place *place, struct span name, struct span next)
{
	return cut_prefix(&name, "machine-") && cut_suffix(&name, ".scope") &&
	       !span_is(next, "supervisor") && enter_machine(place, name);
}

/*
 * A service that runs a machine, "systemd-nspawn@NAME.service"; what lies directly in
 * it is systemd-nspawn.  "container@NAME.service" is how NixOS calls the same, a
 * common name: only the subgroup that systemd-nspawn makes is proof.
 */
static bool enter_machine_service(struct cgroup_place *place, struct span name, struct span next)
{
	if (!cut_suffix(&name, ".service") || !next.len || span_is(next, "supervisor"))
		return false;
	if (cut_prefix(&name, "systemd-nspawn@") ||
	    (span_is(next, "payload") && cut_prefix(&name, "container@")))
		return enter_machine(place, name);
	return false;
}

/*
 * systemd never puts a unit below a service, but for a user's own manager,
 * "user@UID.service".  So what looks like a service below another one was made by that
 * one, perhaps as a container that nobody knows: it is not believed.
 */
static void note_service(struct cgroup_place *place, struct span name)
{
	struct span stem = name;

	if (place->service[0] && strncmp(place->service, "user@", 5) != 0)
		return;
	if (!cut_suffix(&stem, ".service") || !stem.len || !is_name(name, UNIT_CHARS))
		return;
	/* The user's manager has no manager of a user. */
	if (place->service[0] && cut_prefix(&stem, "user@"))
		return;
	copy_name(place->service, name);
}

static bool open_container(struct cgroup_place *place, struct span parent, struct span name,
			   struct span next)
{
	return enter_lxc(place, parent, name) || enter_by_id(place, parent, name) ||
	       enter_machine_scope(place, name, next);
}

/* The next name of a path, which then begins behind it; len 0: there is none. */
static struct span next_name(struct span *path)
{
	struct span name;

	while (cut_prefix(path, "/"))
		;
	name = *path;
	for (name.len = 0; name.len < path->len && name.text[name.len] != '/';)
		name.len++;
	path->text += name.len;
	path->len -= name.len;
	return name;
}

static void parse(struct cgroup_place *place, struct span path)
{
	struct span parent = { "", 0 }, name, next;

	memset(place, 0, sizeof(*place));
	/* So /proc shows a group that was removed while a process ends in it. */
	(void)cut_suffix(&path, " (deleted)");
	for (name = next_name(&path); name.len; name = next) {
		next = next_name(&path);
		if (open_container(place, parent, name, next)) {
			/* Its name says nothing of what is in it. */
			parent.len = 0;
			continue;
		}
		if (!place->depth)
			note_service(place, name);
		(void)enter_machine_service(place, name, next);
		parent = name;
	}
}

int cgroup_parse(struct cgroup_place *place, const char *path)
{
	if (*path != '/')
		return -EINVAL;
	parse(place, (struct span){ path, strlen(path) });
	return 0;
}

/* Cut the text behind the next c off and return it; without c: all of it. */
static struct span cut_at(struct span *text, char c)
{
	const char *end = memchr(text->text, c, text->len);
	struct span piece = *text;

	if (end)
		piece.len = (size_t)(end - text->text);
	text->text += piece.len + (end ? 1 : 0);
	text->len -= piece.len + (end ? 1 : 0);
	return piece;
}

/*
 * How much a line says.  A container counts most, and the innermost of all; then that
 * a group is not the root.  Then systemd's own hierarchy: in those of the controllers
 * a process may stay where somebody else, or a parent of it, was.
 */
static unsigned int weigh(struct span id, struct span controllers, struct span path)
{
	struct cgroup_place place;
	unsigned int weight = 1;

	parse(&place, path);
	if (span_is(controllers, "name=systemd"))
		weight = 3;
	else if (span_is(id, "0") && !controllers.len)
		weight = 2;
	if (path.len > 1)
		weight += 4;
	return weight + 8 * place.depth;
}

int cgroup_choose(char *path, size_t size, const char *proc_text)
{
	struct span text = { proc_text, strlen(proc_text) }, best = { "", 0 };
	unsigned int most = 0;

	while (text.len) {
		struct span line = cut_at(&text, '\n');
		struct span id = cut_at(&line, ':'), controllers = cut_at(&line, ':');
		unsigned int weight;

		if (!line.len || line.text[0] != '/')
			continue;
		weight = weigh(id, controllers, line);
		if (weight > most) {
			most = weight;
			best = line;
		}
	}
	if (!most)
		return -ENOENT;
	if (best.len >= size)
		return -ENAMETOOLONG;
	memcpy(path, best.text, best.len);
	path[best.len] = '\0';
	return 0;
}
