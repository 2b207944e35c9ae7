// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Parsers of option values.  No strtoul(3): it takes blanks, signs and whatever
 * follows the number, and each of those is a typing error that should be told.
 * Nothing here prints or keeps state; option_table.c is the caller.
 */
#include "values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cgroup.h"
#include "clock.h"
#include "services.h"

void why_set(struct why *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Where the digits end, or NULL if there are none or their number is beyond 64 bits. */
static const char *parse_digits(const char *text, uint64_t *number)
{
	const char *c = text;
	uint64_t sum = 0;

	for (; is_digit(*c); c++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*c - '0'), &sum))
			return NULL;
	if (c == text)
		return NULL;
	*number = sum;
	return c;
}

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t parsed;
	const char *end = parse_digits(text, &parsed);

	if (!end || *end || parsed < min || parsed > max)
		return -EINVAL;
	*number = parsed;
	return 0;
}

static int parse_suffix(const char *text, unsigned int *shift)
{
	switch (*text) {
	case '\0':
		*shift = 0;
		return 0;
	case 'K':
	case 'k':
		*shift = 10;
		break;
	case 'M':
	case 'm':
		*shift = 20;
		break;
	case 'G':
	case 'g':
		*shift = 30;
		break;
	default:
		return -EINVAL;
	}
	return text[1] ? -EINVAL : 0;
}

int value_size(const char *text, uint64_t max, uint64_t *bytes)
{
	uint64_t size;
	const char *end = parse_digits(text, &size);
	unsigned int shift;

	if (!end || parse_suffix(end, &shift) || size > max >> shift)
		return -EINVAL;
	*bytes = size << shift;
	return 0;
}

int value_duration(const char *text, uint64_t max_seconds, uint64_t *ns)
{
	uint64_t seconds, fraction = 0;
	const char *end = parse_digits(text, &seconds);

	if (!end || seconds > max_seconds)
		return -EINVAL;
	if (*end == '.') {
		if (!is_digit(*++end))
			return -EINVAL;
		for (uint64_t unit = NS_PER_S / 10; unit && is_digit(*end); unit /= 10)
			fraction += unit * (uint64_t)(*end++ - '0');
	}
	fraction += seconds * NS_PER_S;
	if (*end || !fraction || fraction > max_seconds * NS_PER_S)
		return -EINVAL;
	*ns = fraction;
	return 0;
}

static void add_range(struct filter_ports *ports, uint64_t first, uint64_t last)
{
	ports->any = false;
	for (uint64_t port = first; port <= last; port++)
		ports->bits[port / 64] |= 1ULL << port % 64;
}

static bool add_service(struct filter_ports *ports, const struct services *services,
			const char *name)
{
	uint16_t tcp = services_port(services, TRANSPORT_TCP, name);
	uint16_t udp = services_port(services, TRANSPORT_UDP, name);

	if (tcp)
		add_range(ports, tcp, tcp);
	if (udp)
		add_range(ports, udp, udp);
	return tcp || udp;
}

int value_ports(const char *text, const struct services *services, struct filter_ports *ports,
		struct why *why)
{
	uint64_t first, last;
	const char *dash;

	if (!value_number(text, 1, UINT16_MAX, &first)) {
		add_range(ports, first, first);
		return 0;
	}
	/* Before the range: many names have a '-'. */
	if (add_service(ports, services, text))
		return 0;
	dash = parse_digits(text, &first);
	if (!dash || *dash != '-' || !first || first > UINT16_MAX ||
	    value_number(dash + 1, 1, UINT16_MAX, &last))
		return -EINVAL;
	if (first > last) {
		why_set(why, "a range goes from the lower port to the higher, as %u-%u",
			(unsigned int)last, (unsigned int)first);
		return -EINVAL;
	}
	add_range(ports, first, last);
	return 0;
}

