// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cgroup.c against paths of real machines, each with where it was seen (a GitHub issue
 * or the test of another program; ids that a source cuts short are another source's),
 * and against names that were chosen to look like another's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"

#include "cgroup_ids.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define USER "/user.slice/user-1000.slice/user@1000.service"
#define NSPAWN "systemd-nspawn"

/* In path the expected id stands in braces, which are not part of it. */
struct layout {
	const char *path, *runtime, *service;
	const char *id; /* where it is not in path as it is */
};

/* What a layout leaves out is NULL. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct layout docker[] = {
	/* cgroup driver cgroupfs: ctrsploit/ctrsploit#280 */
	{ "/docker/{2403ccfe427f1dc7b6120dccb9ac58c2f8456950380d587a9f33ea7f00dd303d}",
	  "docker" },
	/* driver systemd: neuvector, share/system/cgroup_test.go, CentOS */
	{ "/system.slice/"
	  "docker-{9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d}.scope",
	  "docker" },
	/* the same, its first version: moby/moby#4450 */
	{ "/system.slice/system-docker.slice/"
	  "docker-{d6b15f04feb95083acea4b9caa6e59f8ebe67e3e3cf9cb8c59fad543490ee3ef}.scope",
	  "docker" },
	/* --cgroup-parent=docker.slice: falcosecurity/libs, container_cgroup.ut.cpp */
	{ "/docker.slice/"
	  "docker-{7951fb549ab99e0722a949b6c121634e1f3a36b5bacbe5392991e3b12251e6b8}.scope",
	  "docker" },
	/* rootless: docker/docs#14545, id of moby/moby#45014 */
	{ USER "/user.slice/"
	  "docker-{17cf4f4cf9e70ec40048541524c9ce751f3e1a1ec87074b2a746ebdaad9fa2cd}.scope",
	  "docker", "user@1000.service" },
	/* Docker for Mac: sosy-lab/benchexec#289 */
	{ "/docker-ce/docker/{17e94e79eb73327818b28b6b09f01e9e86b1615e914dcf922c884df8c3cab59e}",
	  "docker" },
	/* Docker in Docker: neuvector, RancherOS */
	{ "/docker/a9a5ad238e59234193ee7ec3fcff5e735b3708ea1068826952255b69e3cfa413"
	  "/docker/{ec08435e04266c5ba381fccbb829f626d11d8ddf5f8f547263c7a2d79ab4787a}",
	  "docker" },
	/* the same, of two drivers: jpetazzo/dind#87 */
	{ "/system.slice/docker-" OTHER_ID ".scope/docker/{" ID "}", "docker" },
	/* in a container with a systemd of its own: kubernetes/minikube#11280 */
	{ "/docker/{d6701ec289c56e4391acb11d07474b3139466857a305490575508a8b7a9fcf22}"
	  "/system.slice/crio.service", "docker" },
	/* one whose processes moved on: moby/moby, hack/dind */
	{ "/system.slice/docker-{" ID "}.scope/init", "docker" },
	/* Debian, an old version: neuvector */
	{ "/{4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970}" },
	/* Amazon ECS with limits for the task: netdata/netdata#4981 */
	{ "/ecs/a52246f2-daa7-47b4-9e84-0043331e1da0"
	  "/{38dcd24c1a7ac4b0401a1ed29ef79b0c030631df33322db9b092687c0bfd0a38}" },
	/* GitHub's runners: a minikube test's message */
	{ "/actions_job/{e62ef4349cc5a70f4b49f8a150ace391da6ad6df27073c83ecc03dbf81fde1ce}" },
	/* seen out of another cgroup namespace: kind's node, of a test's "Bene's Macbook" */
	{ "/../{eeb5987a709f847212df81424765ef935f947638609a927f2f5bfc814eb30167}/init.scope" },
	/* 32 digits are not Docker's: moby/moby#34220 */
	{ "/docker/c8cef9e2ff114e429cb845559c4a0dff" },
	/* the daemon: k3s-io/k3s#2587 */
	{ "/system.slice/docker.service", NULL, "docker.service" },
	{ "/docker" }, { "/docker/" }, { "/docker/buildkit/s3t1jgkqpwh4gcd3xa9nfkz0s" },
};

