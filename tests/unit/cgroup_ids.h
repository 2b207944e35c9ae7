/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ids of two containers, where it does not matter of which, for the tests of cgroup.c.
 */
#ifndef CGROUP_IDS_H
#define CGROUP_IDS_H

#define ID "2403ccfe427f1dc7b6120dccb9ac58c2f8456950380d587a9f33ea7f00dd303d"
#define OTHER_ID "a9a5ad238e59234193ee7ec3fcff5e735b3708ea1068826952255b69e3cfa413"

#endif
