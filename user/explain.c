// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See explain.h.  A socket is known by the ledger as it was at the moment of the failure;
 * an answer of the kernel is a little younger, so it counts only for the same socket (by
 * address and cookie), and a process that ended in between stays a holder.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define SOCKETS_MAX 64  /* sockets in the way that are looked at closely */
#define BLOCKERS_MAX 64 /* processes that are told */
#define FOUND_MAX 8192  /* descriptors that an answer may have */

#define STEPS_LONG 16384 /* sockets at a port that are looked at, */
#define STEPS_SHORT 64   /* and if that was done a moment ago */

/* Asking the kernel may take a twentieth of the time, and this much at once. */
#define CREDIT_MAX 200000000 /* ns */
#define CREDIT_SHARE 20
#define ANSWER_FRESH 10000000 /* ns: when much was spent, the same is not asked again so soon */

/* A descriptor of a socket that has, or had, the port that was asked about. */
struct found {
	uint64_t sock, cookie;
	struct process *process; /* held; NULL: of TIME_WAIT */
	uint32_t fd;
	uint8_t state;
};

/* What is left of a connection. */
struct waiting {
	struct contender socket;
	struct process *process; /* held; whose connection it was, NULL: not known */
	uint64_t ended;          /* boot time, 0: not known */
	uint64_t until;          /* boot time, 0: not known */
	uint8_t close_by, close_how;
};

struct answer {
	uint64_t time; /* boot time, 0: never asked */
	struct endpoint local;
	uint32_t netns;
};

struct explain {
	struct explain_config config;
	struct explanation why;
	struct blocker blockers[BLOCKERS_MAX];
	const struct socket *sockets[SOCKETS_MAX]; /* in the way, the most telling first */
	size_t socket_count;
	struct answer descriptors, waits;
	struct found *found;
	size_t found_count;
	struct waiting waiting[SOCKETS_MAX];
	size_t waiting_count, waiting_left_off;
	const struct contender *wants; /* while the kernel is asked what waits */
	int64_t credit;                /* ns for questions */
	uint64_t credited;             /* boot time */
	uint64_t walked_long;          /* boot time */
};

struct explain *explain_new(const struct explain_config *config)
{
	struct explain *explain = calloc(1, sizeof(*explain));

	if (!explain)
		return NULL;
	explain->config = *config;
	explain->credit = CREDIT_MAX;
	explain->found = calloc(FOUND_MAX, sizeof(*explain->found));
	if (!explain->found) {
		free(explain);
		return NULL;
	}
	return explain;
}

static void forget_found(struct explain *explain)
{
	for (size_t i = 0; i < explain->found_count; i++)
		processes_release(explain->config.processes, explain->found[i].process);
	explain->found_count = 0;
}

static void forget_waiting(struct explain *explain)
{
	for (size_t i = 0; i < explain->waiting_count; i++)
		processes_release(explain->config.processes, explain->waiting[i].process);
	explain->waiting_count = explain->waiting_left_off = 0;
}

void explain_free(struct explain *explain)
{
	if (!explain)
		return;
	forget_found(explain);
	forget_waiting(explain);
	free(explain->found);
	free(explain);
}

static struct contender contender_of(const struct socket *socket)
{
	return (struct contender){
		.local = socket->local,
		.remote = socket->remote,
		.kind = socket->kind,
		.device = socket->device,
		.uid = socket->uid,
		.share = socket->share,
		.v6only = socket->flags & PT_V6ONLY,
		.time_wait = socket->closed,
		.kernel = socket->attribution == PT_BY_KERNEL,
	};
}

static struct contender wanting(const struct pt_socket *record, const struct event *event)
{
	return (struct contender){
		.local = event->local,
		.kind = event->kind,
		.device = record->device,
		.uid = record->uid,
		.share = record->share,
		.v6only = record->flags & PT_V6ONLY,
	};
}

/* --- asking the kernel -------------------------------------------------------- */

static void found_waiting(struct explain *explain, const struct pt_socket *open)
{
	struct waiting waiting = {
		.socket = {
			.kind = PT_CONNECTION,
			.device = open->device,
			.share = open->share,
			.time_wait = true,
			.v6only = open->flags & PT_V6ONLY,
			.local.port = open->local_port,
			.remote.port = open->remote_port,
		},
		.until = open->duration ? open->time + open->duration : 0,
	};

	memcpy(waiting.socket.local.ip, open->local_ip, sizeof(open->local_ip));
	memcpy(waiting.socket.remote.ip, open->remote_ip, sizeof(open->remote_ip));
	if (!cause_conflicts(explain->wants, &waiting.socket))
		return;
	if (explain->waiting_count < SOCKETS_MAX)
		explain->waiting[explain->waiting_count++] = waiting;
	else
		explain->waiting_left_off++;
}