static const struct layout kubernetes[] = {
	/* driver cgroupfs, whichever runtime: Qard/container-info */
	{ "/kubepods/besteffort/pod74c13223-5a00-11e9-b385-42010a80018d"
	  "/{34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376}" },
	/* Guaranteed has no directory of its own: k3s, CJLove/rt-operator */
	{ "/kubepods/pod85af8291-287b-44b0-897e-c4e6a9c8512b"
	  "/{19e5ed27c5ab22ca59b11ebe481145f03325b330ab94dc2b55b7cec3c5cc35dd}" },
	/* kube-proxy puts itself below: neuvector */
	{ "/kubepods/besteffort/podf8a694f2-7c08-11e9-98da-000c29077430"
	  "/{c04e0a88a1de067f25bece337d4dbb897396e0b623c2a65330850fc9823f1903}/kube-proxy" },
	/* driver systemd, dockershim: neuvector */
	{ "/kubepods.slice/kubepods-besteffort.slice"
	  "/kubepods-besteffort-pod045b1e35_7f13_11e7_ac42_0050568ffca0.slice"
	  "/docker-{b5b6f2da8008be266864f896f93789762b2ce50792114a5c5f2cc3315af0bc70}.scope",
	  "docker" },
	/* containerd: kubernetes/kubernetes#106514 */
	{ "/kubepods.slice/kubepods-burstable.slice"
	  "/kubepods-burstable-pod2fc932ce_fdcc_454b_97bd_aadfdeb4c340.slice"
	  "/cri-containerd-{aaefb9d8feed2d453b543f6d928cede7a4dbefa6a0ae7c9b990dd234c56e93b9}.scope",
	  "containerd" },
	/* containerd without SystemdCgroup, kubelet with it: the same issue */
	{ "/system.slice/containerd.service"
	  "/kubepods-burstable-pod36b6d6be73b1065af369b3985edafa09.slice"
	  ":cri-containerd:{79fedb3bd23ca77c9d9ccb41909038316f713df22b54b7d942b71d3812e7c74e}",
	  "containerd", "containerd.service" },
	/* the same at the root: falcosecurity/libs */
	{ "/kubepods-burstable-podbd12dd3393227d950605a2444b13c27a.slice"
	  ":cri-containerd:{d52db56a9c80d536a91354c0951c061187ca46249e64865a12703003d8f42366}",
	  "containerd" },
	/* Docker with the wrong driver: kubernetes/kubernetes#36807 */
	{ "/system.slice/docker.service/BestEffort.slice"
	  "/BestEffort-pod0d33f94b_ab1a_11e6_9e1a_68f7281d8004.slice"
	  "/{0c34bcd7d02f321d0df7aa6ea703285b02abebc9096c5128c14091fc43ea1f3b}",
	  NULL, "docker.service" },
	/* kind: its node is a container of Docker, in a cgroup namespace of its own */
	{ "/system.slice/docker-" OTHER_ID ".scope/kubelet.slice/kubelet-kubepods.slice"
	  "/kubelet-kubepods-besteffort.slice"
	  "/kubelet-kubepods-besteffort-pod83b090de_9676_407c_99aa_d33dc6aa0c0d.slice"
	  "/cri-containerd-{18b2adc8507104e412c946bec11679590801f547eee513fa298054f14fbf4240}.scope",
	  "containerd" },
	/* driver cgroupfs in Docker: the runtime of the outer one is not the inner one's */
	{ "/actions_job/e62ef4349cc5a70f4b49f8a150ace391da6ad6df27073c83ecc03dbf81fde1ce"
	  "/kubepods/burstable/poda1de58db0ce81d19df7999f6808def1b"
	  "/{5df53230fe3483fd65f341923f18a477fda92ae9cd71061168130ef164fe479c}" },
	{ "/docker/" OTHER_ID "/kubepods/besteffort/pod1/{" ID "}" },
	/* CRI-O in Docker: kubernetes/minikube#11280 */
	{ "/docker/d6701ec289c56e4391acb11d07474b3139466857a305490575508a8b7a9fcf22"
	  "/kubepods.slice/kubepods-besteffort.slice"
	  "/kubepods-besteffort-pod2ca4a155_3599_498d_bb9d_4446693fa3ea.slice"
	  "/crio-{0ba8ac17e4e7a31fb82279503552fe94e64bab4745bf6fd2ff231e7c8ca8bed0}.scope",
	  "cri-o" },
	/* CRI-O, driver systemd: falcosecurity/libs */
	{ "/kubepods.slice/kubepods-besteffort.slice"
	  "/kubepods-besteffort-pod63b3ebfc_2890_11e9_8154_16bf8ef8d9dc.slice"
	  "/crio-{17d8c9eacc629f9945f304d89e9708c0c619649a484a215b240628319548a09f}.scope",
	  "cri-o" },
	/* with crun, which makes one more, as in htop-dev/htop#1328 */
	{ "/kubepods.slice/crio-{" ID "}.scope/container", "cri-o" },
	/* CRI-O, driver cgroupfs: falcosecurity/libs */
	{ "/kubepods/besteffort/pod63b3ebfc-2890-11e9-8154-16bf8ef8d9dc"
	  "/crio-{73bfe475650de66df8e2affdc98d440dcbe84f8df83b6f75a68a82eb7026136a}",
	  "cri-o" },
	/* CRI-O's monitor, in the pod: opencontainers/runc#4620 */
	{ "/kubepods.slice/kubepods-burstable.slice"
	  "/kubepods-burstable-pod207aaad1_659f_4db8_88e0_46e0cdcc3004.slice"
	  "/crio-conmon-32da98c8522068be05a7510a3eddb09cad6ed2f03286180d0e931d0d0b6224a6.scope" },
	/* and outside: openshift/microshift#697 */
	{ "/system.slice"
	  "/crio-conmon-e0c85fe7644a858988d9687c2e0736a7d31922740d0f3e001c6b2e0aa7e5f528.scope" },
	/* a pod without a container */
	{ "/kubepods.slice/kubepods-burstable.slice"
	  "/kubepods-burstable-pod36b6d6be73b1065af369b3985edafa09.slice" },
};

