// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cgroup.c: paths as nobody should ever see them, and which line of /proc/PID/cgroup it
 * goes by.  The paths of real machines are in test_cgroup_layouts.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"

#include "cgroup_ids.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_no_path(void **state)
{
	static const char *const texts[] = { "", "docker", "0::/", " /", "\n" };
	struct cgroup_place place = { .id = "before", .runtime = "x", .service = "y", .depth = 7 };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(cgroup_parse(&place, texts[i]), -EINVAL);
	assert_string_equal(place.id, "before");
	assert_string_equal(place.runtime, "x");
	assert_string_equal(place.service, "y");
	assert_int_equal(place.depth, 7);
}

/* Every length around what a name may have; the kernel allows 255 bytes. */
static void test_long_names(void **state)
{
	static const struct {
		const char *before, *after;
	} kinds[] = {
		{ "/system.slice/", ".service" },
		{ "/lxc/", "" },
		{ "/lxc.payload.", "" },
		{ "/machine.slice/machine-", ".scope" },
	};
	char path[1024], name[600];
	struct cgroup_place place;

	(void)state;
	for (size_t kind = 0; kind < COUNT(kinds); kind++) {
		for (size_t len = 1; len < sizeof(name); len++) {
			size_t all = len + (kind ? 0 : strlen(".service"));
			const char *got = kind ? place.id : place.service;

			memset(name, 'n', len);
			name[len] = '\0';
			(void)snprintf(path, sizeof(path), "%s%s%s", kinds[kind].before, name,
				       kinds[kind].after);
			assert_int_equal(cgroup_parse(&place, path), 0);
			assert_int_equal(strlen(got), all < CGROUP_NAME_LEN ? all : 0);
		}
	}
}

/* As deep as a path can be, and deeper. */
static void test_deep(void **state)
{
	static const char step[] = "/docker/" ID;
	size_t depth = 5000, len = sizeof(step) - 1;
	char *path = malloc(depth * len + 1);
	struct cgroup_place place;

	(void)state;
	assert_non_null(path);
	for (size_t i = 0; i < depth; i++)
		memcpy(path + i * len, step, len);
	path[depth * len] = '\0';
	assert_int_equal(cgroup_parse(&place, path), 0);
	assert_int_equal(place.depth, depth);
	assert_string_equal(place.id, ID);
	memset(path, '/', depth * len);
	assert_int_equal(cgroup_parse(&place, path), 0);
	assert_int_equal(place.depth, 0);
	memset(path + 1, 'a', depth * len - 1);
	assert_int_equal(cgroup_parse(&place, path), 0);
	assert_string_equal(place.id, "");
	free(path);
}

static bool has_only(const char *name, const char *chars)
{
	return memchr(name, 0, CGROUP_NAME_LEN) && !name[strspn(name, chars)];
}

/* Pieces of real paths in every order: the sanitizers watch, and the names stay names. */
static void test_random(void **state)
{
	static const char *const pieces[] = {
		"/",
		"/",
		"docker",
		"lxc",
		"lxc.payload",
		".payload.",
		ID,
		"-",
		":",
		".scope",
		".service",
		"machine-",
		"\\x2d",
		"\\",
		"x2",
		"payload",
		"supervisor",
		"\n",
		"container",
		"user@1",
		"systemd-nspawn@",
		"libpod",
		"crio-conmon",
		" (deleted)",
		"a",
		"\xff",
		"\033",
		"libpod_parent",
		"0",
		" ",
	};
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    ":-_.\\@";
	uint32_t seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 200000; round++) {
		struct cgroup_place place;
		char path[2048] = "/";
		size_t len = 1, end;

		for (unsigned int i = 0; i < 12; i++) {
			seed = seed * 1664525 + 1013904223;
			end = (size_t)snprintf(path + len, sizeof(path) - len, "%s",
					       pieces[(seed >> 8) % COUNT(pieces)]);
			len += end;
		}
		assert_int_equal(cgroup_parse(&place, path), 0);
		if (!has_only(place.id, chars) || !has_only(place.service, chars) ||
		    !place.depth != !place.id[0])
			fail_msg("'%s' '%s' of %s", place.id, place.service, path);
	}
}

static void check_choice(const char *text, const char *expected)
{
	char path[512] = "before", *exact = strdup(text);
	int err;

	assert_non_null(exact);
	err = cgroup_choose(path, sizeof(path), exact);
	free(exact);
	assert_string_equal(path, expected ? expected : "before");
	assert_int_equal(err, expected ? 0 : -ENOENT);
}

