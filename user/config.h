/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file of options for a service: "NAME = VALUE" lines, with the names of the long
 * options; one that takes no value is "yes" or "no".  What they mean is the table's
 * business (option_table.h).
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "values.h"

struct options;
struct services;

/*
 * Take the options of a file in, as if they stood on the command line.  0; -EINVAL: why
 * names the line and what is wrong with it; -ENOMEM.  What came before the line is set.
 */
int config_read(const char *path, struct options *options, const struct services *services,
		struct why *why);
/* The same of a text. */
int config_parse(const char *text, struct options *options, const struct services *services,
		 struct why *why);

#endif