static const struct layout containerd[] = {
	/* crictl, with a parent: containerd/cri#290 */
	{ "/system.slice/system-getty.slice"
	  "/cri-containerd-{0e768f8d752fcd648adb264498daa1d8f31562320e881d6a9ec593d24b1f779a}.scope",
	  "containerd" },
	/* and without: kubernetes-sigs/cri-tools#1292 */
	{ "/k8s.io/{31ebf25aed49dcfb889acea7a7dbfdf09b65bb8deeeb4011b9a809f92660bae8}",
	  "containerd" },
	/* nerdctl, driver systemd: falcosecurity/plugins#1378 */
	{ "/system.slice/nerdctl-{" ID "}.scope", "containerd" },
	/* driver cgroupfs: falcosecurity/libs, containerd.cpp */
	{ "/default/{" ID "}", "containerd" },
	/* itself: scaphandre#146 */
	{ "/system.slice/containerd.service", NULL, "containerd.service" },
};

static const struct layout podman[] = {
	/* root, with a systemd inside: containers/podman#10602 */
	{ "/machine.slice"
	  "/libpod-{2521e906f0a0c758c3a7dc4fd68c197e32e96abb4b36807d0b0ede6d014a7c24}.scope/init.scope",
	  "podman" },
	/* its monitor: containers/podman#507 */
	{ "/machine.slice"
	  "/libpod-conmon-0411a2a82311fbc65b137ca550d5f7e6b6863bc734759be2f515b0b67062d49a.scope" },
	/* rootless, crun: htop-dev/htop#1328 */
	{ "/user.slice/user-1001.slice/user@1001.service/user.slice"
	  "/libpod-{6e341326175b101ba7ed53a8dd6654dd25398ece17cb61b1d151e123e7e479e1}.scope/container",
	  "podman", "user@1001.service" },
	/* in a pod: containers/podman#13673 */
	{ "/machine.slice"
	  "/machine-libpod_pod_ddf44d54b520f0b4469fcd01c3155ca49e6911dc2175471eb3a7b789187a7a89.slice"
	  "/libpod-{1dadda571b14eefb3158a15d0fff7e0089f9dd92f922679ed0116cccdfe8bb0f}.scope/container",
	  "podman" },
	/* --cgroups=split in a service: the same issue, and its monitor */
	{ "/srv.slice/container-homeassistant.service"
	  "/libpod-payload-{c4e8e0d642078c90dde4a8a65883a7c0bee26f751d7c6a3096dc322519c658d3}",
	  "podman", "container-homeassistant.service" },
	{ "/srv.slice/container-homeassistant.service/runtime",
	  NULL, "container-homeassistant.service" },
	/* Quadlet, root: containers/podman#16589 */
	{ "/system.slice/quadlet-minimal.service"
	  "/libpod-payload-{91c57c2ae87a8d57123bbb3083b3e158b911c4fd485da131f636f83f979b092c}",
	  "podman", "quadlet-minimal.service" },
	/* Quadlet, a user's: a blog's `systemctl --user status redis` */
	{ USER "/app.slice/redis.service"
	  "/libpod-payload-{e8c29da1a2f6c4bb032304f7dfbc5a767e026092c4a2fcbc830e58565f972f54}",
	  "podman", "redis.service" },
	/* driver cgroupfs: opencontainers/runc#2163 */
	{ "/libpod_parent"
	  "/libpod-{00b78ede55a4d847e53ddfe1e4c1b5498db0175ab22339705883f6b0dc136734}",
	  "podman" },
	/* the same in a pod, and the pod itself: containers/podman, libpod/runtime_pod_linux.go */
	{ "/libpod_parent/" OTHER_ID "/libpod-{" ID "}", "podman" },
	{ "/libpod_parent/" OTHER_ID },
	{ "/libpod_parent/conmon" },
	/* Podman in LXC: containers/crun#678 */
	{ "/lxc.payload.fedora/machine.slice/libpod-{" ID "}.scope", "podman" },
	/* what holds a user's namespaces: its name is no id */
	{ USER "/user.slice/podman-pause-651d8c4c.scope", NULL, "user@1000.service" },
};

