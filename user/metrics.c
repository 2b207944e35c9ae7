// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See metrics.h.  The new file has no name while it is written, where the file system
 * allows that, and then one that nobody can guess until it is renamed.
 */
#include "metrics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safefile.h"

static uint64_t count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count > 3 ? count - 3 : 0; /* ".", ".." and dir itself */
}

static uint64_t resident_memory(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long pages = 0;
	char line[128];
	ssize_t got;

	if (fd < 0)
		return 0;
	got = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[got > 0 ? got : 0] = 0;
	if (sscanf(line, "%*u %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void metrics_read_self(struct metrics *metrics)
{
	struct rusage usage;

	if (!getrusage(RUSAGE_SELF, &usage))
		metrics->cpu = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
	metrics->memory = resident_memory();
	metrics->files = count_files();
}

__attribute__((format(printf, 2, 3))) static void put(struct text *out, const char *format, ...)
{
	char line[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len > 0)
		text_bytes(out, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

static void put_head(struct text *out, const char *name, const char *type, const char *help)
{
	put(out, "# HELP porttrace_%s %s\n# TYPE porttrace_%s %s\n", name, help, name, type);
}

static void put_counter(struct text *out, const char *name, uint64_t value, const char *help)
{
	put_head(out, name, "counter", help);
	put(out, "porttrace_%s %" PRIu64 "\n", name, value);
}

static void put_gauge(struct text *out, const char *name, double value, const char *help)
{
	put_head(out, name, "gauge", help);
	put(out, "porttrace_%s %.15g\n", name, value);
}

/* A value of a label: what the kernel calls itself is anybody's guess. */
static void put_label(struct text *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			text_char(out, '\\');
		text_char(out, (unsigned char)*value < ' ' ? '?' : *value);
	}
}

static void put_info(struct text *out, const struct metrics *metrics)
{
	put_head(out, "info", "gauge", "Version of porttrace and of the kernel.");
	text_string(out, "porttrace_info{version=\"");
	put_label(out, metrics->version);
	text_string(out, "\",kernel=\"");
	put_label(out, metrics->kernel);
	text_string(out, "\"} 1\n");
	put_gauge(out, "start_time_seconds", (double)metrics->start / 1e9,
		  "When tracing began, since the Unix epoch.");
}

static void put_records(struct text *out, const struct metrics *metrics)
{
	put_head(out, "records_total", "counter", "Records, by action and outcome.");
	for (int action = 0; action < EVENT_ACTIONS; action++)
		for (int failed = 0; failed < 2; failed++)
			put(out,
			    "porttrace_records_total{action=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
			    event_action_name((enum event_action)action),
			    failed ? "failure" : "success", metrics->told[action][failed]);
	put_head(out, "lost_total", "counter", "What was lost, by stage.");
	for (int stage = 0; stage < LOST_STAGES; stage++)
		put(out, "porttrace_lost_total{stage=\"%s\"} %" PRIu64 "\n",
		    event_stage_name((enum event_lost_stage)stage), metrics->totals.lost[stage]);
}

void metrics_format(const struct metrics *metrics, struct text *out)
{
	const struct event_totals *totals = &metrics->totals;

	put_info(out, metrics);
	put_records(out, metrics);
	put_counter(out, "seen_total", totals->seen,
		    "Events seen: written + waiting + filtered + lost.");
	put_counter(out, "written_total", totals->written - metrics->waiting, "Records written.");
	put_counter(out, "filtered_total", totals->filtered, "Events that nobody asked for.");
	put_counter(out, "late_total", totals->late,
		    "Of the events seen, those told later for a hook that the kernel skipped.");
	put_counter(out, "skipped_hooks_total", totals->skipped,
		    "Runs of hooks that the kernel skipped.");
	put_gauge(out, "waiting_records", (double)metrics->waiting,
		  "Records that wait for an output that fails or is read slowly.");
	put_gauge(out, "ring_used_ratio", metrics->ring_used,
		  "The most of the ring buffer that waited to be read, since the last time.");
	put_gauge(out, "ledger_sockets", (double)metrics->sockets, "Sockets that are known.");
	put_gauge(out, "ledger_processes", (double)metrics->processes, "Processes that are known.");
	put_head(out, "cpu_seconds_total", "counter", "CPU time of porttrace itself.");
	put(out, "porttrace_cpu_seconds_total %.6f\n", metrics->cpu);
	put_gauge(out, "resident_memory_bytes", (double)metrics->memory,
		  "Memory of porttrace itself.");
	put_gauge(out, "open_fds", (double)metrics->files, "Open file descriptors of porttrace.");
}

/* A name beside the file's that nobody can guess. */
static int temporary_name(const struct safefile_place *place, char *name, size_t size)
{
	uint64_t random[2];
	int len;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	len = snprintf(name, size, ".%.100s.%016" PRIx64 "%016" PRIx64, place->name, random[0],
		       random[1]);
	return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

static int write_all(int fd, const struct text *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t got = write(fd, text->data + done, text->len - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		done += (size_t)got;
	}
	return 0;
}

/* Mode and group of the file before; new ones can be read by whoever collects them. */
static void take_mode(int fd, const struct safefile_place *place)
{
	struct stat st;

	if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW)) {
		(void)fchmod(fd, 0644);
		return;
	}
	/* Without the right to give it away the group has to do without. */
	(void)!fchown(fd, (uid_t)-1, st.st_gid);
	(void)fchmod(fd, st.st_mode & 0777);
}

/* Give the unnamed file a name, 0 or -errno. */
static int link_file(int fd, int dir, const char *name)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static int replace(const struct safefile_place *place, const struct text *text)
{
	int fd = openat(place->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool named = fd < 0;
	char name[NAME_MAX];
	int err = temporary_name(place, name, sizeof(name));

	if (!err && fd < 0) { /* not every file system can */
		fd = openat(place->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		err = fd < 0 ? -errno : 0;
	}
	if (err)
		goto out;
	err = write_all(fd, text);
	if (!err)
		take_mode(fd, place);
	if (!err && !named) {
		err = link_file(fd, place->dir, name);
		named = !err;
	}
	if (!err && renameat(place->dir, name, place->dir, place->name))
		err = -errno;
	if (err && named)
		(void)unlinkat(place->dir, name, 0);
out:
	if (fd >= 0)
		close(fd);
	return err;
}

int metrics_replace(const char *path, const struct text *text)
{
	struct safefile_place place;
	int err = text->failed ? -ENOMEM : safefile_place(&place, path);

	if (err)
		return err;
	err = safefile_check(&place);
	if (!err)
		err = replace(&place, text);
	close(place.dir);
	return err;
}
