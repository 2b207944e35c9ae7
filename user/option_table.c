// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The options of porttrace, one entry each, and the functions that store their
 * values.  How a command line is read is in options.c, what a value may look like
 * in values.c.  The names and groups are those of the manual page.
 */
#include "option_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define NSEC_PER_MSEC 1000000ULL
#define PID_LIMIT 4194304 /* PID_MAX_LIMIT of the kernel */
#define RING_LEAST (4ULL << 10)
#define RING_LIMIT (1ULL << 30)
#define SECONDS_LIMIT 1000000000ULL
#define ROTATE_LEAST (64ULL << 10)
#define ROTATE_LIMIT (1ULL << 50)
#define ROTATE_KEEP_LIMIT 9999

#define DURATION_VALUE "a duration is a number of seconds above 0, at most 1000000000, as 10 or 0.5"
#define EVENT_VALUES "bind, listen, connect, accept, flow, close, state, open"

static int append_number(uint32_t **list, size_t *count, uint32_t number)
{
	uint32_t *longer = reallocarray(*list, *count + 1, sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	longer[(*count)++] = number;
	*list = longer;
	return 0;
}

static int set_pid(struct setting *setting)
{
	struct filter *filter = &setting->options->filter;
	uint64_t pid;

	if (value_number(setting->value, 1, PID_LIMIT, &pid))
		return -EINVAL;
	return append_number(&filter->pids, &filter->pid_count, (uint32_t)pid);
}

static int append_string(char ***list, size_t *count, const char *string)
{
	char **longer = reallocarray(*list, *count + 1, sizeof(*longer)), *copy;

	if (!longer)
		return -ENOMEM;
	*list = longer;
	copy = strdup(string);
	if (!copy)
		return -ENOMEM;
	longer[(*count)++] = copy;
	return 0;
}

static int set_comm(struct setting *setting)
{
	struct filter *filter = &setting->options->filter;

	if (!*setting->value)
		return -EINVAL;
	/* The kernel keeps 15 bytes of a name: this would never match, and never say so. */
	if (strlen(setting->value) >= PT_COMM_LEN && !strpbrk(setting->value, "*?[\\")) {
		why_set(&setting->why,
			"the kernel keeps %d bytes of a process name; end a longer one "
			"with '*' after those",
			PT_COMM_LEN - 1);
		return -EINVAL;
	}
	return append_string(&filter->comms, &filter->comm_count, setting->value);
}

static int set_user(struct setting *setting)
{
	struct filter *filter = &setting->options->filter;
	uint32_t uid;

	if (value_user(setting->value, &uid, &setting->why))
		return -EINVAL;
	return append_number(&filter->uids, &filter->uid_count, uid);
}

static int set_container(struct setting *setting)
{
	struct filter *filter = &setting->options->filter;

	if (value_container(setting->value))
		return -EINVAL;
	return append_string(&filter->containers, &filter->container_count, setting->value);
}

static int set_netns(struct setting *setting)
{
	struct filter *filter = &setting->options->filter;
	uint32_t inode;

	if (value_netns(setting->value, &inode, &setting->why))
		return -EINVAL;
	return append_number(&filter->netns, &filter->netns_count, inode);
}

static int add_ports(struct setting *setting, struct filter_ports *ports)
{
	return value_ports(setting->value, setting->services, ports, &setting->why);
}

static int set_port(struct setting *setting)
{
	return add_ports(setting, &setting->options->filter.ports);
}

static int set_local_port(struct setting *setting)
{
	return add_ports(setting, &setting->options->filter.local_ports);
}

static int set_remote_port(struct setting *setting)
{
	return add_ports(setting, &setting->options->filter.remote_ports);
}

static int set_net(struct setting *setting)
{
	struct filter *filter = &setting->options->filter;
	struct filter_net net, *longer;

	if (value_net(setting->value, &net, &setting->why))
		return -EINVAL;
	longer = reallocarray(filter->nets, filter->net_count + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	filter->nets = longer;
	filter->nets[filter->net_count++] = net;
	return 0;
}

static int set_event(struct setting *setting)
{
	unsigned int bit;

	if (value_event(setting->value, &bit))
		return -EINVAL;
	setting->options->filter.actions |= bit;
	return 0;
}

static int set_output(struct setting *setting)
{
	char *copy = NULL; /* stdout */

	if (!*setting->value)
		return -EINVAL;
	if (strcmp(setting->value, "-") != 0) {
		copy = strdup(setting->value);
		if (!copy)
			return -ENOMEM;
	}
	free(setting->options->output);
	setting->options->output = copy;
	return 0;
}

static int set_metrics_file(struct setting *setting)
{
	char *copy = *setting->value ? strdup(setting->value) : NULL;

	if (!copy)
		return *setting->value ? -ENOMEM : -EINVAL;
	free(setting->options->metrics_file);
	setting->options->metrics_file = copy;
	return 0;
}

static int set_config(struct setting *setting)
{
	return config_read(setting->value, setting->options, setting->services, &setting->why);
}

static int set_rotate_size(struct setting *setting)
{
	uint64_t size;

	if (value_size(setting->value, ROTATE_LIMIT, &size) || size < ROTATE_LEAST)
		return -EINVAL;
	setting->options->rotate_size = size;
	return 0;
}

static int set_rotate_keep(struct setting *setting)
{
	uint64_t keep;

	if (value_number(setting->value, 0, ROTATE_KEEP_LIMIT, &keep))
		return -EINVAL;
	setting->options->rotate_keep = (unsigned int)keep;
	return 0;
}

/* Which of the words a value is, or -EINVAL. */
static int word_index(const char *value, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(value, words[i]))
			return (int)i;
	return -EINVAL;
}

static int set_color(struct setting *setting)
{
	static const char *const modes[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};
	int mode = word_index(setting->value, modes, sizeof(modes) / sizeof(modes[0]));

	if (mode < 0)
		return mode;
	setting->options->color = (enum color_mode)mode;
	return 0;
}

static int set_count(struct setting *setting)
{
	return value_number(setting->value, 1, UINT64_MAX, &setting->options->count);
}

static int set_duration(struct setting *setting)
{
	return value_duration(setting->value, SECONDS_LIMIT, &setting->options->duration);
}

static int set_hooks(struct setting *setting)
{
	static const char *const modes[] = {
		[HOOKS_AUTO] = "auto",
		[HOOKS_FUNCTIONS] = "functions",
		[HOOKS_CALLS] = "calls",
	};
	int mode = word_index(setting->value, modes, sizeof(modes) / sizeof(modes[0]));

	if (mode < 0)
		return mode;
	setting->options->hooks = (enum hooks_mode)mode;
	return 0;
}

static int set_timeout(struct setting *setting)
{
	return value_duration(setting->value, SECONDS_LIMIT, &setting->options->timeout);
}

static int set_ring_size(struct setting *setting)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size;

	if (value_size(setting->value, RING_LIMIT, &size) || size < RING_LEAST || size & (size - 1))
		return -EINVAL;
	/* An arm64 kernel may have pages of 64K. */
	if (size < page) {
		why_set(&setting->why, "a size is at least one page, here %uK",
			(unsigned int)(page >> 10));
		return -EINVAL;
	}
	setting->options->ring_size = size;
	return 0;
}