static const struct layout nspawn[] = {
	/* from the command line: systemd/systemd#18104 */
	{ "/machine.slice/machine-{debian}.scope/payload/system.slice/cron.service", NSPAWN },
	/* what watches it: htop-dev/htop, CGroupUtils.c */
	{ "/machine.slice/machine-debian.scope/supervisor" },
	/* neither payload nor supervisor: systemd/systemd#5490 */
	{ "/machine.slice/machine-{debian}.scope", NSPAWN },
	/* rkt, with systemd's escapes, in Docker: rkt/rkt#3237 */
	{ "/docker/8e4aba3023650f4ac449874be6b68106517c5afd4ef9c70fe92901d8db523458"
	  "/machine-rkt\\x2d2f96bb50\\x2d2138\\x2d4151\\x2d921d\\x2daa48e2f50093.scope",
	  NSPAWN, NULL, "rkt-2f96bb50-2138-4151-921d-aa48e2f50093" },
	/* machinectl start: a `systemctl status systemd-nspawn@jammy` */
	{ "/machine.slice/systemd-nspawn@{jammy}.service/payload/system.slice/cron.service",
	  NSPAWN, "systemd-nspawn@jammy.service" },
	{ "/machine.slice/systemd-nspawn@jammy.service/supervisor",
	  NULL, "systemd-nspawn@jammy.service" },
	/* itself, before there was a supervisor: Delphix's upgrade containers */
	{ "/machine.slice/systemd-nspawn@delphix.uE0noy5.service",
	  NULL, "systemd-nspawn@delphix.uE0noy5.service" },
	/* a user's: systemd/systemd, TEST-13-NSPAWN.unpriv.sh */
	{ USER "/machine.slice/systemd-nspawn@{zurps}.service/payload",
	  NSPAWN, "systemd-nspawn@zurps.service" },
	/* NixOS: NixOS/nixpkgs#48749, #32551 */
	{ "/machine.slice/container@{dhcpd}.service/payload/init.scope",
	  NSPAWN, "container@dhcpd.service" },
	{ "/system.slice/system-container.slice/container@container--0.service",
	  NULL, "container@container--0.service" },
	/* Docker in it */
	{ "/machine.slice/machine-debian.scope/payload/system.slice/docker-{" ID "}.scope",
	  "docker" },
	/* a service whose container nobody knows: systemd/systemd#20889 and nspawn's payload */
	{ "/system.slice/system-l8r\\x2ddomaintld.slice/l8r-domaintld@web.service"
	  "/payload/system.slice/nginx.service", NULL, "l8r-domaintld@web.service" },
	/* libvirt's virtual machines: lkml, Christian Borntraeger, 2020-03-04 */
	{ "/machine.slice/machine-test.slice/machine-qemu\\x2d18\\x2dtest10.scope/libvirt/emulator" },
	/* and containers: netdata, cgroup-name.sh; name of systemd/systemd#13629 */
	{ "/machine.slice/machine-lxc\\x2d1268\\x2dsl.scope/libvirt", NULL, NULL, "lxc-1268-sl" },
};

