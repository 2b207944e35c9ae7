// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See decode.h.  The layout is that of wire.h; nothing here keeps state.
 */
#include "decode.h"

#include <errno.h>
#include <string.h>

static const struct {
	size_t size;
	enum event_action action; /* of a socket's record */
} types[PT_TYPE_END] = {
	[PT_BIND] = { sizeof(struct pt_socket), EVENT_BIND },
	[PT_LISTEN] = { sizeof(struct pt_socket), EVENT_LISTEN },
	[PT_CONNECT] = { sizeof(struct pt_socket), EVENT_CONNECT },
	[PT_ACCEPT] = { sizeof(struct pt_socket), EVENT_ACCEPT },
	[PT_CLOSE] = { sizeof(struct pt_socket), EVENT_CLOSE },
	[PT_STATE] = { sizeof(struct pt_socket), EVENT_STATE },
	[PT_OPEN] = { sizeof(struct pt_socket), EVENT_OPEN },
	[PT_PROCESS] = { sizeof(struct pt_process), EVENT_ACTIONS },
	[PT_EXIT] = { sizeof(struct pt_life), EVENT_ACTIONS },
	[PT_FORK] = { sizeof(struct pt_life), EVENT_ACTIONS },
	[PT_FLOW] = { sizeof(struct pt_socket), EVENT_FLOW },
	[PT_RELEASE] = { sizeof(struct pt_release), EVENT_CLOSE },
};

size_t decode_size(uint8_t type)
{
	return type < PT_TYPE_END ? types[type].size : 0;
}

bool decode_is_socket(uint8_t type)
{
	return decode_size(type) && types[type].action != EVENT_ACTIONS;
}

static int check_socket(const struct pt_socket *socket)
{
	if (socket->attribution >= PT_ATTRIBUTION_END || socket->kind >= PT_KIND_END ||
	    socket->close_by >= PT_SIDE_END || socket->close_how >= PT_HOW_END)
		return -EBADMSG;
	if ((socket->type == PT_FLOW || socket->type == PT_RELEASE) && socket->kind != PT_DATAGRAM)
		return -EBADMSG;
	return 0;
}

static int check_process(const struct pt_process *process)
{
	if (process->exe_len > PT_EXE_LEN || process->args_len > PT_ARGS_LEN ||
	    process->cgroup_len > PT_CGROUP_LEN || !process->who.tgid)
		return -EBADMSG;
	return 0;
}

int decode_record(struct record *record, const void *data, size_t size)
{
	uint8_t type = size ? *(const uint8_t *)data : 0;
	struct record checked = { .type = type };
	int err = 0;

	if (!decode_size(type) || size < decode_size(type))
		return -EBADMSG;
	if (decode_is_socket(type)) {
		checked.socket = data;
		err = check_socket(data);
	} else if (type == PT_PROCESS) {
		checked.process = data;
		err = check_process(data);
	} else {
		checked.life = data;
	}
	if (!err)
		*record = checked;
	return err;
}

static enum pt_side initiator(uint8_t flags)
{
	if (flags & PT_ACTIVE)
		return PT_LOCAL;
	return flags & PT_PASSIVE ? PT_REMOTE : PT_SIDE_NONE;
}

static void decode_release(struct event *event, const struct pt_release *release)
{
	event->has_bytes = true;
	event->sent = release->socket.sent;
	event->received = release->socket.received;
	event->sends = release->sends;
	event->receives = release->receives;
}

void decode_event(struct event *event, const struct pt_socket *socket, uint64_t boot_to_real)
{
	*event = (struct event){
		.action = types[socket->type].action,
		.error = socket->error,
		.time = socket->time + boot_to_real,
		.local.port = socket->local_port,
		.remote.port = socket->remote_port,
		.ipv4 = socket->flags & PT_IPV4,
		.ephemeral = socket->flags & PT_EPHEMERAL,
		.late = socket->flags & PT_LATE,
		.initiator = initiator(socket->flags),
		.kind = socket->kind,
		.attribution = socket->attribution,
		.netns = socket->netns,
		.cookie = socket->cookie,
		.state_old = socket->state_old,
		.state_new = socket->state_new,
		.close_by = socket->close_by,
		.close_how = socket->close_how,
	};
	if (socket->type == PT_CONNECT || socket->type == PT_CLOSE || socket->type == PT_RELEASE)
		event->duration = socket->duration;
	memcpy(event->local.ip, socket->local_ip, sizeof(event->local.ip));
	if (socket->remote_port) /* else it may be 0.0.0.0 or ::, and there is no such end */
		memcpy(event->remote.ip, socket->remote_ip, sizeof(event->remote.ip));
	if (socket->type == PT_CLOSE && socket->kind == PT_CONNECTION &&
	    !(socket->flags & PT_GONE)) {
		event->has_bytes = true;
		event->sent = socket->sent;
		event->received = socket->received;
	}
	if (socket->type == PT_RELEASE)
		decode_release(event, (const struct pt_release *)socket);
}

/* names: end bytes, the last name of a path first, each with its NUL. */
static size_t turn_round(const char *names, size_t end, char *path)
{
	size_t len = 0;

	for (size_t i = end; i-- > 0;) { /* i: a name's first byte, from the last on */
		size_t name;

		if (i > 0 && names[i - 1])
			continue;
		name = strnlen(names + i, end - i);
		if (!name)
			continue;
		path[len++] = '/';
		memcpy(path + len, names + i, name);
		len += name;
	}
	path[len] = 0;
	return len;
}

size_t decode_path(const struct pt_process *process, char *path)
{
	size_t end = process->exe_len;

	if (!end || process->exe_cut || process->exe[end - 1])
		return 0;
	return turn_round(process->exe, end, path);
}

bool decode_cgroup(const struct pt_process *process, char *path)
{
	size_t end = process->cgroup_len;

	if (!end || process->cgroup[end - 1])
		return false;
	if (!turn_round(process->cgroup, end, path))
		memcpy(path, "/", 2);
	return true;
}