/* Returns the address family, or 0. */
static int parse_ip(const char *text, size_t len, uint8_t ip[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy))
		return 0;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, ip) == 1)
		return AF_INET6;
	if (inet_pton(AF_INET, copy, ip + 12) != 1)
		return 0;
	memset(ip, 0, 10);
	memset(ip + 10, 0xff, 2);
	return AF_INET;
}

/* Clears what lies behind the prefix. */
static void mask_ip(uint8_t ip[16], unsigned int prefix)
{
	for (unsigned int bit = prefix; bit < 128; bit++)
		ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

int value_net(const char *text, struct filter_net *net, struct why *why)
{
	const char *slash = text + strcspn(text, "/");
	struct filter_net parsed = { 0 };
	char network[INET6_ADDRSTRLEN];
	unsigned int before;
	uint64_t prefix;
	uint8_t ip[16];
	int family;

	family = parse_ip(text, (size_t)(slash - text), ip);
	if (!family)
		return -EINVAL;
	before = family == AF_INET ? 96 : 0;
	prefix = 128 - before;
	if (*slash && value_number(slash + 1, 0, 128 - before, &prefix))
		return -EINVAL;
	parsed.prefix = before + (unsigned int)prefix;
	memcpy(parsed.ip, ip, sizeof(ip));
	mask_ip(parsed.ip, parsed.prefix);
	if (memcmp(parsed.ip, ip, sizeof(ip))) {
		(void)inet_ntop(family, parsed.ip + (before ? 12 : 0), network, sizeof(network));
		why_set(why, "host bits are set; %s/%u is the network", network,
			(unsigned int)prefix);
		return -EINVAL;
	}
	*net = parsed;
	return 0;
}

int value_user(const char *text, uint32_t *uid, struct why *why)
{
	const struct passwd *user;
	uint64_t number;

	/* The last one stands for "no user" in the kernel. */
	if (!value_number(text, 0, UINT32_MAX - 1, &number)) {
		*uid = (uint32_t)number;
		return 0;
	}
	if (!*text || !text[strspn(text, "0123456789")])
		return -EINVAL;
	user = getpwnam(text);
	if (!user) {
		why_set(why, "no user has this name; a user is a name or a number");
		return -EINVAL;
	}
	*uid = user->pw_uid;
	return 0;
}

int value_container(const char *text)
{
	size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-");

	return len && !text[len] && len < CGROUP_NAME_LEN ? 0 : -EINVAL;
}

/* `ip netns` leaves plain files behind when it is interrupted: they are none. */
static int netns_of_path(const char *path, uint32_t *inode)
{
	struct statfs fs;
	struct stat st;

	if (statfs(path, &fs) || stat(path, &st) || fs.f_type != NSFS_MAGIC)
		return -EINVAL;
	*inode = (uint32_t)st.st_ino;
	return 0;
}

int value_netns_name(const char *directory, const char *name, uint32_t *inode)
{
	char path[4096];
	int len;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	len = snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -EINVAL;
	return netns_of_path(path, inode);
}

int value_netns(const char *text, uint32_t *inode, struct why *why)
{
	uint64_t number;

	if (!value_number(text, 1, UINT32_MAX, &number)) {
		*inode = (uint32_t)number;
		return 0;
	}
	if (!*text || !text[strspn(text, "0123456789")])
		return -EINVAL;
	if (!strcmp(text, "self"))
		return netns_of_path("/proc/self/ns/net", inode);
	if (!value_netns_name("/run/netns", text, inode) ||
	    !value_netns_name("/var/run/netns", text, inode))
		return 0;
	why_set(why, "/run/netns has no network namespace of this name; "
		     "'self' and inode numbers are allowed too");
	return -EINVAL;
}

int value_event(const char *text, unsigned int *bit)
{
	for (unsigned int action = EVENT_BIND; action <= EVENT_OPEN; action++) {
		if (strcmp(text, event_action_name(action)) != 0)
			continue;
		*bit = 1U << action;
		return 0;
	}
	return -EINVAL;
}