static const struct layout lxc[] = {
	/* 1 to 3.0: netdata/netdata#3199, #1178 */
	{ "/lxc/{deloittedigi}/system.slice/ssh.service", "lxc" },
	{ "/lxc/{mysql-1}/init.scope", "lxc" },
	/* Proxmox: the documentation of USTC-vlab/vct */
	{ "/lxc/{6666}/ns/system.slice/lightdm.service", "lxc" },
	/* Docker in it */
	{ "/lxc/107/ns/system.slice/docker-{" ID "}.scope", "docker" },
	/* 3.1: htop-dev/htop#217 */
	{ "/lxc.payload/{example}/init.scope", "lxc" },
	{ "/lxc.monitor/example" },
	/* 4 and later, LXD and Incus: the waydroid of a script, actions.runner of a test */
	{ "/lxc.payload.{waydroid}", "lxc" },
	{ "/lxc.payload.{gha-fleet_worker}/system.slice/actions.runner.one-job.service", "lxc" },
	{ "/lxc.monitor.gha-fleet_worker" },
	/* one in the other */
	{ "/lxc.payload.outer/lxc.payload.{inner}/system.slice/ssh.service", "lxc" },
	{ "/lxc/outer/lxc/{inner}", "lxc" },
	{ "/lxc/{lxc}/init", "lxc" },
	/* by a user: lxc/lxc#3198 */
	{ "/user.slice/user-0.slice/user@0.service/run-r2f86bd3279fe4aeb88c99b64fe63a2c5.service"
	  "/lxc.payload.{eoan}", "lxc", "run-r2f86bd3279fe4aeb88c99b64fe63a2c5.service" },
	/* lxc.cgroup.pattern = lxc/%n: lxc/lxc, cgfsng.c */
	{ "/lxc/{web}/lxc.payload", "lxc" },
	/* Ubuntu 14.04's unprivileged ones can't be told from a session: draios/sysdig#428 */
	{ "/user/1000.user/2.session/my-container" },
	/* a user's own group, by pam_cgfs: lxc/lxc#1678 */
	{ "/lxc" },
};

