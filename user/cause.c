// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cause.h.  The rules are those of inet_csk_get_port() and inet_rcv_saddr_equal() with
 * wildcards (net/ipv4/inet_connection_sock.c, read in 6.18; the same since 5.8).
 */
#include "cause.h"

#include <errno.h>
#include <string.h>

static const char *const names[] = {
	[CAUSE_UNKNOWN] = "unknown",
	[CAUSE_LISTENER] = "listener",
	[CAUSE_BOUND] = "bound",
	[CAUSE_CONNECTION] = "connection",
	[CAUSE_TIME_WAIT] = "time-wait",
	[CAUSE_KERNEL] = "kernel",
	[CAUSE_REUSEPORT_USER] = "reuseport-user",
	[CAUSE_DUAL_STACK] = "dual-stack",
	[CAUSE_PRIVILEGED] = "privileged",
	[CAUSE_NOT_LOCAL] = "not-local",
	[CAUSE_EXHAUSTED] = "exhausted",
	[CAUSE_ALREADY_BOUND] = "already-bound",
	[CAUSE_INVALID] = "invalid",
	[CAUSE_POLICY] = "policy",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == CAUSES, "a cause without a name");

const char *cause_name(enum cause cause)
{
	return (size_t)cause < CAUSES ? names[cause] : NULL;
}

static const uint8_t any6[16];
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_ipv4(const struct contender *socket)
{
	return !memcmp(socket->local.ip, mapped, sizeof(mapped));
}

/* "::" */
static bool is_any6(const struct contender *socket)
{
	return !memcmp(socket->local.ip, any6, sizeof(any6));
}

static bool is_any4(const struct contender *socket)
{
	return is_ipv4(socket) && !memcmp(socket->local.ip + 12, any6, 4);
}

bool cause_overlaps(const struct contender *wants, const struct contender *has)
{
	if (wants->device && has->device && wants->device != has->device)
		return false;
	if (is_ipv4(wants) && is_ipv4(has) && (is_any4(wants) || is_any4(has)))
		return true;
	if (is_any6(wants) && !(wants->v6only && is_ipv4(has)))
		return true;
	if (is_any6(has) && !(has->v6only && is_ipv4(wants)))
		return true;
	return !memcmp(wants->local.ip, has->local.ip, sizeof(wants->local.ip));
}

/* Both share by SO_REUSEPORT; what is left of a connection shares with anybody. */
static bool share_by_port(const struct contender *wants, const struct contender *has)
{
	if (!(wants->share & has->share & PT_REUSEPORT))
		return false;
	return has->time_wait || !wants->uid || !has->uid || wants->uid == has->uid;
}

bool cause_conflicts(const struct contender *wants, const struct contender *has)
{
	if (!cause_overlaps(wants, has))
		return false;
	/* So it is for UDP too, where nobody listens. */
	if (wants->share & has->share & PT_REUSEADDR &&
	    (has->time_wait || has->kind != PT_LISTENER))
		return false;
	return !share_by_port(wants, has);
}

int cause_rank(const struct contender *has)
{
	if (has->time_wait)
		return 3;
	switch (has->kind) {
	case PT_LISTENER:
		return 0;
	case PT_BOUND:
	case PT_DATAGRAM:
		return 1;
	default:
		return 2;
	}
}

/* One of the two is on "::" and takes IPv4 with it. */
static bool is_dual_stack(const struct contender *wants, const struct contender *has)
{
	return (is_any6(has) && is_ipv4(wants)) || (is_any6(wants) && is_ipv4(has));
}

/* Another user's socket that would share with its own user's. */
static bool is_another_users(const struct contender *wants, const struct contender *has)
{
	return wants->share & has->share & PT_REUSEPORT && wants->uid && has->uid &&
	       wants->uid != has->uid;
}

/*
 * Who made it has ended, and another program has its descriptor.  The same program is no
 * news: so does each daemon that listens before it leaves its terminal.
 */
static bool has_leaked(const struct blocker *blocker)
{
	const struct process *heir = blocker->process, *former = blocker->former;

	return heir && former && heir->executable && former->executable &&
	       strcmp(heir->executable, former->executable) != 0;
}

static enum cause cause_of(const struct contender *wants, const struct blocker *blocker)
{
	const struct contender *has = &blocker->socket;