static int set_flush_interval(struct setting *setting)
{
	uint64_t ms;

	if (value_number(setting->value, 1, 60000, &ms))
		return -EINVAL;
	setting->options->flush_interval = ms * NSEC_PER_MSEC;
	return 0;
}

/* Of -q and -v the last one counts, so that a script can take back what an alias says. */
static int set_quiet(struct setting *setting)
{
	setting->options->quiet = true;
	setting->options->verbose = false;
	return 0;
}

static int set_verbose(struct setting *setting)
{
	setting->options->quiet = false;
	setting->options->verbose = true;
	return 0;
}

#define FLAG(member) .flag = offsetof(struct options, member)

/* One thing a line. */
/* clang-format off */
const struct option option_table[] = {
	{ GROUP_FILTER, 'p', "pid", "PID", .set = set_pid,
	  .help = "of the process with this id",
	  .allowed = "a pid is a number from 1 to 4194304" },
	{ GROUP_FILTER, 0, "comm", "GLOB", .set = set_comm,
	  .help = "of processes whose name matches, as 'nginx*'",
	  .allowed = "a pattern for process names is needed, as 'nginx*'" },
	{ GROUP_FILTER, 0, "user", "NAME|UID", .set = set_user,
	  .help = "of processes of this effective user",
	  .allowed = "a user is a name or a number from 0 to 4294967294" },
	{ GROUP_FILTER, 0, "container", "ID", .set = set_container,
	  .help = "of processes in this container: what its id\n"
		  "begins with, or its name",
	  .allowed = "a container is an id or the beginning of one, as 3f2a9c1b04de, or a name" },
	{ GROUP_FILTER, 0, "netns", "INODE|NAME|self", .set = set_netns,
	  .help = "in this network namespace",
	  .allowed = "a network namespace is an inode number, a name in /run/netns, or 'self'" },
	{ GROUP_FILTER, 'P', "port", "PORTS", .list = true, .set = set_port,
	  .help = "a port of either end: 80, 8000-8080, http",
	  .allowed = PORT_VALUE },
	{ GROUP_FILTER, 0, "local-port", "PORTS", .list = true, .set = set_local_port,
	  .help = "a port of this end",
	  .allowed = PORT_VALUE },
	{ GROUP_FILTER, 0, "remote-port", "PORTS", .list = true, .set = set_remote_port,
	  .help = "a port of the other end",
	  .allowed = PORT_VALUE },
	{ GROUP_FILTER, 0, "net", "CIDR", .set = set_net,
	  .help = "an address of either end: 10.0.0.0/8, ::1",
	  .allowed = "a network is an IPv4 or IPv6 address, as 10.0.0.0/8, fe80::/10 or ::1" },
	{ GROUP_FILTER, '4', .help = "IPv4", FLAG(filter.ipv4) },
	{ GROUP_FILTER, '6', .help = "IPv6", FLAG(filter.ipv6) },
	{ GROUP_FILTER, 't', "tcp", .help = "TCP", FLAG(filter.tcp) },
	{ GROUP_FILTER, 'u', "udp", .help = "UDP (not traced by this version yet)",
	  FLAG(filter.udp) },
	{ GROUP_FILTER, 'e', "event", "LIST", .list = true, .set = set_event,
	  .help = "bind, listen, connect, accept, flow, close,\n"
		  "state, open; without it all but state",
	  .allowed = "an event is one of " EVENT_VALUES },
	{ GROUP_FILTER, 0, "failed", .help = "only what failed", FLAG(filter.failed) },
	{ GROUP_FILTER, 0, "listening", .help = "only what listens or is bound", FLAG(listening) },

	{ GROUP_OUTPUT, 0, "json", .help = "one JSON object per line", FLAG(json) },
	{ GROUP_OUTPUT, 'o', "output", "FILE", .set = set_output,
	  .help = "append to FILE; reopened on SIGHUP",
	  .allowed = "the name of a file is needed" },
	{ GROUP_OUTPUT, 0, "rotate-size", "SIZE", .set = set_rotate_size,
	  .help = "begin a new FILE before it is larger, as 100M",
	  .allowed = "a size is a number of bytes from 64K to 1048576G, as 100M" },
	{ GROUP_OUTPUT, 0, "rotate-keep", "N", .set = set_rotate_keep,
	  .help = "keep N older ones, FILE.1 is the youngest;\n"
		  "5 if not given",
	  .allowed = "a number of files from 0 to 9999" },
	{ GROUP_OUTPUT, 0, "metrics-file", "FILE", .set = set_metrics_file,
	  .help = "counters for Prometheus, every 5 seconds",
	  .allowed = "the name of a file is needed" },
	{ GROUP_OUTPUT, 0, "wide", .help = "more columns", FLAG(wide) },
	{ GROUP_OUTPUT, 'n', "numeric", .help = "no names of services and users",
	  FLAG(numeric) },
	{ GROUP_OUTPUT, 0, "utc", .help = "times in UTC, not local", FLAG(utc) },
	{ GROUP_OUTPUT, 0, "color", "auto|always|never", .set = set_color,
	  .help = "auto: on a terminal, unless NO_COLOR is set",
	  .allowed = "one of auto, always, never" },
	{ GROUP_OUTPUT, 0, "args", .help = "arguments of processes too", FLAG(args) },
	{ GROUP_OUTPUT, 0, "snapshot", .help = "sockets that exist already come first",
	  FLAG(snapshot) },

	{ GROUP_STOP, 0, "count", "N", .set = set_count,
	  .help = "after N records",
	  .allowed = "a count is a number from 1 to 18446744073709551615" },
	{ GROUP_STOP, 0, "duration", "SEC", .set = set_duration,
	  .help = "after SEC seconds, as 10 or 0.5",
	  .allowed = DURATION_VALUE },
	{ GROUP_STOP, 0, "taken", .help = "when somebody listens (the default)", FLAG(taken) },
	{ GROUP_STOP, 0, "free", .help = "when nobody holds the port", FLAG(free) },
	{ GROUP_STOP, 0, "timeout", "SEC", .set = set_timeout,
	  .help = "give up after SEC seconds, as 10 or 0.5",
	  .allowed = DURATION_VALUE },

	{ GROUP_TUNING, 0, "ring-size", "SIZE", .set = set_ring_size,
	  .help = "of the ring buffer: a power of two, as 8M",
	  .allowed = "a size is a power of two from 4K to 1G, as 8M" },
	{ GROUP_TUNING, 0, "flush-interval", "MS", .set = set_flush_interval,
	  .help = "write at least this often, 1 to 60000",
	  .allowed = "an interval is a number of milliseconds from 1 to 60000" },
	{ GROUP_TUNING, 0, "hooks", "HOW", .set = set_hooks,
	  .help = "auto (the best there is), functions, calls",
	  .allowed = "one of auto, functions, calls" },

	{ GROUP_OTHER, 0, "config", "FILE", .set = set_config,
	  .help = "options from FILE, a NAME = VALUE each line",
	  .allowed = "the name of a file is needed" },
	{ GROUP_OTHER, 'q', "quiet", .help = "only errors on stderr", .set = set_quiet },
	{ GROUP_OTHER, 'v', "verbose", .help = "more on stderr", .set = set_verbose },
	{ GROUP_OTHER, 'V', "version", .help = "print the version", FLAG(version) },
	{ GROUP_OTHER, 'h', "help", .help = "print this help", FLAG(help) },
};
/* clang-format on */

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);