static const struct layout services[] = {
	/* threathunters-io/laurel#228 */
	{ "/system.slice/nginx.service", NULL, "nginx.service" },
	/* below a service: systemd/systemd#38158 */
	{ "/system.slice/systemd-udevd.service/udev", NULL, "systemd-udevd.service" },
	/* escapes as they are: systemd/systemd#20889 */
	{ "/system.slice/system-l8r\\x2ddomaintld.slice/l8r\\x2ddomaintld@machine.service",
	  NULL, "l8r\\x2ddomaintld@machine.service" },
	/* a session: systemd/systemd#4602 */
	{ "/user.slice/user-1000.slice/session-1.scope" },
	/* a user's manager and what it starts: lxc/lxc#3201, the user's systemd */
	{ USER "/init.scope", NULL, "user@1000.service" },
	{ USER "/myshell.scope", NULL, "user@1000.service" },
	{ USER "/app.slice/app-gnome-steno\\x2ddesktop-4242.scope", NULL, "user@1000.service" },
	{ USER "/app.slice/app-org.gnome.Terminal.slice/gnome-terminal-server.service",
	  NULL, "gnome-terminal-server.service" },
	{ USER "/session.slice/org.gnome.Shell@wayland.service",
	  NULL, "org.gnome.Shell@wayland.service" },
	{ "/system.slice/user-runtime-dir@1000.service", NULL, "user-runtime-dir@1000.service" },
	/* WSL: moby/moby#53531 */
	{ "/wsl-user/distro-1/systemd/system.slice/cron.service", NULL, "cron.service" },
	/* removed while the process ends: the kernel's admin-guide/cgroup-v2.rst */
	{ "/system.slice/cups.service (deleted)", NULL, "cups.service" },
	{ "/docker/{" ID "} (deleted)", "docker" },
	/* neither: kontena/pharos-cluster#440, neuvector, systemd, Slurm, OpenRC, elogind */
	{ "/" }, { "/init.scope" }, { "/system.slice" }, { "/user/1000.user/c2.session" },
	{ "/system.slice/dev-hugepages.mount" }, { "/slurm/uid_1000/job_42/step_0/task_0" },
	{ "/openrc.sshd" }, { "/c1" },
};

/* Names that somebody chose to look like another's. */
static const struct layout pretenders[] = {
	/* What a service makes below itself is still that service. */
	{ "/system.slice/evil.service/system.slice/sshd.service", NULL, "evil.service" },
	{ "/system.slice/evil.service/user@0.service/sshd.service", NULL, "evil.service" },
	{ USER "/app.slice/evil.service/sshd.service", NULL, "evil.service" },
	{ USER "/user@0.service", NULL, "user@1000.service" },
	/* What a container makes below itself has no service, and is still in it. */
	{ "/lxc/{web}/lxc.monitor/web", "lxc" },
	{ "/docker/{" ID "}/conmon", "docker" },
	{ "/docker/{" ID "}/libpod-conmon-" OTHER_ID ".scope", "docker" },
	{ "/docker/{" ID "}/system.slice/sshd.service", "docker" },
	{ "/docker/{" ID "}/user@0.service", "docker" },
	/* A name may hold nothing that could be taken for something else. */
	{ "/system.slice/a b.service" }, { "/system.slice/a\033[2Jb.service" },
	{ "/system.slice/\xe2\x80\xae.service" }, { "/system.slice/\xff.service" },
	{ "/system.slice/a=b.service" }, { "/system.slice/\".service" },
	{ "/system.slice/.service" }, { "/.service/" }, { "/xservice" },
	{ "/lxc/a b" }, { "/lxc.payload.a\tb" }, { "/lxc.payload." }, { "/lxc/\xc3\xa9" },
	{ "/lxc/" }, { "/lxc/a\\x2db" },
	{ "/machine.slice/machine-.scope" }, { "/machine.slice/machine-a b.scope" },
	{ "/machine.slice/machine-a\\x2fb.scope" }, { "/machine.slice/machine-a\\x00.scope" },
	{ "/machine.slice/machine-a\\x0a.scope" }, { "/machine.slice/machine-a\\x2.scope" },
	{ "/machine.slice/machine-a\\x2g.scope" }, { "/machine.slice/machine-a\\.scope" },
	{ "/machine.slice/machine-a\\" }, { "/machine.slice/machine-a\\x" },
	{ "/machine.slice/machine-a\\y2d.scope" }, { "/machine.slice/machine-a\\xff.scope" },
	{ "/machine.slice/systemd-nspawn@.service/payload", NULL, "systemd-nspawn@.service" },
	{ "/machine.slice/container@a.service/run", NULL, "container@a.service" },
	/* 64 digits, no fewer and no more, and no others. */
	{ "/docker/2403ccfe427f1dc7b6120dccb9ac58c2f8456950380d587a9f33ea7f00dd303" },
	{ "/docker/" ID "0" }, { "/docker/0" ID }, { "/docker/ " ID }, { "/docker/" ID " " },
	{ "/docker/2403CCFE427f1dc7b6120dccb9ac58c2f8456950380d587a9f33ea7f00dd303d" },
	{ "/docker/2403gcfe427f1dc7b6120dccb9ac58c2f8456950380d587a9f33ea7f00dd303d" },
	{ "/docker-" ID ".scope.scope" }, { "/docker" ID }, { "/docker_" ID ".scope" },
	{ "/-" ID }, { "/:" ID }, { "/::" ID }, { "/docker:x:" ID }, { "/x-docker-" ID },
	{ "/docker-" ID ".slice" }, { "/var-lib-docker-containers-" ID "-mounts-shm.mount" },
	/* Not the runtime that the directory above is called. */
	{ "/dockerx/{" ID "}" }, { "/k8s.io/x/{" ID "}" },
	{ "//docker///{" ID "}//", "docker" },
	{ "/a:docker:{" ID "}", "docker" },
	{ ":docker:" },
};
/* clang-format on */

