/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * struct process: what is known of a process, for those who only read it
 * (filter.c, format_*.c).  processes.c owns and fills it.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "porttrace/wire.h"
#include "text.h"

/*
 * What a formatter made of a process: kept, because it is written again with each of
 * the process's records.  processes.c empties it when something changes.
 */
struct rendering {
	struct text text;
	size_t brief; /* bytes of text that are enough where the process is at the other end */
};

struct process {
	uint32_t pid;           /* thread group id in the initial pid namespace */
	uint64_t start;         /* CLOCK_BOOTTIME ns; with pid, the identity */
	uint64_t started;       /* the same in ns since the Unix epoch */
	char name[PT_COMM_LEN]; /* of the leader; "": not known */
	char *executable;       /* NULL: not known */
	char *args;             /* each with its NUL; NULL: not known */
	size_t args_len;        /* bytes of args */
	uint32_t uid;           /* effective; UINT32_MAX: not known */
	const char *user;       /* NULL: uid has no name */
	bool in_tree;           /* of the command that is traced (porttrace run) */
	uint32_t parent_pid;    /* 0: not known */
	char parent_name[PT_COMM_LEN];
	char *container_id;            /* of the innermost container; NULL: none, or not known */
	const char *container_runtime; /* NULL: not known */
	char *service;                 /* systemd unit; NULL: none, or not known */
	struct rendering *rendering;   /* NULL: not to be kept */
};

#endif