void explain_found(struct explain *explain, const struct pt_socket *open, uint64_t boot_to_real)
{
	struct process *process;

	if (explain->wants) {
		found_waiting(explain, open);
		return;
	}
	process = processes_find(explain->config.processes, &open->owner, boot_to_real);
	if (process && open->fd && explain->found_count < FOUND_MAX)
		explain->found[explain->found_count++] = (struct found){
			.sock = open->sock,
			.cookie = open->cookie,
			.process = processes_hold(process),
			.fd = open->fd,
			.state = open->state_new,
		};
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

static bool is_answered(const struct answer *answer, const struct event *event)
{
	return answer->time && answer->netns == event->netns &&
	       same_end(&answer->local, &event->local);
}

/* Whether a question may be asked now, that was answered before or not. */
static bool may_ask(struct explain *explain, const struct answer *answer, bool answered)
{
	uint64_t now = clock_boot();

	explain->credit += (int64_t)((now - explain->credited) / CREDIT_SHARE);
	if (!explain->credited || explain->credit > CREDIT_MAX)
		explain->credit = CREDIT_MAX;
	explain->credited = now;
	if (answered && explain->credit < CREDIT_MAX / 2 && now - answer->time < ANSWER_FRESH)
		return false;
	return explain->credit > 0;
}

/* Whether there is an answer; it may be some moments old. */
static bool ask(struct explain *explain, struct answer *answer, enum explain_quest quest,
		const struct pt_socket *record, const struct event *event)
{
	struct explain_config *config = &explain->config;
	bool answered = is_answered(answer, event);

	if (!config->ask || (answered && answer->time >= record->time) ||
	    !may_ask(explain, answer, answered))
		return answered;
	*answer = (struct answer){ .netns = event->netns, .local = event->local };
	if (quest == EXPLAIN_DESCRIPTORS)
		forget_found(explain);
	else
		forget_waiting(explain);
	if (!config->ask(config->context, quest, event->netns, event->local.port))
		answer->time = clock_boot();
	explain->credit -= (int64_t)(clock_boot() - explain->credited);
	return answer->time;
}

/* --- the sockets in the way ---------------------------------------------------- */

/* Put a socket where its rank says; behind the last place it is left off. */
static void note_socket(struct explain *explain, const struct socket *socket)
{
	struct contender contender = contender_of(socket);
	int rank = cause_rank(&contender);
	size_t at = explain->socket_count;

	while (at) {
		contender = contender_of(explain->sockets[at - 1]);
		if (cause_rank(&contender) <= rank)
			break;
		at--;
	}
	if (at == SOCKETS_MAX)
		return;
	if (explain->socket_count < SOCKETS_MAX)
		explain->socket_count++;
	for (size_t i = explain->socket_count - 1; i > at; i--)
		explain->sockets[i] = explain->sockets[i - 1];
	explain->sockets[at] = socket;
}

/* This end closed first: what is left of the connection stays for a minute. */
static bool may_wait(const struct socket *socket, uint64_t now)
{
	return socket->kind == PT_CONNECTION && socket->close_how == PT_FIN &&
	       socket->close_by == PT_LOCAL && now - socket->ended < TIME_WAIT_LENGTH;
}

static bool in_the_way(const struct contender *wants, const struct socket *socket, bool strictly)
{
	struct contender has = contender_of(socket);

	return strictly ? cause_conflicts(wants, &has) : cause_overlaps(wants, &has);
}

/*
 * The sockets of the port for which the kernel said no, those that live or those that closed.
 * strictly: by its rules for sharing; else by their addresses alone: SO_REUSEADDR and its
 * like may have changed unseen.  Whether there are any.
 */
static bool walk(struct explain *explain, const struct pt_socket *record, const struct event *event,
		 const struct contender *wants, bool strictly, bool closed)
{
	const struct ledger *ledger = explain->config.ledger;
	bool often = record->time - explain->walked_long < ANSWER_FRESH;
	size_t steps = often ? STEPS_SHORT : STEPS_LONG;
	const struct socket *socket = NULL;

	explain->socket_count = 0;
	while ((socket = ledger_at_port(ledger, event->local.port, socket)) && steps--) {
		if ((socket->kind == PT_DATAGRAM) != event_is_udp(event) ||
		    socket->netns != event->netns || socket->closed != closed ||
		    /* Itself; what has ended may have given its address to this one. */
		    (!closed && socket->sock == record->sock) ||
		    (closed && !may_wait(socket, record->time)))
			continue;
		if (in_the_way(wants, socket, strictly))
			note_socket(explain, socket);
	}
	if (!often && steps < STEPS_LONG - 10 * STEPS_SHORT)
		explain->walked_long = record->time;
	return explain->socket_count;
}

/* --- who holds them ------------------------------------------------------------ */

static bool is_found(const struct explain *explain, const struct socket *socket, size_t i)
{
	const struct found *found = &explain->found[i];

	return found->sock == socket->sock &&
	       (!found->cookie || !socket->cookie || found->cookie == socket->cookie);
}

static bool has_process(const struct explain *explain, const struct process *process)
{
	for (size_t i = 0; i < explain->why.holder_count; i++)
		if (explain->blockers[i].process == process)
			return true;
	return false;
}

static void add(struct explain *explain, const struct blocker *blocker)
{
	if (blocker->process && has_process(explain, blocker->process))
		return;
	if (explain->why.holder_count == BLOCKERS_MAX) {
		explain->why.holders_left_off++;
		return;
	}
	processes_find_args(explain->config.processes, (struct process *)blocker->process);
	explain->blockers[explain->why.holder_count++] = *blocker;
}

/* Those that the kernel named and that were there at that time; whether there are any. */
static bool add_found(struct explain *explain, const struct socket *socket,
		      const struct blocker *like, uint64_t time)
{
	bool any = false;

	for (size_t i = 0; i < explain->found_count; i++) {
		struct blocker blocker = *like;

		if (!is_found(explain, socket, i) || explain->found[i].process->start > time ||
		    processes_exited(explain->found[i].process))
			continue;
		blocker.process = explain->found[i].process;
		blocker.fd = explain->found[i].fd;
		if (socket->kind == PT_CONNECTION)
			blocker.state = explain->found[i].state;
		add(explain, &blocker);
		any = true;
	}
	return any;
}

/* Those that the ledger knows and the kernel did not name: only if they ended just now. */
static void add_known(struct explain *explain, const struct socket *socket,
		      const struct blocker *like, bool others_found)
{
	struct holder holder;

	for (size_t i = 0; socket_holder(socket, i, &holder); i++) {
		struct blocker blocker = *like;

		if (processes_exited(holder.process) || has_process(explain, holder.process) ||
		    (others_found && processes_lives(holder.process)))
			continue;
		blocker.process = holder.process;
		blocker.fd = holder.fd;
		add(explain, &blocker);
	}
}

/* Its owner has ended: others have its descriptor. */
static bool was_left(const struct socket *socket)
{
	return socket->owner && socket->kind != PT_CONNECTION && processes_exited(socket->owner);
}

static struct blocker blocker_of(const struct socket *socket, uint64_t boot_to_real)
{
	struct blocker blocker = {
		.socket = contender_of(socket),
		.since = socket->since ? socket->since + boot_to_real : 0,
	};

	if (socket->kind == PT_CONNECTION && !(socket->flags & PT_PASSIVE))
		blocker.initiator = PT_LOCAL;
	else if (socket->kind == PT_CONNECTION)
		blocker.initiator = PT_REMOTE;
	else if (socket->kind == PT_DATAGRAM && socket->remote.port)
		blocker.initiator = PT_LOCAL;
	if (was_left(socket))
		blocker.former = socket->owner;
	return blocker;
}

static void add_holders(struct explain *explain, const struct socket *socket, bool answered,
			uint64_t time, uint64_t boot_to_real)
{
	struct blocker blocker = blocker_of(socket, boot_to_real);
	size_t before = explain->why.holder_count;
	bool found;

	if (!ledger_trusts(explain->config.ledger, socket) && !answered)
		return;
	found = answered && add_found(explain, socket, &blocker, time);
	if (ledger_trusts(explain->config.ledger, socket))
		add_known(explain, socket, &blocker, found);
	if (explain->why.holder_count > before || found)
		return;
	/* The kernel's own, or one that nobody has any more: an end of a connection that closes. */
	blocker.former = NULL;
	blocker.process = socket->owner;
	blocker.exited = socket->owner != NULL;
	add(explain, &blocker);
}

static void find_holders(struct explain *explain, const struct pt_socket *record,
			 const struct event *event, uint64_t boot_to_real)
{
	bool answered = ask(explain, &explain->descriptors, EXPLAIN_DESCRIPTORS, record, event);

	for (size_t i = 0; i < explain->socket_count; i++)
		add_holders(explain, explain->sockets[i], answered, record->time, boot_to_real);
}

/* --- what is left of connections ------------------------------------------------- */

static void own_waiting(struct explain *explain, const struct socket *socket)
{
	for (size_t i = 0; i < explain->waiting_count; i++) {
		struct waiting *waiting = &explain->waiting[i];

		if (waiting->process || !same_end(&waiting->socket.local, &socket->local) ||
		    !same_end(&waiting->socket.remote, &socket->remote))
			continue;
		waiting->process = processes_hold(socket->owner);
		waiting->ended = socket->ended;
		waiting->close_by = socket->close_by;
		waiting->close_how = socket->close_how;
	}
}

/* Whose connections they were, as far as the ledger remembers. */
static void own_all_waiting(struct explain *explain, const struct event *event)
{
	const struct ledger *ledger = explain->config.ledger;
	const struct socket *socket = NULL;

	while (explain->waiting_count &&
	       (socket = ledger_at_port(ledger, event->local.port, socket)))
		if (socket->closed && socket->netns == event->netns &&
		    ledger_trusts(ledger, socket))
			own_waiting(explain, socket);
}

static void add_waiting(struct explain *explain, const struct waiting *waiting,
			const struct pt_socket *record, uint64_t boot_to_real)
{
	struct blocker blocker = {
		.socket = waiting->socket,
		.process = waiting->process,
		.since = waiting->ended ? waiting->ended + boot_to_real : 0,
		.exited = waiting->process && processes_exited(waiting->process),
		.close_by = waiting->close_by,
		.close_how = waiting->close_how,
		.left_known = waiting->until,
		.seconds_left = event_seconds_left(record->time, waiting->until),
	};

	add(explain, &blocker);
}

/* As far as the ledger alone can tell: the kernel was not asked. */
static void guess_waiting(struct explain *explain, const struct pt_socket *record,
			  const struct event *event, const struct contender *wants)
{
	forget_waiting(explain);
	explain->waits.time = 0;
	(void)walk(explain, record, event, wants, true, true);
	for (size_t i = 0; i < explain->socket_count; i++) {
		const struct socket *socket = explain->sockets[i];

		explain->waiting[explain->waiting_count++] = (struct waiting){
			.socket = contender_of(socket),
			.process = processes_hold(socket->owner),
			.ended = socket->ended,
			.until = socket->ended + TIME_WAIT_LENGTH,
			.close_by = socket->close_by,
			.close_how = socket->close_how,
		};
	}
}

/* Whether a connection that ended is in the way. */
static bool find_waiting(struct explain *explain, const struct pt_socket *record,
			 const struct event *event, const struct contender *wants,
			 uint64_t boot_to_real)
{
	uint64_t before = explain->waits.time;

	explain->wants = wants;
	if (!ask(explain, &explain->waits, EXPLAIN_WAITING, record, event))
		guess_waiting(explain, record, event, wants);
	else if (explain->waits.time != before)
		own_all_waiting(explain, event);
	explain->wants = NULL;
	for (size_t i = 0; i < explain->waiting_count; i++)
		add_waiting(explain, &explain->waiting[i], record, boot_to_real);
	explain->why.holders_left_off += explain->waiting_left_off;
	return explain->waiting_count;
}

static void explain_in_use(struct explain *explain, const struct pt_socket *record,
			   const struct event *event, const struct contender *wants,
			   uint64_t boot_to_real)
{
	if (walk(explain, record, event, wants, true, false)) {
		find_holders(explain, record, event, boot_to_real);
		return;
	}
	if (!event_is_udp(event) && find_waiting(explain, record, event, wants, boot_to_real))
		return;
	if (walk(explain, record, event, wants, false, false))
		find_holders(explain, record, event, boot_to_real);
}

void explain_event(struct explain *explain, const struct pt_socket *record, struct event *event,
		   uint64_t boot_to_real)
{
	struct explanation *why = &explain->why;
	struct contender wants = wanting(record, event);
	const struct socket *own;

	if (!event->error || (event->action != EVENT_BIND && event->action != EVENT_LISTEN))
		return;
	*why = (struct explanation){ .holders = explain->blockers };
	processes_find_args(explain->config.processes, (struct process *)event->process);
	if (event->error == EADDRINUSE && event->local.port)
		explain_in_use(explain, record, event, &wants, boot_to_real);
	if (event->error == EINVAL) {
		own = ledger_find(explain->config.ledger, record->sock, record->cookie);
		if (own)
			why->own = own->local;
	}
	cause_judge(why, event, &wants, record->limit);
	event->why = why;
}