/* Take the braces out of the path, and what is between them is the id. */
static void expect(const struct layout *layout, char *path, size_t size, char *id, size_t id_size)
{
	const char *open = strchr(layout->path, '{'), *close = strchr(layout->path, '}');

	(void)snprintf(id, id_size, "%s", layout->id ? layout->id : "");
	if (!open) {
		(void)snprintf(path, size, "%s", layout->path);
		return;
	}
	(void)snprintf(id, id_size, "%.*s", (int)(close - open - 1), open + 1);
	(void)snprintf(path, size, "%.*s%s%s", (int)(open - layout->path), layout->path, id,
		       close + 1);
}

static const char *or_none(const char *string)
{
	return string ? string : "";
}

static bool check_layout(const struct layout *layout)
{
	char path[1024], id[CGROUP_NAME_LEN], *exact;
	struct cgroup_place place;
	int err, expected = layout->path[0] == '/' ? 0 : -EINVAL;

	expect(layout, path, sizeof(path), id, sizeof(id));
	exact = strdup(path); /* so that the sanitizer sees a byte read too far */
	assert_non_null(exact);
	memset(&place, 0xa5, sizeof(place));
	err = cgroup_parse(&place, exact);
	free(exact);
	if (err != expected)
		return false;
	if (err)
		return true;
	if (!strcmp(place.id, id) && !strcmp(or_none(place.runtime), or_none(layout->runtime)) &&
	    !strcmp(place.service, or_none(layout->service)) && !place.depth == !id[0])
		return true;
	print_error("%s:\n  '%s' %s '%s' depth %u\n", path, place.id, or_none(place.runtime),
		    place.service, place.depth);
	return false;
}

static void check_layouts(const struct layout *layouts, size_t count)
{
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++)
		wrong += !check_layout(&layouts[i]);
	assert_int_equal(wrong, 0);
}

#define LAYOUTS_TEST(layouts)                           \
	static void test_##layouts(void **state)        \
	{                                               \
		(void)state;                            \
		check_layouts(layouts, COUNT(layouts)); \
	}

LAYOUTS_TEST(docker)
LAYOUTS_TEST(kubernetes)
LAYOUTS_TEST(containerd)
LAYOUTS_TEST(podman)
LAYOUTS_TEST(nspawn)
LAYOUTS_TEST(lxc)
LAYOUTS_TEST(services)
LAYOUTS_TEST(pretenders)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),     cmocka_unit_test(test_kubernetes),
		cmocka_unit_test(test_containerd), cmocka_unit_test(test_podman),
		cmocka_unit_test(test_nspawn),     cmocka_unit_test(test_lxc),
		cmocka_unit_test(test_services),   cmocka_unit_test(test_pretenders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