static void test_choose_container(void **state)
{
	(void)state;
	/* ctrsploit/ctrsploit#280: v2's line is that of the one who started it. */
	check_choice("12:net_cls,net_prio:/docker/" ID "\n11:freezer:/docker/" ID "\n10:rdma:/\n"
		     "1:name=systemd:/docker/" ID "\n0::/system.slice/containerd.service\n",
		     "/docker/" ID);
	/* moby/moby#34220: not even systemd's. */
	check_choice("10:perf_event:/docker/" ID "\n7:devices:/user.slice\n4:memory:/user.slice\n"
		     "1:name=systemd:/user.slice/user-52321.slice/session-128207.scope\n",
		     "/docker/" ID);
	/* kubernetes/kubernetes#18202: a daemon inside, that systemd was told of. */
	check_choice("9:perf_event:/docker/" ID "\n2:cpuset:/docker/" ID "\n"
		     "1:name=systemd:/system.slice/docker.service\n",
		     "/docker/" ID);
	/* lxc/lxc#1820: the one hierarchy that the others' clean-up left alone. */
	check_choice("11:memory:/user.slice\n10:devices:/user.slice\n9:cpuset:/lxc/yyz\n"
		     "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n",
		     "/lxc/yyz");
	/* google/gvisor#4503, an inner container without a cgroup namespace. */
	check_choice("9:memory:/docker/" ID "\n2:cpu,cpuacct:/docker/" ID "/docker/" OTHER_ID "\n"
		     "1:name=systemd:/docker/" ID "\n0::/system.slice/containerd.service",
		     "/docker/" ID "/docker/" OTHER_ID);
	/* htop-dev/htop#217: of the same container what systemd says. */
	check_choice("11:cpuset:/lxc.payload/example\n10:devices:/lxc.payload/example/init.scope\n"
		     "1:name=systemd:/lxc.payload/example/init.scope\n"
		     "0::/lxc.payload/example/system.slice\n",
		     "/lxc.payload/example/init.scope");
	check_choice("0::/system.slice/docker-" ID ".scope\n", "/system.slice/docker-" ID ".scope");
}

static void test_choose_unit(void **state)
{
	(void)state;
	check_choice("0::/system.slice/nginx.service\n", "/system.slice/nginx.service");
	/* systemd/systemd#4602, before and after. */
	check_choice("11:memory:/\n5:pids:/user.slice/user-1000.slice/session-1.scope\n"
		     "3:devices:/user.slice\n"
		     "1:name=systemd:/user.slice/user-1000.slice/session-1.scope\n",
		     "/user.slice/user-1000.slice/session-1.scope");
	check_choice("10:perf_event:/\n5:devices:/user.slice\n"
		     "2:pids:/user.slice/user-1000.slice\n1:net_cls,net_prio:/\n"
		     "0::/user.slice/user-1000.slice/session-1.scope\n",
		     "/user.slice/user-1000.slice/session-1.scope");
	/* A service in the hierarchy of a controller is whoever was there before. */
	check_choice("4:devices:/system.slice/sshd.service\n"
		     "1:name=systemd:/user.slice/user-0.slice/session-3.scope\n0::/x\n",
		     "/user.slice/user-0.slice/session-3.scope");
	check_choice("4:devices:/system.slice/sshd.service\n0::/x\n", "/x");
	/* lxc/lxc#1678 */
	check_choice("10:memory:/lxc\n1:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n"
		     "0::/user.slice/user-1000.slice/session-c1.scope\n",
		     "/user.slice/user-1000.slice/session-c1.scope");
	/* A root says less than anything else; neuvector, a process of the host. */
	check_choice("9:name=systemd:/\n4:memory:/batch/7\n0::/\n", "/batch/7");
	check_choice("14:name=dsystemd:/\n13:name=systemd:/\n12:pids:/\n1:cpuset:/", "/");
	check_choice("1:name=elogind:/c1\n0::/1\n", "/1");
	/* In whichever order. */
	check_choice("0::/v2\n1:name=systemd:/v1\n2:cpu:/cpu\n", "/v1");
	check_choice("2:cpu:/cpu\n3:memory:/memory\n", "/cpu");
}

static void test_choose_odd(void **state)
{
	char path[16] = "before";

	(void)state;
	check_choice("", NULL);
	check_choice("\n\n\n", NULL);
	check_choice("0::", NULL);
	check_choice("0::\n", NULL);
	check_choice("0::relative\n", NULL);
	check_choice("0:/\n", NULL);
	check_choice("/\n", NULL);
	check_choice(":::\n", NULL);
	check_choice("garbage\n0::/x\nmore", "/x");
	check_choice("::/x", "/x");
	/* Colons belong to the path from the third on. */
	check_choice("0::/system.slice:docker:" ID "\n", "/system.slice:docker:" ID);
	check_choice("4:memory:/a:b:/c\n", "/a:b:/c");

	assert_int_equal(cgroup_choose(path, sizeof(path), "0::/123456789abcdef\n"), -ENAMETOOLONG);
	assert_int_equal(cgroup_choose(path, 0, "0::/\n"), -ENAMETOOLONG);
	assert_string_equal(path, "before");
	assert_int_equal(cgroup_choose(path, sizeof(path), "0::/23456789abcdef\n"), 0);
	assert_string_equal(path, "/23456789abcdef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_path),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_choose_container),
		cmocka_unit_test(test_choose_unit),
		cmocka_unit_test(test_choose_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