	if (has->kernel)
		return CAUSE_KERNEL;
	if (has->time_wait)
		return CAUSE_TIME_WAIT;
	if (has->kind == PT_CONNECTION)
		return CAUSE_CONNECTION;
	if (is_another_users(wants, has))
		return CAUSE_REUSEPORT_USER;
	if (is_dual_stack(wants, has))
		return CAUSE_DUAL_STACK;
	return has->kind == PT_LISTENER ? CAUSE_LISTENER : CAUSE_BOUND;
}

/* What is left of connections gives way to who shares addresses, if it did too. */
static enum hint hint_of_reuse(const struct contender *wants, const struct contender *has)
{
	return has->share & PT_REUSEADDR && !(wants->share & PT_REUSEADDR) ? HINT_REUSEADDR
									   : HINT_REUSEADDR_BOTH;
}

/* A client's, whose port the kernel chose; or a server's. */
static enum hint hint_of_datagram(const struct event *event, const struct contender *wants,
				  const struct contender *has)
{
	if (has->share & PT_ANY_PORT && event->ephemeral)
		return HINT_RESERVE;
	return (wants->share ^ has->share) & PT_REUSEPORT ? HINT_REUSEPORT_BOTH : HINT_NONE;
}

static enum hint hint_of(enum cause cause, const struct event *event, const struct contender *wants,
			 const struct blocker *holder)
{
	const struct contender *has = &holder->socket;
	bool leaked = has_leaked(holder);

	switch (cause) {
	case CAUSE_TIME_WAIT:
		return hint_of_reuse(wants, has);
	case CAUSE_CONNECTION:
		if (holder->initiator == PT_LOCAL && event->ephemeral)
			return HINT_RESERVE;
		return hint_of_reuse(wants, has);
	case CAUSE_REUSEPORT_USER:
		return HINT_REUSEPORT_USER;
	case CAUSE_DUAL_STACK:
		return leaked ? HINT_CLOSE_ON_EXEC : HINT_V6ONLY;
	case CAUSE_BOUND:
		if (leaked)
			return HINT_CLOSE_ON_EXEC;
		if (has->kind == PT_DATAGRAM)
			return hint_of_datagram(event, wants, has);
		return HINT_NONE;
	case CAUSE_LISTENER:
		if (leaked)
			return HINT_CLOSE_ON_EXEC;
		return (wants->share ^ has->share) & PT_REUSEPORT ? HINT_REUSEPORT_BOTH : HINT_NONE;
	default:
		return HINT_NONE;
	}
}

static void judge_in_use(struct explanation *why, const struct event *event,
			 const struct contender *wants)
{
	if (!event->local.port && wants->share & PT_ANY_PORT) {
		why->cause = CAUSE_EXHAUSTED;
		why->hint = HINT_RANGE;
		return;
	}
	if (!why->holder_count) {
		why->cause = CAUSE_UNKNOWN;
		return;
	}
	why->cause = cause_of(wants, &why->holders[0]);
	why->hint = hint_of(why->cause, event, wants, &why->holders[0]);
}

void cause_judge(struct explanation *why, const struct event *event, const struct contender *wants,
		 uint32_t limit)
{
	why->cause = CAUSE_UNKNOWN;
	switch (event->error) {
	case EADDRINUSE:
		judge_in_use(why, event, wants);
		break;
	case EACCES:
		why->cause = CAUSE_POLICY;
		if (event->local.port && event->local.port < limit) {
			why->cause = CAUSE_PRIVILEGED;
			why->hint = HINT_PRIVILEGED;
			why->limit = limit;
		}
		break;
	case EPERM:
		why->cause = CAUSE_POLICY;
		break;
	case EADDRNOTAVAIL:
		why->cause = CAUSE_NOT_LOCAL;
		why->hint = HINT_FREEBIND;
		break;
	case EINVAL:
		why->cause = event->action == EVENT_BIND && wants->share & PT_HAD_PORT
				     ? CAUSE_ALREADY_BOUND
				     : CAUSE_INVALID;
		break;
	case EAFNOSUPPORT:
	case EFAULT:
	case ENODEV:
	case EOPNOTSUPP:
		why->cause = CAUSE_INVALID;
		break;
	}
}
