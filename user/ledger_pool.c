// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_pool.h.
 */
#include "ledger_pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ledger_table.h"

#ifdef __SANITIZE_ADDRESS__ /* it shall see who uses one that was given back */
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)0)
#endif

#define HUGE_PAGE ((size_t)2 << 20)
#define ROOM_MIN ((size_t)1 << 16) /* entries */
#define SOCKET_SIZE 2048           /* bytes: no living socket takes less of the kernel's memory */

static size_t up(size_t value, size_t step)
{
	return (value + step - 1) / step * step;
}

/* Bytes: for more sockets than the machine's memory can have. */
static size_t room_wanted(void)
{
	size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
	size_t entries = memory / SOCKET_SIZE > ROOM_MIN ? memory / SOCKET_SIZE : ROOM_MIN;

	return up(entries * sizeof(struct entry), HUGE_PAGE);
}

/* Address space that begins with a huge page, and no memory yet; NULL: none. */
static void *reserve(size_t room)
{
	char *memory = mmap(NULL, room + HUGE_PAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return NULL;
	before = up((uintptr_t)memory, HUGE_PAGE) - (uintptr_t)memory;
	if (before)
		(void)munmap(memory, before);
	(void)munmap(memory + before + room, HUGE_PAGE - before);
	return memory + before;
}

int pool_init(struct pool *pool)
{
	*pool = (struct pool){ .made = 1, .room = room_wanted() };
	while (!(pool->entries = reserve(pool->room))) { /* setrlimit(RLIMIT_AS) */
		if (pool->room < ROOM_MIN * sizeof(struct entry))
			return -ENOMEM;
		pool->room /= 2;
	}
	return 0;
}

void pool_free(struct pool *pool)
{
	if (pool->entries) {
		ASAN_UNPOISON_MEMORY_REGION(pool->entries, pool->backed);
		(void)munmap(pool->entries, pool->room);
	}
	*pool = (struct pool){ 0 };
}

/* The first piece has small pages: most machines have few sockets. */
static bool grow(struct pool *pool)
{
	char *piece = (char *)pool->entries + pool->backed;

	if (pool->backed + HUGE_PAGE > pool->room ||
	    mprotect(piece, HUGE_PAGE, PROT_READ | PROT_WRITE))
		return false;
	if (pool->backed)
		prefer_huge_pages(piece, HUGE_PAGE);
	pool->backed += HUGE_PAGE;
	return true;
}

struct entry *pool_take(struct pool *pool)
{
	struct entry *entry = &pool->entries[pool->spare];

	if (pool->spare) {
		ASAN_UNPOISON_MEMORY_REGION(entry, sizeof(*entry));
		pool->spare = entry->next_closed;
		memset(entry, 0, sizeof(*entry));
		return entry;
	}
	if ((pool->made + 1) * sizeof(*entry) > pool->backed && !grow(pool))
		return NULL;
	return &pool->entries[pool->made++];
}

void pool_give(struct pool *pool, struct entry *entry)
{
	entry->next_closed = pool->spare;
	pool->spare = entry_number(pool, entry);
	ASAN_POISON_MEMORY_REGION(entry, sizeof(*entry));
}

void prefer_huge_pages(void *memory, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t before = up((uintptr_t)memory, page) - (uintptr_t)memory;

	if (size >= before + HUGE_PAGE)
		(void)madvise((char *)memory + before, (size - before) / page * page,
			      MADV_HUGEPAGE);
}
